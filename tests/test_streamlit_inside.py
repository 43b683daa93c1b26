"""What Streamlit has but does not promise, each use of ours with Streamlit's own code.

Where one of these fails, a later Streamlit does it otherwise; the docstring says what hangs on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.web.server.server import UPLOAD_FILE_ENDPOINT

from blurdash.ui.server.gatekeeper import NEEDED
from blurdash.ui.server.streamlit_inside import (
    UPLOADS,
    close_session,
    current_session,
    in_servers_thread,
    is_active_session,
    message_of_page,
    secrets_are_meant,
    went_back,
)

SCRIPT = """
import streamlit as st
from rung_bells import rung
from blurdash.ui.server.streamlit_inside import current_session, went_back
st.cache_resource(scope="session", on_release=rung.append)(current_session)()
st.text(f"{current_session()} {went_back()}")
"""
PATIENCE = 20  # s


class Talk:
    """One ASGI connection to an app that runs in this very process."""

    def __init__(self, app: Any, scope: dict[str, Any]) -> None:
        self.to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.running = asyncio.ensure_future(app(scope, self.to_app.get, self._from_app.put))

    async def say(self, kind: str, **fields: object) -> None:
        await self.to_app.put({"type": kind, **fields})

    async def heard(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._from_app.get(), PATIENCE)


async def run_script(page: Talk, *, back: bool) -> tuple[str, str]:
    """Has a page's script run; returns the session's id and what the script wrote."""
    message = BackMsg()
    message.rerun_script.is_history_navigation = back
    await page.say("websocket.receive", bytes=message.SerializeToString())
    session = text = ""
    while True:
        data = (await page.heard()).get("bytes")
        answer = ForwardMsg.FromString(data) if data else ForwardMsg()
        if answer.HasField("new_session"):
            session = answer.new_session.initialize.session_id
        text = answer.delta.new_element.text.body or text
        if answer.HasField("script_finished"):
            return session, text


@contextlib.asynccontextmanager
async def served(script: Path) -> AsyncIterator[Talk]:
    """A page of an app that Streamlit serves, in this process."""
    app = st.App(script)
    server = Talk(app, {"type": "lifespan"})
    await server.say("lifespan.startup")
    assert (await server.heard())["type"] == "lifespan.startup.complete"
    where = {"path": "/_stcore/stream", "raw_path": b"/_stcore/stream", "root_path": ""}
    who = {"client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost")], "query_string": b""}
    page = Talk(app, {"type": "websocket", "scheme": "ws", "subprotocols": [], **where, **who})
    await page.say("websocket.connect")
    yield page
    await page.say("websocket.disconnect", code=1001)
    await server.say("lifespan.shutdown")
    await asyncio.wait_for(asyncio.gather(page.running, server.running), PATIENCE)


@pytest.fixture
def rung() -> list[str]:
    """What a session held when Streamlit let go of it."""
    return []


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rung: list[str]) -> Path:
    monkeypatch.setattr(Runtime, "_instance", None)
    monkeypatch.setitem(sys.modules, "rung_bells", SimpleNamespace(rung=rung))
    path = tmp_path / "app.py"
    path.write_text(SCRIPT, "utf-8")
    return path


def test_sessions_are_known_and_ended_in_the_servers_own_thread(script, rung):
    """Photos leave the memory by this: a bell rings, and the session is closed between visitors."""

    async def visit() -> None:
        async with served(script) as page:
            session, text = await run_script(page, back=False)
            assert text == f"{session} False"
            assert await run_script(page, back=True) == (session, f"{session} True")
            assert is_active_session(session)
            assert not is_active_session("another")
            assert rung == []
            where: list[int] = []
            ended = asyncio.Event()

            def end() -> None:
                where.append(threading.get_ident())
                close_session(session)
                ended.set()

            await asyncio.to_thread(in_servers_thread, end)
            await asyncio.wait_for(ended.wait(), PATIENCE)
            assert where == [threading.get_ident()]
            assert (is_active_session(session), rung) == (False, [session])

    asyncio.run(visit())


def test_where_no_server_runs_nobody_is_there(monkeypatch):
    monkeypatch.setattr(Runtime, "_instance", None)
    done: list[str] = []
    in_servers_thread(lambda: done.append("here"))
    close_session("one")
    assert (done, is_active_session("one"), current_session(), went_back()) == (
        ["here"], False, "", False
    )  # fmt: skip


def test_messages_are_read_as_streamlit_reads_them():
    """What is made to stop everybody is found by this before it is parsed."""
    message = BackMsg()
    run = message.rerun_script
    run.fragment_id, run.page_name, run.page_script_hash = "f", "p", "h"
    for value in ('{"a": 1}', ""):
        run.widget_states.widgets.add(id="w").json_value = value
    run.widget_states.widgets.add(id="t").json_trigger_value = "[2]"
    run.widget_states.widgets.add(id="n").int_value = 3
    read = message_of_page(message.SerializeToString())
    assert read == ("rerun_script", 0, 4, ("f", "p", "h"), ['{"a": 1}', "", "[2]"])
    files = BackMsg()
    files.file_urls_request.file_names.extend(["a", "b"])
    read = message_of_page(files.SerializeToString())
    assert read is not None
    assert (read.kind, read.files, read.values) == ("file_urls_request", 2, [])
    nothing = message_of_page(BackMsg().SerializeToString())
    assert nothing is not None
    assert nothing.kind is None
    assert message_of_page(b"nonsense") is None


def test_every_kind_of_message_is_one_that_was_judged():
    """A kind that a later Streamlit adds is dropped; one that it renames would stop our pages."""
    kinds = {one.name for one in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields}
    assert kinds >= NEEDED
    assert "clear_cache" in kinds - NEEDED


def test_uploads_are_counted_where_streamlit_takes_them():
    assert f"{UPLOAD_FILE_ENDPOINT}/" == UPLOADS


def test_files_of_secrets_are_seen_also_where_they_cannot_be_read(tmp_path, monkeypatch):
    """The door stays shut by this where the secrets that it was written for have a mistake."""
    path = tmp_path / "secrets.toml"
    real = config.get_option
    monkeypatch.setattr(
        config, "get_option", lambda name: [str(path)] if name == "secrets.files" else real(name)
    )
    assert not secrets_are_meant()
    path.write_text("[auth", "utf-8")
    assert secrets_are_meant()
