"""The models of the plants that a service watches, read from their files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tocsin.config import bounds
from tocsin.config.plant import Plant as Named
from tocsin.detect.plant.live.plant import Plant
from tocsin.engine.plant.model_file import parse_model
from tocsin.records.errors import OperatorError


def read_plants(plants: Sequence[Named]) -> tuple[Plant, ...]:
    """The plants that the settings name, with their models.

    Raises:
        OperatorError: a model cannot be read or used; says of which plant.
    """
    return tuple(map(_read, plants))


def _read(plant: Named) -> Plant:
    try:
        with plant.model.open("rb") as file:
            data = file.read(bounds.MODEL_BYTES + 1024)
    except OSError as error:
        raise OperatorError(
            f"The model {plant.model} of the plant {plant.name} cannot be read: {error.strerror or error}.",
            "Make one with `tocsin plant learn FILE... --model M`, and name it in [[run.plant]].",
        ) from error
    kept = parse_model(data, f"{plant.model} of the plant {plant.name}")
    if kept.model.spacing <= 0:
        raise OperatorError(f"The model {plant.model} of the plant {plant.name} has no pace.", "Learn anew.")
    spelling = kept.spelling
    return Plant(plant.name, kept.model, spelling.words, hashlib.sha256(data).hexdigest(), spelling.units)
