"""Detection: batches of events in, findings out. Pure: rule texts, clocks and state are passed in.

`interface.py` says what a detector is; `checks.py` is the suite that every detector must pass; `sigma/` runs
Sigma rules exactly.
"""
