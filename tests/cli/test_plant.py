"""`tocsin plant`, as an operator meets it: files in, models, lines and pages out, exit codes, what is told."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.command import Done, call
from tests.detect.plant.plants import HOUR, tank

from tocsin.engine.plant.model_file import read_model
from tocsin.records.instants import rfc3339
from tocsin.records.readings import Readings

ROOT = Path(__file__).parents[2]
WEEK = 7 * 24
ROWS = 9 * WEEK
TAGS = ("LEVEL", "INFLOW", "OUTFLOW", "PUMP", "TOTAL", "PRESSURE")


def csv(path: Path, readings: Readings) -> Path:
    lines = [",".join(("time", *readings.tags))]
    for time, row in zip(readings.times.tolist(), readings.values.tolist(), strict=True):
        lines.append(",".join([rfc3339(time), *("" if isnan(one) else f"{one:.6g}" for one in row)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def lied(rows: int = 2 * WEEK, start: int = WEEK, stop: int = WEEK + 60) -> Readings:
    """The tank's pressure stands too high for a while."""
    found = tank(rows, seed=7, start=ROWS)
    found.values[start:stop, 5] += 6.0
    return found


@dataclass(frozen=True)
class Place:
    """A folder with a year's file, an attacked one, and what learning said."""

    folder: Path
    learnt: Done

    @property
    def model(self) -> Path:
        return self.folder / "plant.model"

    @property
    def attacked(self) -> Path:
        return self.folder / "attacked.csv"

    @property
    def normal(self) -> Path:
        return self.folder / "normal.csv"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("plant")
    csv(folder / "normal.csv", tank(ROWS, seed=1))
    csv(folder / "attacked.csv", lied())
    done = call(
        "plant", "learn", folder / "normal.csv", "--model", folder / "plant.model", "--threads", "1", "--json",
        "--balance", "LEVEL=in:INFLOW,out:OUTFLOW,area:10,flow:m3/h",
    )  # fmt: skip
    return Place(folder, done)


def test_learning_tells_what_docs_json_says(place: Place) -> None:
    assert place.learnt.code == 0
    summary = place.learnt.summary
    assert list(summary) == [
        "kind",
        "rows",
        "tags",
        "kinds",
        "start",
        "end",
        "spacing_seconds",
        "promise",
        "units",
        "model",
        "old",
        "seconds",
    ]
    assert summary["units"] == {}
    assert (summary["rows"], summary["tags"], summary["spacing_seconds"]) == (ROWS, 6, 3600)
    assert list(summary["promise"]) == ["unit", "blocks", "asked", "kept"]
    assert (summary["promise"]["unit"], summary["promise"]["blocks"]) == ("week", 9)
    assert sum(summary["kinds"].values()) == 6
    assert place.model.stat().st_mode & 0o777 == 0o600


def test_watching_prints_the_contract_of_rows(place: Place) -> None:
    done = call("plant", "watch", "--model", place.model, place.attacked, "--json")
    assert done.code == 0
    kinds = [one["kind"] for one in done.lines()]
    assert kinds == sorted(kinds, key=["row", "episode", "notice", "summary"].index)
    rows = done.lines("row")
    assert len(rows) == 2 * WEEK == done.summary["rows"]
    for row in rows:
        assert list(row) == ["kind", "time", "score", "alarm", "tags", "why"]
        assert type(row["alarm"]) is bool
        assert row["alarm"] == (row["score"] > 1) or row["score"] == 1.0
        assert len(row["tags"]) <= 3
        assert all(tag in TAGS and 0 < share <= 1 for tag, share in row["tags"])
        assert [share for _, share in row["tags"]] == sorted(
            (share for _, share in row["tags"]), reverse=True
        )
        assert bool(row["why"]) <= row["alarm"], "a quiet row needs no reason"
    assert all(one["time"] < other["time"] for one, other in pairwise(rows))
    alarms = [row for row in rows if row["alarm"]]
    assert done.summary["alarms"] == len(alarms) > 0
    assert any("PRESSURE" in row["why"] for row in alarms)
    assert any(row["tags"] for row in rows if not row["alarm"]), (
        "a quiet row names what is nearest to ringing, too"
    )


def test_watching_tells_episodes_and_a_summary(place: Place) -> None:
    done = call("plant", "watch", "--model", place.model, place.attacked, "--json")
    for one in done.lines("episode"):
        assert list(one) == ["kind", "start", "end", "rows", "score", "tags", "why"]
        assert one["start"] <= one["end"]
        assert one["score"] > 1
    assert any("PRESSURE" in one["tags"] for one in done.lines("episode"))
    assert list(done.summary) == [
        "kind", "rows", "alarms", "episodes", "start", "end", "promise", "notices", "seconds",
    ]  # fmt: skip
    assert done.summary["episodes"] == len(done.lines("episode"))
    assert all(list(one) == ["kind", "text", "lost"] for one in done.lines("notice"))
    assert done.summary["notices"] == len(done.lines("notice"))


def test_watching_speaks_to_people(place: Place) -> None:
    done = call("plant", "watch", "--model", place.model, place.attacked)
    assert "rests on 9 weeks" in done.text
    assert "Nothing is promised for a plant that has changed" in done.text
    assert re.search(r"1\. (From|At) .* PRESSURE", done.text)


def test_the_page_and_its_summary(place: Place, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = call(
        "plant",
        "report",
        "--model",
        place.model,
        place.attacked,
        "--output",
        page,
        "--json",
        "--title",
        "Tank <1>",
    )
    assert done.code == 0
    assert list(done.summary) == [
        "kind", "page", "standing", "headline", "rows", "alarms", "episodes", "start", "end", "faults", "drawn", "promise",
        "notices", "seconds",
    ]  # fmt: skip
    watched = call("plant", "watch", "--model", place.model, place.attacked, "--json").summary
    assert {key: done.summary[key] for key in ("rows", "alarms", "episodes")} == {
        key: watched[key] for key in ("rows", "alarms", "episodes")
    }
    text = page.read_text(encoding="utf-8")
    assert "Tank &lt;1&gt;" in text
    assert done.summary["headline"] in text
    assert "PRESSURE" in done.summary["faults"]
    said = call("plant", "report", "--model", place.model, place.attacked, "--output", page)
    assert done.summary["headline"] in said.text


def test_a_page_of_some_days(place: Place, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    first = rfc3339(ROWS * HOUR)[:10]
    options = ("plant", "report", "--model", place.model, place.attacked, "--output", page, "--json")
    done = call(*options, "--from", first, "--to", first)
    assert done.summary["rows"] == 24
    for wrong in (("--from", "tomorrow"), ("--from", "2199-01-01"), ("--to", "1960-01-01T00:00")):
        refused = call(*options, *wrong)
        assert refused.code == 2
        assert "--from" in refused.error


def test_a_page_that_cannot_be_written_leaves_the_old_one(place: Place, tmp_path: Path) -> None:
    done = call(
        "plant", "report", "--model", place.model, place.attacked, "--output", tmp_path / "no" / "page.html"
    )
    assert done.code == 2
    assert "Give --output a path that can." in done.error


@pytest.mark.parametrize("command", ["watch", "report"])
def test_exit_codes(place: Place, tmp_path: Path, command: str) -> None:
    more = ("--output", tmp_path / "page.html") if command == "report" else ()
    ask = ("plant", command, "--model", place.model, *more)
    quiet, cut = csv(tmp_path / "quiet.csv", tank(48, seed=1)), tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(place.attacked.read_bytes())[:-200])
    assert call(*ask, quiet, "--fail-on", "alarm").code == 0
    assert call(*ask, place.attacked).code == 0
    assert call(*ask, place.attacked, "--fail-on", "alarm").code == 1
    assert call(*ask, tmp_path / "absent.csv").code == 2
    assert call(*ask, cut, "--fail-on", "alarm").code == 3, "what was lost goes before what rings"


def test_bad_input_is_told_with_code_3_or_refused_with_code_2(place: Place, tmp_path: Path) -> None:
    rows = tank(300, seed=3)
    lines = csv(tmp_path / "a.csv", rows).read_text().splitlines()
    header, body = lines[0], lines[1:]
    parquet = tmp_path / "a.parquet"
    pq.write_table(
        pa.table(
            {
                "time": pa.array(rows.times, pa.timestamp("us", "UTC")),
                **dict(zip(TAGS, rows.values.T, strict=True)),
            }
        ),
        parquet,
    )

    def judged(text: list[str]) -> tuple[int, str]:
        (tmp_path / "b.csv").write_text("\n".join([header, *text]) + "\n")
        done = call("plant", "watch", "--model", place.model, tmp_path / "b.csv", "--json")
        told = done.lines("notice") if done.out else []
        return done.code, " ".join(one["text"] for one in told) + done.error

    sparse = rows.values.copy()
    sparse[np.random.default_rng(1).random(sparse.shape) < 0.3] = np.nan
    csv(tmp_path / "sparse.csv", Readings(rows.tags, rows.times, sparse))
    done = call("plant", "watch", "--model", place.model, tmp_path / "sparse.csv", "--json")
    assert done.code == 0
    assert "6 tags show nothing in a tenth of the rows" in done.text
    code, said = judged(
        [re.sub(r",[\d.-]+$", ",wet", one) if at % 9 == 0 else one for at, one in enumerate(body)]
    )
    assert (code, "“wet”" in said) == (3, True)
    code, said = judged([*body, *body[:50]])
    assert (code, "at an instant that there was already" in said) == (0, True)
    code, said = judged([*body[100:], *body[:100]])
    assert (code, "rows are put in order" in said) == (0, True)
    code, said = judged([one.replace("Z,", "+02:00,", 1) for one in body])
    assert code == 0
    assert judged(body[:2])[0] == 0, "a model judges two rows, too"
    code, said = judged([])
    assert (code, "has a header and no rows" in said) == (2, True)
    assert call("plant", "watch", "--model", place.model, parquet).code == 0
    parquet.write_bytes(parquet.read_bytes()[:-100])
    done = call("plant", "watch", "--model", place.model, parquet)
    assert done.code == 2
    assert "Parquet" in done.error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,a\n2026-03-01,1\n2026-03-02,2\n", "There are 2 rows, and a plant cannot be learnt from fewer than 200"),
        ("time,a,b\n" + "".join(f"2026-03-{1 + i // 24:02d} {i % 24:02d}:00,7,8\n" for i in range(300)), "No tag ever changes"),
        ("a,b\n1,2\n", "time"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_leaves_no_model(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    done = call("plant", "learn", tmp_path / "a.csv", "--model", tmp_path / "m")
    assert done.code == 2
    assert said in done.error
    assert not (tmp_path / "m").exists()


def test_five_thousand_tags_are_refused_with_a_sentence(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(0, 1, (220, 5_000)).round(2)
    table = {"time": pa.array(np.arange(220) * HOUR, pa.timestamp("us", "UTC"))}
    pq.write_table(
        pa.table({**table, **{f"T{at}": values[:, at] for at in range(5_000)}}), tmp_path / "a.parquet"
    )
    done = call("plant", "learn", tmp_path / "a.parquet", "--model", tmp_path / "m")
    assert done.code == 2
    assert "5,000 tags change, and a plant's model takes no more than 2,000" in done.error


def test_a_model_is_learnt_again_the_old_one_is_kept_and_the_first_has_its_say(
    place: Place, tmp_path: Path
) -> None:
    model = tmp_path / "plant.model"
    model.write_bytes(place.model.read_bytes())
    later = csv(tmp_path / "later.csv", tank(WEEK, seed=5, start=ROWS))
    ask = ("plant", "recalibrate", "--model", model, place.normal, later, "--threads", "1")
    assert call(*ask).code == 2, "somebody has to confirm the rows"
    done = call(*ask, "--confirmed-by", "Erika Muster", "--json")
    assert done.code == 0
    assert list(done.summary) == [
        "kind", "model", "old", "rows", "start", "end", "confirmed_by", "first_end", "rings", "drifts", "moved",
        "promise_before", "promise", "seconds",
    ]  # fmt: skip
    assert done.summary["rows"] == ROWS + WEEK
    assert Path(done.summary["old"]).read_bytes() == place.model.read_bytes()
    kept, first = read_model(model), read_model(place.model)
    assert kept.model.first is not None
    assert kept.model.first.end == first.model.end
    assert [(one.by, one.rows) for one in kept.confirmed] == [("Erika Muster", ROWS + WEEK)]
    assert kept.model.process.balances[0].weights.tolist() == first.model.process.balances[0].weights.tolist()
    new = ("--confirmed-by", "Erika Muster", "--output", tmp_path / "new.model")
    again = call(
        "plant", "recalibrate", "--model", model, place.normal, place.attacked, "--threads", "1", *new
    )
    assert again.code == 0
    assert "LOOK AGAIN: by the first model these rows ring" in again.text
    assert "confirmed by Erika Muster" in again.text
    assert "first accepted model" in again.text
    assert model.read_bytes() != (tmp_path / "new.model").read_bytes()
    assert len(read_model(tmp_path / "new.model").confirmed) == 2
    assert sorted(one.name for one in tmp_path.glob("*.bak*")) == ["plant.model.bak"]
    assert call("plant", "watch", "--model", tmp_path / "new.model", later).code == 0


def test_no_file_that_is_read_is_written_over(place: Place) -> None:
    before = (place.model.read_bytes(), place.normal.read_bytes())
    model, normal = place.model, place.normal
    for command in (
        ("learn", normal, "--model", normal),
        ("report", normal, "--model", model, "--output", model),
        ("report", normal, "--model", model, "--output", normal),
        ("recalibrate", normal, "--model", model, "--output", normal, "--confirmed-by", "E"),
    ):
        done = call("plant", *command)
        assert done.code == 2
        assert "is what is to be read" in done.error
    assert (model.read_bytes(), normal.read_bytes()) == before


def test_readings_of_another_plant_change_nothing(place: Place, tmp_path: Path) -> None:
    rows = tank(300, seed=3)
    csv(tmp_path / "b.csv", Readings(("A", *rows.tags[1:]), rows.times, rows.values))
    before = place.model.read_bytes()
    done = call("plant", "recalibrate", "--model", place.model, tmp_path / "b.csv", "--confirmed-by", "E")
    assert done.code == 2
    assert "do not have the tags of the model: LEVEL" in done.error
    csv(
        tmp_path / "c.csv",
        Readings(("LABEL", *rows.tags), rows.times, np.hstack([rows.values[:, :1], rows.values])),
    )
    done = call("plant", "recalibrate", "--model", place.model, tmp_path / "c.csv", "--confirmed-by", "E")
    assert done.code == 2
    assert "tags that the model does not know: LABEL. Leave them out with --ignore" in done.error
    assert place.model.read_bytes() == before
    assert not list(place.folder.glob("*.bak*"))


@pytest.mark.parametrize("arguments", [(), ("learn",), ("watch",), ("report",), ("recalibrate",)])
def test_help_needs_nothing_and_names_every_option(arguments: tuple[str, ...]) -> None:
    done = call("plant", *arguments, "--help")
    assert done.code == 0
    assert "Usage: tocsin plant" in done.text
    if not arguments:
        assert "pip install -e '.[plant]'" in " ".join(done.text.split())
        assert all(name in done.text for name in ("learn", "watch", "report", "recalibrate"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Calls `tocsin` in a Python that has every package of this one but those of the extra."""
    folder = tmp_path_factory.mktemp("bare")
    extra = re.compile(
        r"(numpy|scipy|sklearn|scikit_learn|threadpoolctl|joblib|pandas|wntr)\b", re.IGNORECASE
    )
    for place in dict.fromkeys(one for one in sys.path if one.endswith("site-packages")):
        for path in Path(place).iterdir():
            if (
                not extra.match(path.name)
                and not path.name.startswith("__editable__")
                and path.suffix != ".pth"
            ):
                (folder / path.name).symlink_to(path)

    def called(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", "-m", "tocsin", *map(str, arguments)], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{folder}"}, timeout=60, cwd=folder,
        )  # fmt: skip

    return called


@pytest.mark.parametrize("command", ["learn", "watch", "report", "recalibrate"])
def test_without_the_extra_it_says_what_to_install(
    place: Place, tmp_path: Path, bare: Callable[..., subprocess.CompletedProcess[str]], command: str
) -> None:
    more: dict[str, tuple[Any, ...]] = {
        "report": ("--output", tmp_path / "p.html"),
        "recalibrate": ("--confirmed-by", "E"),
    }
    done = bare("plant", command, place.normal, "--model", place.model, *more.get(command, ()))
    assert done.returncode == 2
    assert "which are not installed" in done.stderr
    assert "pip install -e '.[plant]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_all_else_works(
    bare: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    assert bare("plant", "--help").returncode == 0
    assert bare("plant", "learn", "--help").returncode == 0
    (tmp_path / "a.json").write_text(json.dumps({"a": 1}))
    assert bare("scan", tmp_path / "a.json", "--json").returncode == 0


def test_where_no_model_can_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("not a table")
    for model in (tmp_path / "nowhere" / "plant.model", history / "plant.model"):
        done = call("plant", "learn", str(history), "--model", str(model))
        assert done.code == 2
        assert f"The model cannot be written to {model}" in done.error


def test_a_folder_s_own_file_is_not_written_over(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "year.csv"
    file.write_bytes(place.normal.read_bytes())
    done = call("plant", "learn", tmp_path, "--model", file)
    assert done.code == 2
    assert "is what is to be read" in done.error
    assert file.read_bytes() == place.normal.read_bytes()


def test_a_model_takes_no_other_file_s_place_and_keeps_the_one_that_was_there(
    place: Place, tmp_path: Path
) -> None:
    other, model = tmp_path / "notes.txt", tmp_path / "plant.model"
    other.write_text("the only copy")
    for command in (
        ("learn", place.normal, "--model", other),
        ("recalibrate", place.normal, "--model", place.model, "--output", other, "--confirmed-by", "E"),
    ):
        done = call("plant", *command)
        assert done.code == 2
        assert "is there already, and no model of a plant" in done.error
    assert other.read_text() == "the only copy"
    model.write_bytes(place.model.read_bytes())
    done = call(
        "plant", "learn", place.normal, "--model", model, "--threads", "1", "--budget", "0.5", "--json"
    )
    assert done.code == 0
    assert Path(done.summary["old"]).read_bytes() == place.model.read_bytes() != model.read_bytes()


def test_a_pipe_is_no_place_for_a_model_and_is_not_waited_for(place: Place, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m")
    done = call("plant", "learn", place.normal, "--model", tmp_path / "m")
    assert done.code == 2
    assert "is there already, and no model of a plant" in done.error


def test_where_nothing_can_be_written_is_told_before_it_is_learnt_again(place: Place, tmp_path: Path) -> None:
    done = call(
        "plant", "recalibrate", place.normal, "--model", place.model, "--output", tmp_path / "no" / "m",
        "--confirmed-by", "E",
    )  # fmt: skip
    assert done.code == 2
    assert "is no folder that may be written to. Name another place with --output." in done.error


def test_a_budget_that_is_no_number_is_refused(place: Place, tmp_path: Path) -> None:
    done = call("plant", "learn", place.normal, "--model", tmp_path / "m", "--budget", "nan")
    assert done.code == 2
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_says_so_and_leaves_what_was_there(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def stopped(*_: Any) -> None:
        raise error

    model = tmp_path / "plant.model"
    model.write_bytes(place.model.read_bytes())
    monkeypatch.setattr("tocsin.detect.plant.learn.learn", stopped)
    done = call("plant", "learn", place.normal, "--model", model)
    assert done.code == 130, "1 would say that there are findings"
    assert model.read_bytes() == place.model.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["plant.model"]
