"""The one call of this room: an incident in, its words out. Deterministic; no model has a hand in it."""

from __future__ import annotations

from tocsin.advise.steps import steps
from tocsin.advise.story import story
from tocsin.advise.titles import title
from tocsin.records.incident import Incident, Told


def tell(incident: Incident) -> Told:
    """`incident` with its title, its story and three next steps."""
    return Told(incident, title(incident), story(incident), steps(incident))
