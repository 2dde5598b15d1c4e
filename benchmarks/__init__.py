"""The figures of RESULTS.md, each a command that anyone can run; `python -m benchmarks [--full]` runs them all."""
