"""Both sides of a service with a source of each kind, for the passive proof: `serve` is what it reads, `watch` the service itself."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from tests.mqtt_broker import Broker, NatsBroker, mosquitto

from tocsin.engine.figures import read_figures
from tocsin.sources.mqtt import packets

KINDS = ("folder", "sql", "mqtt", "opcua")
TYPES = {
    1: "CONNECT", 3: "PUBLISH", 4: "PUBACK", 5: "PUBREC", 6: "PUBREL", 7: "PUBCOMP", 8: "SUBSCRIBE", 10: "UNSUBSCRIBE",
    12: "PINGREQ", 14: "DISCONNECT", 15: "AUTH",
}  # fmt: skip
PATIENCE = 45.0


def prepared(folder: Path, ports: dict[str, int]) -> str:
    """Files for `folder` and `sql`, and the settings of all four."""
    (folder / "exports").mkdir()
    rows = "".join(f"{int(time.time()) - 100 + at},{at}\n" for at in range(50))
    (folder / "exports" / "now.csv").write_text("time,LEVEL\n" + rows)
    os.utime(folder / "exports" / "now.csv", (0, 0))
    with closing(sqlite3.connect(folder / "history.db")) as own, own:
        own.execute("CREATE TABLE history (t INTEGER, tag TEXT, value REAL)")
        own.executemany(
            "INSERT INTO history VALUES (?, 'FLOW', 1)", [(int(time.time()) - at,) for at in range(50)]
        )
    common = '[[run.plant-source]]\nplant = "works"\nkind = "{}"\n'
    risk = "anyone between can read the readings and forge them"
    version = "5" if mosquitto() is not None else "3.1.1"
    return (
        f'\n[[run.plant]]\nname = "works"\nmodel = "works.model"\n{common.format("folder")}folder = "exports"\nsettle-seconds = 1\n'
        f'{common.format("sql")}url = "sqlite:///history.db"\ntable = "history"\ntime = "t"\ntag = "tag"\nvalue = "value"\n'
        "since = 2020-01-01\nevery-seconds = 1\n"
        f'{common.format("mqtt")}host = "127.0.0.1"\ntls = false\nport = {ports["mqtt"]}\nformat = "number"\n'
        f'topics = ["plant/{{tag}}"]\ntag = "{{tag}}"\nprotocol = "{version}"\n'
        f'{common.format("opcua")}endpoint = "opc.tcp://127.0.0.1:{ports["opcua"]}"\nfolder = "Plant/Tags"\ninterval-ms = 50\n'
        f'no-security = "{risk}"\n'
    )


async def serve(opcua: int, mqtt: int, behind: int) -> None:
    """A broker and an OPC UA server, whose values change, until its input ends; the last line is what they were asked for."""
    from tests.engine.plant.opcua_servers import counted, started

    counted()
    plant = await started(port=opcua)
    asked: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        broker = (Broker if mosquitto() is not None else NatsBroker)(Path(folder), port=behind).start()
        between = await asyncio.start_server(
            lambda reader, writer: _between(reader, writer, behind, asked), "127.0.0.1", mqtt
        )
        _, device = await asyncio.open_connection("127.0.0.1", behind)  # paho would open more than that
        device.write(packets.connect(packets.Login("device"), 4))
        print("ready", flush=True)
        ends = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        number = 0.0
        while not ends.done():
            number += 1
            await plant.show("L_T1", number)
            device.write(b"\x32\x13\x00\x0aplant/PUMP" + struct.pack("!H5s", int(number), b"%05d" % number))
            await asyncio.wait({ends}, timeout=0.1)
        device.close()
        between.close()
        broker.stop(kill=True)
    print(json.dumps(plant.asked + asked))
    await plant.server.stop()


async def _between(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: int, asked: Counter[str]
) -> None:
    """Hands on what a client of the broker says, packet by packet, and counts them."""
    back, on = await asyncio.open_connection("127.0.0.1", behind)
    answers = asyncio.create_task(_hand_on(back, writer))
    with suppress(OSError, EOFError):
        while True:
            head = await reader.readexactly(1)
            asked[TYPES.get(head[0] >> 4, f"packet {head[0] >> 4}")] += 1
            size = shift = 0
            while True:
                byte = await reader.readexactly(1)
                head += byte
                size |= (byte[0] & 0x7F) << shift
                shift += 7
                if byte[0] < 0x80:
                    break
            on.write(head + await reader.readexactly(size))
            await on.drain()
    on.close()
    await answers


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def watch(settings: Path, data: Path) -> int:
    """`tocsin run`, ended once every source gave readings; what it said, and how they stand."""
    command = [sys.executable, "-m", "tocsin", "--config", str(settings), "run", "--json"]
    out = settings.parent / "out"
    with out.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    until = time.monotonic() + PATIENCE
    found: dict[str, int] = {}
    while process.poll() is None and time.monotonic() < until:
        with suppress(Exception):  # not written yet
            figures = read_figures(data)
            found = {name: one.readings for name, one in figures.collected.items()} if figures else {}
        if len(found) == len(KINDS) and all(found.values()):
            break
        time.sleep(0.1)
    process.terminate()
    code = process.wait(PATIENCE)
    print(out.read_text(), json.dumps(found), flush=True)
    return 0 if code == 0 and len(found) == len(KINDS) and all(found.values()) else code or 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(*map(int, sys.argv[2:])))
    else:
        sys.exit(watch(Path(sys.argv[2]), Path(sys.argv[3])))
