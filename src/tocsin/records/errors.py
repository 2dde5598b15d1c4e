"""Every error that Tocsin raises, grouped by who can act on it.

```
TocsinError
├── OperatorError      the person at the keyboard can mend it; the message says what to do next
│   └── TryAgain       the disk refused for now; it may be tried again as it is
├── PluginError        a plug-in broke its contract; names the plug-in
└── Refused            a rule of ours said no; names the rule
BadRecord              one record cannot be read; never leaves `sources`: it becomes a `SetAside`
```
"""

from __future__ import annotations


class TocsinError(Exception):
    """The root of every error that is meant to reach a person."""


class OperatorError(TocsinError):
    """Something the operator can mend.

    Args:
        what: What is wrong, in one sentence.
        next_step: What to do about it, in one sentence.
    """

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what} {next_step}")
        self.what = what
        self.next_step = next_step


class TryAgain(OperatorError):  # noqa: N818  it says what to do
    """The disk refused for now: it is full, slow or held by somebody else; nothing was changed."""


class PluginError(TocsinError):
    """A plug-in broke its contract."""

    def __init__(self, plugin: str, what: str) -> None:
        super().__init__(f"plug-in {plugin}: {what}")
        self.plugin = plugin


class Refused(TocsinError):  # noqa: N818  it is an answer, not a failure
    """A rule of ours said no."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"refused by {rule}: {what}")
        self.rule = rule


class BadRecord(ValueError):  # noqa: N818  named for what it is about
    """One record cannot be read; the reader sets it aside with this reason and goes on."""
