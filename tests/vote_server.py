"""The vote's routes on loopback, in this process, so that a test holds the ballots."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from blurdash.ui.vote.ballots import Ballots
from blurdash.ui.vote.routes import vote_routes


class VoteServer:
    """Streamlit's own HTTP server, uvicorn, with the vote's routes alone."""

    def __init__(self, base_path: str = "") -> None:
        self.room = Ballots()
        self.base_path = base_path
        self.port = 0
        self._socket: socket.socket | None = None
        self.fresh()

    def __enter__(self) -> VoteServer:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fresh(self) -> None:
        """Forgets who asked how often, and takes the limits as they are now."""
        self._app = Starlette(routes=vote_routes(self.base_path, self.room))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def start(self) -> None:
        """Starts, on the port of the time before if there was one."""
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._serve,
                interface="asgi3",
                log_config=None,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            if time.monotonic() > deadline:
                raise RuntimeError("the vote's server did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._socket is None:
            return
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
        self._socket = None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | object | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sends one request; a body that is not bytes goes as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            line.request(method, path, body, headers)
            return Answer(line.getresponse())
        finally:
            line.close()


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def fields(self) -> object:
        return json.loads(self.body)
