"""Messages of well-known programs: the expression, what it means, and the fields it gives.

Every expression must match the whole message and is written so that it takes linear time: no repeated group holds
another repetition of the same characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

AUTHENTICATION = 3002
ACCOUNT_CHANGE = 3001
PROCESS = 1007
NETWORK = 4001
HTTP = 4002
DETECTION = 2004
"""OCSF 1.4 class_uid values."""

_NUMBERS = frozenset({"src_port", "dst_port"})


@dataclass(slots=True)
class Said:
    """What a message says.

    Attributes:
        fields: Name to value.
        ocsf_class: OCSF class_uid, 0 where none fits.
    """

    fields: dict[str, Any]
    ocsf_class: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """One well-known message.

    Attributes:
        pattern: Expression for the whole message; its named groups become fields. `src` becomes `src_ip` where it is
            an address and `src_host` where it is a name.
        action: What happened, the value of the field `action`.
        ocsf_class: OCSF class_uid.
    """

    pattern: str
    action: str
    ocsf_class: int = 0
    expression: re.Pattern[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", re.compile(self.pattern, re.DOTALL))

    def read(self, message: str) -> Said | None:
        """What `message` says, or None where it is another one."""
        match = self.expression.fullmatch(message)
        if match is None:
            return None
        fields: dict[str, Any] = {"action": self.action}
        for name, value in match.groupdict().items():
            if value:
                fields.update(address_field("src", value) if name == "src" else {name: number(name, value)})
        return Said(fields, self.ocsf_class)


def first_known(messages: Sequence[Known], message: str) -> Said | None:
    """What the first of `messages` that fits says."""
    for known in messages:
        said = known.read(message)
        if said is not None:
            return said
    return None


def number(name: str, value: str) -> str | int:
    """`value` as int where the field `name` is a port number."""
    return (
        int(value) if name in _NUMBERS and value.isascii() and value.isdigit() and len(value) <= 5 else value
    )


def address_field(side: str, value: str) -> dict[str, str]:
    """`{side}_ip` where `value` is an address (its IPv4-mapped prefix taken off), else `{side}_host`."""
    try:
        ip_address(value)
    except ValueError:
        return {f"{side}_host": value}
    return {f"{side}_ip": value.removeprefix("::ffff:") if value.count(".") == 3 else value}
