"""Texts of rules → rules that can be run: `documents.py` → `parsing.py` → `lowering.py` → `assembly.py`.

What was parsed can be kept and read back without pySigma (`encoding.py`). `../loading.py` is the door.
"""
