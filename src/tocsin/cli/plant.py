"""`tocsin plant …`: a model of a plant's normal operation, and what does not fit it. Each command is imported when called."""

from __future__ import annotations

import click

from tocsin.cli.main import Entry, LazyGroup


class PlantGroup(LazyGroup):
    """The commands, in the order in which they are needed."""

    entries = {  # noqa: RUF012  as its base class has them
        "learn": Entry("tocsin.cli.plant_learn:learn", "Learn normal operation, and write a model."),
        "watch": Entry(
            "tocsin.cli.plant_watch:watch", "Judge rows by a model: what does not fit, when, and why."
        ),
        "report": Entry("tocsin.cli.plant_report:report", "Judge rows by a model, and draw one page."),
        "recalibrate": Entry(
            "tocsin.cli.plant_recalibrate:recalibrate",
            "Learn again on rows that somebody confirmed to be normal.",
        ),
    }


@click.group(cls=PlantGroup)
def plant() -> None:
    """Learn a plant's process from its historian, and watch it.

    Reads exports only: nothing is ever sent to a plant, and no action starts from what is found. Needs the extra
    `plant`; from a clone: pip install -e '.[plant]'.
    """
