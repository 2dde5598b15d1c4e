"""`tocsin token`: a token's text once on stdout, its name ever after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.test_commands import lines, tocsin

from tocsin.config.tokens import TOKEN, digest_of, read_tokens


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.toml").write_text('[run.http]\ntokens = "kept"\n')
    return tmp_path


def test_add_list_remove(place: Path) -> None:
    added = tocsin("token", "add", "firewall", cwd=place)
    text = added.stdout.strip()
    assert TOKEN.fullmatch(text)
    assert "not shown again" in added.stderr
    assert {one.digest: one.name for one in read_tokens(place / "kept")} == {digest_of(text): "firewall"}
    assert TOKEN.fullmatch(tocsin("token", "add", "nas", cwd=place).stdout.strip())
    listed = tocsin("token", "list", cwd=place).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["firewall", "nas"]
    assert text not in listed
    assert tocsin("token", "remove", "firewall", cwd=place).returncode == 0
    assert [token.name for token in read_tokens(place / "kept")] == ["nas"]


def test_the_json_lines(place: Path) -> None:
    token, summary = lines(tocsin("token", "add", "nas", "--json", cwd=place))
    assert list(token) == ["kind", "name", "made", "token"]
    assert (token["name"], summary) == ("nas", {"kind": "summary", "tokens": 1})
    listed, summary = lines(tocsin("token", "list", "--json", cwd=place))
    assert listed == {key: token[key] for key in ("kind", "name", "made")}
    assert summary == {"kind": "summary", "tokens": 1}
    assert lines(tocsin("token", "remove", "nas", "--json", cwd=place)) == [{"kind": "summary", "tokens": 0}]
    assert "none" in tocsin("token", "list", cwd=place).stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["token", "add", "a b"], "cannot be the name"),
        (["token", "add", "\x1b[2J"], "cannot be the name"),
        (["token", "list"], "There is no tokens file"),
        (["token", "remove", "nas"], "There is no tokens file"),
        (["--config", "absent.toml", "token", "list"], "absent.toml"),
    ],
)
def test_mistakes(place: Path, arguments: list[str], told: str) -> None:
    done = tocsin(*arguments, cwd=place)
    assert done.returncode == 2
    assert told in done.stderr
    assert "\x1b" not in done.stderr


def test_without_settings_the_next_step_is_told(tmp_path: Path) -> None:
    done = tocsin("token", "list", cwd=tmp_path)
    assert done.returncode == 2
    assert "tocsin init" in done.stderr


def test_the_settings_of_the_service_are_in_no_other_commands_way(place: Path) -> None:
    (place / "auth.log").write_text("x\n")
    (place / "tocsin.toml").write_text(
        '[run]\nsite = "a"\n[scan]\nzone = "UTC"\n[init]\nlisten = ["127.0.0.1:5"]\n'
    )
    assert tocsin("scan", "auth.log", "--no-starter", cwd=place).returncode in (0, 3)
    made = [json.loads(line) for line in tocsin("init", "a", "--json", cwd=place).stdout.splitlines()]
    assert "127.0.0.1:5/" in made[-1]["try"]
