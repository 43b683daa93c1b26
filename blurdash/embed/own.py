"""Recognisers of one's own, each an ONNX file: how they join the table, and by which name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from blurdash.embed.base import EmbedderRow
from blurdash.embed.rows import EMBEDDERS
from blurdash.errors import BlurdashError, SettingError, WeightsError
from blurdash.table import look_up
from blurdash.words import quoted

__all__ = ["HOST_VARIABLE", "is_own", "offer_host_recognisers", "row_of"]

ONNX = "onnx:"
HOST_VARIABLE = "BLURDASH_RECOGNISERS"

_offering, _registering = threading.Lock(), threading.Lock()
_offered: dict[str, tuple[str, ...]] = {}  # by place: what was wrong with its files


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
        return look_up(EMBEDDERS, name, "recogniser")
    if name in EMBEDDERS and weights is None:
        return EMBEDDERS[name]
    problems = offer_host_recognisers()
    if weights is None:
        return EMBEDDERS.get(name) or _by_path(name.removeprefix(ONNX), problems)
    row = _registered(weights)
    if row.name not in (name, ONNX + Path(name.removeprefix(ONNX)).stem):
        raise SettingError(
            f"{quoted(name)} was asked for, and the file given is {quoted(row.name)}",
            hint="give the file of that name",
        )
    return row


def _by_path(file: str, problems: Sequence[str]) -> EmbedderRow:
    """The row of a file; where there is none of that name, why the host's is not offered."""
    for problem in problems:
        if file in problem and not Path(file).is_file():
            raise WeightsError(problem)
    return _registered(file)


def offer_host_recognisers() -> tuple[str, ...]:
    """Puts the recognisers that ``BLURDASH_RECOGNISERS`` names into the table, once a process.

    Returns:
        Why some are not among them, a sentence each.
    """
    place = os.environ.get(HOST_VARIABLE, "")
    if not place:
        return ()
    with _offering:
        if place not in _offered:
            _offered[place] = tuple(_problems_of(Path(place)))
        return _offered[place]


def _problems_of(place: Path) -> Iterator[str]:
    try:
        files = sorted(place.glob("*.onnx")) if place.is_dir() else [place]
    except OSError:
        files = []
    if not files:
        yield f"the folder that {HOST_VARIABLE} names holds no ONNX file"
    for file in files:
        try:
            _registered(file)
        except BlurdashError as error:
            yield str(error)


def _registered(file: str | Path) -> EmbedderRow:
    """The row of an ONNX file, which is read where it was not yet."""
    from blurdash.embed.onnx_embedder import row_of_file

    path = str(Path(file).expanduser().absolute())
    with _registering:
        for row in EMBEDDERS.values():
            if row.file == path:
                return row
        row = row_of_file(path)
        if row.name in EMBEDDERS:
            raise SettingError(
                f"two files are called {quoted(row.name)}",
                hint="rename one of them, and its description",
            )
        if row.label in [other.label for other in EMBEDDERS.values()]:
            raise SettingError(
                f"{quoted(row.name)} has the label of another recogniser, {quoted(row.label)}",
                hint="give it a label of its own",
            )
        EMBEDDERS[row.name] = row
        return row
