"""``verify``: a receipt computed again, as it came, altered by hand, and on another processor."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from blurdash import verify as verify_module
from blurdash.blur import Change
from blurdash.canvas import cut
from blurdash.cli import main
from blurdash.embed import Embedder
from blurdash.errors import BlurdashError, ReceiptError, WeightsError
from blurdash.face import Face, find_faces
from blurdash.photo import load_photo
from blurdash.portrait import portrait_photo
from blurdash.readout import PreparedFace, pixels_only
from blurdash.receipt import checksum
from blurdash.verify import Verification, verify
from tests.marks import long_but

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("verify")
Picture = npt.NDArray[np.uint8]
SAVED = {
    "PNG": {},
    "JPEG": {"quality": 90},
    "WEBP": {"quality": 90},
    "TIFF": {},
    "BMP": {},
    "GIF": {},
    "AVIF": {},
}


@functools.cache
def faces_of_the_portrait() -> tuple[Face, ...]:
    return tuple(find_faces(portrait_photo()))


@pytest.fixture
def found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finds the portrait's face once for all tests."""
    monkeypatch.setattr(verify_module, "find_faces", lambda _photo: list(faces_of_the_portrait()))


def told(
    embedder: Embedder, change: Change | None = None, face: Face | None = None, **how: Any
) -> dict[str, Any]:
    """Returns a readout as it comes back from JSON."""
    change = change or Change(degree=50, shift_x=2.5)
    face = face or faces_of_the_portrait()[0]
    prepared = PreparedFace(face, embedder, kernel=change.kernel, **how)
    return as_javascript_writes(prepared.readout(change).as_dict())


@functools.cache
def _usual(embedder: Embedder) -> dict[str, Any]:
    return told(embedder)


def usual(embedder: Embedder) -> dict[str, Any]:
    """Returns one and the same readout, each time to do with as one likes."""
    return copy.deepcopy(_usual(embedder))


def as_javascript_writes(value: Any) -> Any:
    """Returns JSON's values after a browser had them: whole numbers have no point any more."""
    if isinstance(value, dict):
        return {key: as_javascript_writes(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_javascript_writes(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def checked(
    known: dict[str, Any], embedder: Embedder, photo: Picture | None = None
) -> Verification:
    return verify(known, portrait_photo() if photo is None else photo, lambda *_: embedder)


def differing(found: Verification) -> set[str]:
    return {line.name for line in found.lines if line.status in ("differs", "unknown")}


CHANGES = [
    (Change(degree=0), {}),
    (Change(degree=1, angle=20, seed=3), {}),
    (Change(degree=100, angle=-31.5, shift_x=-0.5, shift_y=3), {"exact": False}),
    (Change(degree=60, angle=90, kernel="line"), {"exact": False}),
    (Change(degree=20), {"crop": "redetect"}),
]


@pytest.mark.parametrize(("change", "how"), CHANGES, ids=str)
def test_a_receipt_agrees_with_itself_in_every_line(
    change: Change, how: dict[str, Any], dlib_embedder: Embedder, found_once: None
) -> None:
    found = checked(told(dlib_embedder, change, **how), dlib_embedder)
    assert {line.status for line in found.lines} == {"equal"}, found
    assert found.agrees


def test_of_a_blur_that_leaves_no_face_the_reason_agrees(
    dlib_embedder: Embedder, found_once: None, portrait_face: Face
) -> None:
    known = told(dlib_embedder, Change(degree=100, angle=0, kernel="line"), crop="redetect")
    found = checked(known, dlib_embedder)
    assert found.agrees
    line = next(line for line in found.lines if line.name == "failure")
    assert line.there == known["receipt"]["failure"]


def test_a_receipt_of_the_pixels_alone_agrees(found_once: None, dlib_embedder: Embedder) -> None:
    known = pixels_only(faces_of_the_portrait()[0], Change(degree=30)).as_dict()
    assert checked(json.loads(json.dumps(known)), dlib_embedder).agrees


def saved(picture: Picture, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **SAVED[kind])
    return file.getvalue()


def scene(number: int) -> Picture:
    """Returns the portrait on a background, at another size and place for each number."""
    side = 300 + 60 * number
    face = cv2.resize(portrait_photo(), (side, side), interpolation=cv2.INTER_AREA)
    photo = np.full((side + 40 * number, side + 100, 3), 110 + number, np.uint8)
    photo[20 * number : 20 * number + side, 30 : 30 + side] = face
    return np.ascontiguousarray(np.rot90(photo, number % 4 if number > 5 else 0))


@contextlib.contextmanager
def another_processor() -> Iterator[None]:
    """Lets torch add up in another order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own about GPUs
        with torch.backends.mkldnn.flags(enabled=False):
            yield


@pytest.mark.usefixtures("own_eyes")
def test_another_processor_agrees(dlib_embedder: Embedder) -> None:
    photo = load_photo(saved(scene(2), "JPEG"))
    known = told(dlib_embedder, Change(degree=40), find_faces(photo)[0])
    with another_processor():
        found = checked(known, dlib_embedder, photo)
    assert found.agrees, differing(found)


@pytest.mark.long
@pytest.mark.usefixtures("own_eyes")
@pytest.mark.parametrize("number", range(10))
def test_photos_of_every_format_agree_on_two_processors(
    number: int, dlib_embedder: Embedder
) -> None:
    kind = list(SAVED)[number % len(SAVED)]
    photo = load_photo(saved(scene(number), kind))
    change = Change(degree=10 * number, angle=17 * number, shift_x=number / 2)
    known = told(dlib_embedder, change, find_faces(photo)[0], exact=number % 2 == 0)
    assert {line.status for line in checked(known, dlib_embedder, photo).lines} == {"equal"}
    with another_processor():
        found = checked(known, dlib_embedder, photo)
    assert found.agrees, differing(found)


# What a hand may write instead, and the line that tells it.
ALTERED: dict[str, tuple[Any, str]] = {
    "cosine_similarity": (0.5, "cosine_similarity"),
    "l2": (lambda value: value + 1e-3, "l2"),
    "psnr": (lambda value: value + 1e-3, "psnr"),
    "ssim": ("inf", "ssim"),
    "verdict.same_person": (False, "verdict"),
    "verdict": (None, "verdict"),
    "receipt.embedder": ("dlibb", "embedder"),
    "receipt.weights_sha256": ("0" * 64, "weights_sha256"),
    "receipt.protocol": ("study", "protocol"),
    "receipt.device": ("cuda", "device"),
    "receipt.crop": ("redetect", "l2"),
    "receipt.kernel": ("line", "psnr"),
    "receipt.degree": (51, "psnr"),
    "receipt.degree_percent_of_eye_distance": (20.0, "degree_percent_of_eye_distance"),
    "receipt.angle": (46.0, "psnr"),
    "receipt.shift": ([2, 0], "psnr"),
    "receipt.photo_sha256": ("0" * 64, "photo_sha256"),
    "receipt.photo_size": ([512, 511], "photo_size"),
    "receipt.photo_turned": (90, "photo_turned"),
    "receipt.face": (2, "face"),
    "receipt.faces": (2, "faces"),
    "receipt.face_confidence": (0.9, "face_confidence"),
    "receipt.face_second_score": (0.1, "face_second_score"),
    "receipt.face_source_px": (200.0, "face_source_px"),
    "receipt.face_doubt": ("it is a drawing", "face_doubt"),
    "receipt.eye_distance_px": (260.0, "eye_distance_px"),
    "receipt.canvas_whole": (True, "canvas_whole"),
    "receipt.canvas_sha256": ("0" * 64, "canvas_sha256"),
    "receipt.frame.centre": (lambda value: [value[0] + 0.5, value[1]], "frame"),
    "receipt.frame.right": (lambda value: [value[0], value[1] + 0.5], "frame"),
    "receipt.geometry.landmarks.0": (
        lambda value: [value[0] + 0.5, value[1]],
        "geometry.landmarks",
    ),
    "receipt.geometry.box.3": (lambda value: value + 0.5, "geometry.box"),
    "receipt.geometry.chip_points.1": (
        lambda value: [value[0] + 1, value[1]],
        "geometry.chip_points",
    ),
    "receipt.versions.torch": ("1.0", "versions.torch"),
    "receipt.versions.scipy": (None, "versions.scipy"),
}
# One of each kind: a value, a verdict, a setting, the photo, the face, the canvas, a version.
ALTERED_IN_EVERY_RUN = {
    "l2",
    "verdict.same_person",
    "receipt.embedder",
    "receipt.protocol",
    "receipt.kernel",
    "receipt.shift",
    "receipt.photo_turned",
    "receipt.face",
    "receipt.canvas_sha256",
    "receipt.frame.right",
    "receipt.geometry.box.3",
    "receipt.versions.torch",
}


def altered(known: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(known)
    place: Any = changed
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        place = place[step]
    place[last] = value(place[last]) if callable(value) else value
    return changed


@pytest.mark.parametrize("path", long_but(ALTERED_IN_EVERY_RUN, ALTERED))
def test_what_was_altered_by_hand_is_named(
    path: str, dlib_embedder: Embedder, found_once: None
) -> None:
    value, line = ALTERED[path]
    known = altered(usual(dlib_embedder), path, value)

    def load(name: str, protocol: str) -> Embedder:
        if (name, protocol) != ("dlib", "native"):
            raise WeightsError("there is no such recogniser")
        return dlib_embedder

    assert known["checksum"] != checksum(known)
    forged = verify(known | {"checksum": checksum(known)}, portrait_photo(), load)
    assert not forged.agrees
    wanted = {line, "embedder"} if line == "protocol" else {line}
    assert differing(forged) & wanted, differing(forged)


SUMMED_UP = {
    "receipt.note": "another",
    "receipt.seed": 7,
    "receipt.canvas_mean": [1, 2, 3],
    "receipt.blur": "fft",  # its numbers are as near as those of another processor
}


@pytest.mark.parametrize("path", SUMMED_UP)
def test_what_no_number_tells_is_told_by_the_checksum(
    path: str, dlib_embedder: Embedder, found_once: None
) -> None:
    found = checked(altered(usual(dlib_embedder), path, SUMMED_UP[path]), dlib_embedder)
    assert differing(found) == {"checksum"}


@pytest.mark.parametrize(("levels", "agrees"), [(1, True), (3, False)])
def test_single_grey_levels_are_another_processor_and_more_are_not(
    levels: int,
    agrees: bool,
    dlib_embedder: Embedder,
    found_once: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = usual(dlib_embedder)
    where = np.random.default_rng(0).random((1024, 1024, 3)) < 0.03

    def elsewhere(*given: Any) -> Picture:
        return np.where(where, np.minimum(cut(*given), 255 - levels) + levels, cut(*given)).astype(
            np.uint8
        )

    monkeypatch.setattr(verify_module, "cut", elsewhere)
    found = checked(known, dlib_embedder)
    line = next(line for line in found.lines if line.name == "canvas_sha256")
    assert (line.status == "near", found.agrees) == (agrees, agrees)
    assert ("single grey levels" in line.meaning) == agrees


def test_another_photo_is_said(dlib_embedder: Embedder, found_once: None) -> None:
    found = checked(usual(dlib_embedder), dlib_embedder, portrait_photo()[:, ::-1])
    assert {"photo_sha256", "canvas_sha256", "psnr"} <= differing(found)


def test_without_the_recogniser_its_numbers_are_not_compared(
    dlib_embedder: Embedder, found_once: None
) -> None:
    def load(_name: str, _protocol: str) -> Embedder:
        raise WeightsError("the weights are not here")

    found = verify(usual(dlib_embedder), portrait_photo(), load)
    unknown = {line.name for line in found.lines if line.status == "unknown"}
    assert unknown == {"embedder", "cosine_similarity", "cosine_distance", "l1", "l2"}
    assert not found.agrees
    assert {line.status for line in found.lines if line.name in ("psnr", "ssim")} == {"equal"}


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, (dict, list)) and value:
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inside:
            yield from leaves(one, (*way, key))
    if way:
        yield way


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.mark.long
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_receipt_of_any_shape_ends_in_lines_or_one_sentence(
    data: st.DataObject, dlib_embedder: Embedder, found_once: None
) -> None:
    known = _known(dlib_embedder)
    way = data.draw(st.sampled_from(list(leaves(known))))
    changed = copy.deepcopy(known)
    place = changed
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = data.draw(ANYTHING)
    with contextlib.suppress(BlurdashError):
        found = checked(changed, dlib_embedder)
        assert all(isinstance(line.meaning, str) for line in found.lines)


@functools.cache
def _known(embedder: Embedder) -> Any:
    return told(embedder, Change(degree=20), crop="redetect")


UNUSABLE = [
    ("receipt.frame", {"centre": [1040, 512], "right": [5, 0]}),
    ("receipt.frame", {"centre": [250, 100], "right": [9.9e6, 9e6]}),
    ("receipt.frame", {"centre": [250, 100], "right": [1, 0]}),
    ("receipt.geometry.landmarks", [[500, 500]] * 5),
    ("receipt.geometry.box.0", 10**400),
    ("receipt.angle", 10**400),
    ("receipt.degree", 200),
]


@pytest.mark.parametrize(("path", "value"), UNUSABLE, ids=str)
def test_what_cannot_be_computed_again_is_one_sentence(
    path: str, value: Any, dlib_embedder: Embedder, found_once: None
) -> None:
    with pytest.raises(ReceiptError, match=r"cannot be used|none of a face|does not say"):
        checked(altered(usual(dlib_embedder), path, value), dlib_embedder)


def test_numbers_of_hundreds_of_digits_differ(dlib_embedder: Embedder, found_once: None) -> None:
    for path, line in (("l2", "l2"), ("receipt.face_confidence", "face_confidence")):
        found = checked(altered(usual(dlib_embedder), path, 10**400), dlib_embedder)
        assert line in differing(found)


@pytest.mark.parametrize("wrong", [[], {}, {"receipt": 3}, {"receipt": {"format": 2}}, None, "x"])
def test_what_is_no_receipt_is_said(wrong: Any, dlib_embedder: Embedder) -> None:
    with pytest.raises(ReceiptError):
        verify(wrong, portrait_photo(), lambda *_: dlib_embedder)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Returns a photo and the receipt that ``readout`` gave of it."""
    folder = tmp_path_factory.mktemp("verify")
    Image.fromarray(portrait_photo()).save(folder / "a.png")
    return folder / "a.png", folder / "receipt.json"


@pytest.mark.long
def test_a_process_of_its_own_gives_the_very_numbers(files: tuple[Path, Path]) -> None:
    photo, receipt = files
    line = [sys.executable, "-m", "blurdash"]
    words = ["readout", str(photo), "--embedder", "dlib", "--crop", "redetect", "--json"]
    told = subprocess.run([*line, *words], cwd=ROOT, capture_output=True, check=True, timeout=120)
    receipt.write_bytes(told.stdout)
    words = ["verify", str(receipt), "--photo", str(photo)]
    done = subprocess.run([*line, *words], cwd=ROOT, capture_output=True, check=True, timeout=120)
    statuses = {text.split()[0] for text in done.stdout.decode().splitlines()}
    assert statuses == {"equal", "agrees:"}  # and none is only near


def test_a_face_found_elsewhere_in_the_changed_picture_is_said(
    dlib_embedder: Embedder, found_once: None
) -> None:
    known = told(dlib_embedder, Change(degree=20), crop="redetect")
    for path, line in (("landmarks.2", "landmarks"), ("box.0", "box")):
        value = [1, 2] if line == "landmarks" else 3
        wrong = altered(known, f"receipt.geometry_redetected.{path}", value)
        found = differing(checked(wrong | {"checksum": checksum(wrong)}, dlib_embedder))
        assert f"geometry_redetected.{line}" in found


def test_the_command_line_verifies_what_it_wrote(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    photo, receipt = files
    words = ["readout", str(photo), "--embedder", "dlib", "--blur", "fft", "--json"]
    assert main([*words, "--degree", "77"]) == 0
    receipt.write_text(capsys.readouterr().out)
    assert json.loads(receipt.read_text())["receipt"]["blur"] == "fft"
    assert main(["verify", str(receipt), "--photo", str(photo)]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1].startswith("agrees: ")
    assert "differs" not in shown
    receipt.write_text(receipt.read_text().replace('"degree": 77', '"degree": 78'))
    assert main(["verify", str(receipt), "--photo", str(photo)]) == 3
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1].startswith("does not agree: ")
    assert any(line.startswith("differs  psnr") for line in shown.splitlines())


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"{}", b" " * 2_000_000])
def test_a_file_that_is_no_receipt_ends_with_2(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.json").write_bytes(content)
    Image.fromarray(portrait_photo()).save(tmp_path / "a.png")
    assert main(["verify", str(tmp_path / "r.json"), "--photo", str(tmp_path / "a.png")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_a_file_it_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "nowhere.json", "--photo", "nothing.png"]) == 2
    assert "cannot be read" in capsys.readouterr().err
