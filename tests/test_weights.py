"""Where weights come from: every source, and every way in which a download can go wrong.

A server on loopback sends small files; the real structure is tested in test_facenet.py.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import socket
import threading
import time
import types
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blurdash import weights
from blurdash.errors import WeightsError
from blurdash.weights import WeightsFile, fetch, find, print_progress, sha256

GOOD = bytes(range(256)) * 4096  # 1 MiB: several pieces
HTML = b"<html>please log in</html>"


class Server(ThreadingHTTPServer):
    """Answers each path in its own way, counts the requests, lets go of the hanging ones."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[str] = []
        self.release = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.server.requests.append(path)
        self.close_connection = True
        getattr(self, f"send_{path}")()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def answer(self, body: bytes, length: int | None = None, status: int = 200) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the client had enough
            self.close_connection = True

    def send_good(self) -> None:
        self.answer(GOOD, len(GOOD))

    def send_unannounced(self) -> None:
        self.answer(GOOD)

    def send_truncated(self) -> None:
        self.answer(GOOD[:-1000], len(GOOD))

    def send_truncated_unannounced(self) -> None:
        self.answer(GOOD[:1000])

    def send_page(self) -> None:
        self.answer(HTML, len(HTML))

    def send_page_unannounced(self) -> None:
        self.answer(HTML)

    def send_huge(self) -> None:
        self.answer(b"", 1 << 40)

    def send_endless(self) -> None:
        self.answer(GOOD * 8)

    def send_garbage(self) -> None:
        self.answer(GOOD[::-1], len(GOOD))

    def send_missing(self) -> None:
        self.answer(b"no such file", 12, status=404)

    def send_nothing(self) -> None:
        self.answer(b"", status=204)

    def send_hanging(self) -> None:
        self.server.release.wait(20)

    def send_stalling(self) -> None:
        self.answer(GOOD[:1000], len(GOOD))
        self.wfile.flush()
        self.server.release.wait(20)

    def send_not_http(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    def redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_redirect(self) -> None:
        self.redirect("/good")

    def send_redirect_ftp(self) -> None:
        self.redirect("ftp://127.0.0.1/good")

    def send_redirect_file(self) -> None:
        self.redirect("file:///etc/hostname")

    def send_redirect_plain_http(self) -> None:
        self.redirect("http://example.invalid/good")

    def send_redirect_loop(self) -> None:
        self.redirect("/redirect_loop")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.release.set()
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns an empty cache directory; no variable and no failure from outside counts."""
    for name in ("BLURDASH_OFFLINE", "BLURDASH_WEIGHTS_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(weights, "_failures", {})
    return tmp_path / "torch" / "checkpoints"


def row_for(url: str) -> WeightsFile:
    return WeightsFile("Testnet", "testnet.pt", url, 900_000, 2_000_000, "CC0", "this test")


NOWHERE = row_for("https://weights.invalid/testnet.pt")


def check_good(path: Path) -> None:
    if path.read_bytes() != GOOD:
        raise WeightsError("these are not the weights of Testnet")


def fetch_error(row: WeightsFile, **options: object) -> str:
    """Returns the message of the failure, which is one sentence with a hint."""
    with pytest.raises(WeightsError) as caught:
        fetch(row, **options)
    assert caught.value.hint or options.get("check") is not None
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(".")
    return str(caught.value)


def left_behind(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()] if directory.is_dir() else []


# --- a download that works -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["good", "unannounced", "redirect"])
def test_download_is_checked_and_put_in_place(server: Server, cache: Path, path: str) -> None:
    told: list[tuple[int, int | None]] = []
    checked: list[Path] = []

    def check(part: Path) -> None:
        checked.append(part)
        check_good(part)

    row = row_for(server.url(path))
    found = fetch(row, progress=lambda done, total: told.append((done, total)), check=check)
    assert found == cache / "testnet.pt"
    assert found.read_bytes() == GOOD
    assert sha256(found) == hashlib.sha256(GOOD).hexdigest()
    assert told[0] == (0, None if path == "unannounced" else len(GOOD))
    assert told[-1] == (len(GOOD), len(GOOD))
    assert left_behind(cache) == ["testnet.pt"]
    assert checked[0].parent == cache
    assert checked[0].name != "testnet.pt"


def test_download_is_found_next_time_without_network(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_for(server.url("good"))
    assert find(row) is None
    first = fetch(row)
    monkeypatch.setenv("BLURDASH_OFFLINE", "1")
    assert fetch(row) == find(row) == first
    assert server.requests == ["good"]


def test_downloaded_file_can_be_read_as_any_new_file(server: Server, cache: Path) -> None:
    other = cache.parent / "other"
    other.parent.mkdir(parents=True)
    other.touch()
    assert fetch(row_for(server.url("good"))).stat().st_mode == other.stat().st_mode


def test_two_threads_at_once_both_end_with_a_good_file(server: Server, cache: Path) -> None:
    barrier = threading.Barrier(2)
    results: list[bytes] = []

    def one() -> None:
        barrier.wait(5)
        path = fetch(row_for(server.url("good")), check=check_good)
        results.append(path.read_bytes())

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [GOOD, GOOD]
    assert left_behind(cache) == ["testnet.pt"]


# --- a download that fails -----------------------------------------------------------------------

FAILURES = {
    "truncated": "broke off after 1,047,576 of 1,048,576 bytes",
    "truncated_unannounced": "sent 1,000 bytes as testnet.pt, wanted 900,000 to 2,000,000",
    "page": "sent 26 bytes",
    "page_unannounced": "sent 26 bytes",
    "huge": "sent 1,099,511,627,776 bytes",
    "endless": "sent more than 2,000,000 bytes",
    "garbage": "not the weights of Testnet",
    "missing": "404 Not Found",
    "nothing": "204 No Content",
    "not_http": "could not be downloaded",
    "redirect_ftp": "by https only, the address was ftp:",
    "redirect_file": "302",
    "redirect_plain_http": "by https only, the address was http://example.invalid",
    "redirect_loop": "infinite loop",
}


@pytest.mark.parametrize(("path", "message"), FAILURES.items())
def test_failed_download_says_why_and_leaves_nothing(
    server: Server, cache: Path, path: str, message: str
) -> None:
    assert message in fetch_error(row_for(server.url(path)), check=check_good)
    assert left_behind(cache) == []


def test_too_large_a_download_is_not_read_to_its_end(server: Server) -> None:
    told: list[int] = []
    fetch_error(row_for(server.url("endless")), progress=lambda done, _: told.append(done))
    assert max(told) <= 2_000_000


def test_failure_is_remembered_until_asked_to_retry(server: Server) -> None:
    row = row_for(server.url("missing"))
    messages = [fetch_error(row), fetch_error(row)]
    assert messages[0] == messages[1]
    assert server.requests == ["missing"]
    fetch_error(row, retry=True)
    assert server.requests == ["missing"] * 2
    fetch(row_for(server.url("good")))  # another row is not held back


def test_file_that_turns_up_after_a_failure_is_used(server: Server, cache: Path) -> None:
    row = row_for(server.url("missing"))
    fetch_error(row)
    (cache / "testnet.pt").write_bytes(GOOD)
    assert fetch(row) == cache / "testnet.pt"


def test_no_network() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        started = time.monotonic()
        message = fetch_error(row_for(f"http://127.0.0.1:{port}/good"))
    assert "could not be downloaded from 127.0.0.1: Connection refused" in message
    assert "--weights" in message
    assert time.monotonic() - started < 5


def test_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert "from weights.invalid: Name or service not known" in fetch_error(NOWHERE)
    assert left_behind(cache) == []


def test_offline_start_is_held_up_for_less_than_5_s() -> None:
    assert 1 <= weights.CONNECT_SECONDS <= 4.5


@pytest.mark.parametrize("path", ["hanging", "redirect"])
def test_server_that_never_answers(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(weights, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(Handler, "send_good", Handler.send_hanging)  # after the redirect
    started = time.monotonic()
    assert "no answer within 0.3 s" in fetch_error(row_for(server.url(path)))
    assert time.monotonic() - started < 2
    assert left_behind(cache) == []


def test_name_resolution_that_hangs(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def hang(*args: object, **options: object) -> object:
        server.release.wait(20)
        return resolve(*args, **options)

    monkeypatch.setattr(weights, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    row = row_for(server.url("good"))
    started = time.monotonic()
    assert "no answer within 0.3 s" in fetch_error(row)
    fetch_error(row)  # and a second session does not wait again
    assert time.monotonic() - started < 0.6
    # What the thread opens too late, it closes: -W error would see an open socket.
    server.release.set()
    for thread in threading.enumerate():
        if thread.name == "blurdash-download":
            thread.join(5)
    assert left_behind(cache) == []


def test_server_that_stalls_midway(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "READ_SECONDS", 0.3)
    assert "it stopped answering" in fetch_error(row_for(server.url("stalling")))
    assert left_behind(cache) == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "ftp://127.0.0.1/testnet.pt",
        "http://example.invalid/testnet.pt",
        "data:,testnet",
        "testnet.pt",
    ],
)
def test_address_that_is_not_safe_is_refused(cache: Path, url: str) -> None:
    assert "by https only" in fetch_error(row_for(url))
    assert left_behind(cache) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_interrupted_download_leaves_nothing_and_may_be_tried_again(
    server: Server, cache: Path, error: type[BaseException]
) -> None:
    def interrupt(_done: int, _total: int | None) -> None:
        raise error

    row = row_for(server.url("good"))
    with pytest.raises(error):
        fetch(row, progress=interrupt)
    assert left_behind(cache) == []
    assert fetch(row).read_bytes() == GOOD


# --- a disk that fails ---------------------------------------------------------------------------


def test_too_little_space_is_seen_before_the_download(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = types.SimpleNamespace(total=10, used=5, free=5)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    message = fetch_error(row_for(server.url("good")))
    assert "has 5 bytes free, the weights of Testnet need 2,000,000" in message
    assert server.requests == []
    monkeypatch.undo()


def test_disk_that_fills_up_during_the_download(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = fetch_error(row_for(server.url("good")))
    assert "No space left on device; free some space" in message
    assert left_behind(cache) == []


def test_disk_that_refuses_the_first_write(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullFile(io.FileIO):
        def write(self, _data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, _mode: FullFile(path, "xb"))
    assert "No space left on device" in fetch_error(row_for(server.url("good")))
    assert left_behind(cache) == []


def test_file_in_the_place_of_the_cache_directory(server: Server, cache: Path) -> None:
    cache.parent.write_text("not a directory")
    message = fetch_error(row_for(server.url("good")))
    assert "cannot be written to" in message
    assert "set TORCH_HOME" in message
    assert server.requests == []


def test_directory_that_may_not_be_written(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # a mode of 0500 does not stop root
    assert "Permission denied; set TORCH_HOME" in fetch_error(row_for(server.url("good")))
    assert left_behind(cache) == []


# --- the other sources ---------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1", "true", " yes "])
def test_offline_forbids_the_download(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("BLURDASH_OFFLINE", value)
    message = fetch_error(row_for(server.url("good")))
    assert "BLURDASH_OFFLINE forbids" in message
    assert str(cache / "testnet.pt") in message
    assert server.requests == []
    monkeypatch.delenv("BLURDASH_OFFLINE")
    fetch(row_for(server.url("good")))  # not remembered: nothing had failed


@pytest.mark.parametrize("value", ["", "0"])
def test_offline_empty_or_0_allows_the_download(
    server: Server, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("BLURDASH_OFFLINE", value)
    assert fetch(row_for(server.url("good"))).read_bytes() == GOOD


def test_given_file_goes_before_all_others(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir(parents=True)
    for directory in ("env", "given"):
        (tmp_path / directory).mkdir()
    monkeypatch.setenv("BLURDASH_WEIGHTS_DIR", str(tmp_path / "env"))
    (cache / "testnet.pt").write_bytes(GOOD)
    assert fetch(NOWHERE) == cache / "testnet.pt"  # env directory lacks the file: go on
    (tmp_path / "env" / "testnet.pt").write_bytes(GOOD)
    assert fetch(NOWHERE) == tmp_path / "env" / "testnet.pt"
    given = tmp_path / "given" / "testnet.pt"
    given.write_bytes(GOOD)
    assert fetch(NOWHERE, path=given.parent) == given
    renamed = given.rename(given.with_name("mine.bin"))
    assert fetch(NOWHERE, path=str(renamed)) == renamed


def test_given_path_that_does_not_exist_is_an_error(tmp_path: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "testnet.pt").write_bytes(GOOD)
    assert f"no file or directory of weights at {tmp_path / 'no'}" in fetch_error(
        NOWHERE, path=tmp_path / "no"
    )
    assert "no file or directory" in fetch_error(NOWHERE, path="x" * 5000)
    assert "no file or directory" in fetch_error(NOWHERE, path="nul\0byte")


def test_given_directory_without_the_file_is_an_error(tmp_path: Path) -> None:
    assert f"the directory {tmp_path} holds no testnet.pt" in fetch_error(NOWHERE, path=tmp_path)


def test_env_directory_that_does_not_exist_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLURDASH_WEIGHTS_DIR", str(tmp_path / "no"))
    assert "BLURDASH_WEIGHTS_DIR is" in fetch_error(NOWHERE)
    with pytest.raises(WeightsError, match="not a directory"):
        find(NOWHERE)


@pytest.mark.parametrize("size", [0, 899_999, 2_000_001])
def test_file_of_an_impossible_size_is_an_error(cache: Path, size: int) -> None:
    cache.mkdir(parents=True)
    (cache / "testnet.pt").write_bytes(bytes(size))
    assert f"has {size:,} bytes, wanted 900,000 to 2,000,000" in fetch_error(NOWHERE)


def test_convention_cache_is_facenet_pytorchs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facenet_pytorch.models.inception_resnet_v1 import get_torch_home

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    homes = [Path(get_torch_home())]
    assert weights.cache_directory() == homes[-1] / "checkpoints"
    monkeypatch.delenv("TORCH_HOME")
    for value in (str(tmp_path / "xdg"), None):
        if value is None:
            monkeypatch.delenv("XDG_CACHE_HOME")
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", value)
        homes.append(Path(get_torch_home()))
        assert weights.cache_directory() == homes[-1] / "checkpoints"
    assert len(set(homes)) == 3


def test_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(_path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert "needs a home directory" in fetch_error(NOWHERE)


# --- progress and identity -----------------------------------------------------------------------


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_progress()(5, 10)
    stream = io.StringIO()
    print_progress(stream)(5, 10)
    assert stream.getvalue() == "".join(capsys.readouterr()) == ""


def test_progress_ends_its_line_when_done() -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    draw = print_progress(terminal)
    for state in ((0, None), (0, 2_000_000), (1_000_000, 2_000_000), (2_000_000, 2_000_000)):
        draw(*state)
    lines = terminal.getvalue().replace("\n", "\r").split("\r")
    assert lines[0] == "weights   0 MB"
    assert lines[2] == "weights [##########          ]   1 of 2 MB"
    assert terminal.getvalue().count("\n") == 1


def test_sha256_follows_a_file_that_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"three"):
        path.write_bytes(content)
        assert sha256(path) == hashlib.sha256(content).hexdigest()
    with pytest.raises(WeightsError, match="cannot be read"):
        sha256(tmp_path / "no")


def test_rows_are_keys() -> None:
    assert len({NOWHERE, replace(NOWHERE), replace(NOWHERE, name="other")}) == 2
