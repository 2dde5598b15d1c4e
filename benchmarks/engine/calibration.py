"""How fast the machine was at the moment: a fixed piece of pure Python, so that figures of a busy machine show as such."""

from __future__ import annotations

import time

_STEPS = 400_000


def calibration() -> float:
    """CPU milliseconds of a loop that counts words in a dict; the least of three."""
    return round(min(_loop() for _ in range(3)) * 1e3, 1)


def _loop() -> float:
    began = time.process_time()
    counts: dict[str, int] = {}
    for step in range(_STEPS):
        word = f"word {step % 1_000}"
        counts[word] = counts.get(word, 0) + 1
    return time.process_time() - began
