"""Recognisers of one's own, each an ONNX file: how they join the table, and by which name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from blurdash.embed.base import EmbedderRow
from blurdash.embed.rows import EMBEDDERS
from blurdash.errors import BlurdashError, SettingError, WeightsError
from blurdash.table import look_up
from blurdash.words import quoted

__all__ = ["HOST_VARIABLE", "is_own", "offer_host_recognisers", "row_of"]

ONNX = "onnx:"
ENDING = ".onnx"
HOST_VARIABLE = "BLURDASH_RECOGNISERS"

_offering, _registering = threading.Lock(), threading.Lock()
_offered: dict[str, dict[str, str]] = {}  # by place: what was wrong with its files


def is_own(name: object) -> bool:
    """Whether this names a recogniser by a file, there or not.

    Example:
        >>> is_own("onnx:mine.onnx"), is_own("dlib")
        (True, False)
    """
    return isinstance(name, str) and name.startswith(ONNX)


def row_of(name: str, weights: str | None = None) -> EmbedderRow:
    """Returns a recogniser's row; that of one's own is read from its file, once in a process.

    Conventions:
        ``onnx:`` and a path is one's own by its file, which then is called ``onnx:`` and the file's
        name without its ending. By that name it is found again, and where the host's variable
        ``BLURDASH_RECOGNISERS`` (a file, or a folder of several) has it.

    Args:
        name: A key of ``EMBEDDERS``, or ``onnx:`` and the path of an ONNX file.
        weights: That file, where only the name is given; of no matter for others.

    Raises:
        SettingError: There is no such recogniser, or another file has its name.
        WeightsError: The file or its description is missing or broken, or they contradict.
    """
    if not is_own(name):
        if isinstance(name, str) and name.lower().endswith(ENDING):
            raise SettingError(
                f"{quoted(name)} is an ONNX file", hint="write onnx: before its path"
            )
        return look_up(EMBEDDERS, name, "recogniser")
    if name in EMBEDDERS and weights is None:
        return EMBEDDERS[name]
    wanted = name.removeprefix(ONNX)
    if not wanted:
        raise WeightsError("onnx: names no file", hint="give the path of an ONNX file behind it")
    if weights is not None:
        return _given(wanted, weights)
    problems = _host_problems()
    key = ONNX + _without_ending(wanted)
    if not _is_file(wanted):
        if key in EMBEDDERS:
            return EMBEDDERS[key]
        if key in problems:
            raise WeightsError(problems[key])
        if "" in problems:  # the place itself is none
            raise WeightsError(problems[""])
    return _registered(wanted)


def _given(wanted: str, weights: str) -> EmbedderRow:
    """The row of the file that was given for a name; not for the path of another one."""
    if Path(weights).is_dir():
        weights = str(Path(weights) / f"{_without_ending(Path(wanted).name)}{ENDING}")
    row = _registered(weights)
    same = row.name == ONNX + _without_ending(Path(wanted).name)
    if same and wanted != Path(wanted).name:
        same = row.file is not None and os.path.realpath(wanted) == os.path.realpath(row.file)
    if not same:
        raise SettingError(
            f"{quoted(ONNX + Path(wanted).name)} was asked for, and the file given is "
            f"{quoted(row.name)}",
            hint="give the file of that name",
        )
    return row


def _without_ending(name: str) -> str:
    return name[: -len(ENDING)] if name.lower().endswith(ENDING) else name


def _is_file(path: str | Path) -> bool:
    # Where a name is too long, a folder may not be read or there is no such user, Path raises.
    try:
        return Path(path).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def offer_host_recognisers() -> tuple[str, ...]:
    """Puts the recognisers that ``BLURDASH_RECOGNISERS`` names into the table, once a process.

    Returns:
        Why some are not among them, a sentence each.
    """
    return tuple(_host_problems().values())


def _host_problems() -> dict[str, str]:
    """What keeps the host's files out of the table, by the names that they would have."""
    place = os.environ.get(HOST_VARIABLE, "")
    if not place:
        return {}
    with _offering:
        if place not in _offered:
            _offered[place] = dict(_problems_of(place))
        return _offered[place]


def _problems_of(place: str) -> Iterator[tuple[str, str]]:
    files = [Path(place)] if _is_file(place) else _files_in(place)
    if files is None:
        shown = quoted(Path(place).name)
        yield "", f"{HOST_VARIABLE} names {shown}, which is no ONNX file and no folder of several"
        return
    if not files:
        yield "", f"the folder that {HOST_VARIABLE} names holds no ONNX file"
    for file in files:
        try:
            _registered(file)
        except BlurdashError as error:
            yield ONNX + _without_ending(file.name), str(error)
        except Exception as error:  # noqa: BLE001 - no file keeps a server from starting
            told = f"{quoted(file.name)} cannot be read ({type(error).__name__})"
            yield ONNX + _without_ending(file.name), told


def _files_in(place: str) -> list[Path] | None:
    """The ONNX files of a folder; None where there is no such folder that can be read."""
    try:
        found = sorted(Path(place).expanduser().iterdir())
    except (OSError, RuntimeError):
        return None
    return [path for path in found if path.suffix.lower() == ENDING]


def _registered(file: str | Path) -> EmbedderRow:
    """The row of an ONNX file, which is read where it was not yet."""
    from blurdash.embed.onnx_embedder import row_of_file

    if not _is_file(file):
        raise WeightsError(
            f"there is no file {quoted(Path(file).name)} to read a recogniser from",
            hint="give onnx: and the path of an ONNX file, or the path with --weights where a "
            "receipt names it",
        )
    path = Path(file).expanduser().absolute()
    with _registering:
        for row in EMBEDDERS.values():
            if row.file is not None and _is_same(path, Path(row.file)):
                return row
        row = row_of_file(path)
        if row.name in EMBEDDERS:
            raise SettingError(
                f"two files are called {quoted(row.name)}",
                hint="rename one of them, and its description",
            )
        if row.label.casefold() in {other.label.casefold() for other in EMBEDDERS.values()}:
            raise SettingError(
                f"{quoted(row.name)} has the label of another recogniser, {quoted(row.label)}",
                hint="give it a label of its own",
            )
        EMBEDDERS[row.name] = row
        return row


def _is_same(path: Path, other: Path) -> bool:
    """Whether two paths are one recogniser: a link of another name has another description."""
    return path.name == other.name and os.path.realpath(path) == os.path.realpath(other)
