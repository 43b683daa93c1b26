"""The one door to what Streamlit has but does not promise; each use has a quick test.

Photos leave the memory because of what lies here, and strangers' messages are dropped. A later
Streamlit that has it otherwise is to fail in those tests, and not to weaken a promise unseen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = [
    "UPLOADS",
    "PageMessage",
    "close_session",
    "current_session",
    "in_servers_thread",
    "is_active_session",
    "message_of_page",
    "secrets_are_meant",
    "went_back",
]

# Where Streamlit's uploader puts files: session and file follow.
UPLOADS = "/_stcore/upload_file/"


def current_session() -> str:
    """Returns the id of the session that runs this script; empty outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def went_back() -> bool:
    """Whether this run was caused by Back or Forward: then the address says what to show."""
    context = get_script_run_ctx(suppress_warning=True)
    return bool(context and context.is_history_navigation)


def is_active_session(session: str) -> bool:
    """Whether a session's page is connected; none is where no server runs."""
    return Runtime.exists() and Runtime.instance().is_active_session(session)


def close_session(session: str) -> None:
    """Ends a session: Streamlit would keep the last one of an idle server for ever."""
    if Runtime.exists():
        with contextlib.suppress(RuntimeError):  # the server is being stopped
            Runtime.instance().close_session(session)


def in_servers_thread(work: Callable[[], None]) -> None:
    """Has some work done in the thread where visitors come and go: there none comes in between.

    Where no server runs, or it is being stopped, it is done here and now.
    """
    if Runtime.exists():
        # There is no public call for this, so it is done as Streamlit's server does it.
        with contextlib.suppress(AttributeError, RuntimeError):
            Runtime.instance()._get_async_objs().eventloop.call_soon_threadsafe(work)
            return
    work()


class PageMessage(NamedTuple):
    """A message of a page, as far as one looks at it before Streamlit does.

    Attributes:
        kind: Such as ``rerun_script``; None for nothing.
        files: How many uploads it asks addresses for.
        widgets: How many values of widgets it holds.
        names: What Streamlit writes into its log, or looks up.
        values: The JSON texts among the values.
    """

    kind: str | None
    files: int
    widgets: int
    names: Sequence[str]
    values: Sequence[str]


def message_of_page(data: bytes) -> PageMessage | None:
    """Reads a message of a page as Streamlit will; None where it is none.

    Args:
        data: A serialised ``BackMsg``.
    """
    try:
        message: Any = BackMsg.FromString(data)
    except DecodeError:
        return None
    run = message.rerun_script
    widgets = run.widget_states.widgets
    values = [one.json_value for one in widgets if one.HasField("json_value")]
    # An empty one is sent where there is none.
    values += [one.json_trigger_value for one in widgets if one.json_trigger_value]
    return PageMessage(
        message.WhichOneof("type"),
        len(message.file_urls_request.file_names),
        len(widgets),
        (run.fragment_id, run.page_name, run.page_script_hash),
        values,
    )


def secrets_are_meant() -> bool:
    """Whether somebody has written, or named, a file of secrets, also one that cannot be read."""
    return config.is_manually_set("secrets.files") or any(
        map(_is_there, config.get_option("secrets.files"))
    )


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # somebody else's home
        return False
