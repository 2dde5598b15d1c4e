"""Writes `starter-rules.md` and `field-catalogue.md` from the rules and the catalogue: `python docs/generate_rule_pages.py`."""
# ruff: noqa: INP001  a script beside the pages that it writes

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tocsin.detect.sigma.catalogue import CATALOGUE, Supply, Switch
from tocsin.detect.sigma.catalogue.windows import SYSTEM
from tocsin.detect.sigma.correlations.plans import silenced
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import Metadata
from tocsin.engine.rule_files import starter_texts
from tocsin.records.attack import technique_name

HERE = Path(__file__).parent

_RULES = """# The starter rules

*Made by `python docs/generate_rule_pages.py`; do not edit by hand.*

They ship with Tocsin and are written for what small organisations meet. *Critical* and *high* need a person; *medium*
is worth a look; *low* is a hint that matters beside others. Rules that only feed a correlation are left out.

## Naming your own stations

The industrial rules do not know which hosts may write to your controllers. Say so in a Sigma filter, in a folder that
you add with `tocsin rules add`:

```yaml
title: Our control and engineering stations
logsource: {product: zeek, service: modbus}
filter:
  rules: [ot_modbus_written, ot_modbus_written_anywhere]
  stations:
    id.orig_h: [10.1.1.20, 10.1.1.21]
  condition: not stations
```

In the same way the administrators' own addresses or programs can be left out of any other rule.
"""

_CATALOGUE = """# What can fire on what

*Made by `python docs/generate_rule_pages.py`; do not edit by hand.*

`tocsin rules check` judges every rule by its condition: can it be true with the fields that arrive? Names in the first
column are what `--for` takes. A field name that ends in `*` stands for every name that begins so; a lone `*` for any.
Log sources stand as `product/category/service`, a part that is left out empty; field names without the blanks that some
have, as rules write them. Every Windows event also has the common fields COMMON. (`Message`, the rendered text, is
added by winlogbeat, Wazuh and Get-WinEvent; EVTX files do not hold it.)

What stands here is what Tocsin's readers give (`docs/sources.md`); a test holds the two together.

## Audit rules that we recommend for Linux

Put them into `/etc/audit/rules.d/tocsin.rules` and run `augenrules --load`:

```text
-a always,exit -F arch=b64 -S execve -S execveat -k exec
-w /etc/passwd -p wa -k accounts
-w /etc/shadow -p wa -k accounts
-w /etc/sudoers -p wa -k sudoers
-w /etc/sudoers.d -p wa -k sudoers
-w /etc/ssh/sshd_config -p wa -k sshd
-w /etc/crontab -p wa -k cron
-w /etc/cron.d -p wa -k cron
-w /var/spool/cron -p wa -k cron
-w /etc/systemd/system -p wa -k systemd
-w /var/log/audit -p wa -k audit-log
-a always,exit -F arch=b64 -S unlink,unlinkat,rename,renameat -F dir=/srv/backup -k backups
```

## Switches
"""


def starter_page() -> str:
    """`starter-rules.md`."""
    rules = load_rules(starter_texts().texts)
    quiet = silenced([one.plan for one in rules.correlations])
    told: list[Metadata] = [rule.meta for rule in rules.rules if rule.id not in quiet]
    told += [one.meta for one in rules.correlations if one.id not in quiet]
    lines = [_RULES, f"## The {len(told)} rules\n"]
    for prefix, heading in _GROUPS:
        group = sorted((m for m in told if _stem(m).startswith(prefix)), key=lambda m: (_stem(m), m.title))
        lines += [
            f"### {heading}\n",
            *_table(("rule", "level", "ATT&CK", "what it means", "also harmless when")),
        ]
        lines += [_row(_rule_cells(meta)) for meta in group]
        lines.append("")
    return "\n".join(lines)


_GROUPS = (
    ("m365_", "Microsoft 365, from unified audit records"),
    ("entra_", "Entra sign-in logs (P1)"),
    ("win_", "Windows"),
    ("lnx_", "Linux"),
    ("fw_", "FortiGate"),
    ("pf_", "pfSense and OPNsense"),
    ("web_", "Web servers"),
    ("nas_", "Network storage"),
    ("ot_", "Industrial control"),
)


def _stem(meta: Metadata) -> str:
    return Path(meta.path).stem


def _rule_cells(meta: Metadata) -> tuple[str, ...]:
    techniques = ", ".join(
        t if technique_name(t) == t else f"{t} {technique_name(t)}" for t in meta.techniques
    )
    return meta.title, meta.level, techniques, meta.description, " ".join(meta.falsepositives)


def catalogue_page() -> str:
    """`field-catalogue.md`."""
    lines = [
        _CATALOGUE.replace("COMMON", ", ".join(SYSTEM.split())),
        *_table(("name", "what it is", "how to have it", "brings along")),
    ]
    lines += [_row((f"`{s.name}`", s.title, s.how, ", ".join(s.includes))) for s in CATALOGUE if s.read]
    for switch in CATALOGUE:
        if switch.read:
            lines += ["", *_switch_lines(switch)]
    lines += ["", *_unread_lines()]
    return "\n".join(lines) + "\n"


def _unread_lines() -> list[str]:
    """A table of the log sources that Sigma's public rules ask for and that nothing which Tocsin reads gives."""
    rows = [
        _row((switch.title, ", ".join(dict.fromkeys(name for s in switch.supplies for name in _sources(s)))))
        for switch in CATALOGUE
        if not switch.read
    ]
    told = "Public rules ask for these too; Tocsin has no reader for them yet, so such rules cannot fire.\n"
    return [
        "## What Sigma knows and Tocsin does not read\n",
        told,
        *_table(("what it is", "log sources")),
        *rows,
    ]


def _sources(supply: Supply) -> list[str]:
    """The kind's log sources as `product/category/service`; a part that it leaves out is empty."""
    return sorted("/".join(part or "" for part in source).rstrip("/") for source in supply.kind.logsources)


def _switch_lines(switch: Switch) -> list[str]:
    """A table of what the switch gives; kinds of one family (`fortigate/…`) with the same fields share a row."""
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for supply in switch.supplies:
        fields = " ".join(sorted(supply.fields - set(SYSTEM.split()))) or "only the common ones"
        key = supply.kind.name.rpartition("/")[0], ("adds " if supply.only_fields else "") + fields
        names[key].append(supply.kind.name)
        sources[key].update(_sources(supply))
    rows = [_row((_folded(names[key]), ", ".join(sorted(sources[key])), key[1])) for key in names]
    return [f"### `{switch.name}`\n", *_table(("event", "log sources", "fields")), *rows]


def _folded(names: list[str]) -> str:
    """`Security/4722, Security/4725` as `Security/4722, 4725`."""
    folder = names[0].rpartition("/")[0] + "/"
    if len(names) > 1 and all(name.startswith(folder) for name in names):
        return folder + ", ".join(name.removeprefix(folder) for name in names)
    return ", ".join(names)


def _table(heads: tuple[str, ...]) -> list[str]:
    return [_row(heads), _row("---" for _ in heads)]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    (HERE / "starter-rules.md").write_text(starter_page(), encoding="utf-8")
    (HERE / "field-catalogue.md").write_text(catalogue_page(), encoding="utf-8")
