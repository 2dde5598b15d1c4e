"""What is simulated: water networks and electricity grids, each with its own ways to be made, played, kept up and attacked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tocsin.rehearse.grids import drawing as grid_drawing
from tocsin.rehearse.grids import happenings as grid_happenings
from tocsin.rehearse.grids import play as grid_play
from tocsin.rehearse.grids.site import grid
from tocsin.rehearse.plants import drawing, happenings, play
from tocsin.rehearse.plants.site import site


@dataclass(frozen=True, slots=True)
class Family:
    """One sort of plants.

    Attributes:
        name: Of the sort.
        turn: Networks in turn.
        make: (network, seed, days) → a plant with `network.name`, `seed` and `tags`.
        play: (plant, happenings) → what was played, with `readings`.
        upkeep: (random, plant, days) → happenings that are normal.
        draw: (random, plant, kinds, first second, last second, gap) → attacks.
        attacks: Their kinds.
    """

    name: str
    turn: tuple[str, ...]
    make: Callable[[str, int, int], Any]
    play: Callable[..., Any]
    upkeep: Callable[..., tuple[Any, ...]]
    draw: Callable[[np.random.Generator, Any, Sequence[Any], int, int, int], tuple[Any, ...]]
    attacks: tuple[Any, ...]


WATER = Family(
    "water", ("Net1", "Net2", "Net3", "ky10", "Net1", "Net2", "Net3", "ky4"), site, play.play, drawing.upkeep,
    lambda random, plant, kinds, first, last, gap: drawing.draw(random, plant, kinds, drawing.Span(first, last, gap)),
    happenings.ATTACKS,
)  # fmt: skip
"""Net6 is left out: EPANET needs minutes a year for it."""

GRIDS = Family(
    "grids", ("cigre_mv", "case14", "case33bw", "ieee30"), grid, grid_play.play, grid_drawing.upkeep,
    lambda random, plant, kinds, first, last, gap: grid_drawing.draw(
        random, plant, kinds, grid_drawing.Span(first, last, gap)
    ),
    grid_happenings.ATTACKS,
)  # fmt: skip

FAMILIES = {one.name: one for one in (WATER, GRIDS)}
