"""What the documents name exists: paths, tests, commands; and they promise nothing for later."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest

from tocsin.cli.main import tocsin

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
_BACKTICKS = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_TOPS = ("src/", "tests/", "docs/", "benchmarks/", "requirements/", ".ci/")


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def named_paths(document: Path) -> list[str]:
    """Each path of this repository in backticks or a link; patterns and placeholders are none."""
    text = _FENCE.sub("", read(document))
    quoted = [one.partition("::")[0] for one in _BACKTICKS.findall(text)]
    found = [one for one in quoted if one.startswith(_TOPS) and not re.search(r"[\s*<>{}…]", one)]
    links = [
        one.partition("#")[0] for one in _LINK.findall(text) if not one.startswith(("http", "mailto:", "#"))
    ]
    beside = document.parent.relative_to(ROOT)
    return [*found, *((beside / one).as_posix() for one in links if one)]


def named_tests() -> list[str]:
    """Each `path::test` in any document."""
    quoted = (one for document in DOCUMENTS for one in _BACKTICKS.findall(read(document)))
    return sorted({one for one in quoted if re.fullmatch(r"tests/[\w/]+\.py::\w+", one)})


@cache
def functions_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.relative_to(ROOT).as_posix())
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    missing = [one for one in named_paths(document) if not (ROOT / one).exists()]
    assert not missing


def test_every_test_that_a_document_names_exists() -> None:
    assert len(named_tests()) >= 50
    for one in named_tests():
        path, _, name = one.partition("::")
        assert (ROOT / path).is_file(), one
        assert name in functions_in(ROOT / path), one
        assert name.startswith("test_"), one


def test_every_row_of_the_failure_modes_names_its_test() -> None:
    rows = [line for line in read(ROOT / "docs" / "failure-modes.md").splitlines() if line.startswith("| ")]
    told = [row for row in rows if not row.startswith(("| what fails", "| ---"))]
    assert len(told) >= 40
    for row in told:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        assert all(cells), row
        assert re.fullmatch(r"(`tests/[\w/]+\.py::test_\w+`(, )?)+", cells[3]), row


def commands(group: click.Group, above: str = "") -> list[str]:
    """Every command that can be typed, `tocsin rules check` and the like."""
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        path = f"{above} {name}"
        found += commands(command, path) if isinstance(command, click.Group) else [f"tocsin{path}"]
    return found


@pytest.mark.parametrize("command", commands(tocsin))
def test_every_command_is_documented(command: str) -> None:
    told = "\n".join(read(one) for one in DOCUMENTS)
    assert re.search(rf"{re.escape(command)}(?![\w-])", told), f"no document tells of {command}"


def test_the_documents_that_readers_are_sent_to_exist() -> None:
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/failure-modes.md",
    ):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.relative_to(ROOT).as_posix())
def test_no_document_keeps_a_note_to_itself(document: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|TBD)\b", read(document))
