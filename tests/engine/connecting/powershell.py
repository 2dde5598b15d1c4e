"""A script of PowerShell, taken apart by tree-sitter's grammar: a parser of its own, not Microsoft's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

AUTOMATIC = frozenset(
    ("_", "false", "true", "null", "matches", "lastexitcode", "pscommandpath", "psscriptroot")
)
"""Variables that PowerShell has itself (about_Automatic_Variables), as far as they are used."""

_GIVING = ("script_parameter", "left_assignment_expression")
_STATEMENTS = ("statement_list", "script_block", "program")


class Script:
    """What a script says.

    Attributes:
        text: All of it.
        functions: Name → its text.
        commands: Name → the functions that call it, "" for the script itself.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._root = Parser(Language(tree_sitter_powershell.language())).parse(text.encode("ascii")).root_node
        self.functions: dict[str, str] = {}
        self.commands: dict[str, set[str]] = defaultdict(set)
        for node, function in self._nodes(self._root, ""):
            if node.type == "function_statement":
                self.functions[_name(node)] = said(node)
            if node.type == "command_name" and not re.fullmatch(r"\d+\.\.\d+", said(node)):
                self.commands[said(node)].add(function)

    def broken(self) -> list[str]:
        """Where the grammar knows no such thing."""
        return [
            f"{node.start_point}: {said(node)[:60]}"
            for node, _ in self._nodes(self._root, "")
            if node.type == "ERROR" or node.is_missing
        ]

    def types(self) -> set[str]:
        """.NET types, named in brackets or to New-Object."""
        found = {
            said(node).strip("[]") for node, _ in self._nodes(self._root, "") if node.type == "type_literal"
        }
        return found | set(re.findall(r"New-Object (?:-\w+ )?([\w.]+)", self.text))

    def unknown_variables(self) -> set[str]:
        """`function: variable` of each that is read where neither the function nor the script gives it a value."""
        given: dict[str, set[str]] = defaultdict(set)
        used: dict[str, set[str]] = defaultdict(set)
        for node, function in self._nodes(self._root, ""):
            if node.type == "variable":
                name = said(node).strip("${}@").removeprefix("script:").lower()
                (given if _gives(node) else used)[name].add(function)
        return {
            f"{function}: {name}"
            for name, functions in used.items()
            for function in functions
            if name not in AUTOMATIC and not given[name] & {function, ""}
        }

    def _nodes(self, node: Node, function: str) -> Iterator[tuple[Node, str]]:
        function = _name(node) if node.type == "function_statement" else function
        yield node, function
        for child in node.children:
            yield from self._nodes(child, function)


def said(node: Node) -> str:
    """The text of `node`."""
    assert node.text is not None
    return node.text.decode()


def _gives(node: Node) -> bool:
    """Whether a value is put into the variable here: a parameter, what stands left of `=`, or what foreach counts with."""
    if node.parent is not None and node.parent.type == "foreach_statement":
        return True  # the list that is walked is an expression, so its variables stand deeper
    above = node.parent
    while above is not None and above.type not in _STATEMENTS:
        if above.type in _GIVING:
            return True
        if above.type in ("element_access", "member_access"):
            return False
        above = above.parent
    return False


def _name(function: Node) -> str:
    return next(said(child) for child in function.children if child.type == "function_name")
