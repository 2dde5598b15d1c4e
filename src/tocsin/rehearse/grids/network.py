"""A network of pandapower's library, reduced to what a power flow needs: buses, branches, loads, generators.

Lines that stand open in the library are kept as ties: a grid closes them where another line is out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from tocsin.records.errors import OperatorError
from tocsin.records.readings import Values

NETWORKS: Final = ("cigre_mv", "case33bw", "case14", "ieee30")
"""Those that can be played: two of medium voltage with ties that stand open, two small meshed ones of high voltage."""

TAP: Final = 8
"""The column of a branch that holds its ratio (pandapower's and MATPOWER's `TAP`)."""
STATUS: Final = 10
"""The column that says whether it is in service (`BR_STATUS`)."""

_FEEDING_KV: Final = 110.0


@dataclass(frozen=True, slots=True)
class Branch:
    """A line or a transformer, from bus to bus; at a transformer `start` is the side with the tap changer."""

    name: str
    start: int
    stop: int
    is_transformer: bool


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """What a grid needs to know of a network; buses and branches by number, powers in MW and MVAr.

    Attributes:
        name: As in `NETWORKS`.
        base: MVA that is 1 per unit.
        kv: Nominal voltage of each bus.
        bus_rows: pandapower's own table of buses, from which it makes admittances.
        branch_rows: Its table of branches, all in service, tap changers where the library has them.
        branches: The same branches by name.
        ties: Branches that stand open.
        loads: Active and reactive load of each bus, as complex numbers.
        slack: The bus that feeds the network, and its voltage per unit.
        generators: Bus, voltage per unit and MW of each generator that holds a voltage.
    """

    name: str
    base: float
    kv: Values
    bus_rows: Values
    branch_rows: Values
    branches: tuple[Branch, ...]
    ties: tuple[int, ...]
    loads: np.ndarray[Any, np.dtype[np.complex128]]
    slack: tuple[int, float]
    generators: tuple[tuple[int, float, float], ...]

    def connected(self, out: Iterable[int]) -> bool:
        """Whether every bus is fed while the branches `out` are open."""
        gone, fed, before = set(out), {self.slack[0]}, 0
        while len(fed) > before:
            before = len(fed)
            for at, one in enumerate(self.branches):
                if at not in gone and (one.start in fed) != (one.stop in fed):
                    fed |= {one.start, one.stop}
        return len(fed) == len(self.kv)

    def backing(self, line: int) -> tuple[int, ...] | None:
        """The ties that must close when `line` opens: none, one, or None where no single one feeds all buses."""
        if line in self.ties:
            return None
        if self.connected({*self.ties, line}):
            return ()
        return next(((tie,) for tie in self.ties if self.connected({*self.ties, line} - {tie})), None)


@cache
def network(name: str) -> Network:
    """The network `name`; loading one takes a second.

    Raises:
        OperatorError: pandapower is not installed.
        ValueError: there is no network of that name.
    """
    if name not in NETWORKS:
        raise ValueError(f"no grid is named {name!r}")
    try:
        import pandapower  # noqa: PLC0415 - takes seconds, and is for development only
    except ModuleNotFoundError:
        raise OperatorError(
            "Simulated grids need pandapower, which is not installed.", "pip install pandapower"
        ) from None
    net, ties = _loaded(name)
    pandapower.runpp(net, numba=False, calculate_voltage_angles=False, init="flat")
    return _reduced(name, net, ties)


def _loaded(name: str) -> tuple[Any, list[int]]:
    """Pandapower's network with every line closed and no switches, and the lines that stood open."""
    from pandapower import networks  # noqa: PLC0415 - for development only

    make = {
        "cigre_mv": networks.create_cigre_network_mv,
        "case33bw": networks.case33bw,
        "case14": networks.case14,
        "ieee30": networks.case_ieee30,
    }[name]
    net: Any = make()
    opened = net.switch[(net.switch.et == "l") & ~net.switch.closed.astype(bool)].element
    ties = sorted({*opened, *net.line.index[~net.line.in_service.astype(bool)]})
    net.switch.drop(net.switch.index, inplace=True)
    net.line["in_service"] = True
    if not len(net.trafo):
        _feed(net)
    return net, ties


def _feed(net: Any) -> None:
    """A substation of 110 kV before a network that has none."""
    import pandapower  # noqa: PLC0415 - for development only

    fed = int(net.ext_grid.bus.iloc[0])
    source = int(pandapower.create_bus(net, vn_kv=_FEEDING_KV))
    pandapower.create_transformer_from_parameters(
        net, source, fed, sn_mva=10.0, vn_hv_kv=_FEEDING_KV, vn_lv_kv=float(net.bus.vn_kv[fed]),
        vkr_percent=0.5, vk_percent=10.0, pfe_kw=10.0, i0_percent=0.1,
    )  # fmt: skip
    net.ext_grid["bus"] = source


def _reduced(name: str, net: Any, ties: list[int]) -> Network:
    lookups, tables = net._pd2ppc_lookups, net._ppc  # noqa: SLF001 - the only way to pandapower's own tables
    place = {int(bus): int(lookups["bus"][bus]) for bus in net.bus.index}
    spans = lookups["branch"]
    first_line, first_trafo = spans["line"][0], spans["trafo"][0]
    branch_rows = np.real(tables["branch"]).astype(np.float64)
    loads = np.zeros(len(tables["bus"]), np.complex128)
    for bus, p, q in zip(net.load.bus, net.load.p_mw, net.load.q_mvar, strict=True):
        loads[place[int(bus)]] += complex(p, q)
    for bus, p, q in zip(net.sgen.bus, net.sgen.p_mw, net.sgen.q_mvar, strict=True):
        loads[place[int(bus)]] -= complex(p, q)
    feeding = net.ext_grid.iloc[0]
    held = zip(net.gen.bus, net.gen.vm_pu, net.gen.p_mw, strict=True)
    return Network(
        name, float(tables["baseMVA"]), np.real(tables["bus"][:, 9]).astype(np.float64),
        np.real(tables["bus"]).astype(np.float64), branch_rows,
        _named(branch_rows, range(first_trafo, first_trafo + len(net.trafo))),
        tuple(first_line + list(net.line.index).index(line) for line in ties), loads,
        (place[int(feeding.bus)], float(feeding.vm_pu)),
        tuple((place[int(bus)], float(volts), float(p)) for bus, volts, p in held),
    )  # fmt: skip


def _named(rows: Values, transformers: range) -> tuple[Branch, ...]:
    found: list[Branch] = []
    used: set[str] = set()
    for at, row in enumerate(rows):
        start, stop = int(row[0]), int(row[1])
        name = f"{start}_{stop}"
        while name in used:  # two circuits side by side
            name += "b"
        used.add(name)
        found.append(Branch(name, start, stop, at in transformers))
    return tuple(found)
