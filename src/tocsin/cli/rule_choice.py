"""Which rules a command runs, and how they are loaded: from what was kept of them at an earlier start where that is so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import platformdirs

from tocsin.cli.progress import Progress
from tocsin.engine.rule_cache import RuleCache
from tocsin.engine.rule_files import RuleLibrary, RuleTexts, placeholder_values, rule_texts, starter_texts
from tocsin.engine.rule_sets import LoadedRules, RuleAccount, load
from tocsin.records.inert import inert


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """Which rules the user wants."""

    paths: tuple[str, ...] = ()
    starter: bool = True
    placeholders: Path | None = None
    added: bool = True

    def texts(self) -> RuleTexts:
        """The texts of the starter set, of what was added, and of `paths`, in that order."""
        sets = [starter_texts()] if self.starter else []
        added = rule_library().paths() if self.added else ()
        if added or self.paths:
            sets.append(rule_texts([*added, *self.paths]))
        return RuleTexts(
            tuple(text for one in sets for text in one.texts),
            tuple(file for one in sets for file in one.unreadable),
        )

    def load(
        self, progress: Progress, sources: Sequence[str] | None = None
    ) -> tuple[LoadedRules, RuleAccount]:
        """The rules, ready to judge, and their account; what was noticed on the way is said on stderr.

        Raises:
            OperatorError: a path, or the placeholder file, cannot be used.
        """
        values = placeholder_values(self.placeholders)
        loaded, account = load(self.texts(), values, sources, cache=rule_cache(), progress=progress.part)
        for notice in account.notices:
            click.echo(f"tocsin: {inert(notice)}", err=True)
        return loaded, account


def rule_library() -> RuleLibrary:
    """Where `tocsin rules add` keeps its sets (XDG data folder)."""
    return RuleLibrary(Path(platformdirs.user_data_dir("tocsin", appauthor=False)) / "rules")


def rule_cache() -> RuleCache | None:
    """Where parsed rules are kept (XDG cache folder), their key apart (XDG state folder).

    None where files have no owner and mode to go by (not POSIX): every start parses then.
    """
    if os.name != "posix":
        return None
    return RuleCache(
        Path(platformdirs.user_cache_dir("tocsin", appauthor=False)),
        Path(platformdirs.user_state_dir("tocsin", appauthor=False)) / "rules.key",
    )
