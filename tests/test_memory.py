"""Freed memory is overwritten and given back, also where others took memory before ours did."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from blurdash.ui.server.memory import FREED
from tests.process_memory import found_in_memory

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc")

MARK = 0xA7  # fills what is looked for
PAGE = 4096
PROGRAM = f"""
import ctypes, sys, threading

from blurdash.ui.server import memory

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]


def at_once(work, many, stay=None):
    together = threading.Barrier(many + 1)
    for _ in range(many):
        run = lambda: (together.wait(), work(), together.wait(), stay and stay.wait())
        threading.Thread(target=run, daemon=True).start()
    together.wait()
    together.wait()


def leave_something():
    blocks = []
    for _ in range(8):
        library.malloc(40)  # this one is kept: pages around it cannot be given back
        blocks.append(library.malloc(100_000))
    for block in blocks:
        ctypes.memset(block, {MARK}, 100_000)
    for block in blocks:
        library.free(block)


def say(word):
    print(word, flush=True)
    sys.stdin.readline()


if "late" in sys.argv:  # as Streamlit's watchers do: threads that stay, with arenas of their own
    at_once(lambda: None, 3, stay=threading.Event())
if "bare" not in sys.argv:
    memory.prepare_memory()
at_once(leave_something, 8)
say("left")
library.malloc_trim(0) if "bare" in sys.argv else memory.give_back()
say("given back")
"""


def before_and_after(*words: str, value: int, length: int) -> tuple[int, int]:
    """Runs of a value while memory is only freed, and after it was given back."""
    line = [sys.executable, "-c", PROGRAM, *words]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        found = []
        for word in ("left", "given back"):
            assert process.stdout.readline() == word + "\n"
            found.append(found_in_memory(process.pid, bytes([value]) * length))
            process.stdin.write("\n")
    assert process.returncode == 0
    return found[0], found[1]


USUAL = pytest.mark.parametrize("words", [(), ("late",)], ids=["first", "after others"])


@USUAL
def test_freed_memory_is_overwritten_at_once_down_to_a_row_of_pixels(words: tuple[str, ...]):
    assert before_and_after(*words, value=MARK, length=64) == (0, 0)


@USUAL
def test_freed_memory_is_given_back_from_every_arena(words: tuple[str, ...]):
    before, after = before_and_after(*words, value=FREED, length=PAGE)
    assert before > 100  # the search finds what was only freed
    assert after == 0


def test_trimming_alone_leaves_something() -> None:
    """Else memory.py could be simpler."""
    assert before_and_after("late", "bare", value=MARK, length=PAGE)[1] > 0
    assert before_and_after("bare", value=MARK, length=64)[1] > 0
