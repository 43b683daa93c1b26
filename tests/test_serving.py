"""The dashboard as docs/serving.md serves it: nginx with TLS in front, an unprivileged user behind.

nginx is started from the documented file itself and the dashboard with the documented unit's
command and environment; only paths and ports are other ones. All of it is on loopback.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import http.client
import io
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from blurdash.portrait import portrait_photo
from tests.serving_files import NGINX_CONF, ROOT, unit

x509 = pytest.importorskip("cryptography.x509", reason="needs requirements-long.txt")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: E402

NAME = "blurdash.example.org"
CAP_DAC_READ_SEARCH = 2

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(os.name != "posix", reason="nginx and Unix users"),
]

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


# --- nginx ----------------------------------------------------------------------------------------


def require_nginx() -> str:
    """Returns the path of nginx; without one the test skips, or fails where CI=true."""
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("needs nginx (Debian's package nginx-light)", pytrace=False)
        pytest.skip("needs nginx (Debian's package nginx-light)")
    return path


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Returns a self-made certificate for the documented name, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "blurdash.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "blurdash.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "blurdash.pem", folder / "blurdash.key"


@dataclass
class Site:
    """nginx as documented, before some dashboards."""

    folder: Path
    certificate: Path
    tls: int
    plain: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"https://{NAME}:{self.tls}"

    def written(self, key: Path, dashboards: list[int], *changes: tuple[str, str]) -> str:
        """The documented file with other ports and paths, each of which must have been there."""
        text = NGINX_CONF.read_text("utf-8")
        first, *others = dashboards
        if others:
            text = text.replace("#several#", "").replace("127.0.0.1:8502", f"127.0.0.1:{others[0]}")
        for wanted, instead in (
            (r"listen \[::\][^;]*;", ""),
            (r"listen 80\b", f"listen 127.0.0.1:{self.plain}"),
            (r"listen 443\b", f"listen 127.0.0.1:{self.tls}"),
            (r"127\.0\.0\.1:8501", f"127.0.0.1:{first}"),
            (r"/etc/ssl/certs/blurdash\.pem", str(self.certificate)),
            (r"/etc/ssl/private/blurdash\.key", str(key)),
            *changes,
        ):
            text, count = re.subn(wanted, instead, text, flags=re.MULTILINE)
            assert count > 0, f"{wanted} is not in the documented file"
        return text

    def main_file(self) -> str:
        """What Debian's /etc/nginx/nginx.conf does around a site, here in a folder of our own."""
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/temporary/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        return (
            ("user root;\n" if os.geteuid() == 0 else "")
            + f"daemon off; worker_processes 1; pid {self.folder}/pid;\n"
            + f"error_log {self.folder}/error.log warn;\n"
            + "events { worker_connections 1024; }\n"
            + "http { include /etc/nginx/mime.types; default_type application/octet-stream;\n"
            + f"{temporary} access_log off; include {self.folder}/site.conf; }}\n"
        )

    def connect(self, name: str = NAME) -> http.client.HTTPSConnection:
        """A connection whose certificate is checked."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = http.client.HTTPSConnection(NAME, self.tls, context=context, timeout=20)
        plain = socket.create_connection(("127.0.0.1", self.tls), 20)
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        return connection

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """Returns the answer, read."""
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        if answer.status != 101:
            answer.read()
        connection.close()
        return answer

    def log(self) -> str:
        return (self.folder / "error.log").read_text()


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens (exit code {process.poll()})")


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def nginx_before(
    folder: Path,
    certificate: tuple[Path, Path],
    dashboards: list[int],
    *changes: tuple[str, str],
    tls: int | None = None,
) -> Iterator[Site]:
    path = require_nginx()
    site = Site(folder, certificate[0], tls or free_port())
    (folder / "temporary").mkdir()
    (folder / "site.conf").write_text(site.written(certificate[1], dashboards, *changes))
    (folder / "nginx.conf").write_text(site.main_file())
    process = subprocess.Popen(
        [path, "-p", str(folder), "-e", str(folder / "start.log"), "-c", str(folder / "nginx.conf")]
    )
    try:
        wait_for(site.tls, process)
        yield site
    finally:
        end(process)


# --- a dashboard as the unit starts it ------------------------------------------------------------


@dataclass
class Served:
    """A running dashboard."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    cache: Path
    unprivileged: bool

    def end(self) -> None:
        end(self.process)
        shutil.rmtree(self.cache)


def as_nobody() -> list[str]:
    """What runs a command as a user who may write nothing; nothing where we may not do so."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []
    nobody = pwd.getpwnam("nobody")
    who = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    for rights in (
        ["--bounding-set=-all"],
        # A checkout in root's home can be read by root alone: let this user read, and no more.
        ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
         "--bounding-set=-all,+dac_read_search"],
    ):  # fmt: skip
        command = ["setpriv", *who, "--no-new-privs", *rights, "--"]
        reads = [*command, sys.executable, "-c", "open('streamlit_app.py')"]
        if subprocess.run(reads, cwd=ROOT, capture_output=True, check=False).returncode == 0:
            return command
    return []


def start_served(folder: Path, secrets: str = "") -> Served:
    """Starts the unit's command with its environment, as nobody where that is possible."""
    service, port = unit(), free_port()
    cache = Path(tempfile.mkdtemp(prefix="blurdash-cache-"))  # pytest's folders are its user's only
    environment = dict(one.split("=", 1) for one in service["Environment"])
    environment |= {
        "XDG_CACHE_HOME": str(cache),
        "BLURDASH_OFFLINE": "1",
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
    }
    command = shlex.split(service["ExecStart"][0])
    assert command[0] == f"{service['WorkingDirectory'][0]}/.venv/bin/streamlit"
    command = [sys.executable, "-m", "streamlit", *command[1:]]
    command[command.index("--server.port") + 1] = str(port)
    rights = as_nobody()
    if secrets:
        (cache / "secrets.toml").write_text(secrets)
        command += ["--secrets.files", str(cache / "secrets.toml")]
    if rights:
        for path in (cache, *cache.iterdir()):
            os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*rights, *command], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        wait_for(port, process)
    except RuntimeError:
        end(process)
        raise
    return Served(port, process, folder, cache, bool(rights))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require_nginx()
    served = start_served(tmp_path_factory.mktemp("served"))
    yield served
    served.end()


@pytest.fixture
def site(served: Served, certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[Site]:
    """nginx of its own for a test: what one test has used up of the allowance is not the next's."""
    with nginx_before(tmp_path, certificate, [served.port]) as site:
        yield site


@pytest.fixture(scope="module")
def visited_site(
    served: Served,
    certificate: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The nginx before which the browser sits."""
    with nginx_before(tmp_path_factory.mktemp("nginx"), certificate, [served.port]) as site:
        yield site


# --- a browser ------------------------------------------------------------------------------------

NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            ],
        )  # fmt: skip
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page and what was noticed about it."""

    page: Page
    site: Site
    answers: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(browser: Browser, visited_site: Site) -> Iterator[Visit]:
    """The dashboard through nginx, and all that is said and asked on the way."""
    site = visited_site
    context = browser.new_context(
        ignore_https_errors=True, viewport={"width": 1366, "height": 768}, accept_downloads=True
    )
    context.add_init_script(NOTE_VIOLATIONS)
    page = context.new_page()
    visit = Visit(page, site)
    page.on("console", lambda one: visit.said.append(f"{one.type}: {one.text}"))
    page.on("pageerror", lambda error: visit.said.append(f"error: {error}"))
    page.on(
        "request",
        lambda one: None if one.url.startswith((site.address, "blob:", "data:"))
        else visit.elsewhere.append(one.url),
    )  # fmt: skip
    page.on(
        "response",
        lambda one: (
            visit.answers.append((one.url, one.status, one.headers))
            if one.url.startswith("http")
            else None
        ),
    )
    page.goto(site.address)
    yield visit
    context.close()


def numbers(page: Page) -> list[str]:
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=90_000)
    return [
        page.get_by_test_id(f"readout-{name}").inner_text() for name in ("cosine", "l2", "psnr")
    ]


def upload(page: Page) -> None:
    photo = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(portrait_photo()[:, ::-1])).save(photo, "PNG")
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": photo.getvalue()}
    )
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: Photo 1", timeout=60_000
    )
    page.keyboard.press("Escape")


# --- the page -------------------------------------------------------------------------------------

HEADERS = {
    "strict-transport-security": r"max-age=\d{7,}",
    "content-security-policy": r"default-src 'none'.*frame-ancestors 'none'",
    "permissions-policy": r"camera=\(self\).*geolocation=\(\)",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def lacking(headers: dict[str, str]) -> list[str]:
    """The names of headers that are not there or say something else."""
    lower = {name.lower(): value for name, value in headers.items()}
    return [
        name for name, wanted in HEADERS.items() if not re.fullmatch(
            f"{wanted}.*", lower.get(name, ""), re.DOTALL
        )
    ]  # fmt: skip


@pytest.mark.browser
def test_every_page_works_and_nothing_breaks_the_policy(visit: Visit):
    page = visit.page
    before = numbers(page)
    page.get_by_role("slider", name="Degree").fill("77")
    assert numbers(page) != before
    upload(page)
    numbers(page)
    page.get_by_role("link", name="Method").click()
    expect(page.get_by_text("What happens to my photo")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Sweeps").click()
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Parquet", exact=True).click()
    assert Path(download.value.path()).read_bytes()[:4] == b"PAR1"
    assert page.evaluate("() => window.violations") == []
    assert [one for one in visit.said if re.search("error:|Content.Security|policy", one)] == []
    assert visit.elsewhere == []


@pytest.mark.browser
def test_every_answer_has_the_headers(visit: Visit):
    visit.page.goto(visit.site.address)
    numbers(visit.page)
    assert len(visit.answers) > 50
    for address, status, headers in visit.answers:
        assert lacking(headers) == [], (address, status)
    refused = {
        "/no/such/file.js": ("GET", None, {}, 200),  # Streamlit answers with its page
        "/media/no-such-file.png": ("GET", None, {}, 404),
        "/vote/nobodys": ("GET", None, {}, 404),
        "/vote/vote_page.js": ("GET", None, {}, 200),
        "/_stcore/metrics": ("GET", None, {}, 404),
        "/_stcore/agent/interact": ("POST", b"{}", {}, 404),
        "/_stcore/health": ("POST", b"x" * 100_000, {}, 413),
        "/_stcore/stream": ("GET", None, UPGRADE, 101),
    }
    for path, (method, body, headers, status) in refused.items():
        answer = visit.site.ask(path, method, body, headers)
        assert answer.status == status, path
        assert lacking(dict(answer.getheaders())) == [], path


@pytest.mark.browser
def test_camera_is_allowed_to_the_page_and_no_other_sensor(visit: Visit):
    allowed = visit.page.evaluate("() => document.featurePolicy.allowedFeatures()")
    assert "camera" in allowed
    assert "fullscreen" in allowed
    assert {"geolocation", "microphone", "usb", "display-capture"}.isdisjoint(allowed)


@pytest.mark.browser
def test_no_other_page_may_frame_it(visit: Visit, browser: Browser):
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    with page.expect_event("console", lambda one: "frame" in one.text) as said:
        page.set_content(f'<iframe src="{visit.site.address}" width="900"></iframe>')
    assert "frame-ancestors 'none'" in said.value.text
    assert page.frames[1].locator("#root").count() == 0
    context.close()


def test_health_is_for_everybody_and_what_is_inside_for_nobody(site: Site):
    assert site.ask("/_stcore/health").status == 200
    assert site.ask("/_stcore/metrics").status == 404
    assert site.ask("/_stcore/agent/openapi.json").status == 404
    assert "nginx/" not in (site.ask("/_stcore/health").getheader("Server") or "")


def test_cookies_are_for_tls_only(site: Site):
    found = [site.ask(path).headers.get_all("Set-Cookie") for path in ("/", "/_stcore/health")]
    cookies = [one for several in found for one in several or []]
    assert any(one.startswith("_streamlit_xsrf=") for one in cookies)
    assert all("secure" in one.lower() and "samesite=" in one.lower() for one in cookies)


def test_without_tls_one_is_sent_to_tls_and_by_another_name_nowhere(site: Site):
    plain = http.client.HTTPConnection("127.0.0.1", site.plain, timeout=20)
    plain.request("GET", "/sweeps?degree=3", headers={"Host": NAME})
    answer = plain.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, f"https://{NAME}/sweeps?degree=3")
    plain.close()
    plain.request("GET", "/", headers={"Host": "other.example.org"})
    with pytest.raises(http.client.RemoteDisconnected):
        plain.getresponse()
    plain.close()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.connect("other.example.org")


# --- too much, too often --------------------------------------------------------------------------


def test_oversized_request_is_refused_before_it_is_read(site: Site):
    for path, size in (("/_stcore/upload_file/a/b", 27 << 20), ("/_stcore/host-config", 1 << 20)):
        connection = site.connect()
        connection.putrequest("PUT", path)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        connection.send(b"x" * 1000)
        assert connection.getresponse().status == 413
        connection.close()
    # What is not too large reaches Streamlit, which wants its token.
    assert site.ask("/_stcore/upload_file/a/b", "PUT", b"x" * (1 << 20)).status == 403


@pytest.mark.browser
def test_flood_of_tabs_is_refused_and_the_open_one_lives_on(visit: Visit):
    site, page = visit.site, visit.page
    page.goto(site.address)
    before = numbers(page)
    statuses = [site.ask("/_stcore/stream", headers=UPGRADE).status for _ in range(100)]
    assert set(statuses) == {101, 429}
    assert 429 not in statuses[:50]
    assert statuses.count(429) >= 20
    assert "limiting requests" in site.log()
    page.get_by_role("slider", name="Degree").fill("91")
    assert numbers(page) != before
    assert site.ask("/_stcore/health").status == 200


def test_page_of_another_site_is_not_let_in(site: Site):
    for origin, status in (
        (f"https://{NAME}:{site.tls}", 101),
        (f"http://{NAME}:{site.tls}", 403),
        (f"https://{NAME}.example.com:{site.tls}", 403),
        (f"https://{NAME}:1", 403),
        ("null", 403),
    ):
        answer = site.ask("/_stcore/stream", headers=UPGRADE | {"Origin": origin})
        assert answer.status == status, origin


class Upstream(ThreadingHTTPServer):
    """Stands in for a dashboard where only nginx is looked at; says which one it is."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), UpstreamHandler)
        self.name, self.received = name, 0
        self.release = threading.Event()


class UpstreamHandler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/_stcore/stream":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.server.release.wait(60)
            self.close_connection = True
            return
        body = b"x" * int(self.path.rpartition("=")[2]) if "size=" in self.path else b""
        self.answer(body)

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            part = self.rfile.read(min(left, 1 << 16))
            left -= len(part)
            self.server.received += len(part)
        self.answer(b"")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Upstream", self.server.name)
        self.send_header("X-Seen-For", str(self.headers.get("X-Forwarded-For")))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def upstreams(*names: str) -> Iterator[list[Upstream]]:
    running = [Upstream(name) for name in names]
    threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in running]
    for thread in threads:
        thread.start()
    try:
        yield running
    finally:
        for one, thread in zip(running, threads, strict=True):
            one.release.set()
            one.shutdown()
            thread.join()
            one.server_close()


def test_tab_stays_with_its_process(certificate: tuple[Path, Path], tmp_path: Path):
    with (
        upstreams("first", "second") as both,
        nginx_before(tmp_path, certificate, [one.server_port for one in both]) as site,
    ):
        seen: set[str | None] = set()
        for _ in range(20):
            first = site.ask("/")
            cookie = str(first.getheader("Set-Cookie")).partition(";")[0]
            again = [site.ask(f"/{i}", headers={"Cookie": cookie}) for i in range(4)]
            names = {one.getheader("X-Upstream") for one in [first, *again]}
            assert len(names) == 1
            seen |= names
        assert seen == {"first", "second"}
        # A cookie of somebody's own making is replaced.
        odd = site.ask("/", headers={"Cookie": "blurdash=<script>"})
        assert re.match(r"blurdash=[0-9a-f]{32};", str(odd.getheader("Set-Cookie")))
        # What a client claims about its address does not get through.
        lied = site.ask("/", headers={"X-Forwarded-For": "10.0.0.1"})
        assert lied.getheader("X-Seen-For") == "127.0.0.1"


def test_nothing_that_passes_is_written_to_a_file(certificate: tuple[Path, Path], tmp_path: Path):
    with (
        upstreams("only") as (one,),
        nginx_before(tmp_path, certificate, [one.server_port]) as site,
    ):
        folders = [path for path in (tmp_path / "temporary").rglob("*") if path.is_dir()]
        assert len(folders) >= 2
        before = [path.stat().st_mtime_ns for path in folders]
        body = b"x" * (20 << 20)
        answer = site.ask("/_stcore/upload_file/a/b", "PUT", body)
        assert (answer.status, one.received) == (200, len(body))
        slow = site.connect()  # what a slow client does not take yet, nginx would like to put away
        slow.request("GET", f"/media/a?size={20 << 20}")
        time.sleep(0.5)
        assert len(slow.getresponse().read()) == 20 << 20
        slow.close()
        assert [path.stat().st_mtime_ns for path in folders] == before
        assert [path for path in (tmp_path / "temporary").rglob("*") if path.is_file()] == []


def test_open_tabs_of_an_address_are_limited(certificate: tuple[Path, Path], tmp_path: Path):
    limit = int(re.findall(r"limit_conn blurdash_open (\d+);", NGINX_CONF.read_text("utf-8"))[0])
    faster = ("rate=2r/s", "rate=900r/s")  # the rate of new tabs is another test's matter
    with (
        upstreams("only") as (one,),
        nginx_before(tmp_path, certificate, [one.server_port], faster) as site,
        contextlib.ExitStack() as stack,
    ):
        statuses = []
        for _ in range(limit + 5):
            connection = site.connect()
            stack.callback(connection.close)
            connection.request("GET", "/_stcore/stream", headers=UPGRADE)
            statuses.append(connection.getresponse().status)
        assert "limiting connections" in site.log()
        assert statuses == [101] * limit + [429] * 5


# --- signing in -----------------------------------------------------------------------------------


class Provider(ThreadingHTTPServer):
    """An OpenID Connect provider at which one person is always signed in."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProviderHandler)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, object] = {}
        self.asked: dict[str, str] = {}
        self.issuer = f"http://127.0.0.1:{self.server_port}"

    def metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, object]:
        numbers = self.key.public_key().public_numbers()
        big = {"n": numbers.n, "e": numbers.e}
        key = {
            name: base64url(value.to_bytes((value.bit_length() + 7) // 8))
            for name, value in big.items()
        }
        return {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", **key}]}

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.asked["client_id"],
            "nonce": self.asked["nonce"],
            "sub": "1",
            "iat": now,
            "exp": now + 60,
            **self.claims,
        }
        parts = [
            base64url(json.dumps(one).encode()) for one in ({"alg": "RS256", "kid": "1"}, claims)
        ]
        signed = self.key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, base64url(signed)])


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class ProviderHandler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/authorize":
            asked = self.server.asked = dict(urllib.parse.parse_qsl(query))
            assert asked["code_challenge_method"] == "S256"
            back = urllib.parse.urlencode({"code": "secret-code", "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
            return
        self.answer(self.server.keys() if path == "/keys" else self.server.metadata())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = dict(urllib.parse.parse_qsl(body))
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        assert sent["code"] == "secret-code"
        assert base64url(digest) == self.server.asked["code_challenge"]
        self.answer({"access_token": "a", "token_type": "Bearer", "id_token": self.server.token()})

    def answer(self, fields: dict[str, object]) -> None:
        body = json.dumps(fields).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


SECRETS = """
[auth]
redirect_uri = "{address}/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "blurdash"
client_secret = "hush"
server_metadata_url = "{issuer}/.well-known/openid-configuration"

[sign_in]
emails = ["@example.org"]
"""


@pytest.mark.browser
def test_signing_in_with_a_provider(
    browser: Browser, certificate: tuple[Path, Path], tmp_path: Path
):
    # The port is in the secrets, and the dashboard's port in nginx's file.
    tls = free_port()
    with contextlib.ExitStack() as stack:
        provider = Provider()
        thread = threading.Thread(target=provider.serve_forever, args=(0.02,))
        thread.start()
        stack.callback(lambda: (provider.shutdown(), thread.join(), provider.server_close()))
        secrets = SECRETS.format(address=f"https://{NAME}:{tls}", issuer=provider.issuer)
        served = start_served(tmp_path, secrets)
        stack.callback(served.end)
        (tmp_path / "nginx").mkdir()
        site = stack.enter_context(
            nginx_before(tmp_path / "nginx", certificate, [served.port], tls=tls)
        )
        page = browser.new_page(ignore_https_errors=True)
        stack.callback(page.close)

        provider.claims = {"email": "eve@example.com", "email_verified": True}
        page.goto(f"{site.address}/sweeps")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text("was not invited")).to_be_visible(timeout=30_000)
        expect(page.locator(".bd-tiles")).to_have_count(0)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("for invited people")).to_be_visible(timeout=30_000)

        provider.claims = {"email": "ann@example.org", "email_verified": True}
        page.get_by_role("button", name="Sign in", exact=True).click()
        assert len(numbers(page)) == 3
        assert provider.asked["redirect_uri"] == f"{site.address}/oauth2callback"
        cookies = {one["name"]: one for one in page.context.cookies()}
        user = cookies["_streamlit_user"]
        assert (user["secure"], user["httpOnly"], user["sameSite"]) == (True, True, "Lax")

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("for invited people")).to_be_visible(timeout=30_000)
        assert "ann@" not in (served.folder / "log").read_text()


# --- what serves ----------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_runs_without_rights_and_writes_nothing(served: Served, site: Site):
    if not served.unprivileged:
        pytest.skip("needs root and setpriv, to become nobody")
    assert site.ask("/_stcore/health").status == 200
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines())
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    assert found["Uid"].split() == [nobody] * 4
    assert int(found["CapEff"], 16) | int(found["CapBnd"], 16) in (0, 1 << CAP_DAC_READ_SEARCH)
    assert found["NoNewPrivs"].strip() == "1"
    # By now pages were drawn and a photo was taken in (the tests above): nobody owns no file.
    mine = [
        path for top in (ROOT / "blurdash", ROOT / ".streamlit", ROOT / "assets", served.cache)
        for path in top.rglob("*") if path.is_file() and str(path.stat().st_uid) == nobody
    ]  # fmt: skip
    assert mine == []
    log = (served.folder / "log").read_text()
    assert "Traceback" not in log
    assert "127.0.0.1" not in log.replace("http://127.0.0.1", "")
