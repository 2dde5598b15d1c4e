"""Promise 7, in the code: nothing on the plant's path can reach what acts, speaks to controllers, or writes to a source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"
ROOMS = (
    "tocsin/detect/plant", "tocsin/engine/plant", "tocsin/sources/historian", "tocsin/sources/opcua", "tocsin/sources/mqtt",
    "tocsin/sources/sparkplug",
)  # fmt: skip
ACTING = ("tocsin.respond", "tocsin.rehearse", "tocsin.engine.connecting", "tocsin.notify")
FIELD_BUSES = (
    "pymodbus", "umodbus", "minimalmodbus", "snap7", "pycomm3", "cpppo", "pylogix", "c104", "iec104", "dnp3_python",
    "pydnp3", "pyads", "BAC0", "bacpypes", "bacpypes3", "pymcprotocol", "fins", "canopen", "serial", "scapy",
)  # fmt: skip
WRITING = frozenset(
    {
        "write_value", "set_value", "write_attribute", "write_attributes", "write_attribute_value", "write_values", "set_attribute",
        "call_method", "call", "set_writable", "add_nodes", "delete_nodes", "add_references", "delete_references", "history_update",
        "register_server", "register_server2", "add_object", "add_variable", "add_folder", "import_xml", "load_type_definitions",
        "load_data_type_definitions", "WriteRequest", "CallRequest", "HistoryUpdateRequest", "AddNodesRequest", "DeleteNodesRequest",
        "WriteValue", "CallMethodRequest", "publish_multiple", "publish_single", "will_set", "write_coil", "write_register",
    }
)  # fmt: skip
"""What a library calls a write; `publish` has its own rule below, because asking an OPC UA server for changes is called so too."""

FILES = sorted(path for room in ROOMS for path in (SOURCE / room).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (
                one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )


def named(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every name that is used after a dot or called, with what stands before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, ast.unparse(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, ""


def wrongs(text: str) -> list[str]:
    """What a module of the plant's path must not have."""
    tree = ast.parse(text)
    found = [
        f"imports {name}"
        for name in imported(tree)
        if name.startswith(ACTING) or name.partition(".")[0] in FIELD_BUSES
    ]
    for name, before in named(tree):
        if name in WRITING or (name == "publish" and not before.endswith("uaclient.session")):
            found.append(f"uses {before}.{name}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda one: one.relative_to(SOURCE).as_posix())
def test_a_module_on_the_plants_path_neither_acts_nor_writes(path: Path) -> None:
    assert wrongs(path.read_text(encoding="utf-8")) == []


def test_there_is_something_to_look_at() -> None:
    assert {path.relative_to(SOURCE).parts[1] for path in FILES} == {"detect", "engine", "sources"}
    assert len(FILES) >= 20


@pytest.mark.parametrize(
    "text",
    [
        "import pymodbus.client",
        "from snap7 import client",
        "from tocsin.respond import anything",
        "from tocsin import respond",
        "import importlib\nimportlib.import_module('c104')",
        "async def f(node): await node.write_value(1)",
        "async def f(client): await client.uaclient.session.call([])",
        "def f(broker): broker.publish('a', b'b')",
        "from asyncua import ua\nua.WriteRequest()",
    ],
)
def test_a_violation_would_be_seen(text: str) -> None:
    assert wrongs(text)
