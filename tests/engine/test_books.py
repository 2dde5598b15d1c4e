"""What operators decide is taken up with the next commit, and what comes after it brings an incident back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.command import call
from tests.engine.test_service import NOON
from tests.incidents.making import finding
from tests.notify.making import webhook

from tocsin.config.bell import Bell
from tocsin.engine.books import Books, Ringer
from tocsin.incidents.desk import IncidentDesk
from tocsin.notify.changes import Ringing
from tocsin.records.instants import SECOND
from tocsin.store.segment import Position
from tocsin.store.store import Store

ONE = finding("r1", 0, host="ws1", level="high")
MORE = finding("r1", 60 * SECOND, host="ws1", level="high")
OTHER = finding("r9", 90 * SECOND, host="ws1", level="high")
RINGER = Ringer(Ringing(Bell((webhook("phone", "http://x"),))), lambda: NOON)


def judged(folder: Path, *batches) -> list[str]:
    """The statuses after each of `batches` (findings) was committed, by books that are opened for it alone."""
    found = []
    for batch in batches:
        with Store.open(folder) as store:
            desk = IncidentDesk()
            books = Books(store, [], desk, RINGER)
            desk.add(batch)
            books.write(Position(0, 0), batch)
            (incident,) = store.incidents()
            found.append(incident.status)
    return found


def changes(folder: Path) -> list[str]:
    with Store.read_only(folder) as store:
        rows = store.outbox._db.all("SELECT change FROM outbox ORDER BY made, id")
    return sorted(row[0].partition(":")[0] for row in rows)


def said(folder: Path, *arguments: str) -> dict:
    with Store.read_only(folder) as store:
        (incident,) = store.incidents()
    return call(arguments[0], incident.id, *arguments[1:], "--store", folder, "--json").lines()[0]


@pytest.mark.parametrize(
    ("word", "after"),
    [
        (("acknowledge",), ["acknowledged", "acknowledged"]),
        (("resolve",), ["regressed", "regressed"]),
        (("dismiss", "--reason", "a drill"), ["dismissed", "regressed"]),
    ],
)
def test_a_word_counts_until_something_else_comes(tmp_path: Path, word, after) -> None:
    assert judged(tmp_path, [ONE]) == ["open"]
    assert said(tmp_path, *word)["kind"] == {"dismiss": "dismissed"}.get(word[0], f"{word[0]}d")
    listed = call("incidents", "--store", tmp_path, "--json").summary["incidents"]
    assert listed == (1 if word == ("acknowledge",) else 0)
    assert call("incidents", "--all", "--store", tmp_path, "--json").summary["incidents"] == 1
    assert judged(tmp_path, [ONE]) == [{"dismiss": "dismissed"}.get(word[0], f"{word[0]}d")]
    assert judged(tmp_path, [MORE], [OTHER]) == after
    assert changes(tmp_path) == (["new"] if word == ("acknowledge",) else ["new", "regressed"])


def test_what_came_back_can_be_resolved_again_and_rings_again_when_it_comes_back(tmp_path: Path) -> None:
    judged(tmp_path, [ONE])
    said(tmp_path, "resolve")
    assert judged(tmp_path, [MORE]) == ["regressed"]
    said(tmp_path, "resolve")
    assert judged(tmp_path, [], [OTHER]) == ["resolved", "regressed"]
    assert changes(tmp_path) == ["new", "regressed", "regressed"]


def test_what_nobody_saw_when_it_was_resolved_brings_it_back_at_once(tmp_path: Path) -> None:
    judged(tmp_path, [ONE])
    with Store.read_only(tmp_path) as store:
        (seen,) = store.incidents()
    judged(tmp_path, [MORE])
    from tocsin.incidents.lifecycle import decision

    with Store.open(tmp_path) as store:
        store.decisions.decide(seen, decision(seen, "resolved", NOON))
    assert judged(tmp_path, []) == ["regressed"]


def test_what_was_resolved_while_nothing_judged_is_known_at_the_start(tmp_path: Path) -> None:
    judged(tmp_path, [ONE])
    resolved = said(tmp_path, "resolve")["incident"]
    with Store.open(tmp_path) as store:
        books = Books(store, [], IncidentDesk(), RINGER)
        books.write(Position(0, 0), [])
        assert books.resolved == {resolved}, "who waits for what did not come is to hear of it"


def test_a_finding_more_that_is_no_later_one_rings_again(tmp_path: Path) -> None:
    judged(tmp_path, [MORE])
    for earlier in (ONE, finding("r1", 30 * SECOND, host="ws1", level="high")):
        said(tmp_path, "resolve")
        assert judged(tmp_path, [earlier]) == ["regressed"]
    assert changes(tmp_path) == ["new", "regressed", "regressed"]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_false_alarm_needs_a_reason(tmp_path: Path, reason: str) -> None:
    judged(tmp_path, [ONE])
    with Store.read_only(tmp_path) as store:
        (incident,) = store.incidents()
    assert "A reason has" in call("dismiss", incident.id, "--reason", reason, "--store", tmp_path).error


@pytest.mark.parametrize("word", [("acknowledge",), ("resolve",), ("dismiss", "--reason", "a drill")])
def test_what_waits_to_be_said_is_not_said_after_an_operators_word(tmp_path: Path, word) -> None:
    judged(tmp_path, [ONE])
    said(tmp_path, *word)
    with Store.read_only(tmp_path) as store:
        assert store.outbox.counts() == {"spared": 1}
