"""Recognisers for the pages: each is loaded once per server, in the background, with progress.

They live in this module and not in a Streamlit cache, which any visitor can clear for all.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blurdash.errors import BlurdashError

if TYPE_CHECKING:
    from blurdash.embed import Embedder

__all__ = ["Loading", "label_now", "loaded", "offer_own", "request", "use_one_thread_per_operation"]


@dataclass
class Loading:
    """A recogniser on its way.

    Attributes:
        name: Key of ``EMBEDDERS``, or None for the default rule.
        protocol: Key of ``PROTOCOLS``.
        embedder: The recogniser once it is there.
        error: Why it is not, as one sentence; empty while it loads or once it is there.
        fetches: Whether its weights are fetched, which may take minutes.
        downloaded: Bytes fetched so far, and in all if known; None if nothing is fetched.
        done: Set when there is an embedder or an error.
    """

    name: str | None
    protocol: str
    embedder: Embedder | None = None
    error: str = ""
    fetches: bool = False
    downloaded: tuple[int, int | None] | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def fraction(self) -> float | None:
        """Share of a download that is done, 0..1; None where nothing is downloaded."""
        if not self.downloaded or not self.downloaded[1]:
            return None
        return min(1.0, self.downloaded[0] / self.downloaded[1])


# Importing torch holds Python's lock for seconds; the first page is sent before that begins.
HEAD_START_SECONDS = 1.0

_loading: dict[tuple[str | None, str], Loading] = {}
_lock = threading.Lock()


def request(name: str | None, protocol: str, *, again: bool = False) -> Loading:
    """Returns the recogniser on its way; the first call starts to load it.

    Args:
        name: Key of ``EMBEDDERS``, or None for the default rule.
        protocol: Key of ``PROTOCOLS``.
        again: Try anew if an earlier attempt failed.
    """
    with _lock:
        loading = _loading.get((name, protocol))
        if loading is None or (again and loading.error):
            loading = _loading[name, protocol] = Loading(name, protocol)
            threading.Thread(target=_load, args=(loading, again), daemon=True).start()
        return loading


def offer_own() -> tuple[str, ...]:
    """Offers the recognisers that the host named; says once in the log which cannot be.

    Returns:
        Why, a sentence each.
    """
    from blurdash.embed import offer_host_recognisers

    problems = offer_host_recognisers()
    _say_what_is_not_offered(problems)
    return problems


@functools.cache
def _say_what_is_not_offered(problems: tuple[str, ...]) -> None:
    for problem in problems:
        logging.getLogger("blurdash").warning("a recogniser is not offered: %s", problem)


def label_now(name: str, protocol: str) -> str:
    """Returns what a recogniser is called: once it is loaded, by the weights that it has.

    Args:
        name: Key of ``EMBEDDERS``.
        protocol: Key of ``PROTOCOLS``.
    """
    from blurdash.embed import EMBEDDERS, label_of

    embedder = loaded(name, protocol)
    return label_of(embedder) if embedder else EMBEDDERS[name].label


def loaded(name: str, protocol: str) -> Embedder | None:
    """Returns a recogniser that is there already; nothing is begun where it is not.

    Args:
        name: Key of ``EMBEDDERS``.
        protocol: Key of ``PROTOCOLS``.
    """
    with _lock:
        loading = _loading.get((name, protocol))
    return loading.embedder if loading else None


def _load(loading: Loading, again: bool) -> None:
    try:
        from blurdash.embed import is_at_hand, load_embedder
        from blurdash.weights import is_offline

        loading.fetches = not is_offline() and not is_at_hand(loading.name)
        time.sleep(HEAD_START_SECONDS)
        use_one_thread_per_operation()

        def progress(done: int, total: int | None) -> None:
            loading.downloaded = (done, total)

        loading.embedder = load_embedder(
            loading.name, protocol=loading.protocol, progress=progress, retry=again
        )
    except BlurdashError as error:
        loading.error = str(error)
    except Exception as error:  # noqa: BLE001 - a thread that dies silently would load for ever
        loading.error = f"the recogniser could not be loaded ({type(error).__name__})"
    finally:
        # What was imported stays for good: the collector need not walk over it after each run.
        gc.collect()
        gc.freeze()
        loading.done.set()


def use_one_thread_per_operation() -> None:
    """Gives every operation one thread: the pool runs as many operations as there are cores."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with contextlib.suppress(RuntimeError):  # only allowed before torch has run anything
        torch.set_num_interop_threads(1)
