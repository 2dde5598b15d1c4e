"""Reading only what plans need gives the same events, as far as anybody asks, as reading everything."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.detect.sigma.fields import EventView
from tocsin.sources.projection import whole
from tocsin.sources.reading import ReadOptions, read

_SYSMON = "Microsoft-Windows-Sysmon/Operational"
_NEEDED = frozenset(
    {
        "EventID", "Channel", "Provider_Name", "Computer", "Image", "CommandLine", "ParentImage", "User", "LogonId",
        "TargetObject", "Details", "EventType", "TargetFilename", "SourceImage", "TargetImage", "CallTrace", "Data",
        "ScriptBlockText", "ObjectName", "SubjectUserName", "IntegrityLevel", "ParentProcessId", "Nested.Name",
    }
)  # fmt: skip


def _needs(logsources, fields):
    return None if fields["EventID"] == 4104 else _NEEDED


def _all(path, needs=_needs):
    batches = list(read([str(path)], ReadOptions(ingest=7, needs=needs)))
    return [event for batch in batches for event in batch], [
        one for batch in batches for one in batch.set_aside
    ]


def _asked(event):
    """What is the same of an event, however much of it was read."""
    view = EventView(event.fields)
    return replace(event, fields={name: view.values[name] for name in _NEEDED}, partial=False)


def _agree(path):
    """The number of events that were read in part."""
    events, aside = _all(path, None)
    found, found_aside = _all(path)
    assert found_aside == aside
    assert [_asked(one) for one in found] == [_asked(one) for one in events]
    assert [whole(one) for one in found] == events
    return sum(one.partial for one in found)


def test_recordings_say_the_same_in_part_and_whole(data):
    paths = sorted((data / "otrf").rglob("*.zip"), key=lambda path: path.stat().st_size)
    assert sum(_agree(path) for path in (paths[0], paths[len(paths) // 3])) > 0


def test_shapes_that_are_not_flat_are_read_whole(data):
    winlogbeat = min((data / "otrf").rglob("*.tar.gz"), key=lambda path: path.stat().st_size)
    assert _agree(winlogbeat) == 0
    for path in sorted((data / "evtx").rglob("*.evtx"))[:3]:
        assert _agree(path) == 0


def _record(number=1, **fields):
    return {"EventID": number, "Channel": _SYSMON, "@timestamp": "2026-03-01T08:00:00Z", **fields}


_KEYS = st.sampled_from(
    [*sorted(_NEEDED), "Hostname", "SourceName", "Message", "Junk", "Nested", "tags", "EventData", "TimeCreated",
     "_source", "preview", "result", "UtcTime", "TargetUserName", "NewProcessName", "host", "SourceUser"]
)  # fmt: skip
_LEAF = (
    st.text(max_size=6)
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
    | st.sampled_from(
        ["2026-03-01 08:00:00.5", "0x10", "4688", "CreateKey", "<Data Name='Image'>x</Data>", "\ud800"]
    )
)
_VALUES = _LEAF | st.lists(_LEAF, max_size=2) | st.dictionaries(_KEYS | st.just("Name"), _LEAF, max_size=2)
_PAIRS = st.lists(st.tuples(_KEYS, _VALUES), max_size=6)
_SORTS = st.sampled_from(
    [(1, _SYSMON), (12, _SYSMON), (4688, "Security"), (4624, "Security"), (800, "Windows PowerShell")]
)


def _line(sort, pairs, first):
    """A line with `pairs` in their order, duplicates and all."""
    number, channel = sort
    sorted_out = [("EventID", number), ("Channel", channel)]
    together = [*sorted_out, *pairs] if first else [*pairs, *sorted_out, ("Last", 0)]
    return "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in together) + "}"


@given(st.lists(st.tuples(_SORTS, _PAIRS, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=150)
@example([((1, _SYSMON), [("_source", {"EventID": 9})], True)])
@example([((1, _SYSMON), [("Image", 2**64)], True)])
@example([((1, _SYSMON), [("Channel", "Security"), ("EventID", 4688)], True)])
def test_any_line_says_the_same_in_part_and_whole(tmp_path_factory, lines):
    learnt = [_line(sort, [], True) for sort in ((1, _SYSMON), *sorted({sort for sort, _, _ in lines}))]
    path = tmp_path_factory.mktemp("lines") / "log.json"
    path.write_text("\n".join([*learnt, *(_line(*one) for one in lines)]) + "\n")
    _agree(path)


@pytest.mark.parametrize(
    ("line", "partial"),
    [
        (json.dumps(_record(Image="a", Junk="b")), True),
        (json.dumps(_record(Image="a", Junk=2**80)), True),
        (json.dumps(_record(Image="a", Junk={"deep": 1})), True),
        (json.dumps(_record(Image=["a", "b"])), False),
        (json.dumps(_record(Image=2**80)), False),
        (json.dumps(_record(Junk="b")).replace("}", ',"Deep":' + "[" * 70 + "]" * 70 + "}"), None),
        (json.dumps(_record(**{f"f{n}": n for n in range(5000)})), None),
        (json.dumps(_record(Junk="b"))[:-1], None),
        (json.dumps(_record(Junk="b")).replace('"b"', r'"\q"'), None),
        *(
            (json.dumps(_record(Junk="b", Pad="p" * pad)).replace('"b"', "7" * 4_301), None)
            for pad in (0, 1_075, 2_151)
        ),
        (json.dumps(_record(Junk="b")).replace('"b"', r'"\ud800"'), False),
        (json.dumps(_record(Junk="b")).replace('"b"', "1e999"), True),
        (json.dumps(_record(Image="a")).replace("Sysmon", "SYSMON"), False),
        (json.dumps(_record(number=4104, Image="a")), False),
    ],
)
def test_only_plain_lines_are_read_in_part(tmp_path, line, partial):
    path = tmp_path / "log.json"
    path.write_text("\n".join([json.dumps(_record())] * 3 + [line]) + "\n")
    _agree(path)
    events, aside = _all(path)
    assert [one.partial for one in events[2:]] == ([True] if partial is None else [True, partial])
    assert bool(aside) is (partial is None)


def test_what_nobody_needs_is_not_kept(tmp_path):
    path = tmp_path / "log.json"
    path.write_text((json.dumps(_record(Image="a", Junk="b", Hostname="h")) + "\n") * 3)
    (first, _, second), _ = _all(path)
    assert first.fields["Junk"] == "b"
    assert not first.partial
    assert "Junk" not in second.fields
    assert second.partial
    assert (second.host, second.time) == (first.host, first.time)
    assert second.logsources is first.logsources


def test_channels_whose_names_may_have_spaces_are_read_whole(tmp_path):
    defender = _record(1116) | {
        "Channel": "Microsoft-Windows-Windows Defender/Operational",
        "Threat Name": "x",
    }
    path = tmp_path / "log.json"
    path.write_text((json.dumps(defender) + "\n") * 3)
    assert _agree(path) == 0


def test_a_shipper_s_own_names_with_spaces_are_read_whole(tmp_path):
    path = tmp_path / "log.json"
    path.write_text((json.dumps(_record(**{"Command Line": "x"})) + "\n") * 3)
    assert _agree(path) == 0


def test_plans_are_asked_once_for_a_sort_and_not_once_for_a_file(tmp_path):
    # the first line of a file is read whole because it tells the shape, the first of a sort because its sort is not known
    asked = []

    def needs(logsources, fields):
        asked.append((dict(fields), {one.category for one in logsources}))
        return _NEEDED

    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text((json.dumps(_record(12)) + "\n") * 5)
    events, _ = _all(tmp_path, needs)
    registry = {"registry_add", "registry_delete", "registry_event"}
    assert asked == [({"Channel": _SYSMON, "EventID": 12}, registry)]
    assert [one.partial for one in events] == [False, False, *[True] * 3, False, *[True] * 4]


def test_a_sort_that_is_never_plain_is_not_tried_for_ever(tmp_path):
    path = tmp_path / "log.json"
    path.write_text("\n".join([json.dumps(_record())] * 2 + [json.dumps(_record(Image=["a"]))] * 150) + "\n")
    _agree(path)
    path.write_text(path.read_text() + json.dumps(_record()) + "\n")
    assert not _all(path)[0][-1].partial
