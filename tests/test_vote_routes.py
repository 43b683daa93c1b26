"""The vote's routes over real connections: what counts, what is refused, nothing echoed."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from starlette.requests import Request
from streamlit.testing.v1 import AppTest

from blurdash.errors import SettingError
from blurdash.ui.server.clients import client_address
from blurdash.ui.vote import link as vote_link
from blurdash.ui.vote import routes as vote_routes
from blurdash.ui.vote.ballots import Ballot
from blurdash.ui.vote.link import (
    lan_addresses,
    phone_address,
    qr_svg,
    reachable_from,
)
from blurdash.ui.vote.link import (
    vote_link as link_of,
)
from blurdash.ui.vote.routes import VOTE_LIMIT
from tests.vote_server import Answer, VoteServer

ROOT = Path(__file__).parents[1]
VOTER = "0123456789abcdef0123456789abcdef"
MARK = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[VoteServer]:
    with VoteServer() as server:
        yield server


@pytest.fixture
def server(shared_server: VoteServer) -> VoteServer:
    """A server whose rates nobody has used yet."""
    shared_server.fresh()
    return shared_server


@pytest.fixture
def ballot(server: VoteServer) -> Ballot:
    return server.room.open_ballot()


def vote(server: VoteServer, ballot: Ballot, choice: object = 0, **fields: object) -> Answer:
    return server.ask("POST", f"/vote/{ballot.code}", {"voter": VOTER, "choice": choice} | fields)


# What phones do


def test_a_phone_votes_and_changes_its_mind(server: VoteServer, ballot: Ballot) -> None:
    for choice, counts in ((0, (1, 0)), (1, (0, 1))):
        answer = vote(server, ballot, choice, round=1)
        assert (answer.status, answer.fields) == (200, {"state": "open", "round": 1})
        assert server.room.counts(ballot) == counts
    assert vote(server, ballot, 0, voter="another-phone").status == 200
    assert server.room.counts(ballot) == (1, 1)


def test_state_tells_a_phone_what_it_may_know(server: VoteServer, ballot: Ballot) -> None:
    def state() -> object:
        return server.ask("GET", f"/vote/{ballot.code}/state").fields

    vote(server, ballot, 1)
    assert state() == {"state": "open", "round": 1}
    server.room.close(ballot)
    assert state() == {"state": "closed", "round": 1}
    server.room.reveal(ballot)
    assert state() == {"state": "closed", "round": 1, "counts": [0, 1]}
    server.room.new_round(ballot)
    assert state() == {"state": "open", "round": 2}


def test_refusals_name_their_reason(server: VoteServer, ballot: Ballot) -> None:
    server.room.new_round(ballot)
    assert (vote(server, ballot, 0, round=1).status, vote(server, ballot).status) == (409, 200)
    assert vote(server, ballot, 0, round=1).fields == {"error": "round"}
    server.room.close(ballot)
    assert vote(server, ballot).fields == {"error": "closed"}
    server.room.end(ballot)
    gone = vote(server, ballot)
    assert (gone.status, gone.fields) == (404, {"error": "unknown"})
    assert server.ask("GET", f"/vote/{ballot.code}/state").status == 404
    assert server.ask("GET", f"/vote/{ballot.code}").status == 404


def test_a_full_ballot_says_so(server: VoteServer, ballot: Ballot, monkeypatch) -> None:
    monkeypatch.setattr(server.room, "_voters_kept", 1)
    assert vote(server, ballot).status == 200
    answer = vote(server, ballot, voter="one-too-many")
    assert (answer.status, answer.fields) == (409, {"error": "full"})


def test_one_voter_cannot_hammer(server: VoteServer, ballot: Ballot) -> None:
    answers = [vote(server, ballot, number % 2) for number in range(6)]
    statuses = [answer.status for answer in answers]
    assert statuses[:3] == [200] * 3
    assert 429 in statuses[3:]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.fields == {"error": "slow"}
    assert refused.headers["Retry-After"] == "1"


# The page


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(
    server: VoteServer, ballot: Ballot
) -> None:
    answer = server.ask("GET", f"/vote/{ballot.code}")
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert {a for a in addresses if not a.startswith("data:")} == {
        "/vote/vote_page.css",
        "/vote/vote_page.js",
    }
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == [""]
    assert not re.search(r"<style|\son\w+=|\sstyle=", page)
    for name, kind in (("vote_page.css", "text/css"), ("vote_page.js", "text/javascript")):
        asset = server.ask("GET", f"/vote/{name}")
        assert asset.status == 200
        assert asset.headers["Content-Type"].startswith(kind)
        assert not re.search(rb"https?://", asset.body)


def test_every_answer_carries_the_same_protection(server: VoteServer, ballot: Ballot) -> None:
    for method, path in (
        ("GET", f"/vote/{ballot.code}"),
        ("GET", f"/vote/{ballot.code}/state"),
        ("GET", "/vote/vote_page.js"),
        ("GET", "/vote/nothing/at/all"),
        ("GET", "/vote"),
        ("POST", "/vote/CCCCCC"),
        ("PUT", f"/vote/{ballot.code}"),
    ):
        headers = server.ask(method, path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Set-Cookie" not in headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_the_page_is_the_same_for_every_ballot(server: VoteServer, ballot: Ballot) -> None:
    other = server.room.open_ballot()
    one, two = (server.ask("GET", f"/vote/{code}").body for code in (ballot.code, other.code))
    assert one == two
    assert ballot.code.encode() not in one


@pytest.mark.parametrize(
    "path",
    [
        "/vote",
        "/vote/",
        "/vote/CCCCCC",
        "/vote/%3Cscript%3Ealert(1)%3C/script%3E",
        "/vote/..%2f..%2fstreamlit_app.py",
        "/vote/vote.html",
        "/vote/stage.js",
        "/vote/%00",
        "/vote/%ff%fe",
        "/vote/vote_page.js/state/x",
        "/vote/" + "C" * 5_000,
    ],
)
def test_what_is_not_there_is_one_constant_page(server: VoteServer, path: str) -> None:
    expected = server.ask("GET", "/vote/CCCCCC").body
    answer = server.ask("GET", path)
    assert (answer.status, answer.body) == (404, expected)
    assert b"There is no such vote" in answer.body
    assert b'data-state="unknown"' in answer.body


def test_head_is_get_without_a_body(server: VoteServer, ballot: Ballot) -> None:
    for path in (f"/vote/{ballot.code}", f"/vote/{ballot.code}/state", "/vote/CCCCCC"):
        got, head = server.ask("GET", path), server.ask("HEAD", path)
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["Content-Length"] == str(len(got.body))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(server: VoteServer, ballot: Ballot, method: str) -> None:
    answer = server.ask(method, f"/vote/{ballot.code}")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert "Access-Control-Allow-Origin" not in answer.headers


# What strangers send

BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"0"',
    b"[" * 250,
    b"\xff\xfe{\x00}\x00",
    b'{"voter": "\xe4\xe4\xe4\xe4", "choice": 0}',
    b'{"voter": "\\ud800aaaa", "choice": 0}',
    b'{"choice": 0}',
    b'{"voter": "aaaa"}',
    b'{"voter": 1, "choice": 0}',
    b'{"voter": ["aaaa"], "choice": 0}',
    b'{"voter": "<script>alert(1)</script>", "choice": 0}',
    b'{"voter": "aaaa", "choice": "0"}',
    b'{"voter": "aaaa", "choice": true}',
    b'{"voter": "aaaa", "choice": 2}',
    b'{"voter": "aaaa", "choice": 0.0}',
    b'{"voter": "aaaa", "choice": NaN}',
    b'{"voter": "aaaa", "choice": 1e400}',
    b'{"voter": "aaaa", "choice": -' + b"9" * 200 + b"}",
    b'{"voter": "aaaa", "choice": 0, "round": "<b>"}',
    b'{"voter": "aaaa", "choice": 0, "round": {"a": []}}',
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_that_is_no_vote_is_refused(server: VoteServer, ballot: Ballot, body: bytes) -> None:
    answer = server.ask("POST", f"/vote/{ballot.code}", body)
    assert (answer.status, answer.fields) == (400, {"error": "invalid"})
    assert server.room.counts(ballot) == (0, 0)


def test_nothing_that_comes_is_sent_back(server: VoteServer, ballot: Ballot) -> None:
    fields = {"voter": MARK, "choice": MARK, "round": MARK, MARK: MARK}
    sent = {"User-Agent": MARK, "Referer": MARK, "X-Forwarded-For": MARK, "Cookie": f"a={MARK}"}
    answers = [
        server.ask("POST", f"/vote/{ballot.code}", fields, sent),
        server.ask("POST", "/vote/%3Cscript%3Ealert(1)%3C%2Fscript%3E", fields, sent),
        server.ask("GET", "/vote/%3Cscript%3Ealert(1)%3C%2Fscript%3E?a=alert(1)", headers=sent),
        server.ask("GET", "/vote/alert(1)/state?alert(1)", headers=sent),
        server.ask("PUT", "/vote/alert(1)", fields, sent),
        server.ask("POST", f"/vote/{ballot.code}", fields, sent | {"Content-Type": MARK}),
        server.ask("POST", f"/vote/{ballot.code}", fields, sent | {"Origin": MARK}),
    ]
    for answer in answers:
        assert answer.status >= 400
        assert b"alert(1)" not in answer.body + str(answer.headers).encode()


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"]
)
def test_only_json_is_read(server: VoteServer, ballot: Ballot, kind: str) -> None:
    body = b'{"voter": "aaaa", "choice": 0}'
    answer = server.ask("POST", f"/vote/{ballot.code}", body, {"Content-Type": kind})
    assert (answer.status, answer.fields) == (415, {"error": "type"})
    good = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert server.ask("POST", f"/vote/{ballot.code}", body, good).status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{port}", 200),
        ("http://127.0.0.1", 403),
        ("http://127.0.0.1:1", 403),
        ("http://127.0.0.1:{port}.example.org", 403),
        ("https://example.org", 403),
        ("null", 403),
        ("", 403),
        ("file://127.0.0.1:{port}", 403),
    ],
)
def test_another_site_cannot_vote_for_its_visitors(
    server: VoteServer, ballot: Ballot, origin: str, status: int
) -> None:
    headers = {"Origin": origin.format(port=server.port)}
    body = {"voter": "aaaa", "choice": 0}
    assert server.ask("POST", f"/vote/{ballot.code}", body, headers).status == status


def open_post(server: VoteServer, ballot: Ballot, more: str) -> socket.socket:
    """Opens a connection and sends a vote's headers, the body yet to come."""
    line = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = f"POST /vote/{ballot.code} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    line.sendall(f"{head}{more}\r\n\r\n".encode())
    return line


@pytest.mark.parametrize("length", ["301", "999999999", "1000000000", "9" * 20])
def test_a_large_body_is_refused_before_it_is_read(
    server: VoteServer, ballot: Ballot, length: str
) -> None:
    with open_post(server, ballot, f"Content-Length: {length}") as line:
        answer = line.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()
        assert finished(line)


def test_a_body_that_goes_on_and_on_is_cut_off(server: VoteServer, ballot: Ballot) -> None:
    with open_post(server, ballot, "Transfer-Encoding: chunked") as line:
        line.sendall(b"100\r\n" + b" " * 256 + b"\r\n")
        line.sendall(b"100\r\n" + b" " * 256 + b"\r\n")
        assert line.recv(65_536).startswith(b"HTTP/1.1 413 ")
        assert finished(line)


def test_a_body_that_does_not_come_is_not_waited_for(
    server: VoteServer, ballot: Ballot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_routes, "BODY_SECONDS", 0.3)
    with open_post(server, ballot, "Content-Length: 100") as line:
        line.sendall(b"{")
        assert line.recv(65_536).startswith(b"HTTP/1.1 408 ")
        assert finished(line)


def test_a_phone_that_hangs_up_in_the_middle_harms_nobody(
    server: VoteServer, ballot: Ballot
) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
            head = f"POST /vote/{ballot.code} HTTP/1.1\r\nHost: x\r\n"
            line.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode()
            )
    assert vote(server, ballot).status == 200


def finished(line: socket.socket) -> bool:
    """Says whether the other side has ended the connection."""
    try:
        while line.recv(65_536):
            pass
    except ConnectionError:
        return True
    return True


# Floods


def test_a_flood_is_refused_and_a_room_is_not(server: VoteServer, ballot: Ballot) -> None:
    """A thousand votes at once from one address: its burst counts, little more does."""
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def flood(worker: int) -> None:
        for number in range(250):
            body = {"voter": f"flood-{worker}-{number}", "choice": 1}
            status = server.ask("POST", f"/vote/{ballot.code}", body).status
            with lock:
                statuses[status] += 1

    started = time.monotonic()
    workers = [threading.Thread(target=flood, args=[worker]) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    seconds = time.monotonic() - started
    allowed = VOTE_LIMIT.burst + VOTE_LIMIT.per_second * seconds
    assert VOTE_LIMIT.burst <= statuses[200] <= allowed + 1
    assert statuses[200] + statuses[429] == 1_000
    assert server.room.counts(ballot) == (0, statuses[200])
    assert server.ask("GET", f"/vote/{ballot.code}/state").status == 200, "reading has its own rate"


def test_a_flood_of_pages_is_refused_with_a_word_to_people(
    server: VoteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_routes, "READ_LIMIT", vote_routes.Limit(5, 0.5))
    server.fresh()
    statuses = [server.ask("GET", "/vote/CCCCCC").status for _ in range(8)]
    assert statuses == [404] * 5 + [429] * 3
    machine = server.ask("GET", "/vote/CCCCCC/state")
    assert (machine.status, machine.fields) == (429, {"error": "busy"})
    assert int(machine.headers["Retry-After"]) >= 1
    person = server.ask("GET", "/vote/CCCCCC", headers={"Accept": "text/html,*/*;q=0.8"})
    assert person.status == 429
    assert person.headers["Content-Type"].startswith("text/plain")
    assert b"loads by itself" in person.body
    assert int(person.headers["Refresh"]) >= 3


def test_a_refused_flood_is_cheap(
    server: VoteServer, ballot: Ballot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body of what is refused is not even read: a large one is answered at once."""
    monkeypatch.setattr(vote_routes, "VOTE_LIMIT", vote_routes.Limit(5, 0.01))
    server.fresh()
    for _ in range(8):
        server.ask("POST", f"/vote/{ballot.code}", b"{")
    with open_post(server, ballot, "Content-Length: 200") as line:
        assert line.recv(65_536).startswith(b"HTTP/1.1 429 ")


# Addresses


def request_from(host: str | None, **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    client = (host, 1234) if host is not None else None
    return Request({"type": "http", "headers": named, "client": client})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_what_counts_as_one_address(
    host: str | None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    assert client_address(request_from(host)) == address


def test_a_header_that_anybody_can_write_makes_no_new_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    claimed = {
        client_address(request_from(f"192.0.2.{n}", x_forwarded_for=f"198.51.100.{n}"))
        for n in range(9)
    }
    assert claimed == {"forwarded"}
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    behind = request_from("198.51.100.7", x_forwarded_for="198.51.100.7")
    assert client_address(behind) == "198.51.100.7"


def test_a_forged_header_does_not_get_around_the_rate(
    server: VoteServer, ballot: Ballot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvicorn believes the header of whoever connects from this machine, unless told otherwise."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    monkeypatch.setattr(vote_routes, "VOTE_LIMIT", vote_routes.Limit(10, 0.01))
    server.fresh()

    def votes_from_many() -> int:
        counted = 0
        for number in range(40):
            forged = {"X-Forwarded-For": f"198.51.100.{number}"}
            body = {"voter": f"voter-{number}", "choice": 0}
            counted += server.ask("POST", f"/vote/{ballot.code}", body, forged).status == 200
        return counted

    assert votes_from_many() == 10
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    server.fresh()
    assert votes_from_many() == 40, "behind a proxy that says so, each phone is its own address"


# The link


@pytest.mark.parametrize(
    ("listens", "reachable"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("127.8.9.1", False),
        ("::1", False),
        ("[::1]", False),
        ("::ffff:127.0.0.1", False),
        ("LOCALHOST.", False),
        ("unix:///run/blurdash.sock", False),
        ("0.0.0.0", True),
        ("::", True),
        ("", True),
        (None, True),
        ("192.168.1.7", True),
        ("blurdash.example.org", True),
    ],
)
def test_reachable_from(listens: str | None, reachable: bool) -> None:
    assert reachable_from(listens) is reachable


def test_lan_addresses_are_addresses_of_this_machine_that_others_can_use() -> None:
    for address in lan_addresses():
        assert not address.startswith(("127.", "169.254.", "0."))
        with socket.socket() as own:
            own.bind((address, 0))  # only an address of this machine can be listened on


@pytest.mark.parametrize(
    ("page", "listens", "base", "expected"),
    [
        ("http://localhost:8501/argument?degree=5", "localhost", "", None),
        ("http://localhost:8501/argument?degree=5", "0.0.0.0", "", "http://192.168.1.7:8501"),
        ("http://127.0.0.1:8501/", None, "faces", "http://192.168.1.7:8501/faces"),
        ("http://[::1]:8501/", None, "", "http://192.168.1.7:8501"),
        ("http://0.0.0.0:8501/", "0.0.0.0", "", "http://192.168.1.7:8501"),
        ("http://192.168.1.9:8501/argument", "0.0.0.0", "", "http://192.168.1.9:8501"),
        ("https://blurdash.example.org/x", "localhost", "", "https://blurdash.example.org"),
        ("https://example.org/faces/x", "localhost", "/faces/", "https://example.org/faces"),
        ("http://[2001:db8::7]:8501/x", "::", "", "http://[2001:db8::7]:8501"),
        ("", "0.0.0.0", "", None),
    ],
)
def test_phones_are_sent_where_they_get_to(
    page: str, listens: str | None, base: str, expected: str | None, monkeypatch
) -> None:
    monkeypatch.setattr(vote_link, "lan_addresses", lambda: ["192.168.1.7", "10.0.0.3"])
    assert phone_address(page, listens, base) == expected


def test_a_machine_without_a_network_has_no_address_for_phones(monkeypatch) -> None:
    monkeypatch.setattr(vote_link, "lan_addresses", list)
    assert phone_address("http://localhost:8501/", "0.0.0.0") is None


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ("javascript:alert(1)", "CCCCCC"),
        ("192.168.1.7:8501", "CCCCCC"),
        ("http://", "CCCCCC"),
        ("http://me:secret@192.168.1.7", "CCCCCC"),
        ("http://192.168.1.7", "CCC"),
        ("http://192.168.1.7", "../../"),
        ("http://192.168.1.7", "cccccc"),
    ],
)
def test_an_address_or_code_that_is_none_makes_no_link(base: str, code: str) -> None:
    with pytest.raises(SettingError, match=r"wanted|letters") as error:
        link_of(base, code)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "link",
    [
        "http://192.168.1.7:8501/vote/F7KM3Q",
        "https://blurdash.faculty.university.example.org/a/longer/base/path/vote/CDFGHJ",
    ],
)
@pytest.mark.parametrize("around", [255, 17])
def test_the_code_is_read_back_by_another_implementation(link: str, around: int) -> None:
    """OpenCV reads it, on a light page and on a dark one."""
    picture = drawn(qr_svg(link), around)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == link


def drawn(svg: str, around: int) -> np.ndarray:
    """Draws what the SVG's two paths say: a filled square, and horizontal strokes of height 1."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])
    paths = re.findall(r"<path ([^>]*)/>", svg)
    assert len(paths) == 2
    assert 'fill="#fff"' in paths[0]
    assert f"M0 0h{side}v{side}h-{side}z" in paths[0]
    assert 'stroke="#000"' in paths[1]
    modules = np.full((side, side), 255, np.uint8)
    x = y = 0.0
    for step, first, second in re.findall(
        r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", re.search(r' d="([^"]*)"', paths[1])[1]
    ):
        if step == "h":
            modules[int(y), int(x) : int(x) + int(first)] = 0
            x += int(first)
        else:
            x = float(first) + (x if step == "m" else 0)
            y = float(second) + (y if step == "m" else 0)
    assert modules[:4].min() == modules[-4:].min() == 255, "the quiet zone"
    scaled = np.kron(modules, np.ones((8, 8), np.uint8))
    return cv2.copyMakeBorder(scaled, 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=around)


# The dashboard itself


def test_the_script_draws_the_page_and_the_import_is_the_server() -> None:
    code = (
        "import sys, streamlit_app, streamlit as st\n"
        "assert isinstance(streamlit_app.app, st.App)\n"
        "assert 'torch' not in sys.modules and 'blurdash.ui.app' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not page.exception


def test_streamlit_serves_the_vote_under_its_base_path() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--server.port", str(port), "--server.baseUrlPath", "faces"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", *flags],
        cwd=ROOT,
        env={**os.environ, "BLURDASH_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://localhost:{port}/faces/_stcore/health")
        line = http.client.HTTPConnection("localhost", port, timeout=20)
        line.request("GET", "/faces/vote/CCCCCC")
        answer = Answer(line.getresponse())
        assert answer.status == 404
        assert b'src="/faces/vote/vote_page.js"' in answer.body
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Set-Cookie" not in answer.headers
        line.request("GET", "/faces/vote/vote_page.js")
        assert Answer(line.getresponse()).headers["Content-Type"].startswith("text/javascript")
        line.request("POST", "/faces/vote/CCCCCC", b"{}", {"Content-Type": "application/json"})
        answer = Answer(line.getresponse())
        assert (answer.status, answer.fields) == (400, {"error": "invalid"})
        line.close()
    finally:
        process.terminate()
        process.wait(20)


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the dashboard did not start")
