"""What `tocsin doctor` looks at of plants: their models, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.config.plant import Plant
from tocsin.engine.examining import Item
from tocsin.engine.figures import Figures
from tocsin.engine.plant.live_plants import plants_of
from tocsin.engine.plant.plant_words import how, promise
from tocsin.records.errors import OperatorError


def examine_models(plants: Sequence[Plant]) -> Iterator[Item]:
    """Whether the models can be used."""
    for plant in plants:
        try:
            plants_of([plant])
        except OperatorError as error:
            yield Item("plants", "broken", error.what, error.next_step)
        else:
            yield Item("plants", "ok", f"The model of {plant.name} can be used.")


def examine_plants(figures: Figures | None) -> Iterator[Item]:
    """How those stand that a service watches."""
    for name, one in sorted(figures.plants.items()) if figures is not None else ():
        said = f"{name}: {how(one)} {promise(one)}"
        if one.silent or one.heard is None:
            yield Item(
                "plants", "look", said, "See whether its source still sends, and by which clock and names."
            )
        elif one.missing_tags:
            yield Item("plants", "look", said, "Let these tags be sent too, or learn a model without them.")
        else:
            yield Item(
                "plants", "look" if one.rings else "ok", said, "See `tocsin incidents`." if one.rings else ""
            )
