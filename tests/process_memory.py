"""What lies in the memory of a process: Linux shows it to whoever started it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["found_in_memory"]


def found_in_memory(pid: int, *needles: bytes) -> int:
    """How often byte strings lie in a process's own writable memory."""
    count = 0
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for low, high in _written(pid):
            try:
                memory.seek(low)
                part = memory.read(high - low)
            except (OSError, ValueError, OverflowError):
                continue
            count += sum(part.count(needle) for needle in needles)
    return count


def _written(pid: int) -> Iterator[tuple[int, int]]:
    """The spans of a process's own memory that there are pages of.

    Most of what is set aside was never written to; to read that would make pages of it, a gigabyte
    and many seconds each time.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    with Path(f"/proc/{pid}/pagemap").open("rb", 0) as pages:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *rest = line.split()
            if not rights.startswith("rw") or (len(rest) > 3 and rest[3].startswith("/")):
                continue
            low, high = (int(part, 16) for part in span.split("-"))
            pages.seek(low // page * 8)
            entries = np.frombuffer(pages.read((high - low) // page * 8), np.uint64)
            # The two highest bits: in memory, or put out to disk.
            there = np.concatenate(([0], entries >> np.uint64(62) > 0, [0])).astype(np.int8)
            ends = low + page * np.flatnonzero(np.diff(there))
            yield from zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True)
