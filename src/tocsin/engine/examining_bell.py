"""What `tocsin doctor` looks at of the bell: whether it reaches anybody, in more than one way, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tocsin.config.bell import Bell
from tocsin.engine.examining import Item
from tocsin.engine.figures import Reload
from tocsin.outbound.gate import Undelivered
from tocsin.outbound.secrets import secret_in


def examine_bell(bell: Bell) -> Iterator[Item]:
    """The channels as the settings say."""
    yield from _channels(bell)
    for sentence in bell.warnings():
        what, _, todo = sentence.partition(". ")
        yield Item("bell", "look", f"{what.rstrip('.')}.", todo)
    yield from _secrets(bell)
    if bell.heartbeat is None:
        yield Item("bell", "look", "No heartbeat is sent, so nobody outside notices a dead box.",
                   "Name an address that alarms you when it is not called ([run.bell.heartbeat]).")  # fmt: skip
    if bell.channels and bell.digest is None:
        yield Item("bell", "look", "There is no daily message, whose silence would tell you that the bell is broken.",
                   'Write digest = "07:30" in [run.bell].')  # fmt: skip


def _channels(bell: Bell) -> Iterator[Item]:
    named = ", ".join(f"{one.name} ({one.kind})" for one in bell.channels)
    servers = {one.target.origin for one in bell.channels}
    if len(servers) > 1:
        yield Item("bell", "ok", f"It rings {named}.", "`tocsin ring` tries them.")
    elif bell.channels:
        yield Item("bell", "look", f"It rings {named}, and where {servers.pop()} fails, nobody hears it.",
                   "Name a second channel that needs neither that server nor your mail, such as ntfy.")  # fmt: skip


def _secrets(bell: Bell) -> Iterator[Item]:
    beat = bell.heartbeat
    targets = [(f"The channel {one.name}", one.target) for one in bell.channels]
    targets += [("The heartbeat", beat.target)] if beat is not None else []
    for name, target in targets:
        if target.secret is not None and (why := _unusable(target.secret)):
            yield Item(
                "bell",
                "broken",
                f"{name} cannot be used: {why}.",
                "Run this as the service's user if it is not so.",
            )


def _unusable(secret: Path) -> str:
    try:
        secret_in(secret)
    except Undelivered as error:
        return str(error)
    return ""


def examine_messages(counts: Mapping[str, int]) -> Iterator[Item]:
    """What came of the messages of the last days, by state."""
    waiting, failed = counts.get("waiting", 0), counts.get("failed", 0)
    if failed:
        yield Item("bell", "look", f"{failed:,} messages could not be handed over and were given up.",
                   "`tocsin outbound` says why; `tocsin ring` tries the channels.")  # fmt: skip
    if waiting:
        yield Item("bell", "ok", f"{waiting:,} messages wait for their time, or to be tried again.")


def examine_reload(reload: Reload) -> Iterator[Item]:
    """What came of reading the settings anew."""
    if reload.refused:
        yield Item("reload", "broken", f"The new settings do not hold; what ran before goes on. {reload.refused}",
                   "Mend them, then reload (kill -HUP, or systemctl reload tocsin).")  # fmt: skip
    for what in reload.waits:
        yield Item(
            "reload",
            "look",
            f"A change of {what} waits.",
            "Restart the service; until then the old one holds.",
        )
