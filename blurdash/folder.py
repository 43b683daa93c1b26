"""The photos of a folder: which are taken, what each is called, and what is left out and why."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from blurdash.errors import SettingError
from blurdash.photo import ENDINGS, FORMAT_NAMES
from blurdash.values import whole_number
from blurdash.words import as_text, listed, quoted

__all__ = [
    "PhotoFile",
    "PhotoFolder",
    "check_limit",
    "left_out_in_words",
    "read_folder",
    "try_until_enough",
    "with_limit",
]

One = TypeVar("One")

SAMPLE = re.compile(r"(random|fix)_\d+\.png")
SHOWN_ENDINGS = 4


@dataclass(frozen=True)
class PhotoFile:
    """A picture of a folder.

    Attributes:
        name: What tables and folders call it: its path in the folder without its ending, or with
            it where two files would be called the same; always text that UTF-8 can hold.
        path: The file.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class PhotoFolder:
    """What a folder holds.

    Attributes:
        photos: Its pictures, in the order of their names.
        left_out: Why files are not among them, and how many there are of each kind.
    """

    photos: tuple[PhotoFile, ...]
    left_out: dict[str, int] = field(default_factory=dict)


def with_limit(left_out: dict[str, int], over: int, limit: int | None) -> dict[str, int]:
    """Returns what is left out together with so many pictures over a limit."""
    return ({f"over the limit of {limit}": over} if over else {}) | left_out


def try_until_enough(
    found: Sequence[One], limit: int | None, attempt: Callable[[Sequence[One]], int]
) -> Sequence[One]:
    """Tries pictures until as many as the limit have succeeded, and returns those tried.

    Args:
        found: What there is, in order.
        limit: The number of successes that is enough; None to try all.
        attempt: Tries some and returns how many failed.

    Example:
        >>> try_until_enough([1, 0, 1, 1, 1], 2, lambda some: list(some).count(0))
        [1, 0, 1]
    """
    tried = good = 0
    while tried < len(found) and (limit is None or good < limit):
        some = found[tried : None if limit is None else tried + limit - good]
        good += len(some) - attempt(some)
        tried += len(some)
    return found[:tried]


def read_folder(folder: str | Path) -> PhotoFolder:
    """Returns the pictures of a folder and of the folders in it.

    Conventions:
        Whether a file is a picture is told by its ending. In folders inside it, what ``generate``
        wrote (``random_0.png``, ``fix_0.png`` and so on) is left out, and so is all that is hidden.

    Args:
        folder: Such as FFHQ's own, ``00000/00000.png`` and so on.

    Returns:
        At least one picture.

    Raises:
        SettingError: There is no such folder, it cannot be read, or no picture is in it.

    Example:
        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as name:
        ...     place = pathlib.Path(name)
        ...     (place / "00000").mkdir()
        ...     (place / "00000" / "00000.png").touch()
        ...     (place / "notes.txt").touch()
        ...     found = read_folder(place)
        >>> [photo.name for photo in found.photos], found.left_out
        (['00000/00000'], {'other files (.txt)': 1})
    """
    root = Path(folder)
    files: list[Path] = []
    reasons: Counter[str] = Counter()
    endings: set[str] = set()
    for path in _files(root, reasons):
        if path.suffix.lower() not in ENDINGS:
            endings.add(as_text(path.suffix.lower()))
            reasons["other files"] += 1
        elif path.parent != root and SAMPLE.fullmatch(path.name):
            reasons["samples that generate made"] += 1
        else:
            files.append(path)
    if reasons["other files"]:
        reasons[_kinds(endings)] = reasons.pop("other files")
    left_out = {reason: count for reason, count in reasons.items() if count}
    if not files:
        also = f" ({left_out_in_words(left_out)})" if left_out else ""
        raise SettingError(
            f"the folder {quoted(folder)} has no pictures in it{also}",
            hint=f"give a folder with {FORMAT_NAMES} files",
        )
    return PhotoFolder(tuple(_named(root, files)), left_out)


def left_out_in_words(left_out: Mapping[str, int]) -> str:
    """Returns what was left out as a list in a sentence, ``""`` for nothing.

    Example:
        >>> left_out_in_words({"over the limit of 30": 9, "hidden": 1})
        '10 left out: 9 over the limit of 30 and 1 hidden'
    """
    if not left_out:
        return ""
    several = listed([f"{count:,} {reason}" for reason, count in left_out.items()])
    return f"{sum(left_out.values()):,} left out: {several}"


def _kinds(endings: set[str]) -> str:
    """The reason "other files" with the endings that were seen."""
    shown = [ending or "no ending" for ending in sorted(endings)]
    more = ", …" if len(shown) > SHOWN_ENDINGS else ""
    return f"other files ({', '.join(shown[:SHOWN_ENDINGS])}{more})"


def _files(root: Path, reasons: Counter[str]) -> Iterator[Path]:
    """Every file below a folder, each folder once even where links make a circle."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        here = waiting.pop()
        try:
            status = here.stat()
            entries = sorted(here.iterdir(), key=lambda path: path.name)
        except OSError as error:
            if here is root:
                raise SettingError(
                    f"{quoted(root)} is not a folder that can be read ({error.strerror})",
                    hint="give a folder of photos",
                ) from error
            reasons["folders that cannot be read"] += 1
            continue
        if (status.st_dev, status.st_ino) in seen and status.st_ino:
            continue
        seen.add((status.st_dev, status.st_ino))
        for path in entries:
            kind = "hidden" if path.name.startswith(".") else _kind_of(path)
            if kind == "folder":
                waiting.append(path)
            elif kind == "file":
                yield path
            else:
                reasons[kind] += 1


def _kind_of(path: Path) -> str:
    """``folder``, ``file``, or why it is neither."""
    try:
        if path.is_dir():
            return "folder"
        return "file" if path.is_file() else "links to nothing, pipes or devices"
    except OSError:  # as in a folder that may be listed and not entered
        return "files that cannot be read"


def _named(root: Path, files: Sequence[Path]) -> Iterator[PhotoFile]:
    """The files with their names, sorted by where they lie."""
    paths = {path: path.relative_to(root) for path in files}
    short = {path: as_text(inside.with_suffix("").as_posix()) for path, inside in paths.items()}
    twice = {name for name, count in Counter(short.values()).items() if count > 1}
    taken: set[str] = set()
    for path in sorted(files, key=lambda path: os.fsencode(paths[path].as_posix())):
        name = short[path]
        if name in twice:
            name = as_text(paths[path].as_posix())
        while name in taken:  # two names that no text can tell apart
            name += "'"
        taken.add(name)
        yield PhotoFile(name, path)


def check_limit(limit: object) -> int | None:
    """Returns ``limit`` after checking that it is a whole number above zero, or None.

    Raises:
        SettingError: It is anything else.
    """
    if limit is None:
        return None
    wanted = "a whole number above 0, or all"
    hint = "say how many pictures to take at most"
    return whole_number(limit, "limit", 1, wanted=wanted, hint=hint)
