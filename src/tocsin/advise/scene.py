"""What an incident offers to advise on: who, where, and which things happened. Built once, asked by `steps.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tocsin.records import accounts
from tocsin.records.finding import LEVELS, Claim, Finding
from tocsin.records.incident import Incident

NO_SUCH_USER = "no such user"
"""How `detect/statements` words the reason of a failed log-on whose account does not exist."""

_CLOUD = (
    "exchange",
    "azureactivedirectory",
    "sharepoint",
    "onedrive",
    "microsoftteams",
    "aad",
    "microsoft365",
)


@dataclass(frozen=True)
class Scene:
    """`incident`, seen by what could be done about it."""

    incident: Incident

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim, those of the gravest findings first."""
        gravest = sorted(self.incident.findings, key=_gravity)
        return tuple(claim for finding in gravest for claim in finding.claims)

    def of(self, *types: str) -> Iterator[Claim]:
        """The claims of these types."""
        return (claim for claim in self.claims if claim.type in types)

    def tactic(self, *tactics: str) -> bool:
        """Whether a finding speaks for one of these tactics."""
        return any(tactic in self.incident.tactics for tactic in tactics)

    def technique(self, *techniques: str) -> bool:
        """Whether a finding names one of these techniques, or a sub-technique of one."""
        return any(
            have == want or have.startswith(want + ".")
            for have in self.incident.techniques
            for want in techniques
        )

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Accounts that belong to one person, those named most often by grave findings first, one spelling each.

        An account that somebody only failed to get into is left out, unless there are no others; one that a log says
        does not exist, always.
        """
        return self.entered or tuple(
            user for user in self._named if accounts.account(user).local not in self._unknown
        )

    @cached_property
    def entered(self) -> tuple[str, ...]:
        """Those of `people` of whom more is told than that somebody failed to get in."""
        return tuple(user for user in self._named if accounts.account(user).local not in self._only_tried)

    @cached_property
    def _named(self) -> tuple[str, ...]:
        seen: Counter[str] = Counter()
        spelled: dict[str, str] = {}
        for finding in self.incident.findings:
            for user in finding.users:
                if not accounts.is_shared(user):
                    local = accounts.account(user).local
                    spelled.setdefault(local, user)
                    seen[local] += 1 + 3 * LEVELS.index(finding.level)
        return tuple(spelled[local] for local, _ in seen.most_common())

    @cached_property
    def _unknown(self) -> frozenset[str]:
        """Accounts of which a failed log-on says that they do not exist."""
        return frozenset(
            accounts.account(claim.values["user"]).local
            for claim in self.of("logon_failed")
            if claim.values.get("reason") == NO_SUCH_USER
        )

    @cached_property
    def _only_tried(self) -> frozenset[str]:
        """Accounts that are named by failed log-ons and by nothing else."""
        names = (
            (claim.type, accounts.account(claim.values[part]).local)
            for claim in self.claims
            for part in ("user", "as_user", "target")
            if part in claim.values
        )
        tried: dict[bool, set[str]] = {True: set(), False: set()}
        for kind, local in names:
            tried[kind == "logon_failed"].add(local)
        return frozenset(tried[True] - tried[False])

    @cached_property
    def computers(self) -> tuple[str, ...]:
        """Hosts on which programs ran or files changed: those that can be taken off the network, gravest first."""
        types = (
            "process_started", "script_run", "file_changed", "registry_changed", "service_installed", "task_scheduled",
            "module_loaded", "process_accessed", "log_cleared", "credentials_used", "object_accessed",
        )  # fmt: skip
        return _distinct(claim.values.get("host") for claim in self.of(*types))

    @cached_property
    def strangers(self) -> tuple[str, ...]:
        """Addresses on the internet that tried to get in, or were talked to, in the claims' order."""
        return _outside(claim for claim in self.claims if not _in_cloud(claim))

    @cached_property
    def cloud_strangers(self) -> tuple[str, ...]:
        """Addresses that only a cloud service met: the organisation's own firewall never sees them."""
        met = _outside(claim for claim in self.claims if _in_cloud(claim))
        return tuple(address for address in met if address not in self.strangers)

    @cached_property
    def cloud_people(self) -> tuple[str, ...]:
        """Accounts that did something, or signed in, by the word of a Microsoft 365 or Entra record."""
        return _distinct(
            claim.values.get("user")
            for claim in self.of("cloud_operation", "logon_succeeded")
            if "@" in claim.values.get("user", "") and _in_cloud(claim)
        )

    def operations(self, fits: Callable[[str], bool]) -> Iterator[Claim]:
        """The cloud operations whose name, case-folded, `fits`."""
        return (claim for claim in self.of("cloud_operation") if fits(claim.values["operation"].casefold()))


def _in_cloud(claim: Claim) -> bool:
    return claim.type == "cloud_operation" or _is_cloud(claim.values.get("service", ""))


def _outside(claims: Iterable[Claim]) -> tuple[str, ...]:
    named = [claim.values.get(part) for claim in claims for part in ("address", "source")]
    found = (accounts.address(text) for text in named if text)
    return _distinct(address for address in found if address and not accounts.is_internal(address))


def _is_cloud(service: str) -> bool:
    return service.casefold().replace(" ", "").startswith(_CLOUD)


def _gravity(finding: Finding) -> tuple[int, int]:
    return -LEVELS.index(finding.level), finding.time


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
