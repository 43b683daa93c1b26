"""What stands in front of Streamlit: it looks at every connection and message before that does.

* **What our pages do not need is dropped.** Any client may send Streamlit ``clear_cache``, and it
  then empties the caches of everybody, or have it start git. There is no setting against that.
* **What is made to keep the parser busy ends its connection.** Parsing deep JSON holds Python's
  lock, so that everybody waits: 2 MB of ``[[],[],…`` take 0.1 s. Our own messages are numbers, a
  few words, and pieces of photos, which are one long word.
* **An address has its share.** Bytes beyond it are read later, which slows the sender and nobody
  else; connections beyond it are refused.
* **Only this machine's names, only its own pages.** Streamlit looks up its public address in the
  internet to judge a foreign ``Origin``, for seconds; nothing here may do that. A name that
  somebody has made point to this machine is answered with a sentence.
"""

from __future__ import annotations

import asyncio
import collections
import json
import re
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse

from blurdash.ui.server.clients import client_address, is_own_name, is_own_origin, name_in
from blurdash.ui.server.rates import ADDRESSES_KEPT, Limit, Purse
from blurdash.ui.server.streamlit_inside import UPLOADS, message_of_page

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Gatekeeper", "Verdict", "judged"]

# What is in no message of ours. Of a component's value: so many lists and objects, so deep that
# Python gives up; or, where it is large, so many of those and commas.
MOST_BRACKETS = 500
LARGE_BYTES = 64_000
MOST_MARKS = 4_000
# Python refuses to make a number of so many digits, with an error that nobody catches. Inside of a
# text, a piece of a photo say, they are none.
_MANY_DIGITS = re.compile(r"(?:^|[:,\[{\s-])[0-9]{1000}")
# Of a message: widgets, names, and characters of what Streamlit writes into its log.
MOST_WIDGETS = 500
MOST_NAMES = 100
LONGEST_NAME = 400
# Each part of a message that repeats begins with this byte; a piece of a photo has none of them.
_PART = b"\x0a"
MOST_PARTS = 5_000
# Twelve photos of 25 MB in 40 s; a visitor who drags sends some 10 kB a second.
BYTES_OF_AN_ADDRESS = Limit(burst=64e6, per_second=8e6)
SMALL_BYTES = 16_000
# A room behind one router is one address.
MOST_CONNECTIONS = 400

POLICY, TOO_BIG, NO_TEXT = 1008, 1009, 1003  # codes of RFC 6455
# Of Streamlit's messages, what our pages need. Clear_cache empties everybody's caches; others start
# git, or serve development.
NEEDED = frozenset(
    (
        "rerun_script",
        "stop_script",
        "app_heartbeat",
        "file_urls_request",
        "backend_operation_request",
    )
)
# Sweep tables that a session may hold on the server at once, of 25 MB each.
MOST_UPLOADS = 8


class Verdict(Enum):
    """What becomes of a message."""

    PASS = auto()
    DROP = auto()
    CLOSE = auto()


def judged(data: bytes) -> Verdict:
    """Says what becomes of a message of a page, before it is parsed as Streamlit does.

    Args:
        data: A serialised ``BackMsg``.

    Example:
        >>> judged(bytes([0x28, 0x01]))  # clear_cache
        <Verdict.DROP: 2>
        >>> judged(b"nonsense")
        <Verdict.CLOSE: 3>
    """
    if data.count(_PART) > MOST_PARTS:
        return Verdict.CLOSE  # before it is unpacked: that takes memory and time
    message = message_of_page(data)
    if message is None:
        return Verdict.CLOSE
    if message.kind not in NEEDED:
        return Verdict.DROP
    if message.files > MOST_NAMES or message.widgets > MOST_WIDGETS:
        return Verdict.CLOSE
    if max(map(len, message.names)) > LONGEST_NAME:
        return Verdict.CLOSE
    return Verdict.PASS if all(map(_is_harmless, message.values)) else Verdict.CLOSE


def _is_harmless(value: str) -> bool:
    """Whether a component's value keeps nobody busy who parses it, and is none that Streamlit's
    parser stumbles over, with an error in the log each time."""
    brackets = value.count("[") + value.count("{")
    if brackets > MOST_BRACKETS or _MANY_DIGITS.search(value) or value[:1] == '"':
        return False
    if len(value) > LARGE_BYTES:
        return brackets + value.count(",") <= MOST_MARKS and value[0] in "[{"
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


class _Uploads:
    """Counts the files that each session holds on the server: Streamlit sets no bound."""

    def __init__(self) -> None:
        self._held: collections.OrderedDict[str, set[str]] = collections.OrderedDict()

    def admit(self, method: str, path: str) -> bool:
        """Says whether a request may go on; see ``UPLOADS``."""
        _, found, rest = path.partition(UPLOADS)
        session, _, file = rest.partition("/")
        if not found or method not in ("PUT", "DELETE"):
            return True
        held = self._held.setdefault(session, set())
        self._held.move_to_end(session)
        while len(self._held) > ADDRESSES_KEPT:
            self._held.popitem(last=False)
        if method == "DELETE":
            held.discard(file)
        elif file not in held and len(held) >= MOST_UPLOADS:
            return False
        else:
            held.add(file)
        return True


class Gatekeeper:
    """ASGI middleware in front of Streamlit; the module's docstring says what it keeps out.

    Args:
        app: What comes after it.
        purse: What each address may send, in bytes.
        most_connections: How many connections an address may hold.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        purse: Purse | None = None,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._app = app
        self._purse = purse or Purse(BYTES_OF_AN_ADDRESS)
        self._most = most_connections
        self._open: collections.Counter[str] = collections.Counter()
        self._uploads = _Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection or request; see ASGI."""
        if scope["type"] == "websocket":
            await self._connection(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = name_in(HTTPConnection(scope).headers.get("host", ""))
        if not is_own_name(name, _names()):
            await _misdirected(name)(scope, receive, send)
            return
        if not self._uploads.admit(scope.get("method", ""), scope.get("path", "")):
            await PlainTextResponse("Too many files of one session.\n", 429)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        address, headers = client_address(connection), connection.headers
        known = is_own_name(name_in(headers.get("host", "")), _names()) and _is_own_page(headers)
        if not known or self._open[address] >= self._most:
            await receive()
            await send({"type": "websocket.close", "code": POLICY})
            return
        self._open[address] += 1
        try:
            door = _Door(receive, send, self._spending(address))
            await self._app(scope, door.receive, door.send)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def _spending(self, address: str) -> Callable[[int], float]:
        """What a connection spends: its own debt it always waits for, that of its address only with
        a large message. So one who floods does not slow the hands beside it in the same room."""
        own = Purse(self._purse.limit)

        def spend(size: int) -> float:
            wait, together = own.spend("", size), self._purse.spend(address, size)
            return max(wait, together) if size > SMALL_BYTES else wait

        return spend


class _Door:
    """One connection, with a look at all that comes in."""

    def __init__(self, receive: Receive, send: Send, spend: Callable[[int], float]) -> None:
        self._receive, self._send, self._spend = receive, send, spend
        self._closed = False

    async def receive(self) -> Message:
        """Returns the next message that may pass."""
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            data = message.get("bytes")
            if data is None:
                return await self._shut(NO_TEXT)
            if len(data) > _most_bytes():
                return await self._shut(TOO_BIG)
            wait = self._spend(len(data))
            if wait:
                await asyncio.sleep(wait)  # meanwhile nothing is read from this connection
            verdict = judged(data)
            if verdict is Verdict.PASS:
                return message
            if verdict is Verdict.CLOSE:
                return await self._shut(POLICY)

    async def send(self, message: Message) -> None:
        """Passes an answer on, unless the connection was ended here."""
        if not self._closed:
            await self._send(message)

    async def _shut(self, code: int) -> Message:
        await self.send({"type": "websocket.close", "code": code})
        self._closed = True
        return {"type": "websocket.disconnect", "code": code}


def _names() -> list[str]:
    """The names that the one who started the server has given it."""
    allowed = list(st.get_option("server.allowedHosts") or [])
    given = (st.get_option("server.address"), st.get_option("browser.serverAddress"))
    return allowed + [str(one) for one in given if one]


def _is_own_page(headers: Any) -> bool:
    if not st.get_option("server.enableCORS"):  # whoever switches it off lets every page in
        return True
    others = st.get_option("server.corsAllowedOrigins") or []
    return is_own_origin(headers.get("origin", ""), headers.get("host", ""), others)


def _most_bytes() -> int:
    return int(st.get_option("server.maxWidgetStateSize")) * 1_000_000


def _misdirected(name: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    shown = "".join(sign for sign in name if sign.isalnum() or sign in ".-:")[:80]
    said = (
        f"This dashboard was asked for under the name '{shown}', which is none that its machine "
        "has of itself; whoever runs it can allow the name: --server.allowedHosts NAME (see "
        "docs/serving.md).\n"
    )
    return PlainTextResponse(said, 421)
