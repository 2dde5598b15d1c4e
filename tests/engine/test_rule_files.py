"""Rule texts are read from wherever rules lie, and what cannot be read is named."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from tocsin.config import bounds
from tocsin.engine.rule_files import RuleLibrary, placeholder_values, rule_texts, starter_texts
from tocsin.records.errors import OperatorError

RULE = "title: One\nlogsource: {product: linux}\ndetection: {sel: {a: b}, condition: sel}\n"


def test_the_starter_set_is_read_from_the_package_in_order() -> None:
    texts = starter_texts().texts
    assert len(texts) >= 60
    assert [text.path for text in texts] == sorted(text.path for text in texts)


def test_folders_are_walked_and_only_rules_are_taken(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "one.yml").write_text(RULE)
    (tmp_path / "two.YAML").write_text(RULE)
    (tmp_path / "README.md").write_text("no rule")
    assert [Path(text.path).name for text in rule_texts([tmp_path]).texts] == ["one.yml", "two.YAML"]


def test_files_come_in_the_order_of_their_paths_whatever_the_folders_are_called(tmp_path: Path) -> None:
    for name in ("b.yml", "a/z.yml", "a.yml", "a-b/c.yml", "a/B/c.yaml", ".hidden/d.YML", "Z.yml", "..yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(RULE)
    found = [Path(text.path) for text in rule_texts([tmp_path]).texts]
    assert found == sorted(tmp_path.rglob("*.[yY]*[lL]"))
    assert len(found) == 8


def test_links_to_files_are_read_and_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "one.yml").write_text(RULE)
    (tmp_path / "rules" / "link.yml").symlink_to(tmp_path / "one.yml")
    (tmp_path / "rules" / "broken.yml").symlink_to(tmp_path / "nothing")
    (tmp_path / "rules" / "loop").symlink_to(tmp_path / "rules")
    assert [Path(text.path).name for text in rule_texts([tmp_path / "rules"]).texts] == ["link.yml"]


def test_the_folder_one_is_in_is_read_under_short_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.yml").write_text(RULE)
    monkeypatch.chdir(tmp_path)
    assert [text.path for text in rule_texts(["."]).texts] == ["in/one.yml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "one.yml").write_text(RULE)
    assert [file.why for file in rule_texts([tmp_path]).unreadable] == ["cannot be read: Permission denied"]


@pytest.mark.parametrize(
    "size", [bounds.RULE_BYTES - 1, bounds.RULE_BYTES, bounds.RULE_BYTES + 1, 32 * 1024, 32 * 1024 + 1]
)
def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path, size: int) -> None:
    (tmp_path / "one.yml").write_bytes(b"#" * size)
    found = rule_texts([tmp_path])
    assert [len(text.text) for text in found.texts] == ([size] if size <= bounds.RULE_BYTES else [])
    assert len(found.unreadable) == (size > bounds.RULE_BYTES)


def test_line_ends_and_the_byte_order_mark_make_no_other_text(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3\n")
    assert rule_texts([tmp_path]).texts[0].text == "a: 1\nb: 2\nc: 3\n"


def test_a_release_zip_is_read_without_unpacking(tmp_path: Path) -> None:
    target = tmp_path / "release.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("rules/one.yml", RULE)
        archive.writestr("../../outside.yml", RULE)
        archive.writestr("rules/LICENSE", "text")
    found = rule_texts([target])
    assert [text.text for text in found.texts] == [RULE, RULE]
    assert [path.name for path in tmp_path.iterdir()] == ["release.zip"]


def test_what_cannot_be_read_is_named_and_takes_no_other_along(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xff\xfe\xfa not utf-8")
    (tmp_path / "b.yml").write_text(RULE)
    (tmp_path / "c.yml").write_bytes(b"#" * (bounds.RULE_BYTES + 1))
    found = rule_texts([tmp_path])
    assert len(found.texts) == 1
    assert {Path(file.path).name: file.why for file in found.unreadable}.keys() == {"a.yml", "c.yml"}


def test_a_damaged_zip_member_is_named(tmp_path: Path) -> None:
    target = tmp_path / "release.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("one.yml", RULE)
        archive.writestr("two.yml", RULE)
    content = bytearray(target.read_bytes())
    place = content.index(b"title: One")
    content[place : place + 5] = b"Title"  # the CRC no longer fits
    target.write_bytes(bytes(content))
    found = rule_texts([target])
    assert len(found.texts) == 1
    assert "CRC" in found.unreadable[0].why


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_path_without_rules_is_an_error_that_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(OperatorError, match=name):
        rule_texts([tmp_path / name])


def test_placeholders_are_names_with_values(tmp_path: Path) -> None:
    file = tmp_path / "placeholders.yml"
    file.write_text("Admins: [anna, 7]\n'%Servers%': DC1\n")
    assert placeholder_values(file) == {"Admins": ("anna", "7"), "Servers": ("DC1",)}
    assert placeholder_values(None) == {}


@pytest.mark.parametrize("content", ["- just\n- a list\n", "a: [unclosed", "!!python/object:os.system {}"])
def test_a_placeholder_file_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "placeholders.yml"
    file.write_text(content)
    with pytest.raises(OperatorError, match="Write one placeholder"):
        placeholder_values(file)


def test_the_library_adds_replaces_lists_and_removes(tmp_path: Path) -> None:
    source = tmp_path / "mine"
    source.mkdir()
    (source / "one.yml").write_text(RULE)
    (source / "two.yml").write_text(RULE)
    library = RuleLibrary(tmp_path / "data" / "rules")
    assert library.paths() == ()
    target, _found = library.add(source)
    assert len(rule_texts(library.paths()).texts) == 2
    (source / "two.yml").unlink()
    assert library.add(source)[0] == target
    assert len(rule_texts(library.paths()).texts) == 1
    with pytest.raises(OperatorError, match="mine"):
        library.remove("another")
    library.remove("mine")
    assert list(library.paths()) == []
