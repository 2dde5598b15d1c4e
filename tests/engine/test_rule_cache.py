"""What is kept of parsed rules is used only where nobody else can have touched it, and never changes what rules do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tocsin.config import bounds
from tocsin.detect.sigma.coverage import judge
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.ruleset import RuleSet, RuleText
from tocsin.engine import rule_cache
from tocsin.engine.rule_cache import RuleCache
from tocsin.engine.rule_compiling import Compiled, compile_texts, text_digest
from tocsin.engine.rule_files import RuleTexts, starter_texts
from tocsin.engine.rule_sets import load
from tocsin.records.errors import OperatorError

STARTER = starter_texts().texts[:12]
EXTRA = RuleText("extra.yml", "title: X\nlogsource: {product: linux}\ndetection: {s: {a: x}, condition: s}\n")
USES_PLACEHOLDER = RuleText(
    "p.yml", "title: P\nlogsource: {product: linux}\ndetection: {s: {a|expand: '%admins%'}, condition: s}\n"
)
FILTER = RuleText(
    "f.yml", "title: F\nlogsource: {product: linux}\nfilter: {rules: any, s: {Nowhere: y}, condition: s}\n"
)
CORRELATION = RuleText(
    "c.yml",
    "title: C\ncorrelation: {type: event_count, rules: [X], timespan: 5m, group-by: [a], condition: {gte: 3}}\n",
)


@pytest.fixture
def cache(tmp_path: Path) -> RuleCache:
    return RuleCache(tmp_path / "cache", tmp_path / "state" / "rules.key")


@pytest.fixture
def filled(cache: RuleCache) -> RuleCache:
    assert compiled(cache).parsed == len(STARTER)
    return cache


def compiled(
    cache: RuleCache | None, texts: Sequence[RuleText] = STARTER, **values: Sequence[str]
) -> Compiled:
    return compile_texts(texts, [text_digest(text) for text in texts], values, cache)


def told(rules: RuleSet) -> tuple:
    return (
        [(r.meta, r.logsource, r.condition, r.fields, r.keywords, r.filters) for r in rules.rules],
        rules.correlations, rules.filters, rules.problems, rules.templates, rules.documents,
    )  # fmt: skip


def same_as_parsed(cache: RuleCache, texts: Sequence[RuleText] = STARTER) -> None:
    """Loading with `cache` gives what loading without gives."""
    (one, account), (other, plain) = load(RuleTexts(texts), {}, cache=cache), load(RuleTexts(texts), {})
    assert told(one.ruleset) == told(other.ruleset)
    assert (one.note, account.counts(), account.sentences()) == (
        other.note,
        plain.counts(),
        plain.sentences(),
    )


# --- what it saves ---------------------------------------------------------------------------------------
def test_a_second_start_parses_nothing_and_gives_the_same(filled: RuleCache) -> None:
    assert compiled(filled).parsed == 0
    same_as_parsed(filled)


def test_a_start_from_the_cache_imports_no_parser(filled: RuleCache) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from tocsin.engine.rule_cache import RuleCache
        from tocsin.engine.rule_files import starter_texts, RuleTexts
        from tocsin.engine.rule_sets import load
        cache = RuleCache(Path({str(filled.folder)!r}), Path({str(filled.secret)!r}))
        loaded, account = load(RuleTexts(starter_texts().texts[:{len(STARTER)}]), {{}}, cache=cache)
        assert account.counts()["loaded"], account
        sys.exit(str({{"sigma", "yaml", "pyparsing", "tocsin.detect.sigma.catalogue"}} & set(sys.modules) or 0))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.stderr == "0\n"


def test_one_rule_more_parses_one_rule(filled: RuleCache) -> None:
    steps: list[tuple[int, int]] = []
    texts = [*STARTER[:5], EXTRA, *STARTER[5:]]
    load(RuleTexts(tuple(texts)), {}, cache=filled, progress=lambda *step: steps.append(step))
    assert steps == [(len(texts), len(texts))]
    assert compiled(filled, texts).parsed == 0
    same_as_parsed(filled, tuple(texts))


def test_a_changed_rule_is_parsed_and_one_that_only_moved_is_not(filled: RuleCache) -> None:
    changed = replace(STARTER[0], text=STARTER[0].text + "# more\n")
    assert compiled(filled, [changed, *STARTER[1:]]).parsed == 1
    moved = [replace(text, path=f"moved/{text.path}") for text in STARTER]
    assert compiled(filled, moved).parsed == 0
    assert compiled(filled, moved).files[0].path.startswith("moved/")


def test_other_placeholders_concern_only_the_texts_that_ask_for_them(cache: RuleCache) -> None:
    texts = [*STARTER, USES_PLACEHOLDER]
    assert compiled(cache, texts, admins=["anna"]).parsed == len(texts)
    assert compiled(cache, texts, admins=["anna"], others=["x"]).parsed == 0
    changed = compiled(cache, texts, admins=["berta"])
    assert changed.parsed == 1
    assert changed.files[-1].documents[0].condition().value == "berta"
    assert compiled(cache, texts).parsed == 1


def test_what_can_fire_is_counted_as_it_is_judged(cache: RuleCache) -> None:
    texts = (*STARTER, EXTRA, FILTER, CORRELATION, replace(EXTRA, path="again.yml"))
    for _ in range(2):
        loaded, account = load(RuleTexts(texts), {}, cache=cache)
        active = sum(verdict.status == "active" for verdict in judge(loaded.ruleset))
        assert account.counts()["active"] == active > 0
        assert account.verdicts == judge(loaded.ruleset)
    some, account = load(RuleTexts(texts), {}, ["windows-default"], cache=cache)
    active = sum(one.status == "active" for one in judge(some.ruleset, sources=["windows-default"]))
    assert account.counts()["active"] == active
    same_as_parsed(cache, texts)


# --- whom it trusts --------------------------------------------------------------------------------------
def rejected(cache: RuleCache, why: str) -> None:
    """Nothing that is kept is used, one sentence says so, and it is mended."""
    found = compiled(cache)
    assert found.parsed == len(STARTER)
    assert [notice for notice in found.notices if why in notice], found.notices
    assert compiled(cache).parsed == 0
    assert compiled(cache).notices == ()


def test_no_byte_can_be_changed(filled: RuleCache) -> None:
    whole = filled.path.read_bytes()
    for place in [
        *range(rule_cache._HEAD + 40),
        *range(rule_cache._HEAD + 40, len(whole), 997),
        len(whole) - 1,
    ]:
        filled.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        shelf = filled.read()
        assert not shelf.entries
        assert len(shelf.notices) == 1
    rejected(filled, "damaged")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 48, 79, 80, 81, 4_000, -1])
def test_what_is_cut_short_or_longer_is_not_used(filled: RuleCache, size: int) -> None:
    whole = filled.path.read_bytes()
    filled.path.write_bytes(whole[:size])
    assert not filled.read().entries
    filled.path.write_bytes(whole + b"\0")
    rejected(filled, "damaged")


def test_a_file_of_another_user_s_key_is_not_used(filled: RuleCache, tmp_path: Path) -> None:
    other = RuleCache(tmp_path / "other", tmp_path / "other-state" / "rules.key")
    compiled(other)
    shutil.copy(other.path, filled.path)
    rejected(filled, "somebody else wrote them")


def test_a_file_of_another_version_is_not_used(filled: RuleCache) -> None:
    body, key, old = filled.path.read_bytes()[rule_cache._HEAD :], filled.secret.read_bytes(), bytes(32)
    filled.path.write_bytes(rule_cache._MARK + old + rule_cache._digest(old, body, key) + body)
    rejected(filled, "another version")


@pytest.mark.parametrize("mode", [0o640, 0o660, 0o606, 0o604, 0o777])
def test_a_file_that_others_can_touch_is_not_used(filled: RuleCache, mode: int) -> None:
    filled.path.chmod(mode)
    rejected(filled, "others can read or write it")
    assert filled.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_in_is_closed_first(filled: RuleCache, mode: int) -> None:
    filled.folder.chmod(mode)
    rejected(filled, "others can write in its folder")
    assert filled.folder.stat().st_mode & 0o777 == 0o700


def test_a_secret_that_others_can_read_is_replaced(filled: RuleCache) -> None:
    before = filled.secret.read_bytes()
    filled.secret.chmod(0o644)
    rejected(filled, "others can read or write it")
    assert filled.secret.read_bytes() != before
    assert filled.secret.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_gone_is_told(filled: RuleCache) -> None:
    filled.secret.unlink()
    rejected(filled, "rules.key: No such file")


@pytest.mark.parametrize("secret", [b"", b"short", b"\0" * 33])
def test_a_secret_of_another_length_is_replaced(filled: RuleCache, secret: bytes) -> None:
    filled.secret.write_bytes(secret)
    rejected(filled, "not used")
    assert len(filled.secret.read_bytes()) == 32


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("what", ["path", "secret", "folder"])
def test_what_belongs_to_another_user_is_not_used(filled: RuleCache, what: str) -> None:
    os.chown(getattr(filled, what), 65_534, 65_534)
    if what != "folder":
        rejected(filled, "belongs to another user")
        return
    found = compiled(filled)
    assert found.parsed == len(STARTER)
    assert "cannot be kept" in found.notices[-1]


def _link(path: Path) -> None:
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(("put", "why"), [(_link, "it is a link"), (_pipe, "no ordinary file")])
def test_what_is_no_ordinary_file_is_not_used(
    filled: RuleCache, put: Callable[[Path], None], why: str
) -> None:
    put(filled.path)
    rejected(filled, why)


def test_a_folder_in_its_place_is_told_and_no_descriptor_stays_open(filled: RuleCache) -> None:
    filled.path.unlink()
    filled.path.mkdir()
    before = os.dup(0)
    assert "no ordinary file" in filled.read().notices[0]
    after = os.dup(0)
    os.close(before)
    os.close(after)
    assert after == before + 1


HOSTILE = (
    [], 5, None, {1: 2}, {"a": b"b"}, {b"a": b"b"}, [[b"a", b"b"]],
    {text_digest(text): junk for text, junk in zip(STARTER, [b"", b"\xc1", b"\xff" * 9, b"\x93\xc4\x00\xc4\x00\x90", b"\x91" * 50_000], strict=False)},
)  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_with_the_right_digest_a_wrong_shape_is_parsed_anew(filled: RuleCache, content: object) -> None:
    sealed = rule_cache._sealed(content, filled.secret.read_bytes())  # type: ignore[arg-type]
    filled.path.write_bytes(sealed)
    assert compiled(filled).parsed == len(STARTER)
    same_as_parsed(filled)
    assert compiled(filled).parsed == 0


def test_with_the_right_digest_a_wrong_condition_is_told(filled: RuleCache) -> None:
    key, texts = filled.secret.read_bytes(), [EXTRA]
    compiled(filled, texts)
    entry = filled.read().entries[text_digest(EXTRA)]
    broken = entry.replace(b"\xa1x", b"\xa1\xff")  # the value, no longer UTF-8
    assert broken != entry
    filled.path.write_bytes(rule_cache._sealed({text_digest(EXTRA): broken}, key))
    (rule,) = load(RuleTexts(tuple(texts)), {}, cache=filled)[0].ruleset.rules
    with pytest.raises(OperatorError, match="Remove Tocsin's cache folder"):
        rule.matches(EventView({"a": "x"}))


# --- what it survives ------------------------------------------------------------------------------------
def test_files_are_private(filled: RuleCache) -> None:
    assert {path.stat().st_mode & 0o777 for path in (filled.path, filled.secret)} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (filled.folder, filled.secret.parent)} == {0o700}


def test_a_folder_that_cannot_be_made_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for cache in (
        RuleCache(tmp_path / "file" / "cache", tmp_path / "state" / "key"),
        RuleCache(tmp_path / "cache", tmp_path / "file" / "key"),
        RuleCache(Path("/proc/tocsin/cache"), Path("/proc/tocsin/key")),
    ):
        found = compiled(cache)
        assert found.parsed == len(STARTER)
        assert "cannot be kept" in found.notices[-1]


def test_a_full_disk_is_no_failure_and_leaves_what_was_there(filled: RuleCache) -> None:
    before = filled.path.read_bytes()
    code = f"""
        import resource, signal
        from pathlib import Path
        from tocsin.engine.rule_cache import RuleCache
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        cache = RuleCache(Path({str(filled.folder)!r}), Path({str(filled.secret)!r}))
        print(cache.write({{bytes(32): bytes(100_000)}}, [bytes(32)]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert filled.path.read_bytes() == before
    assert [path.name for path in filled.folder.iterdir()] == [filled.path.name]


def test_what_a_killed_process_left_is_cleared(filled: RuleCache) -> None:
    left = filled.folder / f".{filled.path.name}.abc.new"
    left.write_bytes(b"half")
    compiled(filled, [*STARTER, EXTRA])
    assert not left.exists()


def test_processes_that_write_at_once_do_no_harm(cache: RuleCache) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from tocsin.engine.rule_cache import RuleCache
        from tocsin.engine.rule_files import starter_texts, RuleTexts
        from tocsin.engine.rule_sets import load
        cache = RuleCache(Path({str(cache.folder)!r}), Path({str(cache.secret)!r}))
        at = int(sys.argv[1])
        for _ in range(3):
            for size in range(1, 4):
                loaded, account = load(RuleTexts(starter_texts().texts[at : at + size]), {{}}, cache=cache)
                assert len(loaded.ruleset.rules) == size, account
                assert not account.notices, account.notices
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(at)], stderr=subprocess.PIPE, text=True
        )
        for at in (0, 3, 6)
    ]
    assert [process.communicate()[1] for process in running] == ["", "", ""]
    assert filled_names(cache) == [cache.path.name]
    same_as_parsed(cache)


def filled_names(cache: RuleCache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir())


def test_another_process_that_writes_is_left_alone(filled: RuleCache) -> None:
    import fcntl

    before = filled.path.read_bytes()
    folder = os.open(filled.folder, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        assert compiled(filled, [EXTRA]).notices == ()
        assert filled.path.read_bytes() == before
    finally:
        os.close(folder)


# --- how large it grows ----------------------------------------------------------------------------------
def test_what_does_not_fit_is_told_and_parsed_each_time(
    cache: RuleCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "RULE_CACHE_BYTES", 4_000)
    found = compiled(cache)
    assert "too many to keep compiled" in found.notices[-1]
    assert cache.path.stat().st_size <= 4_000
    assert 0 < compiled(cache).parsed < len(STARTER)
    same_as_parsed(cache)


def test_what_is_no_longer_used_goes_in_time(cache: RuleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(cache, STARTER[:6])
    compiled(cache, STARTER[6:])
    assert len(cache.read().entries) == len(STARTER)
    monkeypatch.setattr(bounds, "RULE_CACHE_UNUSED_BYTES", 1_000)
    compiled(cache, [EXTRA])
    kept = dict(cache.read().entries)
    assert kept.pop(text_digest(EXTRA))
    assert sum(map(len, kept.values())) <= 1_000


def test_a_text_that_has_no_bytes_is_parsed_each_time(filled: RuleCache) -> None:
    before = filled.path.stat().st_mtime_ns
    odd = RuleText("odd.yml", "title: \ud800\n\x00")
    for texts in ([*STARTER, odd], [odd, *STARTER, STARTER[0]]):
        found = compiled(filled, texts)
        assert (found.parsed, found.notices) == (1, ())
    assert filled.path.stat().st_mtime_ns == before


def test_the_version_is_of_our_code_and_of_the_parsers() -> None:
    assert len(rule_cache.version()) == 32
    assert msgspec.msgpack.decode(rule_cache._sealed({}, bytes(32))[rule_cache._HEAD :]) == {}


def test_where_files_have_no_owner_and_mode_nothing_is_kept() -> None:
    code = """
        import os, sys
        sys.modules["fcntl"] = None
        from tocsin.cli import rule_choice, scan
        os.name = "nt"
        assert rule_choice.rule_cache() is None
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
