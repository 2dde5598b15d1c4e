"""What a correlation counted, in plain words: the fields that Sigma rules group and count by, as people call them."""

from __future__ import annotations

import re
from typing import Final

from tocsin.advise.phrases import computer, name, quoted
from tocsin.records import accounts

_ADDRESSES: Final = frozenset(
    {
        "ipaddress",
        "clientip",
        "srcip",
        "remip",
        "src_ip",
        "c-ip",
        "id.orig_h",
        "id.resp_h",
        "sourceip",
        "destip",
    }
)
_COMPUTERS: Final = frozenset({"computer", "host", "hostname"})
_ACCOUNTS: Final = frozenset({"userid", "user", "targetusername", "subjectusername", "userprincipalname"})
_COUNTED: Final[dict[str, str]] = {
    "objectid": "items",
    "targetfilename": "files",
    "servicename": "services",
    "commandline": "command lines",
    "image": "programs",
}

_PAIR: Final = re.compile(r"id\.orig_h ([0-9a-fA-F.:]+), id\.resp_h ([0-9a-fA-F.:]+)")
"""Zeek's two ends of a connection, the only pair of fields that our own rules group by."""


def grouped(text: str) -> str:
    """` for the address 10.1.2.3`, ` on WS-014`, ` for the account anna`; the words as they stand where a field is unknown.

    Args:
        text: The claim's `group`: field names and values, as `name value, name value`.
    """
    pair = _PAIR.fullmatch(text)
    if pair and all(map(accounts.is_address, pair.groups())):
        return f" from {pair[1]} to {pair[2]}"
    field, _, value = text.partition(" ")
    field = field.casefold()
    if field in _ADDRESSES and accounts.is_address(value):
        return f" for the address {value}"
    if not value or ", " in value:  # perhaps several fields: an attacker may have written the comma
        return f" for {quoted(text, 100)}"
    if field in _COMPUTERS:
        return f" on {computer(value)}"
    if field in _ACCOUNTS:
        return f" for the account {name(value)}"
    return f" for {quoted(text, 100)}"


def different(number: str, field: str) -> str:
    """`, with 36 different accounts`; without a known field `, with 36 different values of “X”` or just the number."""
    folded = field.casefold()
    kinds = {"addresses": _ADDRESSES, "computers": _COMPUTERS, "accounts": _ACCOUNTS}
    what = next((plain for plain, fields in kinds.items() if folded in fields), _COUNTED.get(folded))
    if what is None:
        what = f"values of {quoted(field, 60)}" if field else "values"
    return f", with {name(number)} different {what}"
