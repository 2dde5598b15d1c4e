"""Fuzzing of everything that parses what strangers wrote: `python -m tests.fuzz` (`make fuzz`).

`targets.py` names what is fuzzed, `invariants.py` what must hold of it. Text readers run under atheris, which is guided by
coverage; EVTX, whose reader is compiled and runs in a child process, gets mutated files. What breaks an invariant is
made smaller and kept under `seeds/<target>/`; `test_seeds.py` replays every seed in each test run.
"""
