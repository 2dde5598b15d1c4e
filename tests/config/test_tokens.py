"""Tokens: long, findable, shown once; their file read only where nobody else could have read or written it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.config.tokens import (
    NAME,
    TOKEN,
    Token,
    add_token,
    digest_of,
    parse_tokens,
    read_tokens,
    remove_token,
    render_tokens,
    with_token,
)
from tocsin.records.errors import OperatorError

NOW = 1_795_000_000_123_456


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def test_a_token_is_long_findable_and_kept_as_a_digest_alone(file: Path) -> None:
    text = add_token(file, "firewall", NOW)
    other = add_token(file, "ws-014", NOW)
    assert TOKEN.fullmatch(text)
    assert text != other
    kept = file.read_text()
    assert text not in kept
    assert text.removeprefix("tocsin_") not in kept
    assert {one.digest: one.name for one in read_tokens(file)} == {
        digest_of(text): "firewall",
        digest_of(other): "ws-014",
    }
    assert read_tokens(file)[0] == Token("firewall", digest_of(text), NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_a_sender_shows_may_be_anything() -> None:
    assert digest_of("\ud800\x00" * 1_000) != Token("a", digest_of("x"), NOW).digest


def test_removing_one_leaves_the_others(file: Path) -> None:
    for name in ("a", "b", "c"):
        add_token(file, name, NOW)
    remove_token(file, "b")
    assert [token.name for token in read_tokens(file)] == ["a", "c"]
    with pytest.raises(OperatorError, match="no token 'b'"):
        remove_token(file, "b")
    assert [path.name for path in file.parent.iterdir()] == ["tokens"]


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "ü", "a\n", "\x1b[2J", "x" * 65, "../x", '"'])
def test_names_that_would_be_trouble_elsewhere(file: Path, name: str) -> None:
    with pytest.raises(OperatorError, match="cannot be the name") as refused:
        add_token(file, name, NOW)
    assert str(refused.value).isprintable()
    assert not file.exists()


def test_a_name_is_given_once(file: Path) -> None:
    add_token(file, "a", NOW)
    before = file.read_bytes()
    with pytest.raises(OperatorError, match="a token a already"):
        add_token(file, "a", NOW)
    assert file.read_bytes() == before


def test_there_is_an_end_to_them() -> None:
    many = [Token(f"t{number}", f"{number:064x}", NOW) for number in range(bounds.TOKENS)]
    assert len(parse_tokens(render_tokens(many))) == bounds.TOKENS
    assert len(render_tokens(many)) < bounds.TOKENS_BYTES
    with pytest.raises(OperatorError, match="already"):
        with_token(many, Token("one-more", "f" * 64, NOW))
    with pytest.raises(ValueError, match="more than"):
        parse_tokens(render_tokens([*many, Token("one-more", "f" * 64, NOW)]))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o601])
def test_a_file_that_others_may_use_is_not_used(file: Path, mode: int) -> None:
    add_token(file, "a", NOW)
    file.chmod(mode)
    for use in (read_tokens, lambda path: add_token(path, "b", NOW), lambda path: remove_token(path, "a")):
        with pytest.raises(OperatorError, match=r"others can read or write it.*chmod 600"):
            use(file)
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_what_is_no_file_is_not_waited_for(file: Path, tmp_path: Path) -> None:
    for make in (
        lambda: os.mkfifo(file, 0o600),
        lambda: file.mkdir(mode=0o700),
        lambda: file.symlink_to(tmp_path / "x"),
    ):
        make()
        with pytest.raises(OperatorError):
            read_tokens(file)
        with pytest.raises(OperatorError):
            add_token(file, "a", NOW)
        file.rmdir() if file.is_dir() else file.unlink()


def test_no_file_and_no_folder(file: Path) -> None:
    with pytest.raises(OperatorError, match="There is no tokens file"):
        read_tokens(file)
    with pytest.raises(OperatorError, match="cannot be written"):
        add_token(file / "below" / "tokens", "a", NOW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_adds_belongs_to_the_owner_of_the_folder(file: Path) -> None:
    os.chown(file.parent, 12_345, 12_346)
    add_token(file, "a", NOW)
    add_token(file, "b", NOW)
    assert (file.stat().st_uid, file.stat().st_gid, len(read_tokens(file))) == (12_345, 12_346, 2)


def test_many_at_once_lose_none(file: Path) -> None:
    code = "import sys; from pathlib import Path; from tocsin.config.tokens import add_token\n"
    code += f"[add_token(Path({str(file)!r}), f'{{sys.argv[1]}}-{{n}}', {NOW}) for n in range(10)]"
    running = [subprocess.Popen([sys.executable, "-c", code, f"p{number}"]) for number in range(3)]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    assert len(read_tokens(file)) == 30


FIRST = b'{"tocsin-tokens":1}\n'
LINE = b'{"name":"a","sha256":"' + b"a" * 64 + b'","made":"2026-11-23T10:00:00Z"}\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "line 1 is no JSON"),
        (b"\xff\xfe", "line 1 is no JSON"),
        (b"[]", "line 1 is no JSON object"),
        (b'{"tocsin-tokens":2}\n', "first line"),
        (LINE, "first line"),
        (FIRST + b"x", "line 2 is no JSON"),
        (FIRST + b"[" * 100_000, "line 2 is no JSON"),
        (FIRST + LINE + b"{}", "line 3 has no name"),
        (FIRST + LINE.replace(b'"a"', b'"a b"'), "line 2 has no name"),
        (FIRST + LINE.replace(b"aaaa", b"AAAA"), "line 2 has no sha256"),
        (FIRST + LINE.replace(b"2026", b"x"), "line 2 has no time"),
        (FIRST + LINE.replace(b'"made"', b'"more":1,"made"'), "line 2 has no time, or more"),
        (FIRST + LINE + LINE, "names a token twice"),
        (FIRST + LINE + LINE.replace(b'"a"', b'"b"'), "names a token twice"),
    ],
)
def test_a_file_that_is_none(file: Path, text: bytes, why: str) -> None:
    file.touch(mode=0o600)
    file.write_bytes(text)
    with pytest.raises(OperatorError, match=why):
        read_tokens(file)
    with pytest.raises(OperatorError, match=why):
        add_token(file, "new", NOW)
    assert file.read_bytes() == text


@given(st.binary(max_size=300), st.booleans())
def test_whatever_stands_there(text: bytes, headed: bool) -> None:
    try:
        tokens = parse_tokens((FIRST if headed else b"") + text)
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017  either outcome is right
        return
    assert parse_tokens(render_tokens(tokens)) == tokens


_DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
_TOKENS = st.builds(Token, st.from_regex(NAME, fullmatch=True), _DIGESTS, st.integers(0, 2**52))


@given(st.lists(_TOKENS, max_size=5, unique_by=(lambda one: one.name, lambda one: one.digest)))
def test_what_is_written_reads_back(tokens: list[Token]) -> None:
    assert parse_tokens(render_tokens(tokens)) == tuple(tokens)
