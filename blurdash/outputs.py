"""Files that a command writes: whole or not at all, and over finished work only when asked to."""

from __future__ import annotations

from pathlib import Path

from blurdash.errors import SettingError
from blurdash.words import quoted

__all__ = ["REPLACE_HINT", "refuse_existing", "write_whole"]

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


def write_whole(path: Path, content: str) -> None:
    """Writes a text file; it appears whole or not at all.

    Args:
        path: The file; one that is there is replaced.
        content: Its text, written as UTF-8.

    Raises:
        SettingError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise SettingError(
            f"{quoted(path.name)} cannot be written ({error.strerror})",
            hint="give another --out",
        ) from error
