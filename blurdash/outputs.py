"""Files that a command writes: whole or not at all, and over finished work only when asked to."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from blurdash.errors import SettingError
from blurdash.words import quoted

__all__ = ["REPLACE_HINT", "refuse_existing", "whole_file", "write_whole"]

REPLACE_HINT = "give another --out, or --overwrite to replace it"


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raises where a file would be replaced that nobody said may be.

    Args:
        path: Where something is to be written.
        overwrite: Whether what is there may be replaced.

    Raises:
        SettingError: Something is there.
    """
    if path.exists() and not overwrite:
        raise SettingError(f"{quoted(path.name)} is there already", hint=REPLACE_HINT)


@contextlib.contextmanager
def whole_file(path: Path, *, alone: bool = False) -> Iterator[Path]:
    """Gives the name under which a file is to be written; it appears whole or not at all.

    Conventions:
        Each writer has a name of its own. One who is alone has the same each time: what a killed
        run left is written over by the next.

    Args:
        path: The file; one that is there is replaced.
        alone: Whether nobody else may be writing this file.

    Raises:
        OSError: It cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.txt"
        ...     with whole_file(path) as unfinished:
        ...         _ = unfinished.write_text("whole")
        ...     path.read_text(), unfinished.exists()
        ('whole', False)
    """
    writer = "" if alone else f".{os.getpid()}-{threading.get_ident()}"
    unfinished = path.with_name(f".{path.name}{writer}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_whole(path: Path, content: str) -> None:
    """Writes a text file; it appears whole or not at all.

    Args:
        path: The file; one that is there is replaced.
        content: Its text, written as UTF-8.

    Raises:
        SettingError: It cannot be written.
    """
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(content, encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"{quoted(path.name)} cannot be written ({error.strerror})",
            hint="give another --out",
        ) from error
