"""`tocsin backup` and `tocsin restore` as people and timers call them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.command import call

from tocsin.config.recovery import read_recovery_keys
from tocsin.records.event import Event, EventBatch
from tocsin.records.instants import HOUR
from tocsin.store.store import Store

NOON = 490_000 * HOUR


@pytest.fixture
def box(tmp_path: Path) -> Path:
    made = call("init", tmp_path / "box", "--json")
    (tmp_path / "key").write_text(f"# kept elsewhere\n{made.lines('recovery_key')[0]['secret']}\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yml").write_text("title: x\n")
    (tmp_path / "rules" / "not.txt").write_text("x")
    settings = tmp_path / "box" / "tocsin.toml"
    settings.write_text(settings.read_text().replace("# rules =", f'rules = ["{tmp_path}/rules"] #'))
    with Store.open(tmp_path / "box" / "data") as store:
        store.append(EventBatch.of([Event("s", 0, NOON, NOON, frozenset(), {}, "raw", "a", "json")]))
        store.seal(all_of_it=True)
        store.commit(store.end)
        store.seal(all_of_it=True)
    return tmp_path / "box"


def test_there_and_back(box: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = call(
        "--config", box / "tocsin.toml", "backup", tmp_path / "out", "--keep", "2", "--secrets", "--json"
    )
    assert done.code == 0, done.error
    made = Path(done.summary["path"])
    assert made.parent == tmp_path / "out"
    checked = call("restore", made, tmp_path / "new", "--check", "--key", tmp_path / "key")
    assert "It can be restored." in checked.text
    assert not (tmp_path / "new").exists()
    restored = call("restore", made, tmp_path / "new", "--key", tmp_path / "key", "--json")
    assert restored.code == 0, restored.error
    assert restored.summary["store"] == str(tmp_path / "new" / "data")
    for name in ("tocsin.toml", "tokens", "tls/key.pem", "tls/certificate.pem", "recovery-keys"):
        assert (tmp_path / "new" / name).read_bytes() == (box / name).read_bytes(), name
        assert (tmp_path / "new" / name).stat().st_mode & 0o077 == 0
    elsewhere = [one.name for one in (tmp_path / "new" / "elsewhere").rglob("*") if one.is_file()]
    assert elsewhere == ["one.yml"]
    again = call("init", tmp_path / "new", "--json")
    assert again.summary["new"] == 0


def test_secrets_stay_unless_asked_for(box: Path, tmp_path: Path) -> None:
    assert call("--config", box / "tocsin.toml", "backup", tmp_path / "one.age").code == 0
    done = call("restore", tmp_path / "one.age", tmp_path / "new", "--key", tmp_path / "key")
    assert "Keys are not in it" in done.text
    assert not (tmp_path / "new" / "tls").exists()
    assert call("init", tmp_path / "new", "--json").summary["new"] == 2, "the key and its certificate"


def test_the_models_of_plants_and_how_far_their_sources_were_read(box: Path, tmp_path: Path) -> None:
    for name in ("works.model", "broker-ca.pem", "password"):
        (box / name).write_text(name)
    (box / "password").chmod(0o600)
    with (box / "tocsin.toml").open("a") as settings:
        settings.write(
            '\n[[run.plant]]\nname = "works"\nmodel = "works.model"\n[[run.plant-source]]\nplant = "works"\nkind = "mqtt"\n'
            'host = "broker.example.org"\nuser = "t"\npassword-file = "password"\nauthority = "broker-ca.pem"\n'
            'client-id = "t"\ntopics = ["spBv1.0/#"]\ntag = "{metric}"\n'
        )
    (box / "data" / "plant").mkdir()
    (box / "data" / "plant" / "works.mark").write_text("so far")
    for more, known in (((), False), (("--secrets",), True)):
        to, new = tmp_path / f"{known}.age", tmp_path / f"new-{known}"
        done = call("--config", box / "tocsin.toml", "backup", to, "--verify", *more)
        assert done.code == 0, done.error
        assert call("restore", to, new, "--key", tmp_path / "key").code == 0
        for name in ("works.model", "broker-ca.pem", "data/plant/works.mark"):
            assert (new / name).read_bytes() == (box / name).read_bytes()
        assert (new / "password").exists() == known


def test_what_is_lost_is_told_in_the_exit_code(box: Path, tmp_path: Path) -> None:
    for file in (box / "data" / "events").rglob("*.parquet"):
        file.unlink()
    done = call("--config", box / "tocsin.toml", "backup", tmp_path / "one.age", "--json")
    assert (done.code, len(done.lines("damaged"))) == (3, 1)


def test_another_key_beside_the_first(box: Path) -> None:
    (first,) = read_recovery_keys(box)
    shown = call("--config", box / "tocsin.toml", "backup", "--new-key", "--json").lines("recovery_key")[0]
    assert read_recovery_keys(box) == (first, shown["public"])
    assert "SECRET" not in (box / "recovery-keys").read_text()


def test_what_cannot_be(box: Path, tmp_path: Path) -> None:
    config = ("--config", box / "tocsin.toml")
    assert "nothing to back up to" in call(*config, "backup").error
    assert "--keep needs a folder" in call(*config, "backup", tmp_path / "one.age", "--keep", "1").error
    assert "does not exist" in call(*config, "backup", tmp_path / "no" / "one.age").error
    assert "is no public recovery key" in call(*config, "backup", tmp_path, "--recipient", "age1").error
    (box / "recovery-keys").chmod(0o666)
    assert "Others can write" in call(*config, "backup", tmp_path).error
    (tmp_path / "file").write_text("hello")
    refused = call("restore", tmp_path / "file", tmp_path / "new", "--key", tmp_path / "key")
    assert "is no whole backup" in refused.error
    assert (
        "cannot be read"
        in call("restore", tmp_path / "file", tmp_path / "new", "--key", tmp_path / "no").error
    )
