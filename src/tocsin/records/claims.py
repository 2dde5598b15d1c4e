"""The enumerated statements that evidence can make. `detect/claims.py` reads them from events; `advise` words them.

Each type lists the values it may carry, the first ones required. A detector that is unsure makes `record_says`,
which only quotes.
"""

from __future__ import annotations

from typing import Final

CLAIM_TYPES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    # type: (required values, optional values)
    "process_started": (("image",), ("command_line", "parent", "user", "host")),
    "script_run": (("script",), ("user", "host", "path")),
    "logon_succeeded": (("user",), ("address", "host", "method", "service")),
    "logon_failed": (("user",), ("address", "host", "method", "service", "reason")),
    "privilege_used": (("user", "command"), ("host", "as_user")),
    "credentials_used": (("user", "as_user"), ("process", "target", "address", "host")),
    "privilege_refused": (("user", "command"), ("host", "as_user", "reason")),
    "account_changed": (("action", "target"), ("user", "host", "group")),
    "cloud_operation": (("operation",), ("user", "address", "target", "detail", "service")),
    "file_changed": (("action", "path"), ("process", "user", "host")),
    "registry_changed": (("key",), ("action", "value", "process", "user", "host")),
    "network_connection": (("destination",), ("port", "process", "source", "host", "action", "protocol")),
    "name_looked_up": (("name",), ("process", "host", "address")),
    "web_request": (("method", "path"), ("address", "status", "host", "agent")),
    "service_installed": (("name",), ("path", "user", "host")),
    "task_scheduled": (("name",), ("command", "user", "host")),
    "log_cleared": (("log",), ("user", "host")),
    "module_loaded": (("path",), ("process", "host", "user")),
    "process_accessed": (("target",), ("access", "process", "host", "user")),
    "object_accessed": (("object",), ("process", "user", "host")),
    "share_opened": (("share",), ("path", "user", "address", "host")),
    "ticket_requested": (("user",), ("service", "address", "host")),
    "control_command": (("function",), ("source", "destination", "protocol")),
    "alert_raised": (("product", "signature"), ("source", "destination", "host")),
    "device_changed": (("change",), ("user", "address", "host")),
    "repeated": (("count", "what"), ("group", "minutes", "distinct", "counted")),
    "fell_silent": (("what", "minutes"), ("usual", "host")),
    "others_silent": (("what", "count"), ()),
    "did_not_come": (("what",), ("between", "minutes", "never")),
    "too_few": (("what", "heard", "of", "least", "between"), ("never",)),
    "plant_out_of_step": (
        ("plant", "unit", "blocks", "kept"),
        (
            "tag",
            "shown",
            "expected",
            "step",
            "low",
            "high",
            "counter",
            "states",
            "words",
            "measured in",
            "also 1",
            "also 2",
        ),
    ),
    "plant_notice": (("plant", "notice"), ("at", "amount", "tag", "more")),
    "record_says": (("text",), ("host", "user")),
}
