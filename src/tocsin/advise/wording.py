"""From a typed claim to what it says in plain words, and to whose word that is.

A clause is written from one claim's values only; nothing is added that the record does not state. What Tocsin itself
concludes (that a rule recognised something) is worded in `story.py`, and always as Tocsin's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tocsin.advise.counting import different, grouped
from tocsin.advise.live_plant import plant_notice, plant_out_of_step
from tocsin.advise.phrases import computer, given, listed, name, person, program, quoted
from tocsin.records.event import Auth
from tocsin.records.finding import Claim, Evidence

Values = Mapping[str, str]

VARIES: Final[dict[str, str]] = {
    "logon_failed": "user",
    "logon_succeeded": "user",
    "name_looked_up": "name",
    "network_connection": "destination",
    "web_request": "path",
    "file_changed": "path",
    "registry_changed": "key",
    "module_loaded": "path",
    "object_accessed": "object",
    "ticket_requested": "service",
    "share_opened": "path",
    "cloud_operation": "target",
}
"""For each type the value in which claims may differ and still be told in one sentence that lists some of them."""

_UNPROVEN: Final[dict[Auth, str]] = {
    "none": "Nothing proves where these records come from: anyone who could send to this computer, or write to "
    "these files, could have made them. Check before you act on them.",
    "token": "They came with the password (token) of a connected source; whoever knows that password could have made them.",
    "mtls": "They came over connections whose sender proved itself with a certificate.",
    "local": "Tocsin read them from files on this computer; whoever could change those files, here or where they were "
    "written, could have changed what they say.",
}


def clause(claim: Claim, varied: Sequence[str] = ()) -> str:
    """What `claim` says, as the rest of a sentence that begins "According to WS-014's log, ".

    Args:
        claim: The claim.
        varied: The different texts of its value that varies (`VARIES`), where several claims are told as one.
    """
    values = dict(claim.values)
    text = _CLAUSES.get(claim.type, _other)(values)
    others = [one for one in varied if one != values.get(VARIES.get(claim.type, ""))]
    if others:
        text += f" (likewise {listed([_item(claim.type, one) for one in others])})"
    return text


def whose(evidence: Evidence) -> str:
    """Whose word a piece of evidence is: its host's, else its file's."""
    if evidence.host:
        shown = computer(evidence.host)
        return f"{shown}' log" if shown.endswith("s") else f"{shown}'s log"
    return f"the records in {name(_last_part(evidence.source))}"


def proven(auth: Auth) -> str:
    """How far the origin of evidence is proven, in a sentence."""
    return _UNPROVEN[auth]


def _last_part(source: str) -> str:
    return source.replace("\\", "/").rstrip("/").rpartition("/")[2] or source


def _item(kind: str, text: str) -> str:
    return quoted(text, 60) if kind in ("web_request", "file_changed", "registry_changed") else name(text)


def _actor(values: Values, otherwise: str) -> str:
    return person(values["user"]) if values.get("user") else otherwise


def _process_started(v: Values) -> str:
    line = v.get("command_line")
    shown = f" with the command line {quoted(line)}" if line and line != v["image"] else ""
    parent = f", from {program(v['parent'])}" if v.get("parent") else ""
    who = person(v["user"]) if v.get("user") else None
    started = f"{who} started {program(v['image'])}" if who else f"{program(v['image'])} was started"
    return started + given(v, "host", "on ") + parent + shown


def _script_run(v: Values) -> str:
    who = f"{person(v['user'])} ran" if v.get("user") else "PowerShell or another interpreter was given"
    return f"{who} the script {quoted(v['script'])}" + given(v, "path", "from ") + given(v, "host", "on ")


def _logon(v: Values) -> str:
    return given(v, "service", "to ") + given(v, "host", "on ") + given(v, "address", "from ") + _method(v)


def _method(v: Values) -> str:
    method = v.get("method")
    if not method:
        return ""
    return f" {method}" if method.startswith(("at the", "over the", "by ", "as a")) else f" ({name(method)})"


def _logon_succeeded(v: Values) -> str:
    return f"{person(v['user'])} logged on{_logon(v)}"


def _logon_failed(v: Values) -> str:
    reason = f" ({quoted(v['reason'], 80)})" if v.get("reason") else ""
    return f"a log-on{_logon(v)} as {person(v['user'])} failed{reason}"


def _privilege_used(v: Values) -> str:
    role = f" as {person(v['as_user'])}" if v.get("as_user") else " with raised rights"
    return f"{person(v['user'])} ran {quoted(v['command'])}{role}{given(v, 'host', 'on ')}"


def _privilege_refused(v: Values) -> str:
    role = f" as {person(v['as_user'])}" if v.get("as_user") else ""
    reason = f" ({quoted(v['reason'], 80)})" if v.get("reason") else ""
    return (
        f"{person(v['user'])} was not let run {quoted(v['command'])}{role}{given(v, 'host', 'on ')}{reason}"
    )


def _credentials_used(v: Values) -> str:
    used = f"{person(v['user'])} used the name and password of {person(v['as_user'])}"
    return used + given(v, "target", "for ") + given(v, "host", "on ") + given(v, "process", "with ")


def _account_changed(v: Values) -> str:
    what = {
        "added to a group": "was added to the group" + given(v, "group", ""),
        "removed from a group": "was removed from the group" + given(v, "group", ""),
    }.get(v["action"], f"was {name(v['action']) if ' ' not in v['action'] else v['action']}")
    if v["action"].endswith("a group") and not v.get("group"):
        what = f"was {v['action']}"
    by = f" by {person(v['user'])}" if v.get("user") else ""
    return f"the account {person(v['target'])} {what}{by}{given(v, 'host', 'on ')}"


OPERATIONS: Final[dict[str, str]] = {
    "new-inboxrule": "a new mail rule",
    "set-inboxrule": "a change of a mail rule",
    "updateinboxrules": "a change of mail rules",
    "set-mailbox": "a change of mailbox settings",
    "add-mailboxpermission": "a new right on a mailbox",
    "consent to application.": "giving an app access",
    "add member to role.": "a new administrator right",
    "add user.": "a new account",
    "reset user password.": "a new password",
    "user registered security info": "a new way to prove who signs in",
    "disable strong authentication.": "switching off the second proof at sign-in",
    "filedownloaded": "a file download",
    "filesyncdownloadedfull": "a file download",
    "mailitemsaccessed": "mail being read",
    "harddelete": "mail deleted for good",
}
"""Microsoft 365 operations (unified audit log) in plain words; the operation's own name is always told beside them."""


def _cloud_operation(v: Values) -> str:
    plain = OPERATIONS.get(v["operation"].casefold())
    what = f"{quoted(v['operation'], 80)} ({plain})" if plain else quoted(v["operation"], 80)
    detail = f", with {quoted(v['detail'])}" if v.get("detail") else ""
    target = f" on {quoted(v['target'], 80)}" if v.get("target") else ""
    who = f" for {person(v['user'])}" if v.get("user") else ""
    where = given(v, "service", "in ") + given(v, "address", "from ")
    return f"the operation {what} was recorded{who}{target}{where}{detail}"


def _file_changed(v: Values) -> str:
    by = f"{program(v['process'])} " if v.get("process") else ""
    did = {"created": "created", "deleted": "deleted"}.get(v["action"])
    if by and did:
        return f"{by}{did} the file {quoted(v['path'])}{given(v, 'host', 'on ')}"
    by = f" by {program(v['process'])}" if v.get("process") else ""
    return f"the file {quoted(v['path'])} was {_words(v['action'])}{by}{given(v, 'host', 'on ')}"


def _words(text: str) -> str:
    """A few plain words as they are, anything else in quotes."""
    return text if text.replace(" ", "").isalpha() and text.isascii() else quoted(text, 60)


def _registry_changed(v: Values) -> str:
    did = _words(v.get("action") or "changed")
    to = f" to {quoted(v['value'], 100)}" if v.get("value") else ""
    by = f" by {program(v['process'])}" if v.get("process") else ""
    return f"the Windows setting (registry) {quoted(v['key'])} was {did}{to}{by}{given(v, 'host', 'on ')}"


def _network_connection(v: Values) -> str:
    """With a device's verdict the traffic may never have arrived: then it was only seen."""
    to = f"to {name(v['destination'])}" + given(v, "port", "port ")
    if v.get("action"):
        return f"traffic{given(v, 'source', 'from ')} {to} was seen, verdict {name(v['action'])}"
    if v.get("process"):
        return f"{program(v['process'])} connected{given(v, 'source', 'from ')} {to}"
    return f"{name(v['source']) if v.get('source') else 'something'} connected {to}"


def _name_looked_up(v: Values) -> str:
    who = (
        program(v["process"]) if v.get("process") else name(v.get("address") or v.get("host") or "a computer")
    )
    return f"{who} asked for the internet address of {name(v['name'])}"


def _web_request(v: Values) -> str:
    status = f", and got the answer {name(v['status'])}" if v.get("status") else ""
    who = name(v["address"]) if v.get("address") else "a visitor"
    return f"{who} asked for {quoted(v['method'] + ' ' + v['path'])}{given(v, 'host', 'at ')}{status}"


def _service_installed(v: Values) -> str:
    by = f" by {person(v['user'])}" if v.get("user") else ""
    path = f", which runs {quoted(v['path'])}" if v.get("path") else ""
    return f"the service {quoted(v['name'], 80)} was installed{given(v, 'host', 'on ')}{by}{path}"


def _task_scheduled(v: Values) -> str:
    by = f" by {person(v['user'])}" if v.get("user") else ""
    command = f", which runs {quoted(v['command'])}" if v.get("command") else ""
    return f"the task {quoted(v['name'], 80)} was scheduled or changed{given(v, 'host', 'on ')}{by}{command}"


def _log_cleared(v: Values) -> str:
    by = f" by {person(v['user'])}" if v.get("user") else ""
    return f"the log {quoted(v['log'], 80)} was cleared{given(v, 'host', 'on ')}{by}"


def _module_loaded(v: Values) -> str:
    who = program(v["process"]) if v.get("process") else "the system"
    return f"{who} loaded the program part {quoted(v['path'])}{given(v, 'host', 'on ')}"


def _process_accessed(v: Values) -> str:
    who = program(v["process"]) if v.get("process") else "a program"
    how = {"started a thread in": "started a thread of its own inside", "opened": "opened the running"}
    did = how.get(v.get("access", ""), "reached into")
    return f"{who} {did} program {program(v['target'])}{given(v, 'host', 'on ')}"


def _object_accessed(v: Values) -> str:
    who = _actor(v, "somebody")
    return f"{who} opened {quoted(v['object'])}{given(v, 'process', 'with ')}{given(v, 'host', 'on ')}"


def _share_opened(v: Values) -> str:
    path = f", file {quoted(v['path'], 80)}" if v.get("path") else ""
    shown = f"{_actor(v, 'somebody')} opened the shared folder {quoted(v['share'], 80)}{path}"
    return shown + given(v, "address", "from ") + given(v, "host", "on ")


def _ticket_requested(v: Values) -> str:
    shown = f"{person(v['user'])} was given a pass (Kerberos ticket)"
    return shown + given(v, "service", "for ") + given(v, "address", "from ")


def _control_command(v: Values) -> str:
    source = name(v["source"]) if v.get("source") else "something"
    return f"{source} sent the command {quoted(v['function'], 80)}{given(v, 'destination', 'to ')}{given(v, 'protocol', 'over ')}"


def _alert_raised(v: Values) -> str:
    shown = f"{name(v['product'])} raised the alert {quoted(v['signature'])}"
    return (
        shown + given(v, "source", "about ") + given(v, "destination", "towards ") + given(v, "host", "on ")
    )


def _device_changed(v: Values) -> str:
    by = f" by {person(v['user'])}" if v.get("user") else ""
    return f"a setting was changed{by}{given(v, 'address', 'from ')}{given(v, 'host', 'on ')}: {quoted(v['change'])}"


def _repeated(v: Values) -> str:
    group = grouped(v["group"]) if v.get("group") else ""
    minutes = v.get("minutes")
    span = f" within {name(minutes)} {'minute' if minutes == '1' else 'minutes'}" if minutes else ""
    many = different(v["distinct"], v.get("counted", "")) if v.get("distinct") else ""
    times = "once" if v["count"] == "1" else f"{name(v['count'])} times"
    return f"{quoted(v['what'], 100)} happened {times}{group}{span}{many}"


BY_MODEL: Final = frozenset({"plant_out_of_step", "plant_notice"})
"""Claims that Tocsin's model of a plant makes of readings: the readings are the source's word, what would fit is not."""

ABSENT: Final = frozenset({"fell_silent", "others_silent", "did_not_come", "too_few"})
"""Claims about what did not come: their evidence is the last that was heard, or that Tocsin began to wait."""


def lead(claim: Claim, source: str) -> str:
    """How a sentence about what did not come begins: what `source` (`whose`) proves of it."""
    if claim.values.get("never"):
        return "Tocsin began to wait for it, as its settings say"
    return f"the last that came of it is in {source}"


def _fell_silent(v: Values) -> str:
    usual = v.get("usual")
    habit = f"; its silences are seldom longer than {_minutes(usual)}" if usual else ""
    return f"nothing of {name(v['what'])} followed for {_minutes(v['minutes'])}, while Tocsin listened{habit}"


def _others_silent(v: Values) -> str:
    return f"more than {name(v['count'])} {quoted(v['what'], 80)} are silent, so that further ones are told together"


def _did_not_come(v: Values) -> str:
    if v.get("between"):
        return f"{quoted(v['what'], 80)} did not come in its hours, {quoted(v['between'], 80)}"
    return f"{quoted(v['what'], 80)} did not come for {_minutes(v.get('minutes', '0'))}"


def _too_few(v: Values) -> str:
    heard = f"{name(v['heard'])} of {name(v['of'])} were heard in its hours, {quoted(v['between'], 80)}"
    return f"of {quoted(v['what'], 80)} only {heard}; at least {name(v['least'])} were to be"


def _minutes(text: str) -> str:
    return {"0": "less than a minute", "1": "1 minute"}.get(text, f"{name(text)} minutes")


def _record_says(v: Values) -> str:
    return f"the record reads {quoted(v['text'], 220)}"


def _other(v: Values) -> str:
    return "the record says " + "; ".join(f"{name(key)}: {quoted(text, 80)}" for key, text in v.items())


_CLAUSES: Final[dict[str, Callable[[Values], str]]] = {
    "process_started": _process_started,
    "script_run": _script_run,
    "logon_succeeded": _logon_succeeded,
    "logon_failed": _logon_failed,
    "privilege_used": _privilege_used,
    "privilege_refused": _privilege_refused,
    "credentials_used": _credentials_used,
    "account_changed": _account_changed,
    "cloud_operation": _cloud_operation,
    "file_changed": _file_changed,
    "registry_changed": _registry_changed,
    "network_connection": _network_connection,
    "name_looked_up": _name_looked_up,
    "web_request": _web_request,
    "service_installed": _service_installed,
    "task_scheduled": _task_scheduled,
    "log_cleared": _log_cleared,
    "module_loaded": _module_loaded,
    "process_accessed": _process_accessed,
    "object_accessed": _object_accessed,
    "share_opened": _share_opened,
    "ticket_requested": _ticket_requested,
    "control_command": _control_command,
    "alert_raised": _alert_raised,
    "device_changed": _device_changed,
    "repeated": _repeated,
    "fell_silent": _fell_silent,
    "others_silent": _others_silent,
    "did_not_come": _did_not_come,
    "too_few": _too_few,
    "plant_out_of_step": plant_out_of_step,
    "plant_notice": plant_notice,
    "record_says": _record_says,
}
