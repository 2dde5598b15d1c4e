"""Other engines on the same events and rules as Tocsin, in the same run: `python -m benchmarks.peers --help`.

What is compared, and how:

- One input: recorded Windows events, normalised by Tocsin's readers, as flat JSON lines (`workload.py`), and the Windows
  rules of a folder.
- First the hits: every (rule, event) that one side reports and the other does not is counted by class. Speed is quoted
  over the rules whose hits are equal, no others.
- Then CPU seconds, of the process and its children, in alternated rounds; the table has medians, and the median of each
  round's ratio. `matching` leaves out start-up, compiling of rules and reading of JSON on both sides; `file to hits`
  has reading, and no start-up. A peer's start-up is measured apart, on an empty input.
- Tenzir knows no logsources. "stream" is the way it is meant to be used, each rule on each event; for "sorted" the events
  were sorted by logsource, free of charge. Tocsin finds out by itself which rules an event concerns, in its time.
- DuckDB and Polars get their columns ready, free of charge. They judge batches ten times Tocsin's, as events come in, or
  all events at once, and then the time that the same statements take on no events is left out too.
"""
