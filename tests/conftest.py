"""What every test starts from: offline, seeded, one portrait, one recogniser."""

from __future__ import annotations

import copy
import functools
import gc
import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from blurdash.embed import Embedder
    from blurdash.face import Face

Picture = npt.NDArray[np.uint8]

SEED = 20240607
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

settings.register_profile("blurdash", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("blurdash")


def pytest_configure() -> None:
    """Forbids every download, also in the subprocesses that tests start.

    With pytest-xdist each worker keeps to its share of the processors: threads that wait for
    each other's cores take several times as long.
    """
    os.environ["BLURDASH_OFFLINE"] = "1"
    # References of whoever runs the tests are none of theirs.
    os.environ["XDG_DATA_HOME"] = str(Path(tempfile.gettempdir()) / "blurdash-tests-no-data")
    os.environ.pop("BLURDASH_REFERENCE", None)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        import cv2
        import torch

        share = max(1, (os.cpu_count() or 1) // workers)
        torch.set_num_threads(share)
        cv2.setNumThreads(share)
        os.environ.setdefault("OMP_NUM_THREADS", str(share))  # for subprocesses


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What is imported stays for good: the collector need not walk over it again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def find_chromium() -> str | None:
    """Returns the path of the system's Chromium or Chrome, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def require_chromium() -> str:
    """Returns the path of Chromium; without one the test skips, or fails where CI=true."""
    path = find_chromium()
    if path is None:
        reason = f"needs a browser: none of {', '.join(CHROMIUM_NAMES)} is installed"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked ``browser`` run only where there is one."""
    if item.get_closest_marker("browser") is not None:
        require_chromium()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Starts every test from the same state of every global random generator."""
    import torch

    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)


# What face.py does that takes long and sees nothing but a picture.
LOOKS = ("_detect", "_second_score", "chip_landmarks")


def _remembered(look: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which looks through the same pixels once."""
    seen: dict[Any, Any] = {}

    @functools.wraps(look)
    def remembered(picture: Picture, *how: Any) -> Any:
        key = (hashlib.sha1(picture.tobytes()).digest(), picture.shape, how)
        if key not in seen:
            seen[key] = look(picture, *how)
        return copy.copy(seen[key])

    return remembered


@pytest.fixture(scope="session", autouse=True)
def _looked_once() -> Iterator[None]:
    """Has a picture's faces be looked for once: most tests use the same few."""
    from blurdash import face

    with pytest.MonkeyPatch.context() as patch:
        for name in LOOKS:
            patch.setattr(face, name, _remembered(getattr(face, name)))
        yield


@pytest.fixture(scope="session", autouse=True)
def _packages_searched_once() -> Iterator[None]:
    """Streamlit's test bench looks for components in all installed packages, for each app anew."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_head_start() -> Iterator[None]:
    """A recogniser is loaded at once: there is no first page here that it would hold up."""
    from blurdash.ui.server import recogniser

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recogniser, "HEAD_START_SECONDS", 0)
        yield


@pytest.fixture
def own_eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of looking itself: every picture is looked through anew."""
    from blurdash import face

    for name in LOOKS:
        monkeypatch.setattr(face, name, getattr(face, name).__wrapped__)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Returns the path of Chromium; see the marker ``browser``."""
    return require_chromium()


@pytest.fixture(scope="session")
def portrait() -> Picture:
    """Returns the built-in portrait, 512 × 512, read-only: no function may change its input."""
    from skimage.data import astronaut

    picture = np.array(astronaut(), np.uint8)
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="session")
def portrait_face(portrait: Picture) -> Face:
    """Returns the portrait's face on its canvas, read-only."""
    from blurdash.face import find_face

    face = find_face(portrait)
    face.canvas.flags.writeable = False
    return face


@pytest.fixture(scope="session")
def dlib_embedder() -> Embedder:
    """Returns dlib's recogniser on the CPU."""
    from blurdash.embed import load_embedder

    return load_embedder("dlib", device="cpu")


@pytest.fixture
def no_facenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides FaceNet weights that this machine may have, and recognisers loaded so far."""
    from blurdash import embed

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("BLURDASH_WEIGHTS_DIR", raising=False)
    monkeypatch.setattr(embed, "_loaded", {})
