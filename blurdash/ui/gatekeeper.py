"""What stands in front of Streamlit: it looks at every connection and message before that does.

* **Clear_cache is dropped.** Any client may send Streamlit this message, and it then empties the
  caches of everybody. There is no setting against it.
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
import re
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import streamlit as st
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from streamlit.proto.BackMsg_pb2 import BackMsg

from blurdash.ui.addresses import client_address, is_own_name, is_own_origin, name_in
from blurdash.ui.votes import ADDRESSES_KEPT, Limit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Gatekeeper", "Purse", "Verdict", "judged"]

# Of every message: so many lists and objects are in none of ours, nor so deep that Python gives up.
MOST_BRACKETS = 500
# Python refuses to make a number of so many digits, with an error that nobody catches. Inside of a
# text, a piece of a photo say, they are none.
_MANY_DIGITS = re.compile(r"(?:^|[:,\[{\s-])[0-9]{1000}")
# Of a message over so many bytes: commas, lists and objects.
LARGE_BYTES = 64_000
MOST_MARKS = 4_000
# Twelve photos of 25 MB in 40 s; a visitor who drags sends some 10 kB a second.
BYTES_OF_AN_ADDRESS = Limit(burst=64e6, per_second=8e6)
# A room behind one router is one address.
MOST_CONNECTIONS = 400

POLICY, TOO_BIG = 1008, 1009  # codes of RFC 6455


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
        >>> message = BackMsg()
        >>> message.clear_cache = True
        >>> judged(message.SerializeToString())
        <Verdict.DROP: 2>
        >>> judged(b"[" * 1000)
        <Verdict.CLOSE: 3>
    """
    brackets = data.count(b"[") + data.count(b"{")
    if brackets > MOST_BRACKETS:
        return Verdict.CLOSE
    if len(data) > LARGE_BYTES and brackets + data.count(b",") > MOST_MARKS:
        return Verdict.CLOSE
    try:
        message = BackMsg.FromString(data)
    except DecodeError:
        return Verdict.CLOSE
    if message.WhichOneof("type") == "clear_cache":
        return Verdict.DROP
    states = message.rerun_script.widget_states.widgets
    values = (text for one in states for text in (one.json_value, one.json_trigger_value))
    return Verdict.CLOSE if any(_MANY_DIGITS.search(text) for text in values) else Verdict.PASS


class Purse:
    """What each address may spend: so much at once, and then so much a second.

    Args:
        limit: The share of an address.
        kept: How many addresses are remembered, the last that spent.
        clock: Seconds that only grow.

    Example:
        >>> purse = Purse(Limit(burst=10, per_second=5), clock=lambda: 0.0)
        >>> [purse.spend("192.0.2.7", 10) for _ in range(3)]
        [0.0, 2.0, 4.0]
    """

    def __init__(
        self,
        limit: Limit,
        *,
        kept: int = ADDRESSES_KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._kept, self._clock = limit, kept, clock
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def spend(self, address: str, amount: float) -> float:
        """Takes an amount, on credit where it must; returns the seconds until that is paid back."""
        now = self._clock()
        left, then = self._left.pop(address, (self._limit.burst, now))
        left = min(self._limit.burst, left + (now - then) * self._limit.per_second) - amount
        self._left[address] = (left, now)
        while len(self._left) > self._kept:
            self._left.popitem(last=False)
        return max(0.0, -left / self._limit.per_second)


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
            door = _Door(receive, send, lambda size: self._purse.spend(address, size))
            await self._app(scope, door.receive, door.send)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


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
            data = message.get("bytes") or (message.get("text") or "").encode()
            wait = self._spend(len(data))
            if wait:
                await asyncio.sleep(wait)  # meanwhile nothing is read from this connection
            if len(data) > _most_bytes():
                return await self._shut(TOO_BIG)
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
