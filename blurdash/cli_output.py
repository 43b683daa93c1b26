"""What the command line writes, whatever its output can take, and the codes that it ends with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from blurdash.folder import left_out_in_words
from blurdash.words import one_line

__all__ = [
    "ALL_DONE",
    "EXIT_CODES",
    "INTERRUPTED",
    "OUTPUT_FAILED",
    "READER_GONE",
    "SOME_FAILED",
    "USER_ERROR",
    "OutputError",
    "complain",
    "finish_output",
    "give_up_output",
    "prepare_outputs",
    "say",
    "say_failures",
    "say_left_out",
]

ALL_DONE = 0
READER_GONE = 1
USER_ERROR = 2
SOME_FAILED = 3
OUTPUT_FAILED = 74  # EX_IOERR of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

EXIT_CODES = {
    ALL_DONE: "all was done",
    READER_GONE: "whoever read the output has closed it",
    USER_ERROR: "nothing could be done, one sentence says why",
    SOME_FAILED: "done, but some pictures failed (named), or a receipt does not agree",
    OUTPUT_FAILED: "the output cannot be written",
    INTERRUPTED: "stopped with Ctrl-C",
}


class OutputError(Exception):
    """Standard output cannot be written to."""


def prepare_outputs() -> None:
    """Makes standard output and error take any text, and be there at all.

    What their encoding lacks is written with backslashes. A closed one is replaced by nothing, or
    the next file that is opened would get its number and all that libraries print.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            nothing = os.open(os.devnull, os.O_WRONLY)
            if nothing != number:
                os.dup2(nothing, number)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Prints a result or a report.

    Raises:
        OutputError: It cannot be written.
        BrokenPipeError: Its reader has gone.
    """
    try:
        print(text)  # noqa: T201
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror) from error


def finish_output() -> None:
    """Writes out what still waits to be written; raises as ``say``."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror) from error


def give_up_output() -> None:
    """Lets what still waits go nowhere, for Python would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Prints one line on standard error, if that can be."""
    try:
        print(f"blurdash: {one_line(text)}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def say_failures(failures: Mapping[str, str], count: int, pictures: int) -> None:
    """Names pictures that failed.

    Args:
        failures: Name and reason of the first of them.
        count: How many there are.
        pictures: Of how many.
    """
    if not count:
        return
    say(f"{count} of {pictures} pictures failed:")
    for name, reason in failures.items():
        say(f"  {one_line(name)}: {one_line(reason)}")
    if count > len(failures):
        say(f"  and {count - len(failures)} more")


def say_left_out(left_out: Mapping[str, int]) -> None:
    """Says what of a folder was not taken, if anything."""
    if words := left_out_in_words(left_out):
        say(words)
