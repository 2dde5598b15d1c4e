"""What every page is made with: templates that escape all text, one look, and a policy that lets nothing run or load."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from tocsin.records.inert import inert, inert_lines
from tocsin.records.instants import rfc3339, to_datetime


@cache
def environment() -> Environment:
    """The templates. Filters: `inert` and `lines` for what others wrote, `instant` and `moment` for instants."""
    made = Environment(
        loader=PackageLoader("tocsin.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"inert": inert, "lines": inert_lines, "instant": rfc3339, "moment": moment}
    return made


def style(*sheets: str) -> tuple[str, str]:
    """The style `sheets` as one, and its SHA-256 as a Content-Security-Policy wants it."""
    text = "\n".join(environment().get_template(sheet).render() for sheet in sheets)
    return text, base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def moment(instant: int) -> str:
    """`2026-03-01 02:10 UTC`."""
    at = to_datetime(instant)
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d} {at:%H:%M} UTC"
