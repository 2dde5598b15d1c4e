"""Options that several commands share, each told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tocsin.records.finding import LEVELS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

RULE_OPTIONS: Sequence[Decorator] = (
    click.option(
        "--rules",
        multiple=True,
        metavar="PATH",
        help="Sigma rules beside the starter set and those added: a file, a folder or a zip; may be repeated.",
    ),
    click.option("--starter/--no-starter", default=True, help="Use the starter rules that ship with Tocsin."),
    click.option(
        "--placeholders",
        type=click.Path(path_type=Path),
        help="A YAML file of values for rules with |expand, e.g. `Admins: [anna, it]`.",
    ),
)

READ_OPTIONS: Sequence[Decorator] = (
    click.option(
        "--format",
        "format_name",
        metavar="NAME",
        help="Read every file as this format instead of detecting it.",
    ),
    click.option(
        "--zone",
        default="UTC",
        show_default=True,
        help="What a time without a zone means, e.g. Europe/Berlin.",
    ),
    click.option(
        "--columns",
        type=click.Path(path_type=Path),
        help="For CSV: a YAML file of `column: field` lines; `time`, `host`, `user` and `logsource` are special fields.",
    ),
    click.option(
        "--logsource",
        metavar="PRODUCT/CATEGORY/SERVICE",
        help="What records are that no format names (plain CSV, text, other JSON), as rules ask for it, e.g. linux//auth.",
    ),
)

JSON: Sequence[Decorator] = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON lines, the last one a summary."),
)

OUTPUT_OPTIONS: Sequence[Decorator] = (
    *JSON,
    click.option(
        "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write one self-contained page here."
    ),
)

FAIL_ON: Sequence[Decorator] = (
    click.option(
        "--fail-on", type=click.Choice(LEVELS), help="Exit with 1 if a finding is at or above this level."
    ),
)


def with_options(options: Sequence[Decorator]) -> Decorator:
    """A decorator that adds `options` in the order they are listed."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
