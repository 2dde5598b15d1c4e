r"""The model of a plant as one file: data only, whole or refused.

```
16 bytes   b"TOCSIN-PLANT-1\n\n"
32 bytes   SHA-256 of what follows
rest       MessagePack: {"version", "model", "spelling"}, after a recalibration also "confirmed"; an array is
           [shape, its numbers as little-endian bytes]
```

There is no code in it, unlike a pickle: reading a file that somebody made up can end in an `OperatorError` and nothing
else. Types and sizes are checked while decoding (`model_fields.py`), what numbers may mean afterwards (`model_checks.py`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from tocsin.config import bounds
from tocsin.detect.plant.model import VERSION, PlantModel
from tocsin.engine.plant.model_checks import check
from tocsin.engine.plant.model_fields import Unfit, decoded, encoded
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Spelling

MAGIC: Final = b"TOCSIN-PLANT-1\n\n"
_ANY: Final = b"TOCSIN-PLANT-"
_DIGEST: Final = 32


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody's word that rows are normal operation, on which a model was learnt again.

    Attributes:
        by: Who said so.
        at: When (instant).
        start: Of the first row.
        end: And of the last one.
        rows: How many there were.
    """

    by: str
    at: int
    start: int
    end: int
    rows: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds.

    Attributes:
        model: The model.
        spelling: How the texts of the historian that it learnt from were read.
        confirmed: Who confirmed what it was learnt again on, oldest first; empty for a first model.
    """

    model: PlantModel
    spelling: Spelling
    confirmed: tuple[Confirmed, ...] = ()


def check_place(path: Path, option: str = "--model") -> None:
    """Raises `OperatorError` where no model should be written to `path`, which `option` named: asked before hours of learning."""
    folder, other = path.absolute().parent, f"Name another place with {option}."
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise OperatorError(
            f"The model cannot be written to {path}: {folder} is no folder that may be written to.", other
        )
    if path.exists() and not _begins_as_model(path):
        raise OperatorError(f"{path} is there already, and no model of a plant.", other)


def _begins_as_model(path: Path) -> bool:
    """Whether `path` is a file that was written as a model, of whatever version; an empty one may be written over, too."""
    try:
        if not path.is_file():  # a pipe without a writer would be waited for
            return False
        with path.open("rb") as file:
            return file.read(len(_ANY)) in {_ANY, b""}
    except OSError:
        return False


def write_model(
    path: Path, model: PlantModel, spelling: Spelling, confirmed: tuple[Confirmed, ...] = ()
) -> None:
    """Writes the file `path` (0600), in one step: what had this name before stays until the new file is whole.

    Raises:
        OperatorError: it cannot be written, or the model is too large.
    """
    held = {
        "words": {tag: list(words) for tag, words in spelling.words.items()},
        "day_first": spelling.day_first,
    } | ({"units": dict(spelling.units)} if spelling.units else {})
    whole = {"version": VERSION, "model": encoded(model), "spelling": held}
    if confirmed:
        whole["confirmed"] = encoded(confirmed[-bounds.PLANT_CONFIRMED :])
    body = msgspec.msgpack.encode(whole)
    if len(body) > bounds.MODEL_BYTES:
        raise OperatorError(
            "The model is too large to keep.", "Learn fewer tags: leave some out with --ignore."
        )
    try:
        _replace(path, MAGIC + hashlib.sha256(body).digest(), body)
    except OSError as error:
        raise OperatorError(
            f"The model cannot be written to {path}: {error.strerror or error}.",
            "Name another place with --model.",
        ) from error


def read_model(path: Path) -> Kept:
    """What the file `path` holds.

    Raises:
        OperatorError: it cannot be read, is no model, is damaged, or comes from another version.
    """
    try:
        with path.open("rb") as file:
            data = file.read(bounds.MODEL_BYTES + len(MAGIC) + _DIGEST + 1)
    except OSError as error:
        raise OperatorError(
            f"The model {path} cannot be read: {error.strerror or error}.",
            "Make one with `tocsin plant learn FILE --model M`.",
        ) from error
    return parse_model(data, str(path))


def parse_model(data: bytes, name: str) -> Kept:
    """What the bytes of a model file hold; `name` tells of the file in errors.

    Raises:
        OperatorError: they are no model, are damaged, or come from another version.
    """
    body = memoryview(data)[len(MAGIC) + _DIGEST :]
    if not data.startswith(MAGIC) or len(body) > bounds.MODEL_BYTES:
        raise OperatorError(
            f"{name} is no model of a plant.", "Name the file that `tocsin plant learn` wrote."
        )
    if hashlib.sha256(body).digest() != data[len(MAGIC) : len(MAGIC) + _DIGEST]:
        raise OperatorError(
            f"The model {name} is damaged: it is not what was written.", "Take a copy of it, or learn anew."
        )
    try:
        return _kept(msgspec.msgpack.decode(body))
    except (Unfit, msgspec.DecodeError, RecursionError) as error:
        raise OperatorError(
            f"The model {name} cannot be used: {error}.",
            "It was made by another version, or made up: learn anew.",
        ) from error


def _kept(held: Any) -> Kept:
    if not isinstance(held, Mapping) or set(held) - {"confirmed"} != {"version", "model", "spelling"}:
        raise Unfit("it lacks parts of a model, or has others")
    if held["version"] != VERSION:
        raise Unfit("it was made by another version of Tocsin")
    model = decoded(PlantModel, held["model"], "model")
    check(model)
    spelling = held["spelling"]
    if not isinstance(spelling, Mapping) or set(spelling) - {"units"} != {"words", "day_first"}:
        raise Unfit("it does not say how texts are read")
    words = decoded(dict[str, tuple[str, ...]], spelling["words"], "words")
    if any(len(set(one)) != len(one) or len(one) > bounds.HISTORIAN_WORDS for one in words.values()):
        raise Unfit("the words of a tag are too many, or not each once")
    units = decoded(dict[str, str], spelling.get("units", {}), "units")
    confirmed = decoded(tuple[Confirmed, ...], held.get("confirmed", []), "confirmed")
    day_first = decoded(bool | None, spelling["day_first"], "day_first")
    return Kept(model, Spelling(words, day_first, units), confirmed)


def keep_old(path: Path, option: str = "--output") -> Path:
    """Copies the model `path` to a free name beside it (`.bak`, `.bak2`, …), 0600 and on the disk; gives that name.

    `option` names another place for the new one.

    Raises:
        OperatorError: it cannot be copied.
    """
    try:
        data = path.read_bytes()
        for number in range(1, bounds.PLANT_CONFIRMED):
            kept = path.with_name(f"{path.name}.bak{number if number > 1 else ''}")
            with contextlib.suppress(FileExistsError):
                return _exclusively(kept, data)
    except OSError as error:
        raise OperatorError(
            f"The old model {path} cannot be kept as .bak: {error.strerror or error}.",
            f"Make room, or write the new one elsewhere with {option}.",
        ) from error
    raise OperatorError(f"There are too many old models beside {path}.", "Move some of them away.")


def _exclusively(path: Path, data: bytes) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path


def _replace(path: Path, *parts: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 by itself
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
