r"""Whom to forget, what names them, and what a finding says without them.

How words are matched, whatever their case:

1. The id stands in a text as a whole word: letters, digits and `_` end it nowhere, nor do a dot or dash that leads on to
   more of them. So `anna` is named by `TOWN\anna`, `anna@town.example` and `user=anna`, not by `hanna`, `anna.berg` or
   `anna-maria`.
2. A host is also named by its full name: `ws-1` by `ws-1.town.example`.
3. An address is also named by another spelling of it (RFC 4291, section 2.2).
4. A text is looked at as it stands, and as it reads without the escapes of JSON (RFC 8259, section 7), where it holds an
   object, and of URLs (RFC 3986, section 2.1): a name begins behind `\t` or `%5C` too. Composed and decomposed forms of a
   letter (Unicode, NFC and NFD) are the same.
5. An event names somebody where its host, user, source or kind does, its raw record, or any of its fields, names and
   nested ones included. Only events of the subject's site count.
"""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from tocsin.records.event import Event, SetAside
from tocsin.records.finding import Claim, Entity, Evidence, Finding
from tocsin.records.incident import Incident

KINDS: Final = ("user", "host", "address")
_BEFORE: Final = r"(?<!\w)(?<!\w[.\-])"
_AFTER: Final = {"host": r"(?!\w)(?!-\w)"}
_AFTER_OTHERS: Final = r"(?!\w)(?![.\-]\w)"
_BEFORE_GROUPS: Final = r"(?<![\w:]:)"  # of IPv6 too, a part is another address
_UNQUOTED: Final = "@!$&'()*+,;=:/\\"
"""Signs that many leave as they are in a URL (RFC 3986, section 3.4), and the backslash, which browsers do."""
_OBJECT: Final = re.compile(r'\{\s*\\?"')
_INNER: Final = re.compile(r'\{\s*\\"')  # a log of JSON may hold lines of JSON
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|[\"\\/bfnrt])")
_ESCAPES: Final[Mapping[str, str]] = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ADDRESS: Final = re.compile(r"(?<![\w:.])\[?[0-9A-Fa-f:.]{2,45}\]?(?![\w:])", re.ASCII)
_AFTER_GROUPS: Final = r"(?!:[\w:])"


@dataclass(frozen=True)
class Subject:
    """Somebody or something to forget.

    Attributes:
        site: Where they belong.
        kind: One of `KINDS`.
        id: How logs name them.
        mark: What stands in their place from then on.

    Raises:
        ValueError: the kind is unknown, or the id names nobody.
    """

    site: str
    kind: str
    id: str
    mark: str = "forgotten"
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _address: Any = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!a} is none of {', '.join(KINDS)}")
        if len(self.id.strip()) < 2 or self.id != self.id.strip():
            raise ValueError("the id must have two characters at least, and no blanks around it")
        object.__setattr__(self, "_pattern", self._compiled())
        if self.kind == "address":
            object.__setattr__(self, "_address", _address(self.id))
            if self._address is None:
                raise ValueError(f"{self.id!a} is no address")

    def spellings(self) -> tuple[str, ...]:
        """The id, and how JSON writes it: what a text must hold, whatever the case, to name them; not so for an address."""
        texts: list[str] = []
        for form in (self.id, unicodedata.normalize("NFC", self.id), unicodedata.normalize("NFD", self.id)):
            texts += [form, json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1]]
            texts += [quote(form, safe=_UNQUOTED, errors="replace"), quote(form, safe="", errors="replace")]
        return tuple(dict.fromkeys(texts))

    def _compiled(self) -> re.Pattern[str]:
        words = "|".join(map(re.escape, self.spellings()))
        before, after = _BEFORE, _AFTER.get(self.kind, _AFTER_OTHERS)
        if self.kind == "address" and ":" in self.id:
            before, after = before + _BEFORE_GROUPS, after + _AFTER_GROUPS
        return re.compile(f"{before}(?:{words}){after}", re.IGNORECASE)

    def in_text(self, text: str | None) -> bool:
        """Whether `text` names them."""
        if not text:
            return False
        if any(map(self._pattern.search, _readings(text))):
            return True
        return self._address is not None and any(
            _address(one[0].rstrip(".")) == self._address for one in _ADDRESS.finditer(text)
        )

    def in_value(self, value: Any) -> bool:
        """Whether a value, or anything in it, names them."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                if self.in_text(one):
                    return True
            elif isinstance(one, Mapping):
                waiting.extend(one.keys())
                waiting.extend(one.values())
            elif isinstance(one, list | tuple | set | frozenset):
                waiting.extend(one)
            elif isinstance(one, int | float) and not isinstance(one, bool) and self.in_text(str(one)):
                return True
        return False

    def in_event(self, event: Event) -> bool:
        """Whether `event` names them."""
        if event.site != self.site:
            return False
        return (
            any(map(self.in_text, (event.host, event.user, event.source, event.kind, event.raw)))
            or self.in_value(event.fields)
        )  # fmt: skip

    def in_set_aside(self, record: SetAside) -> bool:
        """Whether a record that could not be read names them."""
        return any(map(self.in_text, (record.source, record.reason, record.raw)))


def _readings(text: str) -> Iterator[str]:
    """`text`, and as it reads without escapes."""
    yield text
    if "\\" in text and _OBJECT.search(text):
        once = _ESCAPE.sub(_unescaped, text)
        yield once
        if _INNER.search(text):
            yield _ESCAPE.sub(_unescaped, once)
    if "%" in text:
        yield unquote_plus(text)


def _unescaped(found: re.Match[str]) -> str:
    word = found[1]
    return chr(int(word[1:], 16)) if word[0] == "u" else _ESCAPES.get(word, word)


def _address(text: str) -> Any:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def finding_without(finding: Finding, subject: Subject) -> Finding:
    """`finding` without what names `subject`; itself where nothing does.

    Its id and its evidence's ids stay. Evidence that names them holds no record any more, and what was stated on it goes;
    where nothing is left to state, what is left is that a record was forgotten.
    """
    if finding.subject.site != subject.site or not subject.in_value(_texts(finding)):
        return finding
    gone = {
        one.event_id for one in finding.evidence if any(map(subject.in_text, (one.raw, one.host, one.source)))
    }
    for claim in finding.claims:
        if subject.in_value(claim.values):
            gone.update(claim.evidence)
    evidence = tuple(_without(one, subject) if one.event_id in gone else one for one in finding.evidence)
    claims = tuple(claim for claim in finding.claims if not gone.intersection(claim.evidence))
    if not claims and finding.claims:
        first = finding.evidence[0]
        claims = (Claim("record_says", {"text": subject.mark}, (first.event_id,), first.time),)
    return replace(
        finding,
        subject=entity_without(finding.subject, subject),
        evidence=evidence,
        entities=tuple(dict.fromkeys(entity_without(one, subject) for one in finding.entities)),
        claims=claims,
        group={name: text_without(value, subject) for name, value in finding.group.items()},
    )


def evidence_without(one: Evidence, subject: Subject) -> Evidence:
    """`one` without its record, where that names `subject`."""
    return _without(one, subject) if any(map(subject.in_text, (one.raw, one.host, one.source))) else one


def _without(one: Evidence, subject: Subject) -> Evidence:
    host = None if one.host is None else text_without(one.host, subject)
    return replace(one, source=text_without(one.source, subject), host=host, raw=subject.mark)


def entity_without(entity: Entity, subject: Subject) -> Entity:
    """`entity`, or the mark in its place."""
    return replace(entity, id=subject.mark) if subject.in_text(entity.id) else entity


def text_without(text: str, subject: Subject) -> str:
    """`text`, or the mark in its place where it names them."""
    return subject.mark if subject.in_text(text) else text


def incident_without(incident: Incident, subject: Subject) -> Incident:
    """`incident` without what names `subject`, its findings left aside; itself where nothing does."""
    named = {
        name: tuple(dict.fromkeys(text_without(one, subject) for one in getattr(incident, name)))
        for name in ("hosts", "users", "addresses")
    }
    return replace(incident, **named)  # type: ignore[arg-type]


def _texts(finding: Finding) -> list[Any]:
    return [
        finding.subject.id,
        [(one.raw, one.host, one.source) for one in finding.evidence],
        [one.id for one in finding.entities],
        [one.values for one in finding.claims],
        dict(finding.group),
    ]
