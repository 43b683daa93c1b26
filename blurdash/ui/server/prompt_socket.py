"""Sends every message of a page's connection at once.

Streamlit opens its listening socket without naming TCP, and asyncio turns off Nagle's algorithm
only for connections that name it. With it on, the second of two small messages waits until the
browser acknowledges the first, which it puts off for 40 ms: each number would come that much later.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PromptSocket"]


class PromptSocket:
    """ASGI middleware that turns off Nagle's algorithm for WebSocket connections.

    Known limits:
        ASGI has no word for it, so it looks for the transport where uvicorn keeps it. Behind
        another server nothing is done.

    Args:
        app: What comes after it.

    References:
        RFC 896 (Nagle's algorithm), RFC 1122 4.2.3.2 (delayed acknowledgement); uvicorn's issue
        3149.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection or request; see ASGI."""
        if scope["type"] == "websocket":
            _send_at_once(send)
        await self._app(scope, receive, send)


def _send_at_once(send: Send) -> None:
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
        with contextlib.suppress(OSError):  # it is closed already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
