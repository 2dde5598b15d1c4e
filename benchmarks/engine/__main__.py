"""`python -m benchmarks.engine WHAT [OPTIONS]`: one figure of the rule engine after the other, as JSON lines.

throughput   events per CPU second by all Windows rules: ordinary, PowerShell-heavy and unique values; file to findings
single       one event at a time: microseconds, cold and warm
memory       what the process grows by with every rule
growth       100 to 3,754 rules, 10^5 to 10^7 events; draws docs/growth-rules.svg and docs/growth-events.svg
hostile      an expression that explodes, 100,000 literals, a value of 10 MB, 10,000 rules
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

NAMES = ("throughput", "single", "memory", "growth", "hostile")


def main() -> int:
    """Runs one of them; the exit code says whether answers were equal and bounds held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="name", required=True)
    modules = {name: import_module(f"benchmarks.engine.{name}") for name in NAMES}
    for name, module in modules.items():
        module.add_options(commands.add_parser(name, description=module.__doc__))
    options = parser.parse_args()
    failed: int = modules[options.name].run(options)
    return failed


if __name__ == "__main__":
    sys.exit(main())
