"""EPANET, one step after the other: what the water does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tocsin.records.errors import OperatorError
from tocsin.records.readings import Values

_HEAD, _PRESSURE, _DEMAND, _FLOW, _STATUS, _EMITTER, _BASE, _ROUGHNESS, _DIAMETER = (
    10,
    11,
    9,
    8,
    11,
    3,
    1,
    2,
    17,
)
_OF_NODE: Final = {"level": _HEAD, "pressure": _PRESSURE, "inflow": _DEMAND}


class Hydraulics:
    """An open EPANET project. `read` names what is measured: (`level`, `pressure`, `inflow` or `flow`, id, offset)."""

    def __init__(self, text: str, folder: Path) -> None:
        try:
            from wntr.epanet.toolkit import ENepanet  # noqa: PLC0415 - takes seconds, and is for development only
        except ModuleNotFoundError:
            raise OperatorError(
                "Simulated plants need wntr, which is not installed.", "pip install wntr pymodbus"
            ) from None
        logging.getLogger("wntr").setLevel(
            logging.ERROR
        )  # negative pressures while a valve is shut are no news
        path = folder / "plant.inp"
        path.write_text(text, "latin-1")
        self._epanet: Any = ENepanet()
        report = folder / "plant.rpt"
        try:
            self._epanet.ENopen(str(path), str(report), str(folder / "plant.bin"))
        except Exception as error:
            raise ValueError(f"EPANET refuses the network: {report.read_text('latin-1')[-500:]}") from error
        self._points: list[tuple[bool, int, int, float]] = []

    def measure(self, points: Sequence[tuple[str, str, float]]) -> None:
        """What `values` shall give: (quantity, id, offset that is subtracted)."""
        for quantity, name, offset in points:
            node = quantity in _OF_NODE
            index = self._node(name) if node else self._link(name)
            self._points.append((node, index, _OF_NODE.get(quantity, _FLOW), offset))

    def start(self) -> None:
        """Opens the solver."""
        self._epanet.ENopenH()
        self._epanet.ENinitH(0)

    def solve(self) -> int:
        """Solves for now, and gives now, in seconds from the start."""
        return int(self._epanet.ENrunH())

    def advance(self) -> int:
        """Goes on to the next step, which is so many seconds away; 0 at the end."""
        return int(self._epanet.ENnextH())

    def values(self) -> Values:
        """What is measured, as it truly is, shape (points,)."""
        node, link = self._epanet.ENgetnodevalue, self._epanet.ENgetlinkvalue
        return np.array(
            [(node if of else link)(index, code) - offset for of, index, code, offset in self._points]
        )

    def set_open(self, link: str, *, is_open: bool) -> None:
        """Opens or closes a pump, a valve or a pipe."""
        self._epanet.ENsetlinkvalue(self._link(link), _STATUS, float(is_open))

    def set_supply(self, node: str, rate: float) -> None:
        """Lets `rate` gallons a minute flow in at `node`."""
        self._epanet.ENsetnodevalue(self._node(node), _BASE, -rate)

    def set_leak(self, node: str, coefficient: float) -> None:
        """Lets water out at `node`: gallons a minute at a pressure of 1 psi, with its square root."""
        self._epanet.ENsetnodevalue(self._node(node), _EMITTER, coefficient)

    def set_age(self, roughness: float, links: Sequence[str]) -> None:
        """Multiplies the roughness of `links`."""
        for name in links:
            index = self._link(name)
            self._epanet.ENsetlinkvalue(
                index, _ROUGHNESS, self._epanet.ENgetlinkvalue(index, _ROUGHNESS) * roughness
            )

    def tank_area(self, tank: str) -> float:
        """The cross-section of a cylindrical tank in square feet."""
        return float(np.pi * self._epanet.ENgetnodevalue(self._node(tank), _DIAMETER) ** 2 / 4)

    def close(self) -> None:
        """Gives everything back."""
        self._epanet.ENcloseH()
        self._epanet.ENclose()

    def _node(self, name: str) -> int:
        return int(self._epanet.ENgetnodeindex(name))

    def _link(self, name: str) -> int:
        return int(self._epanet.ENgetlinkindex(name))
