"""Recognisers' networks for browsers: packed once, sent under the hash of what they are made from.

* ``GET /network/KEY``: the packed program, see ``blurdash.embed.program``; compressed, with an
  ETag, and for good: another network has another key.

Weights are no secret of a visitor's; but who sends them again and again is slowed, by address.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from blurdash.errors import BlurdashError
from blurdash.ui.server.clients import client_address
from blurdash.ui.server.rates import Limit, Rate

if TYPE_CHECKING:
    from blurdash.embed import Embedder

__all__ = ["Networks", "network_key", "network_routes", "networks"]

FORMAT = 2  # of what is sent: another one is under another key
KEPT = 3  # packed, 10 to 50 MB each
LEVEL = 6  # of gzip: 9 takes four times as long and saves 0.2 %
# A room behind one router is one address: all of it opens the page within a minute.
NETWORK_LIMIT = Limit(burst=60, per_second=0.5)
EVERYBODYS_NETWORK_LIMIT = Limit(burst=200, per_second=4)


def network_key(embedder: Embedder) -> str:
    """Returns what a network is sent under: another for other weights, or another format.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> len(network_key(load_embedder("dlib")))
        40
    """
    made_from = (FORMAT, embedder.name, embedder.protocol, embedder.weights_sha256)
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:40]


class Networks:
    """The networks that may be asked for, and the last few that were, packed."""

    def __init__(self) -> None:
        self._known: dict[str, Embedder] = {}
        self._refused: set[str] = set()
        self._packed: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._packing = threading.Lock()

    def offer(self, embedder: Embedder) -> str:
        """Lets a recogniser's network be asked for; returns its key, empty where there is none."""
        key = network_key(embedder)
        with self._lock:
            if key in self._refused:
                return ""
            self._known[key] = embedder
        return key

    def is_known(self, key: str) -> bool:
        """Whether a network was offered."""
        with self._lock:
            return key in self._known and key not in self._refused

    def packed(self, key: str) -> bytes | None:
        """Returns a network, gzipped; None where there is none. Takes a second at first."""
        with self._packing:  # several may ask at once: it is made for the first
            with self._lock:
                embedder, made = self._known.get(key), self._packed.get(key)
                if made is not None:
                    self._packed.move_to_end(key)
            if made is None and embedder is not None:
                made = self._pack(key, embedder)
            return made

    def _pack(self, key: str, embedder: Embedder) -> bytes | None:
        made: bytes | None = None
        try:
            program = embedder.program()
            # A time of its own would make other bytes of it each time.
            made = gzip.compress(program.packed(), LEVEL, mtime=0) if program else None
        except BlurdashError as error:
            logging.getLogger("blurdash").info("%s stays on the server: %s", embedder.name, error)
        with self._lock:
            if made is None:
                self._refused.add(key)
            else:
                self._packed[key] = made
                while len(self._packed) > KEPT:
                    self._packed.popitem(last=False)
        return made


networks = Networks()


class NetworkFiles:
    """What is answered under ``/network``.

    Args:
        offered: Where networks come from.
        reads: How often anything is answered.
    """

    def __init__(self, offered: Networks, reads: Rate | None = None) -> None:
        self._offered = offered
        self._reads = reads or Rate(NETWORK_LIMIT, EVERYBODYS_NETWORK_LIMIT)

    async def answer(self, request: Request) -> Response:
        """Answers one request."""
        key = str(request.path_params["key"])
        tag = f'"{key}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        if not self._offered.is_known(key):
            return _refusal(404, "there is no such network")
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        wait = self._reads.wait(client_address(request))
        if wait:
            return _refusal(429, "this is asked for too often", round(wait + 1))
        packed = await run_in_threadpool(self._offered.packed, key)
        if packed is None:
            return _refusal(404, "this network is not sent")
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            packed = await run_in_threadpool(gzip.decompress, packed)
        return Response(packed, headers=headers, media_type="application/octet-stream")


def _refusal(status: int, text: str, wait: int = 0) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(wait)} if wait else {})
    return Response(f"{text}\n", status, headers, "text/plain")


def network_routes(base_path: str = "", offered: Networks | None = None) -> list[Route]:
    """Returns the route of networks, for ``st.App``.

    Args:
        base_path: Streamlit's ``server.baseUrlPath``.
        offered: Where networks come from; without it, those of this process.
    """
    base = base_path.strip("/")
    base = f"/{base}" if base else ""
    files = NetworkFiles(networks if offered is None else offered)
    return [Route(f"{base}/network/{{key}}", files.answer, methods=["GET"])]
