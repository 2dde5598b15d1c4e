"""What Sigma knows and Tocsin does not read: logs of applications, of endpoint products, of macOS, and Windows tracing."""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import UNREAD, Switch, kind, supply

_APPLICATIONS: tuple[tuple[str, str, tuple[tuple[str | None, str | None, str | None], ...]], ...] = (
    ("database", "database audit log", ((None, "database", None), ("sql", "application", None))),
    (
        "frameworks",
        "error logs of web frameworks",
        tuple(
            (product, "application", None)
            for product in ("jvm", "spring", "django", "python", "ruby_on_rails", "velocity", "nodejs")
        ),
    ),
    ("opencanary", "OpenCanary", (("opencanary", "application", None),)),
    ("rpc-firewall", "RPC Firewall", (("rpc_firewall", "application", None),)),
)

SWITCHES: tuple[Switch, ...] = (
    *(
        Switch(
            name,
            title,
            UNREAD,
            tuple(supply(kind(f"{name}/{number}", parts), "*") for number, parts in enumerate(sources)),
            read=False,
        )
        for name, title, sources in _APPLICATIONS
    ),
    Switch(
        "macos",
        "macOS process and file events of an endpoint product",
        UNREAD,
        (
            supply(
                kind("macos/process", ("macos", "process_creation", None)),
                "Image CommandLine ParentImage ParentCommandLine User CurrentDirectory ProcessId ParentProcessId",
            ),
            supply(kind("macos/file", ("macos", "file_event", None)), "Image TargetFilename User ProcessId"),
        ),
        read=False,
    ),
    Switch(
        "windows-tracing",
        "Windows file access and renames, which only Event Tracing for Windows gives and no log file holds",
        UNREAD,
        tuple(
            supply(kind(f"windows/{category}", ("windows", category, None)), "*")
            for category in ("file_access", "file_rename")
        ),
        read=False,
    ),
)
