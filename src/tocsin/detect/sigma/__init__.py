"""Sigma rules, run exactly: every modifier and condition of the 2.x specification, filters and correlations.

`loading.py` (texts → rules and problems) → `compiling/lowering.py` (pySigma's tree → predicates) → `detector.py` (events →
hits → findings), with `correlations/` for rules over hits and `coverage.py` for what can fire on which source.
"""
