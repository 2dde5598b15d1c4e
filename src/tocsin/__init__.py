"""Tocsin: the alarm bell for organisations with no security team.

Reads the logs you already have, tells you in plain words the few things that need you, proves each one,
and does nothing without your say. `ARCHITECTURE.md` is the thirty-minute walk through this package.
"""

__version__ = "0.1.0.dev0"
