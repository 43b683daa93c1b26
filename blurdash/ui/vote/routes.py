"""What phones ask the server for: the page with two buttons, a ballot's state, and to be counted.

* ``GET /vote/CODE``: the page; the same bytes for every ballot, so nothing of a request is in it.
* ``GET /vote/CODE/state``: ``{"state": "open" | "closed", "round": n}``, and ``"counts": [l, r]``
  once the host has revealed them.
* ``POST /vote/CODE``: ``{"voter": "...", "choice": 0 | 1, "round": n}``; answers as state does.

A refusal of the latter two is ``{"error": WORD}`` with a word from `Cast` or from here. Everything
is refused that is too often (by address, before its body is read), too large, too slow, from
another site, or not exactly what is above. No answer holds anything that came.

`clients` says what counts as one address.
"""

from __future__ import annotations

import asyncio
import html
import json
import math
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from blurdash.ui.components.scripts import FRONTEND
from blurdash.ui.server.clients import client_address
from blurdash.ui.server.rates import Limit, Rate
from blurdash.ui.vote.ballots import Ballots, Cast, ballots

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from blurdash.ui.vote.ballots import Tally

__all__ = ["VOTE_LIMIT", "VotePages", "vote_routes"]

PAGES = FRONTEND / "pages"
ASSETS = {"vote_page.css": "text/css", "vote_page.js": "text/javascript"}

# A room behind one router is one address: all of it votes within a few seconds.
VOTE_LIMIT = Limit(burst=120, per_second=20)
EVERYBODYS_VOTE_LIMIT = Limit(burst=600, per_second=100)
# A phone asks for the state every two seconds, and for three files at first.
READ_LIMIT = Limit(burst=600, per_second=100)
EVERYBODYS_READ_LIMIT = Limit(burst=2_000, per_second=300)

BUSY_TEXT = "Too many ask for this page at once. It loads by itself in a few seconds.\n"
BODY_BYTES = 300
BODY_SECONDS = 5.0

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
STATUS = {
    Cast.UNKNOWN: 404,
    Cast.CLOSED: 409,
    Cast.ROUND_OVER: 409,
    Cast.FULL: 409,
    Cast.TOO_FAST: 429,
    Cast.INVALID: 400,
}


class _Refusal(Exception):  # noqa: N818 - an answer, not an error of the program
    """Ends a request early with a constant word."""

    def __init__(self, status: int, word: str, wait: float = 0.0) -> None:
        super().__init__(status, word, wait)
        self.status = status
        self.word = word
        self.wait = wait


class VotePages:
    """The ASGI application under ``/vote``.

    Args:
        room: The ballots.
        base_path: What the dashboard's addresses start with, such as ``/faces``; may be empty.
        votes: How often votes are taken.
        reads: How often anything else is answered.
    """

    def __init__(
        self,
        room: Ballots,
        base_path: str = "",
        *,
        votes: Rate | None = None,
        reads: Rate | None = None,
    ) -> None:
        self._room = room
        self._votes = votes or Rate(VOTE_LIMIT, EVERYBODYS_VOTE_LIMIT)
        self._reads = reads or Rate(READ_LIMIT, EVERYBODYS_READ_LIMIT)
        page = (PAGES / "vote.html").read_text("utf-8")
        page = page.replace("{base}", html.escape(base_path, quote=True))
        self._page = page.encode()
        self._gone = page.replace('data-state="loading"', 'data-state="unknown"').encode()
        self._assets = {name: (PAGES / name).read_bytes() for name in ASSETS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except _Refusal as refusal:
            response = _refused(request, refusal)
        except ClientDisconnect:
            return
        response.headers.update(HEADERS)
        if request.method == "HEAD":
            response.body = b""  # its length stays in the headers
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        code, _, rest = str(request.path_params.get("rest", "")).partition("/")
        if request.method == "POST":
            _admit(self._votes, request)
            if rest:
                raise _Refusal(404, "unknown")
            return await self._vote(request, code)
        _admit(self._reads, request)
        if request.method not in ("GET", "HEAD"):
            raise _Refusal(405, "method")
        if not rest and code in self._assets:
            return Response(self._assets[code], media_type=ASSETS[code])
        if rest not in ("", "state"):
            return self._page_of(None)
        tally = self._room.public_tally(code)
        if not rest:
            return self._page_of(tally)
        if tally is None:
            raise _Refusal(404, Cast.UNKNOWN.value)
        return _state(tally)

    def _page_of(self, tally: Tally | None) -> Response:
        if tally is None:
            return Response(self._gone, 404, media_type="text/html")
        return Response(self._page, media_type="text/html")

    async def _vote(self, request: Request, code: str) -> Response:
        _check_origin(request)
        fields = await _fields(request)
        outcome = self._room.cast(
            code,
            fields.get("voter"),
            fields.get("choice"),
            fields.get("round"),
            address=client_address(request),
        )
        tally = self._room.public_tally(code)
        if outcome is not Cast.COUNTED or tally is None:
            outcome = Cast.UNKNOWN if outcome is Cast.COUNTED else outcome
            wait = 1.0 if outcome is Cast.TOO_FAST else 0.0
            raise _Refusal(STATUS[outcome], outcome.value, wait)
        return _state(tally)


def vote_routes(base_path: str = "", room: Ballots | None = None) -> list[Route]:
    """Returns the routes of the vote, for ``st.App``.

    Args:
        base_path: Streamlit's ``server.baseUrlPath``.
        room: The ballots; without it, those of this process.
    """
    base = base_path.strip("/")
    base = f"/{base}" if base else ""
    pages = VotePages(ballots() if room is None else room, base)
    return [Route(f"{base}/vote", pages), Route(f"{base}/vote/{{rest:path}}", pages)]


def _admit(rate: Rate, request: Request) -> None:
    wait = rate.wait(client_address(request))
    if wait:
        raise _Refusal(429, "busy", wait)


def _check_origin(request: Request) -> None:
    """Refuses what another site makes a visitor's browser send.

    Such a request can neither be JSON without asking first, which is not answered, nor hide where
    it is from.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refusal(415, "type")
    origin = request.headers.get("origin")
    if origin is not None:
        scheme, _, place = origin.lower().partition("://")
        if scheme not in ("http", "https") or place != request.headers.get("host", "").lower():
            raise _Refusal(403, "origin")


async def _fields(request: Request) -> dict[str, object]:
    """Reads a small JSON object, and not one byte more than that may have."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(request)
    except TimeoutError:
        raise _Refusal(408, "late") from None
    try:
        fields = json.loads(body.decode("utf-8"))
    except ValueError:
        raise _Refusal(400, Cast.INVALID.value) from None
    if not isinstance(fields, dict):
        raise _Refusal(400, Cast.INVALID.value)
    return fields


async def _body(request: Request) -> bytes:
    if "content-length" in request.headers and not _is_small(request):
        raise _Refusal(413, "large")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise _Refusal(413, "large")
    return body


def _is_small(request: Request) -> bool:
    """Says whether a request has said beforehand that its body is small.

    Then a refusal leaves the connection as it is: ended with the body under way, it would take the
    answer along, and a phone would show a lost connection in place of the reason.
    """
    length = request.headers.get("content-length", "")
    return length.isascii() and length.isdigit() and len(length) <= 9 and int(length) <= BODY_BYTES


def _state(tally: Tally) -> Response:
    fields: dict[str, object] = {
        "state": "open" if tally.is_open else "closed",
        "round": tally.round_number,
    }
    if tally.counts is not None:
        fields["counts"] = tally.counts
    return _json(fields)


def _refused(request: Request, refusal: _Refusal) -> Response:
    seconds = math.ceil(refusal.wait)
    if seconds and "text/html" in request.headers.get("accept", ""):
        response = Response(BUSY_TEXT, refusal.status, media_type="text/plain")
        response.headers["Refresh"] = str(3 + seconds)
    else:
        response = _json({"error": refusal.word}, refusal.status)
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    if refusal.status == 405:
        response.headers["Allow"] = "GET, HEAD, POST"
    is_late = refusal.status == 408
    if is_late or (request.method not in ("GET", "HEAD") and not _is_small(request)):
        response.headers["Connection"] = "close"  # what it still sends is not waited for
    return response


def _json(fields: dict[str, object], status: int = 200) -> Response:
    body = json.dumps(fields, separators=(",", ":"))
    return Response(body, status, media_type="application/json")
