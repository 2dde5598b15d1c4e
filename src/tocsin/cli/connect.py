"""`tocsin connect [SOURCE]`: adds a source step by step, and sees its first event come. Each source is a command of its own."""

from __future__ import annotations

import click

from tocsin.cli.json_lines import emit
from tocsin.cli.main import Entry, LazyGroup
from tocsin.cli.options import JSON, with_options

SOURCES = {
    "rsyslog": Entry(
        "tocsin.cli.connect_linux:rsyslog", "A Linux host's system log, sent by rsyslog from here or elsewhere."
    ),
    "journald": Entry(
        "tocsin.cli.connect_linux:journald", "This host's journal, where there is no rsyslog."
    ),
    "windows": Entry(
        "tocsin.cli.connect_windows:windows", "Windows computers, by one readable PowerShell script."
    ),
    "firewall": Entry("tocsin.cli.connect_linux:firewall", "A firewall or other box that sends syslog."),
    "webserver": Entry("tocsin.cli.connect_linux:webserver", "The access log of nginx or Apache on this host."),
    "folder": Entry("tocsin.cli.connect_linux:folder", "A folder of log files that grow."),
}  # fmt: skip
"""Name on the command line → the click command, imported only when it is called."""


class SourceGroup(LazyGroup):
    """The sources, in the order in which they are worth connecting."""

    entries = SOURCES
    title = "Sources"


@click.group(cls=SourceGroup, invoke_without_command=True)
@click.option("--detect", is_flag=True, help="Look at this host, read-only, and say what to connect first.")
@with_options(JSON)
@click.pass_context
def connect(ctx: click.Context, *, detect: bool, as_json: bool) -> None:
    """Add a source, step by step.

    Without --apply nothing is changed: every file and command is shown. A connection is done when a test event of its
    own was taken in by the running service, stored and judged.
    """
    if ctx.invoked_subcommand is not None:
        return
    if detect:
        from tocsin.cli.connect_detect import show_detected

        show_detected(ctx, as_json=as_json)
        return
    for name, entry in SOURCES.items():
        if as_json:
            emit({"kind": "source", "source": name, "summary": entry.summary})
        else:
            click.echo(f"{name:<10} {entry.summary}")
    if as_json:
        emit({"kind": "summary", "sources": len(SOURCES)})
