"""Plants to watch: the tables `[[run.plant]]` of `tocsin.toml`.

```toml
[[run.plant]]
name = "waterworks"
model = "waterworks.model"          # what `tocsin plant learn` wrote; a path starts from this file's folder
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.config.table import Table

PLANT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)

_RIGHT_NAME: Final = "Write letters, digits, dots, dashes or underscores, at most 64, such as waterworks."
_RIGHT_MODEL: Final = "Make one with `tocsin plant learn FILE... --model M`, and name it here."


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant that is watched, and the file of the model that judges it."""

    name: str
    model: Path


def plant_settings(run: Table) -> tuple[Plant, ...]:
    """What `[[run.plant]]` says, in its order; no file is touched.

    Raises:
        OperatorError: it cannot be so; file, table and key are named.
    """
    values = run.values.get("plant", [])
    if not isinstance(values, list) or not all(isinstance(one, Mapping) for one in values):
        run.refuse("plant", "is no list of tables", f"Write [[{run.name}.plant]] before each.")
    if len(values) > bounds.PLANTS:
        run.refuse("plant", f"names more than {bounds.PLANTS} plants", "Name fewer.")
    found = [_plant(Table(run.file, f"{run.name}.plant", one)) for one in values]
    names = [one.name.casefold() for one in found]
    for one in found:
        if names.count(one.name.casefold()) > 1:
            run.refuse("plant", f"has the name {one.name!a} twice", "Give each a name of its own.")
    return tuple(found)


def _plant(table: Table) -> Plant:
    table.check(("model", "name"))
    name = table.text("name", "", _RIGHT_NAME)
    if not PLANT_NAME.fullmatch(name):
        table.refuse("name", f"is no name of a plant: {name!a}", _RIGHT_NAME)
    model = table.path("model")
    if model is None:
        table.refuse("model", f"of {name!a} is missing", _RIGHT_MODEL)
    return Plant(name, model)
