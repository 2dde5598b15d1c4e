"""`tocsin demo`: a simulated day of a town hall, then the very path of `scan`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from tocsin.cli.options import OUTPUT_OPTIONS, with_options
from tocsin.cli.rule_choice import RuleChoice
from tocsin.cli.run import Output, run_scan

PAGE = Path("tocsin-demo.html")


@click.command()
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed is another day, another intrusion."
)
@with_options(OUTPUT_OPTIONS)
def demo(*, seed: int, as_json: bool, html: Path | None) -> None:
    """Play a simulated day of a town hall: about 20,000 events, one intrusion.

    Everything is made up by a seeded generator and marked as simulated; then it is read and judged like any log.
    Needs no network and asks nothing. Writes tocsin-demo.html here, or where --html says.
    """
    from tocsin.rehearse.townhall.on_disk import lay_out, read_at
    from tocsin.rehearse.townhall.town import generate

    day = generate(seed)
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
        lay_out(day, Path(folder))
        run_scan(
            (folder,),
            RuleChoice(added=False),
            Output(as_json=as_json, html=html or PAGE),
            ingest=read_at(day),
            origin=f"simulated:demo-{seed}",
        )
