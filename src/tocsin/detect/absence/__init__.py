"""What does not come: sources that fall silent, expected events and groups of hosts that are missing.

Rules:

1. Time is Tocsin's own listening, read from the log (`listening.py`): while it was down or the clock jumped, none passed.
2. Who is heard, and when, is known to the minute (`voices.py`), so that the same log gives the same answers wherever it
   was cut, and a source that speaks a thousand times a minute is written down once.
3. What nothing proves (`auth` is `none`) never counts for what something proved.
4. Everything is bounded, and what a sender makes up displaces only what was made up.
"""
