"""What breaks while the work is under way: weights, disk, workers, recogniser, clock.

Each time nothing that was done is lost, what is said is one sentence, and the page lives on. What
breaks between a live page and its server is in tests/browser/test_faults.py; downloads that fail
for every other reason are in test_weights.py.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from blurdash import embed, weights
from blurdash.embed import Embedder, Embeddings, facenet_embedder
from blurdash.embed.facenet_weights import VGGFACE2
from blurdash.errors import EmbeddingError
from blurdash.face import Face
from blurdash.measures import MEASURES
from blurdash.sweep import RunOptions, Sweep, run_sweep
from blurdash.sweep_file import read_sweep
from blurdash.ui.components.rows import TILES
from blurdash.ui.server import recogniser
from blurdash.ui.visitor.shown_face import ShownFace
from blurdash.ui.visitor.sweep_job import SweepJob
from blurdash.ui.visitor.view import View
from blurdash.weights import WeightsFile, fetch, sha256
from tests.facenet_files import write_random_weights

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 90  # s; only a fault takes so long
Picture = npt.NDArray[np.uint8]


def wait_until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return result


# --- weights, while a page is open ----------------------------------------------------------------


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Returns a file of FaceNet's structure and size; its numbers are random."""
    path = write_random_weights(tmp_path_factory.mktemp("facenet"), seed=5)
    yield path
    shutil.rmtree(path.parent)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Returns the folder of weights of a machine that has none and has loaded none."""
    monkeypatch.delenv("BLURDASH_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(weights, "_failures", {})
    monkeypatch.setattr(embed, "_loaded", {})
    monkeypatch.setattr(recogniser, "_loading", {})
    folder = tmp_path / "torch" / "checkpoints"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


def explore() -> None:
    from blurdash.ui.explore.page import explore_page

    explore_page()


class Visit:
    """A page that is open, with FaceNet chosen."""

    def __init__(self) -> None:
        st.cache_resource.clear()  # every AppTest has the same session id
        self.app = AppTest.from_function(explore, default_timeout=PATIENCE)
        self.app.session_state["bd_view"] = View(recogniser="facenet-vggface2")
        self.sent = 0
        self.app.run()

    def settled(self) -> AppTest:
        """The page once its recogniser is there or is known to be missing."""
        view: View = self.app.session_state["bd_view"]
        loading = recogniser.request(view.recogniser, view.protocol)
        assert loading.done.wait(PATIENCE)
        self.app.run()
        assert not self.app.exception
        return self.app

    def numbers(self, degree: int) -> list[float] | None:
        """What the recogniser's tiles show when the slider is moved there; PSNR and SSIM stay."""
        self.sent += 1
        self.app.session_state["bd_controls"] = {"pos": [degree, 45, 0, 0, self.sent]}
        values = component_data(self.settled(), "bd_controls")["values"]
        assert values[-1] != "none"
        embedding = [
            v for v, name in zip(values, TILES, strict=True) if MEASURES[name].family == "embedding"
        ]
        return None if "none" in embedding else [float(value) for value in embedding]

    def choose(self, label: str, value: str) -> None:
        next(one for one in self.app.selectbox if one.label == label).set_value(value).run()

    def errors(self) -> list[str]:
        return [one.value for one in self.settled().error]

    def try_again(self) -> None:
        next(one for one in self.app.button if one.label == "Try again").click().run()


def component_data(app: AppTest, key: str) -> dict[str, Any]:
    """What the component with this key was sent last."""

    def search(element: Any) -> dict[str, Any] | None:
        proto = getattr(element, "proto", None)
        if key in str(getattr(proto, "id", "")) and getattr(proto, "json", ""):
            return dict(json.loads(proto.json))
        children = getattr(element, "children", {}).values()
        return next((found for child in children if (found := search(child))), None)

    return next(found for element in app.main if (found := search(element)))


@pytest.mark.long
def test_weights_deleted_and_damaged_while_pages_are_open(cache: Path, weights_file: Path):
    file = cache / VGGFACE2.file_name
    os.link(weights_file, file)
    visit = Visit()
    before = visit.numbers(40)
    assert before is not None
    file.unlink()
    # Who is there, and who comes now, goes on with what is in memory.
    assert visit.numbers(60) != before
    assert visit.numbers(40) == before
    assert Visit().numbers(40) == before
    # What needs the file again says that it is not there; the rest of the page lives.
    visit.choose("Protocol", "study")
    assert visit.numbers(40) is None
    assert len(visit.errors()) == 1
    assert "The weights of FaceNet VGGFace2 are not on this machine" in visit.errors()[0]
    visit.choose("Protocol", "native")
    assert (visit.numbers(40), visit.errors()) == (before, [])
    # Damaged: the right size, and zeros from the middle on.
    shutil.copy(weights_file, file)
    with file.open("r+b") as damaged:
        damaged.truncate(file.stat().st_size // 2)
        damaged.truncate(weights_file.stat().st_size)
    visit.choose("Protocol", "study")
    visit.try_again()
    assert VGGFACE2.file_name in visit.errors()[0]
    assert "move it away, and it is downloaded anew" in visit.errors()[0]
    assert Visit().numbers(40) == before
    # Repaired: the page that waited goes on.
    shutil.copy(weights_file, file)
    visit.try_again()
    assert visit.errors() == []
    assert visit.numbers(40) is not None


class Torn(ThreadingHTTPServer):
    """Sends a file: the first time not to its end."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(("127.0.0.1", 0), TornHandler)
        self.path, self.asked = path, 0
        self.hold = threading.Event()


class TornHandler(BaseHTTPRequestHandler):
    server: Torn

    def do_GET(self) -> None:
        self.server.asked += 1
        content = self.server.path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            if self.server.asked == 1:
                # In two parts: progress is told only now and then, and the first comes too soon.
                for part in (content[:1000], content[1000 : len(content) // 2]):
                    self.wfile.write(part)
                    self.wfile.flush()
                    time.sleep(1)
                self.server.hold.wait(PATIENCE)
            else:
                self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def torn(weights_file: Path) -> Iterator[Torn]:
    server = Torn(weights_file)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.long
def test_download_cut_midway_is_said_on_the_page_and_tried_again(
    cache: Path, torn: Torn, weights_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("BLURDASH_OFFLINE")
    address = f"http://127.0.0.1:{torn.server_port}/weights"
    monkeypatch.setattr(facenet_embedder, "VGGFACE2", replace(VGGFACE2, url=address))
    visit = Visit()
    half = weights_file.stat().st_size // 2
    loading = recogniser.request("facenet-vggface2", "native")
    wait_until(lambda: loading.fraction)
    # Under way: the page shows how far it is and takes the slider's moves.
    visit.app.session_state["bd_controls"] = {"pos": [70, 45, 0, 0, 1]}
    visit.app.run()
    assert not visit.app.exception
    assert component_data(visit.app, "bd_controls")["pos"][0] == 70
    assert 0 < loading.fraction <= 0.5
    torn.hold.set()
    [error] = visit.errors()
    assert f"broke off after {half:,} of {weights_file.stat().st_size:,} bytes" in error
    assert list(cache.iterdir()) == []
    visit.try_again()
    assert visit.numbers(40) is not None
    assert visit.errors() == []
    assert torn.asked == 2
    assert [path.name for path in cache.iterdir()] == [VGGFACE2.file_name]


FETCH = """
import sys
from blurdash.weights import WeightsFile, fetch
fetch(WeightsFile("Testnet", "testnet.pt", sys.argv[1], 1, 10**9, "CC0", "this test"))
"""


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="without locks such a part stays")
def test_download_whose_process_is_killed_leaves_nothing_for_long(
    cache: Path, torn: Torn, weights_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("BLURDASH_OFFLINE")
    address = f"http://127.0.0.1:{torn.server_port}/weights"
    process = subprocess.Popen([sys.executable, "-c", FETCH, address], cwd=ROOT)
    half = weights_file.stat().st_size // 2
    parts = wait_until(lambda: [p for p in cache.iterdir() if p.stat().st_size >= half])
    # A download that is under way is no rubbish, even to another one.
    weights._clear_away(cache / "testnet.pt")
    assert list(cache.iterdir()) == parts
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(cache.iterdir()) == parts
    row = WeightsFile("Testnet", "testnet.pt", address, 1, 10**9, "CC0", "this test")
    found = fetch(row)
    assert list(cache.iterdir()) == [found]
    assert sha256(found) == sha256(weights_file)


@pytest.mark.long
def test_hash_sees_a_file_that_was_swapped_with_size_and_date_kept(tmp_path: Path):
    path, other = tmp_path / "weights", tmp_path / "other"
    path.write_bytes(b"one")
    first = sha256(path)
    other.write_bytes(b"two")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert sha256(path) != first


# --- the disk, while a sweep writes ---------------------------------------------------------------

DISK = """
import json, os, resource, subprocess, sys
from pathlib import Path
import cv2, numpy as np
from blurdash.embed import Embedder
from blurdash.errors import TableError
from blurdash.sweep import RunOptions, Sweep, run_sweep
from blurdash.sweep_file import read_sweep

class Tiny(Embedder):
    name, dim, normalised = "tiny", 192, False
    def __init__(self):
        super().__init__("native", "0" * 64)
    def crop(self, canvas, face):
        return cv2.resize(canvas, (8, 8), interpolation=cv2.INTER_AREA)
    def embed_crops(self, crops):
        return crops.reshape(len(crops), -1).astype(np.float32) / 255

faces, there, disk, sizes = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
sweep, tiny = Sweep(degrees=(0, 12, 60), angle=20.0), Tiny()
told = []

def attempt(out):
    try:
        report = run_sweep(faces, out, sweep, how=RunOptions(workers=1), embedder=tiny)
    except TableError as error:
        parts = len(list(disk.glob("*.parts/*.parquet")))
        rubbish = [p.name for p in disk.rglob("*.part")]
        told.append({"message": str(error), "parts": parts, "rubbish": rubbish})
        return None
    return report

attempt(there)
for size in sizes:
    limit, _, only = size.partition(":")
    if limit.isdigit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    else:
        subprocess.run(["mount", *size.split(), str(disk)], check=True)
    if only:
        continue
    report = attempt(disk / "t.parquet")
    if report:
        break
tables = [read_sweep(p).replace_schema_metadata(None) for p in (there, disk / "t.parquet")]
left = sorted(p.name for p in disk.iterdir())
print(json.dumps({"told": told, "resumed": report.resumed, "same": tables[0].equals(tables[1]),
                  "left": left}))
"""


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory, portrait_face: Face) -> Path:
    """Returns a folder with three faces: the portrait, mirrored, and darker."""
    folder = tmp_path_factory.mktemp("faces")
    bgr = cv2.cvtColor(portrait_face.canvas, cv2.COLOR_RGB2BGR)
    for name, picture in (("a", bgr), ("b", bgr[:, ::-1]), ("c", bgr // 2 + 10)):
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    return folder


def on_a_small_disk(command: list[str], faces: Path, tmp_path: Path, sizes: list[str]) -> Any:
    (tmp_path / "disk").mkdir()
    arguments = [str(faces), str(tmp_path / "whole.parquet"), str(tmp_path / "disk"), *sizes]
    done = subprocess.run(
        [*command, sys.executable, "-c", DISK, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def may_mount() -> list[str] | None:
    """Returns what runs a command where it may mount a file system that only it sees."""
    for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        test = [*command, "mount", "-t", "tmpfs", "none", "/mnt"]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(test, capture_output=True, check=True)
            return command
    return None


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_sweep_on_a_disk_that_is_full(faces: Path, tmp_path: Path):
    """First its files may not grow; then the disk grows a little at a time: full at every step."""
    mounting = may_mount()
    sizes = ["400", "5000", f"{1 << 30}"]
    if mounting:
        sizes[-1] += ":only"  # the last limit is none; what follows it is the disk's
        sizes += ["-t tmpfs -o size=8k none"]
        sizes += [f"-o remount,size={kilobytes}k" for kilobytes in range(16, 400, 8)]
    found = on_a_small_disk(mounting or [], faces, tmp_path, sizes)
    parts = [one["parts"] for one in found["told"]]
    for number, one in enumerate(found["told"]):
        reason = "File too large" if number < 2 else "No space left on device"
        assert reason in one["message"]
        assert one["message"].startswith("t.parquet")  # no name that only blurdash knows
        assert "check the folder and the free space" in one["message"]
        assert "\n" not in one["message"]
        assert one["rubbish"] == []
    assert parts[:2] == [0, 0]
    if mounting:
        assert parts[2] == 0  # full before the first face was kept,
        assert parts.count(3) >= 1  # and while the table was written from all of them
    assert parts == sorted(parts)
    assert found["resumed"] == parts[-1]
    assert found["same"]
    assert found["left"] == ["t.parquet"]


# --- the recogniser, in the middle of a sweep -----------------------------------------------------


class TinyEmbedder(Embedder):
    """The canvas on 8 × 8 pixels. Fails once, at a given number of crops, if told to."""

    name: ClassVar[str] = "tiny"
    dim: ClassVar[int] = 192
    normalised: ClassVar[bool] = False

    def __init__(self, fails_at: float = float("inf")) -> None:
        super().__init__("native", "0" * 64)
        self.fails_at, self.seen = fails_at, 0

    def crop(self, canvas: Picture, face: Face) -> Picture:
        return np.asarray(cv2.resize(canvas, (8, 8), interpolation=cv2.INTER_AREA), np.uint8)

    def embed_crops(self, crops: Picture) -> Embeddings:
        self.seen += len(crops)
        if self.seen >= self.fails_at:
            self.fails_at = float("inf")
            raise RuntimeError("CUDA error:\nout of memory")
        return crops.reshape(len(crops), -1).astype(np.float32) / 255


SETTINGS = Sweep(degrees=(0, 12, 60), angle=20.0)


@pytest.fixture(scope="module")
def wanted(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    out = tmp_path_factory.mktemp("wanted") / "wanted.parquet"
    run_sweep(faces, out, SETTINGS, how=RunOptions(workers=1), embedder=TinyEmbedder())
    return read_sweep(out).replace_schema_metadata(None)


@pytest.mark.long
@pytest.mark.parametrize("fails_at", [1, 4, 5, 12])  # a clean face's crop, or its blurred ones
def test_recogniser_that_fails_midway_ends_the_sweep_which_goes_on_later(
    faces: Path, wanted: pa.Table, tmp_path: Path, fails_at: int
):
    out, embedder = tmp_path / "t.parquet", TinyEmbedder(fails_at)
    one = RunOptions(workers=1)
    with pytest.raises(EmbeddingError) as caught:
        run_sweep(faces, out, SETTINGS, how=one, embedder=embedder)
    said = str(caught.value)
    assert said.startswith("the recogniser tiny failed (RuntimeError: CUDA error: out of memory)")
    assert not out.exists()
    report = run_sweep(faces, out, SETTINGS, how=one, embedder=embedder)
    assert report.resumed == (fails_at - 1) // 4
    assert report.failed_rows == 0
    assert read_sweep(out).replace_schema_metadata(None).equals(wanted)


def job_of(face: Face, embedder: Embedder) -> SweepJob:
    return SweepJob(
        [ShownFace("x", "Photo 1", face)], SETTINGS, embedder, session=f"{id(embedder)}"
    )


def ended(job: SweepJob) -> SweepJob:
    wait_until(lambda: not job.running)
    return job


@pytest.mark.long
def test_visitor_whose_sweep_fails_is_told_and_tries_again_and_no_other_notices(
    portrait_face: Face,
):
    failing = TinyEmbedder(fails_at=3)
    mine, another = job_of(portrait_face, failing), job_of(portrait_face, TinyEmbedder())
    assert ended(mine).error.startswith("The recogniser tiny failed (RuntimeError: ")
    assert mine.table is None
    assert ended(another).table is not None
    again = ended(job_of(portrait_face, failing))
    assert (again.error, again.table) == ("", another.table)


# --- workers of a cluster -------------------------------------------------------------------------

RAY = """
import json, os, pathlib, signal, sys, time
import ray
from blurdash import engine
from blurdash.engine import run_ray
from blurdash.errors import BlurdashError, WeightsError
from blurdash.sweep import RunOptions, Sweep, run_sweep

folder = pathlib.Path(sys.argv[1])
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
found = {}

def poison():
    def work(task):
        if task == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return task
    return work

engine.RETRIES = 1  # each costs a start
found["poison"] = sorted(run_ray(poison, range(8), workers=2, lost=lambda task: -task))
engine.RETRIES = 0
try:
    list(run_ray(poison, [3], workers=1))
except BlurdashError as error:
    found["alone"] = str(error)
engine.RETRIES = 2

def no_weights():
    raise WeightsError("the weights are gone", hint="bring them back")

try:
    list(run_ray(no_weights, range(8), workers=2))
except WeightsError as error:
    found["weights"] = str(error)

def actors():
    for entry in pathlib.Path("/proc").iterdir():
        try:
            mine = os.environ["BLURDASH_TEST"].encode() in (entry / "environ").read_bytes()
            if mine and (entry / "cmdline").read_bytes().startswith(b"ray::_Actor"):
                yield int(entry.name)
        except (OSError, ValueError):
            pass

killed = []

def progress(done, total):
    if 0 < done < total and not killed:
        killed.extend(actors())
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

sweep = Sweep(degrees=(0, 12, 60), angle=20.0, embedder="dlib")
run_sweep(folder, folder.parent / "ray.parquet", sweep, progress=progress,
          how=RunOptions(workers=1, engine="ray"))
found["killed"] = len(killed)
print(json.dumps(found))
ray.shutdown()
"""


@pytest.mark.long
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None or sys.platform != "linux",
    reason="needs the package ray, and /proc",
)
def test_workers_that_die_lose_no_face(faces: Path, tmp_path: Path, dlib_embedder: Embedder):
    shutil.copytree(faces, tmp_path / "faces")
    run_sweep(faces, tmp_path / "local.parquet", SETTINGS, embedder=dlib_embedder)
    environment = {
        **os.environ,
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "BLURDASH_TEST": f"{os.getpid()}-{time.monotonic_ns()}",
    }
    done = subprocess.run(
        [sys.executable, "-c", RAY, str(tmp_path / "faces")], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    [printed] = [
        line for line in done.stdout.splitlines() if line.startswith("{")
    ]  # Ray prints too
    found = json.loads(printed)
    assert found["poison"] == [-3, 0, 1, 2, 4, 5, 6, 7]
    assert "a worker died 2 times at the same task" in found["alone"]
    assert found["weights"] == "the weights are gone; bring them back"
    assert found["killed"] >= 1
    here, there = (
        read_sweep(tmp_path / f"{name}.parquet").replace_schema_metadata(None)
        for name in ("local", "ray")
    )
    assert there.equals(here)


# --- the clock ------------------------------------------------------------------------------------


@pytest.fixture
def mad_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Makes the time of day jump by a year at every look, back and forth; lists the looks."""
    looks: list[float] = []
    honest = time.time

    def jump() -> float:
        if "streamlit.testing" in sys._getframe(1).f_globals["__name__"]:
            return honest()  # AppTest looks at it to see whether a run takes too long
        looks.append(honest() + (-1) ** len(looks) * 365 * 86_400)
        return looks[-1]

    monkeypatch.setattr(time, "time", jump)
    return looks


@pytest.mark.long
def test_page_and_sweep_do_not_care_for_the_time_of_day(
    dlib_embedder: Embedder, portrait_face: Face, mad_clock: list[float]
):
    loading = recogniser.request("dlib", "native")
    assert loading.done.wait(PATIENCE)
    st.cache_resource.clear()
    app = AppTest.from_function(explore, default_timeout=PATIENCE)
    app.session_state["bd_view"] = View(recogniser="dlib")
    app.run()
    for number, degree in enumerate((10, 90, 10), start=1):
        app.session_state["bd_controls"] = {"pos": [degree, 45, 0, 0, number]}
        app.run()
        assert not app.exception
        assert component_data(app, "bd_controls")["values"]
    slow = TinyEmbedder()
    embed_crops = slow.embed_crops
    slow.embed_crops = lambda crops: (time.sleep(0.05), embed_crops(crops))[1]  # type: ignore[method-assign]
    every = replace(SETTINGS, degrees=tuple(range(0, 101, 2)))
    job = SweepJob([ShownFace("x", "Photo 1", portrait_face)], every, slow, session="x")
    left = []
    while job.running:
        left.append(job.seconds_left())
        time.sleep(0.02)
    assert job.error == ""
    assert mad_clock != []
    known = [seconds for seconds in left if seconds is not None]
    assert known
    assert all(0 <= seconds < PATIENCE for seconds in known)


@pytest.mark.long
def test_nothing_is_timed_by_the_time_of_day():
    """The time of day only ever becomes a date for people to read."""
    found = []
    for path in sorted((ROOT / "blurdash").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (
                (node.attr in ("time", "time_ns") and getattr(node.value, "id", "") == "time")
                or node.attr in ("now", "utcnow", "today", "fromtimestamp")
            ):
                found.append((path.name, ast.unparse(node)))
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                found += [(path.name, name.name) for name in node.names]
    dated = ("flips.py", "reference_run.py", "sweep.py")
    assert found == [(name, "dt.datetime.now") for name in dated]
    for name in dated:
        text = (ROOT / "blurdash" / name).read_text("utf-8")
        assert text.count("dt.datetime.now(dt.UTC).isoformat(timespec=") == 1
