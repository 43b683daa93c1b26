"""A page's connection sends each message at once, whatever socket the server was started with."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import uvicorn
from websockets.sync.client import connect

from blurdash.ui.server.gatekeeper import Gatekeeper
from blurdash.ui.server.prompt_socket import PromptSocket

ROOT = Path(__file__).parent.parent


async def tells_its_option(scope: Any, receive: Any, send: Any) -> None:
    """Sends whether Nagle's algorithm is off for its connection."""
    connection = send.__self__.transport.get_extra_info("socket")
    await receive()
    await send({"type": "websocket.accept"})
    option = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await send({"type": "websocket.send", "text": str(bool(option))})
    await send({"type": "websocket.close"})


def answer_of(app: Any) -> str | bytes:
    """What a server on loopback sends, listening as Streamlit's does."""
    listening = socket.socket(socket.AF_INET)
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, interface="asgi3", ws="websockets-sansio", log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = listening.getsockname()[1]
        with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
            return client.recv(timeout=20)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def test_messages_are_sent_at_once():
    assert answer_of(PromptSocket(tells_its_option)) == "True"


@pytest.mark.parametrize("scope", [{"type": "websocket"}, {"type": "http"}])
def test_another_server_is_left_alone(scope):
    calls: list[Any] = []

    async def app(*given: Any) -> None:
        calls.append(given)

    async def send(_message: Any) -> None:
        raise AssertionError("nothing is sent")

    asyncio.run(PromptSocket(app)(scope, None, send))  # type: ignore[arg-type]
    assert calls == [(scope, None, send)]


def test_dashboard_is_served_with_it(monkeypatch):
    given: dict[str, Any] = {}
    monkeypatch.setattr(st, "App", lambda _script, **options: given.update(options))
    spec = importlib.util.spec_from_file_location("served", ROOT / "streamlit_app.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert [one.cls for one in given["middleware"]] == [PromptSocket, Gatekeeper]
