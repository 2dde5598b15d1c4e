"""`tocsin`: the group of commands. Each command's module is imported only when it is called, so that help is quick."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any, ClassVar, NoReturn

import click

from tocsin import __version__
from tocsin.records.errors import TocsinError

EXIT_DONE, EXIT_FINDINGS, EXIT_USAGE, EXIT_DEGRADED = 0, 1, 2, 3
"""Exit codes of every command; where two apply, 2 goes before 3 and 3 before 1."""

EXIT_STOPPED = 130
"""Of a command that Ctrl-C ended, as shells have it, or a question that was not said yes to: 1 would say that there are findings."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet."""

    target: str
    summary: str


COMMANDS = {
    "demo": Entry(
        "tocsin.cli.demo:demo", "A simulated day of a town hall, start to finish; offline, no questions."
    ),
    "scan": Entry("tocsin.cli.scan:scan", "Read log files or folders; tell the few things that need you."),
    "incidents": Entry("tocsin.cli.incidents:incidents", "List the incidents in a store."),
    "explain": Entry("tocsin.cli.incidents:explain", "Tell one incident whole, with its evidence."),
    "rules": Entry("tocsin.cli.rules:rules", "Check, profile, add, list and remove Sigma rules."),
    "plant": Entry("tocsin.cli.plant:plant", "Learn a plant's process from its historian, and watch it."),
    "init": Entry(
        "tocsin.cli.init:init", "Set the service up: settings, data folder, certificate, first token."
    ),
    "run": Entry("tocsin.cli.service:run", "The service: listen, judge what comes, keep it; until stopped."),
    "connect": Entry("tocsin.cli.connect:connect", "Add a source, and see its first event come."),
    "ring": Entry("tocsin.cli.bell:ring", "Send a trial message through every channel of the bell."),
    "acknowledge": Entry("tocsin.cli.decide:acknowledge", "Say that somebody looks after an incident."),
    "resolve": Entry("tocsin.cli.decide:resolve", "Say that an incident was dealt with."),
    "dismiss": Entry("tocsin.cli.decide:dismiss", "Say that an incident is a false alarm, and why."),
    "outbound": Entry("tocsin.cli.bell:outbound", "List what left this host, each body to the byte."),
    "status": Entry("tocsin.cli.status:status", "How the service stands, and what needs somebody."),
    "doctor": Entry("tocsin.cli.doctor:doctor", "Look at the service and what it needs; say what to mend."),
    "backup": Entry("tocsin.cli.backup:backup", "Back up the store and its settings, encrypted."),
    "restore": Entry("tocsin.cli.backup:restore", "Restore a backup into an empty folder."),
    "forget": Entry(
        "tocsin.cli.forget:forget", "Forget a person, host or address in everything that is stored."
    ),
    "token": Entry("tocsin.cli.tokens:token", "Add, list and remove the tokens that senders show."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when called, and listed without being imported.

    Attributes:
        entries: Its commands, in the order a newcomer needs them.
        title: Over their list.
    """

    entries: ClassVar[Mapping[str, Entry]] = COMMANDS
    title: ClassVar[str] = "Commands"

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The commands in the order a newcomer needs them."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself; while help is being listed, only its name and summary."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Lists the commands from their summaries."""
        with formatter.section(self.title):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])


class Tocsin(LazyGroup):
    """The group of all commands; Ctrl-C, or no answer to a question, ends any of them with a word."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\ntocsin: Stopped before it was done.", err=True)
            sys.exit(EXIT_STOPPED)


@click.group(
    cls=Tocsin,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TOCSIN"},
    epilog="Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage, 3 something could not be read, 130 stopped by Ctrl-C, or by a no.",
)
@click.version_option(__version__, prog_name="tocsin")
@click.option(
    "--config",
    metavar="FILE",
    help="Settings, one table a command; without it ./tocsin.toml and then the user's own are looked for.",
)
@click.pass_context
def tocsin(ctx: click.Context, config: str | None) -> None:
    """The alarm bell for those who have no security team.

    Reads the logs you already have, tells you in plain words the few things that need you, proves each one, and
    does nothing without your say.
    """
    if ctx.invoked_subcommand is not None:
        from tocsin.cli.defaults import defaults

        ctx.default_map = defaults(ctx, config, ctx.invoked_subcommand, COMMANDS)


def main() -> None:
    """Runs the command line; an error that somebody can act on is told in one or two sentences, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that speaks ASCII gets a `?`, not a traceback
    try:
        try:
            tocsin()
        finally:
            sys.stdout.flush()  # or a full disk would be noticed only after the exit code was chosen
    except TocsinError as error:
        _complain(str(error))
    except BrokenPipeError:
        _give_up_output()  # the reader of our output went away (`| head`): no error
        sys.exit(EXIT_DONE)
    except OSError as error:
        _give_up_output()
        _complain(
            f"{error.filename or 'The output'} cannot be used: {error.strerror or error}. Make room or mend it."
        )


def _complain(sentences: str) -> NoReturn:
    from tocsin.records.inert import inert

    click.echo(f"tocsin: {inert(sentences)}", err=True)
    sys.exit(EXIT_USAGE)


def _give_up_output() -> None:
    """Lets stdout go to nowhere, for Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
