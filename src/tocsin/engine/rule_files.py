"""Rule texts from where they lie: the starter set in the package, folders, release zips, and what was added.

The detectors are pure, so the reading is done here. A file that cannot be read becomes a `Unreadable`, never a gap.
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tocsin.config import bounds
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.records.errors import OperatorError

RULE_SUFFIXES = (".yml", ".yaml")
_READ_BYTES = 32 * 1024
"""What is asked for first: more than nearly every rule has."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A rule file that could not be read, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """What was read: texts in a stable order, and the files that could not be."""

    texts: tuple[RuleText, ...]
    unreadable: tuple[Unreadable, ...] = ()


def starter_texts() -> RuleTexts:
    """The starter set that ships with Tocsin."""
    folder = resources.files("tocsin.detect.sigma").joinpath("starter")
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(RULE_SUFFIXES)), key=lambda e: e.name
    )
    return RuleTexts(
        tuple(RuleText(f"starter/{entry.name}", entry.read_text(encoding="utf-8")) for entry in found)
    )


def rule_texts(paths: Iterable[str | Path]) -> RuleTexts:
    """Every rule file under `paths`: single files, folders (walked), and zips such as SigmaHQ's releases.

    Raises:
        OperatorError: a path does not exist, or holds no rule file at all.
    """
    texts: list[RuleText] = []
    unreadable: list[Unreadable] = []
    for path in map(Path, paths):
        before = len(texts) + len(unreadable)
        for item in _read_path(path):
            (texts if isinstance(item, RuleText) else unreadable).append(item)  # type: ignore[arg-type]
        if len(texts) + len(unreadable) == before:
            raise OperatorError(
                f"No Sigma rule in {path}.", "Give a .yml file, a folder of them, or a zip of such a folder."
            )
    return RuleTexts(tuple(texts), tuple(unreadable))


def _read_path(path: Path) -> Iterator[RuleText | Unreadable]:
    if path.is_dir():
        yield from _read_folder("" if path == Path() else str(path))
    elif not path.exists():
        raise OperatorError(f"There is no rule file or folder {path}.", "Check the path given to --rules.")
    elif zipfile.is_zipfile(path):
        yield from _read_zip(path)
    else:
        yield _read_file(str(path))


def _read_folder(folder: str) -> Iterator[RuleText | Unreadable]:
    """The rule files under `folder` ("": here) in order of their names; links to folders are not followed."""
    try:
        with os.scandir(folder or ".") as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        yield Unreadable(folder, f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        name = os.path.join(folder, entry.name)  # noqa: PTH118  a Path for each of thousands costs more than reading them
        if entry.is_dir(follow_symlinks=False):
            yield from _read_folder(name)
        elif _is_rule(entry.name) and entry.is_file():
            yield _read_file(name)


def _is_rule(name: str) -> bool:
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in RULE_SUFFIXES


def _read_file(path: str) -> RuleText | Unreadable:
    try:
        with io.FileIO(path) as file:
            content = _bytes(file)
    except OSError as error:
        return Unreadable(path, f"cannot be read: {error.strerror}")
    if len(content) > bounds.RULE_BYTES:
        return Unreadable(path, f"larger than {bounds.RULE_BYTES} bytes, which no rule is")
    try:
        return RuleText(path, _universal(content.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return Unreadable(path, "is not UTF-8 text")


def _bytes(file: io.FileIO) -> bytes:
    """What is in `file`, up to one byte more than a rule may have; most need one read."""
    content = file.read(_READ_BYTES)
    while len(content) <= bounds.RULE_BYTES and (more := file.read(bounds.RULE_BYTES + 1 - len(content))):
        content += more
    return content


def _universal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _read_zip(path: Path) -> Iterator[RuleText | Unreadable]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        yield Unreadable(str(path), f"is no zip that can be read: {error}")
        return
    with archive:
        members = [m for m in archive.infolist() if m.filename.lower().endswith(RULE_SUFFIXES)]
        for member in sorted(members, key=lambda m: m.filename)[: bounds.ARCHIVE_MEMBERS]:
            yield _read_member(archive, member, f"{path}!{member.filename}")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> RuleText | Unreadable:
    try:
        with archive.open(member) as stream:
            content = stream.read(bounds.RULE_BYTES + 1)
        if len(content) > bounds.RULE_BYTES:
            return Unreadable(name, f"larger than {bounds.RULE_BYTES} bytes, which no rule is")
        return RuleText(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Unreadable(name, "is not UTF-8 text")
    except (
        OSError,
        RuntimeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
    ) as error:
        return Unreadable(name, f"cannot be read from the zip: {error}")


def placeholder_values(path: str | Path | None) -> dict[str, tuple[str, ...]]:
    """The values of `expand` placeholders from the user's file: YAML, each name with a value or a list of them.

    Raises:
        OperatorError: the file is missing or is not of that form.
    """
    if path is None:
        return {}
    from tocsin.config.mapping_files import load_mapping  # noqa: PLC0415  YAML is not needed at most starts

    hint = "Write one placeholder a line, such as `Admins: [anna, it-support]`."
    loaded = load_mapping(Path(path), "placeholder file", hint)
    return {name.strip("%"): values for name, values in loaded.items()}


@dataclass(frozen=True, slots=True)
class RuleLibrary:
    """The rule sets that `tocsin rules add` keeps: one folder or zip each, under `folder`."""

    folder: Path

    def paths(self) -> Sequence[Path]:
        """What was added, in order of name."""
        if not self.folder.is_dir():
            return ()
        return sorted(p for p in self.folder.iterdir() if not p.name.startswith("."))

    def add(self, path: Path) -> tuple[Path, RuleTexts]:
        """Copies the rule files under `path` into the library, whole or not at all; one of the same name is replaced.

        Raises:
            OperatorError: there is no rule in `path`.
        """
        found = rule_texts([path])
        name = path.resolve().stem if path.is_file() else path.resolve().name
        target, staged = self.folder / name, self.folder / f".{name}.new"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        for number, text in enumerate(found.texts):
            (staged / f"{number:05d}-{Path(text.path).name}").write_text(text.text, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        staged.rename(target)
        return target, found

    def remove(self, name: str) -> None:
        """Removes the rule set called `name`.

        Raises:
            OperatorError: none is called so.
        """
        target = next((p for p in self.paths() if p.name == name), None)
        if target is None:
            known = ", ".join(p.name for p in self.paths()) or "none was added yet"
            raise OperatorError(f"No added rule set is called {name}.", f"Added: {known}.")
        shutil.rmtree(target)
