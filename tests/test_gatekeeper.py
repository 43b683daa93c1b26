"""What stands in front of Streamlit lets our pages through and nothing that harms others."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.web.server import server_util

from blurdash.ui.server.clients import is_own_name
from blurdash.ui.server.gatekeeper import NO_TEXT, POLICY, TOO_BIG, Gatekeeper, Verdict, judged
from blurdash.ui.server.rates import Limit, Purse


def rerun(value: str, kind: str = "json_value") -> bytes:
    """A message that carries a component's value, as a page sends it."""
    message = BackMsg()
    message.rerun_script.widget_states.widgets.add(id="one", **{kind: value})
    return message.SerializeToString()


def cleared() -> bytes:
    message = BackMsg()
    message.clear_cache = True
    return message.SerializeToString()


def test_what_our_pages_send_passes():
    piece = base64.b64encode(os.urandom(1_000_000)).decode()
    said = json.dumps([{"event": "said", "value": {"number": 1, "piece": {"data": piece}}}])
    position = json.dumps({"pos": [30, 45, 0, 0, 1], "rest": "30,45,0,0,side"})
    offer = [{"key": f"{n:016x}", "size": 25_000_000, "number": None} for n in range(100)]
    for value in (said, position, json.dumps({"number": 1, "offer": offer})):
        assert judged(rerun(value)) is Verdict.PASS
        assert judged(rerun(value, "json_trigger_value")) is Verdict.PASS


@pytest.mark.parametrize(
    "value",
    [
        "[" * 1_000 + "]" * 1_000,
        "[" + ",".join(["[]"] * 30_000) + "]",
        "[" + ",".join(["0"] * 60_000) + "]",
        '{"pos": [' + "7" * 5_000 + "]}",
        '"a word"',
        json.dumps("x" * 100_000),
        "x" * 100_000,
        "{pos",
        "",
    ],
    ids=[
        "deep",
        "lists",
        "numbers",
        "digits",
        "word",
        "long word",
        "long nonsense",
        "no JSON",
        "nothing",
    ],
)
def test_what_keeps_a_parser_busy_or_is_no_json_does_not(value: str):
    assert judged(rerun(value)) is Verdict.CLOSE


def test_a_link_may_say_anything_and_is_read():
    for query in ("degree=" + "9" * 1_200, "x=" + "[" * 600, "x=" + "{,[" * 30_000):
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.context_info.url = f"http://localhost/?{query}"
        assert judged(message.SerializeToString()) is Verdict.PASS


def test_what_our_pages_do_not_need_is_dropped():
    message = BackMsg()
    message.load_git_info = True
    assert judged(message.SerializeToString()) is Verdict.DROP
    assert judged(b"") is Verdict.DROP
    message.app_heartbeat = True
    assert judged(message.SerializeToString()) is Verdict.PASS


def test_many_small_parts_are_not_unpacked():
    assert judged(b"\x0a\x00" * 900_000) is Verdict.CLOSE
    many = BackMsg()
    for number in range(600):
        many.rerun_script.widget_states.widgets.add(id=f"{number}", int_value=1)
    assert judged(many.SerializeToString()) is Verdict.CLOSE
    named = BackMsg()
    named.rerun_script.fragment_id = "x" * 10_000  # Streamlit would write it into its log
    assert judged(named.SerializeToString()) is Verdict.CLOSE
    files = BackMsg()
    files.file_urls_request.file_names.extend(["a"] * 1_000)
    assert judged(files.SerializeToString()) is Verdict.CLOSE


def test_a_session_holds_so_many_uploads():
    gate = gate_for([])

    def put(session: str, file: str, method: str = "PUT") -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": f"/_stcore/upload_file/{session}/{file}",
            "headers": [(b"host", b"localhost")],
        }
        asyncio.run(gate(scope, None, send))  # type: ignore[arg-type]
        return int(sent[0]["status"]) if sent else 200

    assert [put("a", f"{n}") for n in range(10)] == [200] * 8 + [429] * 2
    assert put("b", "0") == 200
    assert put("a", "3", "DELETE") == 200
    assert put("a", "new") == 200
    assert put("a", "new") == 200  # the same file again


def test_who_floods_does_not_slow_the_hands_in_the_same_room():
    gate = gate_for([], purse=Purse(Limit(burst=1_000_000, per_second=1_000), clock=lambda: 0.0))
    flooding, hand = gate._spending("room"), gate._spending("room")
    assert flooding(1_000_000) == 0
    assert flooding(2_000_000) > 1_000
    assert hand(500) == 0
    assert hand(50_000) > 1_000


def test_clear_cache_is_dropped_also_where_it_is_padded():
    assert judged(cleared()) is Verdict.DROP
    assert judged(cleared() + b"\xfa\xff\x3f\x04abcd") is Verdict.DROP
    assert judged(b"\xff\xff nonsense") is Verdict.CLOSE


def test_a_purse_makes_only_its_own_address_wait():
    now = [0.0]
    purse = Purse(Limit(burst=100, per_second=10), kept=2, clock=lambda: now[0])
    assert [purse.spend("a", 100), purse.spend("a", 50), purse.spend("b", 100)] == [0, 5, 0]
    now[0] = 5.0
    assert purse.spend("a", 10) == 1.0
    purse.spend("c", 1)  # of two addresses that are remembered, b goes
    assert purse.spend("b", 100) == 0


class Line:
    """One connection to a gatekeeper, in front of an app that notes what reaches it."""

    def __init__(self, gate: Gatekeeper, *frames: bytes, **headers: str) -> None:
        self.gate, self.came, self.sent = gate, [], []
        self._frames = list(frames)
        headers = {"host": "localhost:8501", **headers}
        self.scope = {
            "type": "websocket",
            "client": ("192.0.2.7", 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }

    async def receive(self) -> dict[str, Any]:
        if not self._frames:
            return {"type": "websocket.disconnect", "code": 1000}
        return {"type": "websocket.receive", "bytes": self._frames.pop(0)}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def run(self) -> Line:
        asyncio.run(self.gate(self.scope, self.receive, self.send))
        return self


def gate_for(came: list[Any], **options: Any) -> Gatekeeper:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        came.append(scope["type"])
        if scope["type"] == "http":
            came.append(dict(scope["headers"]).get(b"origin"))
            return
        while (message := await receive())["type"] == "websocket.receive":
            came.append(message["bytes"])
        came.append(message["code"])
        await send({"type": "websocket.send", "bytes": b"after the end"})

    return Gatekeeper(app, **options)


def test_a_message_is_passed_on_dropped_or_ends_the_connection():
    came: list[Any] = []
    good, bad = rerun("{}"), rerun("[" * 1_000)
    line = Line(gate_for(came), good, cleared(), good, bad, good).run()
    assert came == ["websocket", good, good, POLICY]
    assert line.sent == [{"type": "websocket.close", "code": POLICY}]


def test_a_message_over_the_limit_ends_the_connection(monkeypatch: pytest.MonkeyPatch):
    came: list[Any] = []
    line = Line(gate_for(came), rerun(json.dumps("x" * 26_000_000))).run()
    assert came == ["websocket", TOO_BIG]
    assert line.sent == [{"type": "websocket.close", "code": TOO_BIG}]


def test_a_text_is_none_of_ours():
    came: list[Any] = []

    class Texts(Line):
        async def receive(self) -> dict[str, Any]:
            return {"type": "websocket.receive", "text": "", "bytes": None}

    assert Texts(gate_for(came)).run().sent == [{"type": "websocket.close", "code": NO_TEXT}]


def test_bytes_beyond_its_share_make_an_address_wait(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("blurdash.ui.server.gatekeeper.asyncio.sleep", sleep)
    purse = Purse(Limit(burst=1_000, per_second=100), clock=lambda: 0.0)
    message = rerun(json.dumps(["x" * 600]))
    Line(gate_for([], purse=purse), message, message).run()
    assert waits == [pytest.approx((2 * len(message) - 1_000) / 100, abs=0.01)]


def test_an_address_may_hold_so_many_connections():
    came: list[Any] = []
    gate = gate_for(came, most_connections=1)
    gate._open["192.0.2.7"] = 1
    line = Line(gate, rerun("{}")).run()
    assert (came, line.sent) == ([], [{"type": "websocket.close", "code": POLICY}])
    gate._open.clear()
    Line(gate, rerun("{}")).run()
    assert came[0] == "websocket"
    assert not gate._open  # and it is let go of


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://localhost:9999"},
        {"host": "evil.example:8501", "origin": "http://evil.example:8501"},
        {"host": "me@localhost:8501"},
    ],
)
def test_strangers_are_refused_and_nobody_is_asked(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    def outside(*_: object) -> None:
        raise AssertionError("looked up outside")

    monkeypatch.setattr(server_util.net_util, "get_external_ip", outside)
    came: list[Any] = []
    line = Line(gate_for(came), rerun("{}"), **headers).run()
    assert (came, line.sent) == ([], [{"type": "websocket.close", "code": POLICY}])


def request(gate: Gatekeeper, **headers: str) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(gate({"type": "http", "headers": pairs}, receive, send))
    return sent


def test_a_request_keeps_its_origin_which_the_vote_s_routes_judge():
    came: list[Any] = []
    request(gate_for(came), host="localhost:8501", origin="http://evil.example")
    request(gate_for(came), host="localhost:8501", origin="http://[")
    assert came == ["http", b"http://evil.example", "http", b"http://["]


def test_a_flat_colour_whose_base64_is_digits_passes():
    piece = base64.b64encode(bytes((211, 77, 52)) * 300_000).decode()
    assert "0" * 1_000 in piece
    said = json.dumps([{"event": "said", "value": {"piece": {"data": piece}}}])
    assert judged(rerun(said, "json_trigger_value")) is Verdict.PASS
    for value in ("7" * 5_000, "-" + "7" * 5_000, '{"a": ' + "1" * 6_200 + "}"):
        assert judged(rerun(value)) is Verdict.CLOSE


def test_a_name_that_is_none_of_this_machine_is_answered_with_a_sentence():
    came: list[Any] = []
    sent = request(gate_for(came), host="faces.example.org")
    assert came == []
    assert sent[0]["status"] == 421
    assert b"--server.allowedHosts NAME" in sent[1]["body"]
    assert b"<" not in sent[1]["body"]


def test_names_of_this_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Lab-PC.uni.example")
    for name in ("localhost", "a.localhost", "127.0.0.1", "::1", "192.168.1.7", "lab-pc"):
        assert is_own_name(name)
    assert is_own_name("lab-pc.uni.example")
    for name in ("", "evil.example", "localhost.evil.example", "lab-pc.evil.example"):
        assert not is_own_name(name)
    assert is_own_name("faces.example.org", ["Faces.Example.org"])
    assert is_own_name("anything", ["*"])
