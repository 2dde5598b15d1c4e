"""A step of a connection, told: as a line of the JSON contract, and in words."""

from __future__ import annotations

import shlex
from typing import Any

from tocsin.config.service import Service
from tocsin.engine.connecting.connection import (
    CommandStep,
    FileStep,
    SettingsStep,
    Step,
    TokenStep,
    WordsStep,
)


def told(step: Step, service: Service) -> tuple[dict[str, Any], str]:
    """A step as a JSON line, and its head for people."""
    match step:
        case SettingsStep(lines, there, restart, instead):
            what = f"change {instead}, so that there stands" if instead else "add, where it is missing"
            then = "restart the service" if restart else "reload the service (SIGHUP)"
            head = f"{service.file} says:" if there else f"In {service.file} {what} (then {then}):"
            return {"step": "settings", "path": str(service.file), "text": lines, "restart": restart}, head
        case TokenStep(name):
            return {"step": "token", "name": name}, f"A token for the sender {name}."
        case FileStep(path, text, why, mode, local):
            where = f"The file {path}" if local else f"On the sender, the file {path}"
            line = {
                "step": "file",
                "path": str(path),
                "text": text,
                "mode": f"{mode:04o}",
                "local": local,
                "why": why,
            }
            return line, f"{where} (rights {mode:04o}). {why}"
        case CommandStep(argv, why, root, _, _, local, _):
            where = "" if local else "On the sender: "
            command = shlex.join(argv)
            line = {"step": "command", "command": command, "root": root, "local": local, "why": why}
            return line, f"{where}{why}{' Needs root.' if root else ''}"
        case WordsStep(text):
            return {"step": "words", "text": text}, "This is for you to do:"
