"""One table of `tocsin.toml`, read key by key into typed values; every refusal names the file, the table and the key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

from tocsin.config import bounds
from tocsin.config.addresses import HOW_TO, Address, parse_address
from tocsin.records.errors import OperatorError

_SIZE: Final = re.compile(r"([0-9]{1,6}) ?([kMGT]|[KMGT]i)?B", re.ASCII)
_UNITS: Final = {
    None: 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """What stands in one table.

    Attributes:
        file: The settings file.
        name: Of the table: `run.http`.
        values: What it holds.
        over: What the environment or flags say, which goes before it; a path there starts from the working folder,
            one in the file from the file's folder.
    """

    file: Path
    name: str
    values: Mapping[str, Any]
    over: Mapping[str, Any] = field(default_factory=dict)

    def check(self, known: Collection[str]) -> None:
        """Refuses a key that is not `known`."""
        for key in (*self.values, *self.over):
            if key not in known:
                raise OperatorError(
                    f"{self.file}: [{self.name}] has no setting {key}.",
                    f"It has: {', '.join(sorted(known))}.",
                )

    def refuse(self, key: str, what: str, right: str) -> NoReturn:
        """Raises the OperatorError that says `what` is wrong with `key`, and what would be right."""
        place = f"--{key}" if key in self.over else f"{self.file}: [{self.name}] {key}"
        raise OperatorError(f"{place} {what}.", right)

    def table(self, key: str) -> Table:
        """The table `key` in this one; empty where it is missing."""
        values = self.values.get(key, {})
        if not isinstance(values, Mapping):
            self.refuse(key, "is no table", f"Write [{self.name}.{key}] and its settings below.")
        return Table(self.file, f"{self.name}.{key}", values)

    def text(self, key: str, default: str, right: str = 'Write a text, such as "local".') -> str:
        """A text without control characters."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(key, "is no text", right)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """A truth value."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "is neither true nor false", "Write true or false, without quotes.")
        return value

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"is no whole number from {least} to {most}", f"Write one, such as {default}.")
        return value

    def size(self, key: str, default: int, least: int) -> int:
        """A number of bytes: a whole number, or a text such as `50 GB`."""
        value = self._get(key, default)
        if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
            value = int(match[1]) * _UNITS[match[2]]
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(key, "is no size", 'Write one such as "50 GB", or a whole number of bytes.')
        if not least <= value < 2**62:
            self.refuse(key, f"is not from {least} to {2**62 - 1} bytes", 'Write a size such as "50 GB".')
        return value

    def path(self, key: str) -> Path | None:
        """A path, or None where the key is missing."""
        return self._path(key, self._get(key, "")) if key in self.values or key in self.over else None

    def texts(self, key: str, right: str) -> tuple[str, ...]:
        """A list of texts without control characters, each once."""
        found = self._list(key, right, ())
        for value in found:
            if not isinstance(value, str) or not value or not value.isprintable():
                self.refuse(key, "holds what is no text", right)
        return tuple(dict.fromkeys(found))

    def paths(self, key: str) -> tuple[Path, ...]:
        """A list of paths."""
        return tuple(self._path(key, value) for value in self._list(key, 'Write a list, such as ["rules"].'))

    def addresses(self, key: str, default: Sequence[str] = ()) -> tuple[Address, ...]:
        """A list of addresses to listen on, each once."""
        found: list[Address] = []
        for value in self._list(key, 'Write a list, such as ["127.0.0.1:8088"].', default):
            if not isinstance(value, str):
                self.refuse(key, "holds what is no text", HOW_TO)
            try:
                address = parse_address(value)
            except ValueError as error:
                self.refuse(key, f"holds {value!a}, which {error}", HOW_TO)
            if address in found and address.port:
                self.refuse(key, f"names {address} twice", "Remove one of them.")
            found.append(address)
        if len(found) > bounds.LISTEN_ADDRESSES:
            self.refuse(key, f"names more than {bounds.LISTEN_ADDRESSES} addresses", "Name fewer.")
        return tuple(found)

    def _get(self, key: str, default: Any) -> Any:
        return self.over.get(key, self.values.get(key, default))

    def _list(self, key: str, right: str, default: Sequence[str] = ()) -> Sequence[Any]:
        value = self._get(key, default)
        if not isinstance(value, (list, tuple)):
            self.refuse(key, "is no list", right)
        return value

    def _path(self, key: str, value: Any) -> Path:
        if isinstance(value, Path):
            value = str(value)
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(
                key, "is no path", 'Write one, such as "/var/lib/tocsin"; it starts from this file\'s folder.'
            )
        return Path(value) if key in self.over else self.file.parent / value
