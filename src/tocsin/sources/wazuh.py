"""Wazuh's alerts.json and archives.json of other agents than Windows: the original line stands in `full_log`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text import FORMATS
from tocsin.sources.times import first_instant

Record = Mapping[str, Any]
_SURE = 0.3


class WazuhOther:
    """An event with its original line."""

    name = "wazuh-line"

    def recognises(self, record: Record) -> bool:
        """`full_log` beside what Wazuh always writes."""
        return isinstance(record.get("full_log"), str) and (
            "decoder" in record or "agent" in record or "manager" in record
        )

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft of the original line, with Wazuh's own fields beside it.

        Raises:
            BadRecord: never; a line that cannot be read leaves Wazuh's own fields.
        """
        line = str(record.get("full_log"))
        inner = _line_draft(line, context)
        draft = inner if inner is not None else Draft(fields={}, logsources=frozenset(), kind="wazuh")
        for name, value in record.items():
            draft.fields.setdefault(name, value)
        time = first_instant(record, ("timestamp", "@timestamp"), context.zone)
        draft.time = time if time is not None else draft.time
        agent = record.get("agent")
        if draft.host is None and isinstance(agent, Mapping) and isinstance(agent.get("name"), str):
            draft.host = agent["name"]
        return draft


def _line_draft(line: str, context: ReadContext) -> Draft | None:
    """The draft of `line` in the text format that knows it best, None where none does."""
    if "\n" in line:
        return None
    sure, best = max(((one.recognises([line], context), one) for one in FORMATS), key=lambda pair: pair[0])
    if sure < _SURE or best.name in {"csv", "text"}:
        return None
    try:
        return best.parser(context).parse(line)
    except BadRecord:
        return None
