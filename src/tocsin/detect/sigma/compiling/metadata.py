"""What a rule says about itself, read leniently: a badly written date or tag stops no detection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from tocsin.detect.sigma.compiling.lowering import Unsupported
from tocsin.detect.sigma.ruleset import Metadata
from tocsin.records.finding import LEVELS, Level

_TITLE_CHARS: Final = 256  # Sigma specification, "Title"

_TECHNIQUE = re.compile(r"attack\.(t[0-9]{4}(\.[0-9]{3})?)")
_TACTIC = re.compile(r"attack\.([a-z][a-z_-]*)")


def metadata_of(content: Mapping[Any, Any], path: str) -> Metadata:
    """The metadata of the rule, correlation or filter `content`.

    Raises:
        Unsupported: it has no usable title, or its field names are of another taxonomy.
    """
    title = content.get("title")
    if not isinstance(title, str) or not title.strip():
        raise Unsupported("has no title: give it one")
    if len(title) > _TITLE_CHARS:
        raise Unsupported(f"has a title of {len(title)} characters: shorten it to {_TITLE_CHARS}")
    taxonomy = content.get("taxonomy") or "sigma"
    if taxonomy != "sigma":
        raise Unsupported(
            f"uses the taxonomy {str(taxonomy)[:60]!r}: rewrite its fields in the taxonomy sigma"
        )
    name = _text(content.get("name")) or None
    tags = [tag.lower() for tag in _texts(content.get("tags"))]
    return Metadata(
        id=rule_id(content) or name or title,
        name=name,
        title=title,
        level=_level(content.get("level")),
        status=_text(content.get("status")),
        description=_text(content.get("description")).strip(),
        falsepositives=_texts(content.get("falsepositives")),
        techniques=_unique(match[1].upper() for tag in tags if (match := _TECHNIQUE.fullmatch(tag))),
        tactics=_unique(match[1].replace("_", "-") for tag in tags if (match := _TACTIC.fullmatch(tag))),
        path=path,
    )


def rule_id(content: Mapping[Any, Any]) -> str | None:
    """The id of a rule, in the one spelling that UUIDs have where it is one."""
    text = _text(content.get("id")).strip()
    try:
        return str(UUID(text))
    except ValueError:
        return text or None


def _level(value: Any) -> Level:
    text = _text(value).lower()
    return next((level for level in LEVELS if level == text), "medium")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _unique(texts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
