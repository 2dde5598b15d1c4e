"""A plant's readings from an OPC UA server: a `[[run.plant-source]]` of kind `opcua`, as typed values.

```toml
[[run.plant-source]]
plant = "waterworks"
kind = "opcua"
endpoint = "opc.tcp://historian.plant.example:4840"
folder = "Plant/Tags"                    # names below Objects; every variable below it is a tag
nodes = ["ns=2;s=Tank1.Level"]           # or nodes by their ids, or both
interval-ms = 1000                       # how often the server sends what changed
repeat-seconds = 10                      # how often what does not change is said again; 0 for never
security = "Basic256Sha256"              # or Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss
mode = "SignAndEncrypt"                  # or Sign
certificate = "opcua/tocsin.pem"         # ours
key = "opcua/tocsin.key"
server-certificate = "opcua/server.pem"  # the server's; no other server is spoken to
user = "tocsin"
password-file = "opcua/password"

[run.plant-source.names]                 # where a node is called otherwise in the model
"ns=2;s=Tank1.Level" = "L_T1"
```
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tocsin.config import bounds
from tocsin.config.plant_source_keys import refuse_controller_port
from tocsin.config.table import Table

PORT: Final = 4840
"""What the OPC Foundation registered for OPC UA (IEC 62541-6)."""

NO_SECURITY: Final = "anyone between can read the readings and forge them"
"""What `no-security` must say, word for word, before readings are taken without signature and encryption."""

KEYS: Final = (
    "certificate", "endpoint", "folder", "interval-ms", "key", "kind", "mode", "name", "names", "no-security", "nodes",
    "password-file", "plant", "repeat-seconds", "security", "server-certificate", "user",
)  # fmt: skip

_POLICIES: Final = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
_MODES: Final = ("SignAndEncrypt", "Sign")
_NODE: Final = re.compile(r"(?:ns=[0-9]{1,5};|nsu=[^;]{1,512};)?[isgb]=.{1,4096}", re.ASCII | re.DOTALL)
_HOW_TO_NODE: Final = 'Write it as the server\'s browser shows it, such as "ns=2;s=Tank1.Level".'


@dataclass(frozen=True, slots=True)
class Secured:
    """How the channel is secured (IEC 62541-7).

    Attributes:
        policy: The name of the policy, the end of its URI.
        encrypted: Whether what is said is encrypted; it is signed in any case.
        certificate: Our certificate (PEM); the URI in it is our name.
        key: Its key (PEM, no password), ours alone.
        server_certificate: The one certificate (PEM or DER) that the server may have.
    """

    policy: str
    encrypted: bool
    certificate: Path
    key: Path
    server_certificate: Path


@dataclass(frozen=True, slots=True)
class OpcUa:
    """Where to ask, for what, and as whom.

    Attributes:
        endpoint: `opc.tcp://HOST:PORT/PATH`.
        folder: Names from Objects down to a folder; empty for none.
        nodes: Ids of nodes, as IEC 62541-6 spells them.
        names: Tag by node id, where the node's own name is not the tag.
        interval_ms: The publishing interval asked for.
        secured: How the channel is secured; None for not at all.
        user: Empty for nobody.
        password_file: With the user's password; None without a user.
        repeat_seconds: How often a value that does not change is said again; 0 for never.
    """

    endpoint: str
    folder: tuple[str, ...]
    nodes: tuple[str, ...]
    names: tuple[tuple[str, str], ...]
    interval_ms: int
    secured: Secured | None
    user: str = ""
    password_file: Path | None = None
    repeat_seconds: int = bounds.OPCUA_REPEAT_SECONDS


def opcua_source(table: Table) -> OpcUa:
    """What `table` says.

    Raises:
        OperatorError: it says something that cannot be; it names file, table and key.
    """
    table.check(KEYS)
    folder, nodes = _folder(table), _nodes(table)
    if not folder and not nodes:
        table.refuse("nodes", "names no node, and there is no folder", "Name a folder, nodes, or both.")
    secured = _secured(table)
    user, password = _user(table, secured)
    return OpcUa(
        _endpoint(table),
        folder,
        nodes,
        _names(table),
        table.whole("interval-ms", bounds.OPCUA_INTERVAL_MS, 50, 3_600_000),
        secured,
        user,
        password,
        table.whole("repeat-seconds", bounds.OPCUA_REPEAT_SECONDS, 0, 3_600),
    )


def _endpoint(table: Table) -> str:
    right = f'Write one such as "opc.tcp://historian.plant.example:{PORT}".'
    url = table.text("endpoint", "", right)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port == 0 or parts.scheme != "opc.tcp" or parts.query or parts.fragment or " " in url:
        table.refuse("endpoint", "is no address of an OPC UA server", right)
    if parts.username is not None or parts.password is not None:
        table.refuse("endpoint", "holds a user", "Write user and password-file instead.")
    refuse_controller_port(table, "endpoint", port or PORT)
    return url if port else parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{PORT}").geturl()


def _folder(table: Table) -> tuple[str, ...]:
    if "folder" not in table.values:
        return ()
    right = 'Write the names from Objects down, such as "Plant/Tags".'
    names = tuple(table.text("folder", "", right).split("/"))
    if not all(names) or len(names) > bounds.OPCUA_DEPTH:
        table.refuse("folder", f"is no path of 1 to {bounds.OPCUA_DEPTH} names", right)
    return names


def _nodes(table: Table) -> tuple[str, ...]:
    nodes = (
        table.texts("nodes", 'Write a list, such as ["ns=2;s=Tank1.Level"].')
        if "nodes" in table.values
        else ()
    )
    if len(nodes) > bounds.OPCUA_NODES:
        table.refuse("nodes", f"names more than {bounds.OPCUA_NODES} nodes", "Name a folder, or fewer.")
    for node in nodes:
        if not _NODE.fullmatch(node):
            table.refuse("nodes", f"holds {node[:100]!a}, which is no id of a node", _HOW_TO_NODE)
    return nodes


def _names(table: Table) -> tuple[tuple[str, str], ...]:
    named = table.table("names")
    if len(named.values) > bounds.OPCUA_NODES:
        table.refuse("names", f"has more than {bounds.OPCUA_NODES} names", "Name fewer.")
    for node in named.values:
        if not _NODE.fullmatch(node):
            named.refuse(repr(node[:100]), "is no id of a node", _HOW_TO_NODE)
    pairs = tuple((node, named.text(node, "", "Write the tag's name in the model.")) for node in named.values)
    for tag, count in Counter(tag for _, tag in pairs).items():
        if count > 1:
            table.refuse("names", f"gives the name {tag[:100]!a} twice", "Give each node a name of its own.")
    return pairs


def _secured(table: Table) -> Secured | None:
    policy = table.text("security", _POLICIES[0])
    if policy not in _POLICIES:
        table.refuse("security", "is no policy that is still safe", f"Write one of: {', '.join(_POLICIES)}.")
    mode = table.text("mode", _MODES[0])
    if mode not in _MODES:
        table.refuse("mode", "is no mode", f"Write one of: {', '.join(_MODES)}.")
    certificate, key, server = map(table.path, ("certificate", "key", "server-certificate"))
    if _bare(table):
        return None
    if certificate is None or key is None or server is None:
        missing = next(
            name for name in ("certificate", "key", "server-certificate") if name not in table.values
        )
        table.refuse(
            missing,
            "is missing, so that nobody could tell the server from another",
            f"Name certificate, key and server-certificate (docs/plant.md says how to make them), or, where it does not "
            f'matter, write no-security = "{NO_SECURITY}".',
        )
    return Secured(policy, mode == _MODES[0], certificate, key, server)


def _bare(table: Table) -> bool:
    if "no-security" not in table.values:
        return False
    if table.values["no-security"] != NO_SECURITY:
        table.refuse("no-security", "does not say what it risks", f'Write "{NO_SECURITY}", or remove it.')
    for key in ("certificate", "key", "mode", "security", "server-certificate"):
        if key in table.values:
            table.refuse("no-security", f"contradicts {key}", "Remove one of the two.")
    return True


def _user(table: Table, secured: Secured | None) -> tuple[str, Path | None]:
    password = table.path("password-file")
    if "user" not in table.values:
        if password is not None:
            table.refuse("password-file", "is named without user", "Name user too, or neither.")
        return "", None
    if password is None:
        table.refuse("user", "is named without password-file", "Name password-file too, or neither.")
    if secured is None or not secured.encrypted:
        table.refuse("user", "would send a password that others can read", 'Use mode = "SignAndEncrypt".')
    return table.text("user", ""), password
