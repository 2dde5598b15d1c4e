"""Sigma's correlation rules over a stream of hits: `parsing.py` → `plans.py` → `correlations.py`, with its state in rows.

`correlations.py` is the door; `rows.py`, `records.py`, `writing.py` and `snapshot.py` keep what it has counted.
"""
