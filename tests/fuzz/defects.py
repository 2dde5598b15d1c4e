"""What a target raised: told apart by where it came from, made smaller, and kept."""

from __future__ import annotations

import hashlib
import random
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SHRINK_SECONDS = 20.0


@dataclass(frozen=True)
class Defect:
    """One way in which a target fails: the kind of error and the place, without what varies from input to input."""

    signature: str
    trace: str

    @property
    def name(self) -> str:
        """A file name for the input that shows it."""
        return "found-" + hashlib.sha256(self.signature.encode()).hexdigest()[:10]


def defect_of(run: Callable[[bytes], object], data: bytes) -> Defect | None:
    """The defect that `data` shows, None where all is well."""
    try:
        run(data)
    except Exception as error:  # noqa: BLE001  whatever is raised is what we look for
        frames = traceback.extract_tb(error.__traceback__)
        ours = [
            f"{Path(one.filename).stem}.{one.name}"
            for one in frames
            if "/tocsin/" in one.filename or "/fuzz/" in one.filename
        ]
        told = (
            re.sub(r"\d+|'[^']*'|\"[^\"]*\"", "#", str(error))[:60]
            if isinstance(error, AssertionError)
            else ""
        )
        signature = f"{type(error).__name__} {'>'.join(ours[-2:])} {told}"
        return Defect(signature, "".join(traceback.format_exception(error))[-4000:])
    return None


def shrunk(run: Callable[[bytes], object], data: bytes, defect: Defect) -> bytes:
    """The smallest input found in `SHRINK_SECONDS` that shows the same defect."""
    until = time.monotonic() + SHRINK_SECONDS
    size = max(1, len(data) // 2)
    while time.monotonic() < until:
        at, smaller = 0, data
        while at < len(smaller) and time.monotonic() < until:
            tried = smaller[:at] + smaller[at + size :]
            found = defect_of(run, tried)
            if found is not None and found.signature == defect.signature:
                smaller = tried
            else:
                at += size
        if size == 1 and smaller == data:
            break
        data, size = smaller, max(1, size // 2)
    return data


class Found:
    """The distinct defects of a run, each kept in `folder` as its input and its trace."""

    def __init__(self, run: Callable[[bytes], object], folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._known: set[str] = set()

    def try_(self, data: bytes) -> None:
        """Runs `data`; a defect that was not met before is made smaller and kept."""
        defect = defect_of(self._run, data)
        if defect is None or defect.signature in self._known:
            return
        self._known.add(defect.signature)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / defect.name).write_bytes(shrunk(self._run, data, defect))
        (self._folder / f"{defect.name}.trace").write_text(
            f"{defect.signature}\n{defect.trace}", encoding="utf-8", errors="replace"
        )


def spoilt(data: bytes, chance: random.Random) -> bytes:
    """`data` with a few bits, bytes, spans, sizes or chunks changed, or its end cut off: for readers without coverage."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 40))):
        if len(out) < 16:
            break
        at = chance.randrange(len(out))
        change = chance.randrange(8)
        if change == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif change == 1:
            out[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif change == 2:  # a size, an offset or a count
            width = chance.choice((2, 4, 8))
            value = chance.choice(
                (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, len(out), chance.randrange(2**16))
            )
            out[at : at + width] = (value % 2 ** (8 * width)).to_bytes(width, "little")
        elif change == 3:
            length = chance.randrange(1, 200)
            out[at : at + length] = bytes(length) if chance.random() < 0.5 else chance.randbytes(length)
        elif change == 4 and chance.random() < 0.2:
            del out[at:]
        elif change == 5:  # two pieces of the same grid change places: records, chunks
            grid = chance.choice((8, 512, 4096, 65536))
            one, other = chance.randrange(0, len(out), grid), chance.randrange(0, len(out), grid)
            out[one : one + grid], out[other : other + grid] = (
                out[other : other + grid],
                out[one : one + grid],
            )
        elif change == 6:
            length = chance.randrange(1, 64)
            other = chance.randrange(len(out))
            out[at : at + length] = out[other : other + length]
        elif chance.random() < 0.2:
            del out[at : at + chance.randrange(1, 64)]
    return bytes(out)
