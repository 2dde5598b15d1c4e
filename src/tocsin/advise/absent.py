"""What to do when something does not come: three steps, each of which can be undone."""

from __future__ import annotations

from tocsin.advise.phrases import name, quoted
from tocsin.advise.scene import Scene


def absent_steps(scene: Scene) -> tuple[str, ...]:
    """Three next steps for an incident that tells of an absence, most urgent first."""
    claim = scene.claims[0]
    what = name(claim.values["what"])
    close = f'If it is meant to be so, say so: tocsin dismiss {scene.incident.id} --reason "…". Once it is heard again, this ends by itself.'
    if claim.type == "did_not_come":
        return (
            f"Look at the machine that is to do {quoted(claim.values['what'], 80)}: did it run, and what does it say itself?",
            "If it ran, look why its record did not come: tocsin status lists each source and when it was last heard.",
            close,
        )
    if claim.type == "too_few":
        return (
            "See whether people are away or their machines are off, and whether those that are on reach this computer.",
            "Look at one that is on: does the program that sends its log run? tocsin status says when each source was last heard.",
            close,
        )
    look = (
        f"See whether {what} is switched on and connected to the network. If nobody switched it off, ask who could have: "
        "an intruder stops the log first."
    )
    ask = (
        "If it is on, look whether the program that sends its log runs, and whether its disk is full. tocsin doctor tells "
        f"what else is not right with {what}."
    )
    return look, ask, close
