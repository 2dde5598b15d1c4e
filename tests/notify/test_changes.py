"""People are told of an incident once for each real change, whatever is judged again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from tests.notify.making import NIGHT, NOON, incident, webhook

from tocsin.config import bounds
from tocsin.config.bell import Bell, Quiet
from tocsin.notify.changes import Ringing, change_of, rings
from tocsin.notify.quiet import awake, is_quiet
from tocsin.notify.wording import fitting, headed
from tocsin.records.instants import HOUR, MINUTE, parse_rfc3339
from tocsin.store.outbox import Rung

QUIET = Quiet(22 * 60, 6 * 60 + 30)
RINGING = Ringing(Bell((webhook("phone", "http://x"), webhook("mail", "http://x")), QUIET, 30), UTC)


def known(*several):
    return {one.incident: one for one in several}


def test_what_is_new_and_needs_somebody_is_told():
    one = incident()
    made = rings([one, incident("ws2", "low")], {}, RINGING, NOON)
    assert [(m.subject, m.channel, m.change, m.next) for m in made.messages] == [
        (one.id, "phone", "new", NOON),
        (one.id, "mail", "new", NOON + 30 * MINUTE),
    ]
    assert made.rung == (Rung(one.id, "high", "open"),)
    again = rings([one], {}, RINGING, NOON + HOUR)
    assert [m.id for m in again.messages] == [m.id for m in made.messages]
    assert len({m.id for m in made.messages}) == 2


def test_only_what_became_graver_or_came_back_is_told_again():
    one = incident()
    told = known(Rung(one.id, "high", "open"))
    assert change_of(replace(one, rank=1, score=99.0, last=one.last + 1), told) is None
    assert change_of(replace(one, severity="medium"), told) is None
    assert change_of(replace(one, severity="critical"), told) == "severity:critical"
    assert change_of(replace(one, status="regressed"), told) == f"regressed:{one.last}:1"
    assert change_of(replace(one, status="regressed"), known(Rung(one.id, "high", "regressed"))) is None
    assert change_of(replace(one, status="resolved", severity="critical"), told) is None
    assert change_of(replace(one, origin="simulated:drill"), {}) is None


def test_what_sank_and_rose_again_is_no_news():
    one = incident()
    told = known(Rung(one.id, "high", "open"))
    sunk = rings([replace(one, severity="medium")], told, RINGING, NOON)
    assert sunk == rings([], {}, RINGING, NOON)
    assert change_of(one, told) is None


def test_a_merge_tells_nothing_that_was_told_of_either():
    one = replace(incident(), severity="high", aliases=("inc-other",))
    assert change_of(one, known(Rung("inc-other", "high", "open"))) is None
    assert change_of(one, known(Rung("inc-other", "medium", "open"))) == "severity:high"
    assert (
        change_of(one, known(Rung(one.id, "medium", "open"), Rung("inc-other", "critical", "open"))) is None
    )


def test_a_night_is_quiet_but_for_what_is_critical():
    high, critical = (
        rings([incident()], {}, RINGING, NIGHT),
        rings([incident(level="critical")], {}, RINGING, NIGHT),
    )
    assert high.messages[0].next == parse_rfc3339("2026-03-03T06:30:00Z")
    assert high.messages[1].next == high.messages[0].next + 30 * MINUTE
    assert critical.messages[0].next == NIGHT


def test_quiet_hours_are_those_of_the_place_clock_changes_included():
    berlin = ZoneInfo("Europe/Berlin")
    night = parse_rfc3339("2026-03-28T22:00:00Z")  # 23:00; the clock is put forward at 02:00
    assert is_quiet(QUIET, night, berlin)
    assert awake(QUIET, night, berlin) == parse_rfc3339("2026-03-29T04:30:00Z")
    assert awake(QUIET, NOON, berlin) == NOON
    noon = Quiet(12 * 60, 13 * 60)
    assert awake(noon, parse_rfc3339("2026-03-02T12:59:59Z"), UTC) == parse_rfc3339("2026-03-02T13:00:00Z")
    assert not is_quiet(noon, parse_rfc3339("2026-03-02T13:00:00Z"), UTC)


def test_a_message_says_what_to_do_first_what_happened_and_which_commands_go_on():
    one = incident()
    ringing = replace(RINGING, command="tocsin --config /srv/t/tocsin.toml")
    text = rings([one], {}, ringing, NOON).messages[0].text
    assert text.startswith("What to do first:\n1. ")
    assert "\nWhat happened:\n- " in text
    assert text.endswith(f"tocsin --config /srv/t/tocsin.toml acknowledge {one.id}")
    assert f"tocsin --config /srv/t/tocsin.toml explain {one.id}" in text


def test_a_message_is_bounded_in_bytes_whatever_letters_an_attacker_writes():
    made = rings([incident("ж" * 5_000, rule="\U0001f600" * 5_000)], {}, RINGING, NOON).messages[0]
    assert len(made.text.encode()) <= bounds.BELL_TEXT_BYTES
    assert len(made.title.encode()) <= 200
    assert (
        headed("Critical: a long story of a host (with some names)", 40) == "Critical: a long story of a host"
    )
    assert headed("ж" * 100, 100).endswith("ж…")


def test_no_address_of_an_attacker_becomes_a_link():
    made = rings([incident("https://evil.example/login", rule="see https://evil.example")], {}, RINGING, NOON)
    assert all("://" not in one.title + one.text for one in made.messages)


def test_text_is_cut_by_bytes():
    assert fitting("ж" * 3_000, 100).encode().decode() == fitting("ж" * 3_000, 100)
    assert 90 < len(fitting("ж" * 3_000, 100).encode()) <= 100


def test_little_detail_names_no_host_and_no_rule():
    channels = (replace(webhook("phone", "http://x"), detail="little"),)
    (message,) = rings([incident("ws-secret", rule="r-secret")], {}, Ringing(Bell(channels)), NOON).messages
    assert "secret" not in message.title + message.text
    assert message.title == "High: something needs you"


def test_without_a_channel_nothing_is_told_or_counts_as_told():
    made = rings([incident()], {}, Ringing(Bell()), NOON)
    assert (made.messages, made.rung) == ((), ())
