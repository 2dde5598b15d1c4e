import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incidents.making import finding

from tocsin.advise.tell import tell
from tocsin.config import bounds
from tocsin.console.timeline import timeline
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.instants import DAY, HOUR, SECOND


def drawn(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    return timeline([tell(one) for one in desk.all()])


def test_nothing_is_drawn_of_nothing():
    assert timeline([]) is None


def test_a_lane_for_each_host_and_one_mark_for_what_would_overlap():
    found = [finding(at=n * SECOND, host="WS-1") for n in range(15)]
    picture = drawn(*found, finding("x", 3 * HOUR, host="WS-2", level="critical"))
    assert [lane.name for lane in picture.lanes] == ["WS-1", "WS-2"]
    assert [mark.level for mark in picture.marks] == ["medium", "critical"]
    assert "Rule r1 and 14 more" in picture.marks[0].label


def test_many_hosts_share_the_last_lane():
    picture = drawn(*[finding(at=n * HOUR, host=f"WS-{n}") for n in range(40)])
    assert len(picture.lanes) == bounds.TIMELINE_LANES + 1
    assert picture.lanes[-1].name == "other hosts"


@given(st.lists(st.integers(-60_000 * DAY, 60_000 * DAY), min_size=1, max_size=8))
@settings(max_examples=60)
def test_everything_is_inside_the_picture_whatever_the_clocks_say(times):
    picture = drawn(*[finding(f"r{n}", at, host=f"WS-{n}") for n, at in enumerate(times)])
    assert picture.marks
    for mark in picture.marks:
        assert picture.left <= mark.x <= picture.width
        assert 0 <= mark.y <= picture.height - picture.foot
    for tick in picture.ticks:
        assert picture.left <= tick.x <= picture.right
    assert 1 <= len(picture.ticks) <= 9


@pytest.mark.parametrize(("span", "label"), [(HOUR, ":"), (40 * DAY, "-"), (9000 * DAY, "-")])
def test_ticks_are_as_fine_as_the_span(span, label):
    picture = drawn(finding("a", 0, host="W"), finding("b", span, host="W"))
    assert all(label in tick.label for tick in picture.ticks)
