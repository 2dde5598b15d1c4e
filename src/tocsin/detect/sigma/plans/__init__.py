"""How the planned evaluator answers: what rules ask, put together once, so that an event is mostly looked up.

`ir.py` (terms shared by rules) → `sectors.py` (the rules of one set of logsources) → `plan.py` (what is left of them for a
Channel and EventID) → `atoms.py` (a value's class: the literals, globs, regexes and networks it meets) → `shapes.py` (an
event's signature and its verdict). `../planned.py` is the door.
"""
