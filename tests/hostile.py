"""What "inert" means where a person or a program looks at our output; shared by fuzzing and the end-to-end tests."""

from __future__ import annotations

import json
import unicodedata
from html.parser import HTMLParser

_HARMLESS_FORMAT = "\n"
_DRAWN_AS_NOTHING = "\u115f\u1160\u3164\uffa0\u2800"


def assert_inert_text(text: str) -> None:
    """No character of `text` moves a cursor, hides, or turns the direction of writing (Unicode Cc, Cf, Cs, Zl, Zp)."""
    for char in text:
        if char == _HARMLESS_FORMAT:
            continue
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, f"raw {char!a} in {text!a}"
        assert char not in _DRAWN_AS_NOTHING, f"invisible {char!a}"


class _Page(HTMLParser):
    """Notes everything in a page that could run, load or send."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.active: list[str] = []
        self.texts: list[str] = []
        self._styled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._styled = tag == "style"
        if tag in {
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "img",
            "link",
            "base",
            "audio",
            "video",
        }:
            self.active.append(tag)
        for name, value in attrs:
            target = name in {"href", "src", "xlink:href", "action", "formaction", "srcset", "data", "poster"}
            if name.startswith("on") or name == "style" or (target and not (value or "").startswith("#")):
                self.active.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self._styled = False

    def handle_data(self, data: str) -> None:
        if not self._styled:
            self.texts.append(data)


def assert_inert_page(page: str) -> str:
    """`page` runs nothing, loads nothing and shows no hidden character; the text that a reader sees in it."""
    parsed = _Page()
    parsed.feed(page)
    parsed.close()
    assert not parsed.active, parsed.active
    text = "".join(parsed.texts)
    assert_inert_text(text)
    return text


def json_lines(output: bytes) -> list[dict[str, object]]:
    """The objects of `output`, each a line of valid JSON in UTF-8, the last a summary."""
    lines = output.decode().splitlines() if b"\x85" not in output else output.decode().split("\n")
    found = [json.loads(line, parse_constant=_no_json) for line in lines if line]
    assert found
    assert found[-1]["kind"] == "summary"
    return found


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
