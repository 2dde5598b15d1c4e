"""Each place in the store where a name can stand, and what is left there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from store_events import event, finding, incident

from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.records.forgetting import Subject
from tocsin.records.incident import Decision
from tocsin.records.instants import DAY, HOUR
from tocsin.records.state_changes import WHOLE, StateChanges
from tocsin.store.compaction import merge
from tocsin.store.detectors import DetectorState, KeptState
from tocsin.store.disk import Disk
from tocsin.store.forgetting import named_in
from tocsin.store.outbox import Message, ToTell
from tocsin.store.outgoing import Outgoing
from tocsin.store.state import Notes
from tocsin.store.store import Store

ALL = (-(2**62), 2**62)
WHO = Subject("local", "user", "jürgen")


def other(**more) -> Event:
    plain = event(1)
    return replace(plain, user="berta", raw="nothing", fields={"a": "b"}, **more)


PLACES: dict[str, Callable[[], Event]] = {
    "user": lambda: replace(other(), user="TOWN\\Jürgen"),
    "host": lambda: replace(other(), host="jürgen"),
    "source": lambda: replace(other(), source="/home/jürgen/a.log"),
    "raw": lambda: replace(other(), raw="for jürgen from"),
    "raw JSON": lambda: replace(other(), raw='{"u": "J\\u00fcrgen"}'),
    "raw JSON, behind an escape": lambda: replace(
        other(), raw='{"m": "Name:\\tJ\\u00DCRGEN\\r"}', fields={"m": "Name:\tJÜRGEN\r"}
    ),
    "raw URL": lambda: replace(other(), raw="GET /?user=TOWN%5CJ%C3%BCrgen"),
    "raw, decomposed": lambda: replace(other(), raw="for ju\u0308rgen"),
    "raw that no UTF-8 holds": lambda: replace(other(), raw="for jürgen \ud800"),
    "a field": lambda: replace(other(), fields={"User": "jürgen@town.example"}),
    "a nested field": lambda: replace(other(), fields={"a": [{"b": "x jürgen"}]}),
    "a field's name": lambda: replace(other(), fields={"jürgen": "1", "a": "b"}),
    "a nested field's name": lambda: replace(other(), fields={"a": {"jürgen": {}}}),
    "a field that no UTF-8 holds": lambda: replace(other(), fields={"a": "jürgen \ud800"}),
    "the kind": lambda: replace(other(), kind="app/jürgen"),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_event_that_names_them_anywhere_goes_and_others_stay(tmp_path: Path, place: str) -> None:
    named = PLACES[place]()
    with Store.open(tmp_path / "store") as store:
        batch = [replace(named, seq=0), replace(other(), seq=1), replace(named, seq=2, site="elsewhere")]
        store.commit(store.append(EventBatch.of(batch)).position)
        dry = named_in(store.root, store.database, lambda: [EventBatch(tuple(store.logged()))], WHO)
        assert dry["events"] == 1
        store.seal(all_of_it=True)
        forgetter = store.forgetter()
        assert named_in(store.root, store.database, list, WHO)["events"] == 1
        assert sum(forgetter.forget_in(path, WHO) for path in forgetter.paths()) == 1
        assert sum(forgetter.forget_in(path, WHO) for path in forgetter.paths()) == 0
        assert sorted(one.seq for one in store.events_between(*ALL)) == [1, 2]
        assert list(store.events([replace(named, seq=0).id])) == []
        assert list(store.events([replace(named, seq=2).id])) == [replace(named, seq=2).id]
        for path in forgetter.paths():
            assert (store.root / path).stat().st_size == sum(hour.bytes for hour in store.hours()) or len(
                forgetter.paths()
            ) > 1


def merged(root: Path) -> Store:
    """A store of one merged file, which names them, and a later one."""
    store = Store.open(root)
    named = replace(other(), raw="for jürgen")
    for seq in range(4):
        batch = [replace(named if seq % 2 else other(), seq=seq, ingest=seq * HOUR)]
        store.commit(store.append(EventBatch.of(batch)).position)
        store.seal(all_of_it=True)
    later = replace(other(), seq=9, ingest=3 * DAY)
    store.commit(store.append(EventBatch.of([later])).position)
    store.seal(all_of_it=True)
    return store


def test_merged_files_are_gone_through_too(tmp_path: Path) -> None:
    with merged(tmp_path / "store") as store:
        for group in store.upkeep.mergeable():
            store.upkeep.merged(merge(group, store.root, Disk()))
        forgetter = store.forgetter()
        before = store.database.all("SELECT max(segment) FROM files")
        assert any("merged-" in path for path in forgetter.paths())
        assert sum(forgetter.forget_in(path, WHO) for path in forgetter.paths()) == 2
        assert sorted(one.seq for one in store.events_between(*ALL)) == [0, 2, 9]
        assert store.database.all("SELECT max(segment) FROM files") == before


def test_a_merged_file_that_nothing_lists_goes_too(tmp_path: Path) -> None:
    """A kill between writing it and listing it leaves it, with their name in it."""
    with merged(tmp_path / "store") as store:
        (group, *_) = store.upkeep.mergeable()
        merge(group, store.root, Disk())
        forgetter = store.forgetter()
        wish = forgetter.receipts.ask(WHO, "me", 5)
        for path in forgetter.paths():
            forgetter.forget_in(path, WHO)
        forgetter.forget_state(wish, {}, {})
        assert forgetter.finish(forgetter.receipts.get(wish.id), 9)
        kept = {path.relative_to(store.root).as_posix() for path in store.root.rglob("*.parquet*")}
        assert kept == set(forgetter.paths())


def test_what_a_backup_left_that_was_killed_goes_too(tmp_path: Path) -> None:
    with merged(tmp_path / "store") as store:
        left = store.root / "state.sqlite.backup"
        left.write_bytes(b"all that the state said of them")
        forgetter = store.forgetter()
        wish = forgetter.receipts.ask(WHO, "me", 5)
        forgetter.forget_state(wish, {}, {})
        assert forgetter.finish(forgetter.receipts.get(wish.id), 9)
        assert not left.exists()


def test_addresses_in_any_spelling(tmp_path: Path) -> None:
    who = Subject("local", "address", "2001:db8::1")
    with Store.open(tmp_path / "store") as store:
        spelt = ["2001:0DB8:0:0:0:0:0:1", "2001:db8::1", "2001:db8::2", "2001:db8::1:0"]
        batch = [replace(other(), seq=seq, fields={"ip": one}) for seq, one in enumerate(spelt)]
        store.commit(store.append(EventBatch.of(batch)).position)
        store.seal(all_of_it=True)
        assert [store.forgetter().forget_in(path, who) for path in store.forgetter().paths()] == [2]
        assert sorted(one.seq for one in store.events_between(*ALL)) == [2, 3]


def mail(text: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = "An incident"
    message.set_content(text, cte="base64")
    return message.as_bytes()


def test_what_was_watched_and_decided_is_cleared_too(tmp_path: Path) -> None:
    found = [finding(event(1))]
    case, silent = incident("inc-1", *found), incident("abs-0123456789", *found)
    watched = {
        "host jürgen": b'["jurgen","abs-0123456789"]', "token": '{"last":"by jürgen","seen":7}'.encode(), "other": b"{}",
    }  # fmt: skip
    notes = Notes(watched=watched, settings=(("absence", "jürgen is silent"), ("kept", "yes")))
    with Store.open(tmp_path / "store") as store:
        store.commit(store.append(EventBatch.of([event(1)])).position, found, [case, silent], beside=notes)
        store.decisions.decide(case, Decision("inc-1", "dismissed", 3, "jürgen said so", 1, "high", ("r1",)))
        store.seal(all_of_it=True)
        forgetter = store.forgetter()
        wish = forgetter.receipts.ask(WHO, "me", 5)
        forgetter.forget_state(wish, {}, {})
        (receipt,) = forgetter.receipts.all()
        assert (receipt.counts["watched"], receipt.counts["decisions"]) == (3, 1)
        mark = f"forgotten-{wish.id}"
        assert store.state.watched() == {"token": f'{{"last":"{mark}","seen":7}}'.encode(), "other": b"{}"}
        assert store.incident("abs-0123456789").status == "resolved", "nobody would hear them again"
        assert [one.reason for one in store.decisions.since(0)[1]] == [mark]
        assert store.state.settings() == {"kept": "yes"}


def test_all_tables_are_cleared_in_one_go(tmp_path: Path) -> None:
    first = replace(event(0, raw="by jürgen"), user="jürgen")
    found = [finding(first), finding(event(1)), finding(event(2), first, rule="r2")]
    said = Message("m1", "incident", "inc-1", "new", "phone", "high", 1, 1, "jürgen did it", "x")
    others = replace(said, id="m2", title="berta did it")
    aside = [SetAside("a", 1, None, "No JSON.", "{jürgen"), SetAside("a", 2, None, "No JSON.", "{berta")]
    with Store.open(tmp_path / "store") as store:
        position = store.append(EventBatch.of([first, event(1), event(2)], aside)).position
        told = ToTell([said, others], heard={(1, "/home/jürgen"): 3, (1, ""): 2, (1, "b"): 1})
        case = replace(incident("inc-1", *found), users=("jürgen", "berta"))
        state = DetectorState("x", "1", StateChanges.whole(b"jurgen"))
        store.commit(position, found, [case], [state], Notes(told=told))
        store.seal(all_of_it=True)
        gone = Outgoing(store.database)
        gone.put("bell", "m1", "https://a", b"sealed text", "sent", 1)
        gone.put("bell", "p1", "https://a", json.dumps({"t": "jürgen"}).encode(), "sent", 1)
        gone.put("bell", "p2", "smtp://a", mail("about jürgen"), "sent", 1)
        gone.put("bell", "p3", "smtp://a", mail("about berta"), "sent", 1)
        dry = named_in(store.root, store.database, list, WHO)
        assert dry == {"events": 1, "findings": 2, "incidents": 1, "messages": 1, "set_aside": 1}
        forgetter = store.forgetter()
        wish = forgetter.receipts.ask(WHO, "me", 5)
        assert forgetter.receipts.ask(WHO, "me", 6) == wish, "wanted once"
        for path in forgetter.paths():
            forgetter.forget_in(path, wish.whom())
        forgetter.forget_state(wish, {"events": 1}, {"x": lambda rows, version, whom: ({WHOLE: b"clean"}, 1)})
        assert forgetter.finish(wish, 9)
        (receipt,) = forgetter.receipts.all()
        assert receipt.counts == {
            "events": 1, "findings": 2, "incidents": 1, "messages": 1, "bodies": 3, "set_aside": 1, "states": 1, "counts": 1,
        }  # fmt: skip
        assert (receipt.state, receipt.done, receipt.subject, receipt.by) == ("done", 9, None, "me")
        assert receipt.digest == forgetter.receipts.digest(replace(WHO, id="JÜRGEN"))
        kept = {one.id: one for one in store.findings()}
        assert [kept[one.id].evidence[0].event_id for one in found] == [
            one.evidence[0].event_id for one in found
        ]
        mark = f"forgotten-{wish.id}"
        assert [piece.raw for piece in kept[found[2].id].evidence] == ["raw s 2", mark]
        assert kept[found[2].id].claims == found[2].claims, "what other evidence states is still told"
        assert kept[found[0].id].claims[0].values == {"text": mark}
        assert kept[found[1].id] == found[1]
        assert store.incident("inc-1").users == (mark, "berta")
        assert {one.raw for one in store.set_aside()} == {"{berta"}
        assert {one.title for one in store.outbox.due("phone", 99)} == {mark, "berta did it"}
        assert {one.ident: one.body == mark.encode() for one in gone.all()} == {
            "m1": True, "p1": True, "p2": True, "p3": False,
        }  # fmt: skip
        assert store.outbox.heard(0, 2**62).events == 6
        assert store.state.detector("x") == KeptState("1", {WHOLE: b"clean"})
    whole = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for text in ("jürgen".encode(), base64.b64encode("jürgen".encode()), b"j\\u00fcrgen"):
        assert text not in whole


def test_state_of_an_unknown_detector_is_no_reason_to_say_it_was_done(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        store.commit(
            store.append(EventBatch.of([event(0)])).position,
            states=[DetectorState("x", "1", StateChanges.whole(b""))],
        )
        wish = store.forgetter().receipts.ask(WHO, "me", 5)
        with pytest.raises(OperatorError, match="does not know"):
            store.forgetter().forget_state(wish, {}, {})
        assert store.forgetter().receipts.open() == wish


def test_a_wish_can_be_taken_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        receipts = store.forgetter().receipts
        receipts.withdraw(receipts.ask(WHO, "me", 5).id)
        assert receipts.all() == []
