"""The recognisers: the ``EMBEDDERS`` table and how one is loaded.

Importing this does not load torch; loading a recogniser does.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable

from blurdash import defaults
from blurdash.embed.base import (
    PROTOCOLS,
    Embedder,
    EmbedderRow,
    Embeddings,
    LoadOptions,
    OneAtATime,
    Threshold,
)
from blurdash.embed.own import is_own, offer_host_recognisers, row_of
from blurdash.embed.rows import DEFAULT_EMBEDDER, EMBEDDERS, FALLBACK_EMBEDDER
from blurdash.errors import SettingError, WeightsError
from blurdash.table import look_up
from blurdash.weights import find

__all__ = [
    "DEFAULT_EMBEDDER",
    "EMBEDDERS",
    "FALLBACK_EMBEDDER",
    "PROTOCOLS",
    "Embedder",
    "EmbedderRow",
    "Embeddings",
    "LoadOptions",
    "Threshold",
    "is_at_hand",
    "is_own",
    "label_of",
    "load_embedder",
    "load_with",
    "offer_host_recognisers",
    "row_of",
]

_loaded: dict[tuple[str, LoadOptions], Embedder] = {}
_loading: dict[str, threading.Lock] = {}  # one for each recogniser: a download may take minutes
_lock = threading.Lock()


def load_embedder(
    name: str | None = None,
    *,
    protocol: str = defaults.PROTOCOL,
    weights: str | None = None,
    device: str = "auto",
    progress: Callable[[int, int | None], None] | None = None,
    retry: bool = False,
) -> Embedder:
    """Returns a loaded recogniser; a second call with the same arguments returns the same one.

    Conventions:
        Without a name it is FaceNet trained on VGGFace2 where its weights are at hand or can be
        fetched, else dlib's, whose ``note`` then says why and how to supply weights. A recogniser
        that was named, or whose weights were given, is never replaced by another.

    Args:
        name: A key of ``EMBEDDERS``, ``onnx:`` and the path of an ONNX file, or None.
        protocol: A key of ``PROTOCOLS``.
        weights: File or directory with the weights, or None for the usual places.
        device: A torch device name; ``auto`` takes a GPU where there is one.
        progress: Called with (bytes done, bytes in all or None) while weights are downloaded.
        retry: Whether to try again a download that failed earlier in this process.

    Returns:
        The ``Embedder``.

    Raises:
        SettingError: There is no such recogniser or protocol, or the two do not go together.
        WeightsError: The weights are missing, damaged, or cannot be fetched.

    Example:
        >>> embedder = load_embedder("dlib")
        >>> embedder.dim, embedder.normalised
        (128, False)
    """
    given = None if weights is None else os.fspath(weights)
    return load_with(name, LoadOptions(protocol, given, device, progress, retry))


def is_at_hand(name: str | None = None) -> bool:
    """Whether a recogniser's weights are on this machine, so that nothing need be fetched.

    Args:
        name: A key of ``EMBEDDERS``, or None for the rule's first.

    Example:
        >>> is_at_hand("dlib")
        True
    """
    row = row_of(DEFAULT_EMBEDDER if name is None else name)
    try:
        return all(find(file) is not None for file in row.files)
    except WeightsError:
        return True  # there is one, which loading will refuse, and say why


def label_of(embedder: Embedder) -> str:
    """Returns what a person reads: of weights that are not the published ones, just that.

    Example:
        >>> label_of(load_embedder("dlib"))
        'dlib ResNet-29'
    """
    row = EMBEDDERS.get(embedder.name)
    return embedder.remark or (row.label if row else embedder.name)


def load_with(name: str | None, options: LoadOptions) -> Embedder:
    """Returns a loaded recogniser; ``load_embedder`` for whoever carries its options about."""
    row = row_of(DEFAULT_EMBEDDER if name is None else name, options.weights)
    _check_protocol(row, options.protocol)
    if name is not None or options.weights is not None:
        return _load_once(row, options)
    try:
        return _load_once(row, options)
    except WeightsError as error:
        return _fall_back(row, options, error)


def _check_protocol(row: EmbedderRow, protocol: str) -> None:
    look_up(PROTOCOLS, protocol, "protocol")
    if protocol not in row.protocols:
        raise SettingError(
            f"the recogniser {row.name} has no {protocol} protocol: it takes face crops only",
            hint=f"use the protocol {row.protocols[0]} or a FaceNet recogniser",
        )


def _fall_back(row: EmbedderRow, options: LoadOptions, error: WeightsError) -> Embedder:
    other = EMBEDDERS[FALLBACK_EMBEDDER]
    if options.protocol not in other.protocols:
        raise error
    named = _load_once(other, options)
    with _lock:
        # A copy shares the network but not the note: dlib asked for by name needs none.
        embedder = _loaded.setdefault(("", options), copy.copy(named))
    embedder.note = f"{row.label} is not used: {error.message}; {error.hint}"
    return embedder


def _load_once(row: EmbedderRow, options: LoadOptions) -> Embedder:
    key = (row.name, options)
    with _lock:
        own = _loading.setdefault(row.name, threading.Lock())
    with own:
        if key not in _loaded:
            embedder = row.load(options)
            _loaded[key] = embedder if row.several_threads else OneAtATime(embedder)
        return _loaded[key]
