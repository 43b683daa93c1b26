"""dlib's recogniser in torch: dlib's own numbers, no surprise from a damaged file, and loading.

The reference is ``dlib.face_recognition_model_v1`` itself, from photo to descriptor.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from blurdash import embed
from blurdash.blur import apply_kernel, shift, study_blur
from blurdash.embed import EMBEDDERS, Embedder, load_embedder
from blurdash.embed.dlib_resnet import DlibEmbedder, read_dat
from blurdash.errors import EmbeddingError, PictureError, SettingError, WeightsError
from blurdash.face import Face, find_face, model_file
from blurdash.kernel import line_kernel

Picture = npt.NDArray[np.uint8]
Embeddings = npt.NDArray[np.float32]

TOLERANCE = 1e-5
FILE_NAME = "dlib_face_recognition_resnet_model_v1.dat"
FACES = Path(__file__).resolve().parents[2] / "shared" / "faces"  # where it is, three are added


@pytest.fixture(scope="session")
def dlib_itself() -> Any:
    import dlib

    return dlib.face_recognition_model_v1(str(model_file(FILE_NAME)))


def by_dlib(model: Any, canvas: Picture, face: Face) -> Embeddings:
    """dlib's own descriptor, from its landmarks to its last layer."""
    import dlib

    points = dlib.points([dlib.point(x, y) for x, y in face.chip_points])
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 1023, 1023), points)
    return np.array(model.compute_face_descriptor(np.ascontiguousarray(canvas), shape), np.float32)


@pytest.fixture(scope="module")
def crops(portrait_face: Face) -> list[tuple[str, Picture, Face]]:
    """Returns clean and changed canvases with the face that tells where to cut."""
    canvas = portrait_face.canvas
    grain = np.random.default_rng(0).normal(0, 25, canvas.shape)
    mirrored = find_face(np.ascontiguousarray(canvas[:, ::-1]))
    pairs = [
        ("clean", canvas, portrait_face),
        ("study 50", study_blur(canvas, 50, 45)[0], portrait_face),
        ("line 100", apply_kernel(canvas, line_kernel(100, 20)), portrait_face),
        ("shifted", shift(canvas, 16, -5.5), portrait_face),
        ("noisy", np.clip(canvas + grain, 0, 255).astype(np.uint8), portrait_face),
        ("dark", canvas // 5, portrait_face),
        ("black", np.zeros_like(canvas), portrait_face),
        ("mirrored", mirrored.canvas, mirrored),
    ]
    for path in sorted(FACES.glob("*.png"))[:3]:
        face = find_face(np.asarray(Image.open(path).convert("RGB")))
        pairs.append((path.name, face.canvas, face))
    return pairs


# --- the numbers ---------------------------------------------------------------------------------


def test_every_embedding_is_dlibs_own(
    crops: list[tuple[str, Picture, Face]], dlib_embedder: Embedder, dlib_itself: Any
) -> None:
    for name, canvas, face in crops:
        ours = dlib_embedder.embed(canvas, face)[0]
        assert np.abs(ours - by_dlib(dlib_itself, canvas, face)).max() < TOLERANCE, name


def test_the_crop_is_dlibs_own_chip(portrait_face: Face, dlib_embedder: Embedder) -> None:
    import dlib

    points = [dlib.point(x, y) for x, y in portrait_face.chip_points]
    shape = dlib.full_object_detection(dlib.rectangle(5, 5, 90, 90), points)
    chip = dlib.get_face_chip(np.array(portrait_face.canvas), shape, size=150, padding=0.25)
    ours = dlib_embedder.crop(portrait_face.canvas, portrait_face)
    assert np.array_equal(ours, chip)
    assert ours.shape == (150, 150, 3)


def test_a_batch_is_its_single_faces(
    crops: list[tuple[str, Picture, Face]], dlib_embedder: Embedder
) -> None:
    canvases, faces = [canvas for _, canvas, _ in crops], [face for _, _, face in crops]
    together = dlib_embedder.embed(canvases, faces)
    assert together.shape == (len(crops), 128)
    assert together.dtype == np.float32
    for row, canvas, face in zip(together, canvases, faces, strict=True):
        assert np.abs(row - dlib_embedder.embed(canvas, face)[0]).max() < TOLERANCE


@pytest.mark.long
def test_a_batch_larger_than_the_network_takes_at_once(
    crops: list[tuple[str, Picture, Face]], dlib_embedder: Embedder
) -> None:
    chips = np.stack([dlib_embedder.crop(canvas, face) for _, canvas, face in crops])
    many = np.concatenate([chips] * 6)[:41]
    expected = dlib_embedder.embed_crops(chips)
    found = dlib_embedder.embed_crops(many)
    assert found.shape == (41, 128)
    for index, row in enumerate(found):
        assert np.abs(row - expected[index % len(chips)]).max() < TOLERANCE


def test_one_face_serves_many_canvases(portrait_face: Face, dlib_embedder: Embedder) -> None:
    two = np.stack([portrait_face.canvas, portrait_face.canvas // 2])
    for canvases in (two, list(two), tuple(two)):
        assert dlib_embedder.embed(canvases, portrait_face).shape == (2, 128)


def test_no_canvas_is_no_embedding(portrait_face: Face, dlib_embedder: Embedder) -> None:
    for canvases in ([], np.zeros((0, 1024, 1024, 3), np.uint8)):
        empty = dlib_embedder.embed(canvases, portrait_face)
        assert empty.shape == (0, 128)
        assert empty.dtype == np.float32
    assert dlib_embedder.embed_crops(np.zeros((0, 150, 150, 3), np.uint8)).shape == (0, 128)


def test_an_embedding_is_the_same_every_time_and_from_every_thread(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    first = dlib_embedder.embed(portrait_face.canvas, portrait_face)
    found: list[Embeddings] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(dlib_embedder.embed(portrait_face.canvas, portrait_face))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for other in found:
        assert np.abs(other - first).max() < TOLERANCE


def test_convention_dlibs_embeddings_are_not_of_unit_length(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    length = np.linalg.norm(dlib_embedder.embed(portrait_face.canvas, portrait_face))
    assert 1.2 < length < 1.7
    assert not dlib_embedder.normalised


def test_the_same_person_is_nearer_than_the_threshold_and_another_is_not(
    crops: list[tuple[str, Picture, Face]], dlib_embedder: Embedder
) -> None:
    """That the numbers say something about faces: the mirrored portrait is the same person."""
    by_name = {name: dlib_embedder.embed(canvas, face)[0] for name, canvas, face in crops}
    clean = by_name["clean"]
    assert np.linalg.norm(clean - by_name["mirrored"]) < 0.5
    for name, other in by_name.items():
        if name.endswith(".png"):
            assert np.linalg.norm(clean - other) > 0.6, name


@pytest.mark.parametrize(
    "canvases",
    [
        np.zeros((512, 512, 3), np.uint8),
        np.zeros((1024, 1024, 3), np.float32),
        [np.zeros((1024, 1024), np.uint8)],
        np.zeros((1024, 1024), np.uint8),
        ["canvas"],
        [None],
    ],
    ids=["small", "float", "grey", "one grey", "text", "none"],
)
def test_what_is_no_canvas_is_refused(
    canvases: Any, portrait_face: Face, dlib_embedder: Embedder
) -> None:
    with pytest.raises(PictureError, match=r"wanted uint8 \(1024, 1024, 3\)"):
        dlib_embedder.embed(canvases, portrait_face)


def test_as_many_faces_as_canvases(portrait_face: Face, dlib_embedder: Embedder) -> None:
    with pytest.raises(PictureError, match="2 canvases came with 1 faces"):
        dlib_embedder.embed([portrait_face.canvas] * 2, [portrait_face])


@pytest.mark.parametrize(
    "shape", [(150, 150, 3), (1, 149, 150, 3), (1, 150, 150), (1, 3, 150, 150)]
)
def test_chips_of_another_shape_are_refused(
    shape: tuple[int, ...], dlib_embedder: Embedder
) -> None:
    with pytest.raises(PictureError, match="wanted"):
        dlib_embedder.embed_crops(np.zeros(shape, np.uint8))


# --- a damaged file ------------------------------------------------------------------------------


@dataclass
class InMemory:
    """Stands in for the path of a file: what is read from it is in memory."""

    content: bytes
    name: str = "some.dat"

    def read_bytes(self) -> bytes:
        return self.content


@pytest.fixture(scope="session")
def good() -> bytes:
    return model_file(FILE_NAME).read_bytes()


def header_bytes(blob: bytes) -> Iterator[int]:
    """Yields places in headers of layers: all of the first two, some of a later and the last."""
    for tag, skip, offsets in (
        (b"\x05con_4", 0, range(17)),
        (b"\x07affine_", 0, range(18)),
        (b"\x05con_4", 14, (7, 8)),
        (b"\x04fc_2", 0, (1, 5, 10, 11, 13, 17)),
    ):
        place = -1
        for _ in range(skip + 1):
            place = blob.index(tag, place + 1)
        yield from (place + offset for offset in offsets)


# What may be in a file that is not, or no longer, the network.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda _: b"\x05",
    "a page": lambda _: b"<html>not found</html>" * 50,
    "random": lambda _: np.random.default_rng(0).bytes(200_000),
    "zeros": lambda blob: bytes(len(blob)),
    "cut after the first tag": lambda blob: blob[: blob.index(b"\x05con_4") + 6],
    "cut within the first header": lambda blob: blob[: blob.index(b"\x05con_4") + 9],
    "cut in half": lambda blob: blob[: len(blob) // 2],
    "cut within the last layer": lambda blob: blob[:-200_000],
    "without its first half": lambda blob: blob[len(blob) // 2 :],
    "reversed": lambda blob: blob[::-1],
    "as text": lambda blob: blob.decode("latin-1").encode("utf-8"),
    "tags only": lambda _: b"\x05con_4\x01\x02" * 10_000,
    "huge sides": lambda _: b"\x05con_4\x01\x02" + b"\x08" + b"\xff" * 8 * 5,
    "negative sides": lambda _: b"\x05con_4\x01\x02" + b"\x81\x05\x81\x05\x01\x01\x01\x01" * 100,
    "another of dlib's": lambda _: model_file("shape_predictor_5_face_landmarks.dat").read_bytes(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_said_to_be_one(good: bytes, damage: str) -> None:
    with pytest.raises(WeightsError, match=r"'some\.dat' is not dlib's face recognition") as caught:
        read_dat(InMemory(DAMAGES[damage](good)))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_in_a_header_is_an_error_or_changes_nothing(
    good: bytes, portrait_face: Face, dlib_embedder: Embedder
) -> None:
    chip = dlib_embedder.crop(portrait_face.canvas, portrait_face)[None]
    expected = dlib_embedder.embed_crops(chip)
    rng = np.random.default_rng(0)
    outcomes = []
    for place in itertools.islice(header_bytes(good), 0, None, 2):
        blob = bytearray(good)
        blob[place] ^= 1 << int(rng.integers(8))
        try:
            network = read_dat(InMemory(bytes(blob)))  # type: ignore[arg-type]
        except WeightsError:
            outcomes.append("refused")
        else:
            found = DlibEmbedder(network, "").embed_crops(chip)
            outcomes.append("the same" if np.array_equal(found, expected) else "changed")
    assert "changed" not in outcomes
    assert outcomes.count("refused") > 0.8 * len(outcomes)


def test_weights_that_are_not_finite_are_noticed_when_embedding(
    good: bytes, portrait_face: Face
) -> None:
    blob = bytearray(good)
    place = blob.index(b"\x05con_4") + 17
    blob[place : place + 400] = np.full(100, np.nan, "<f4").tobytes()
    broken = DlibEmbedder(read_dat(InMemory(bytes(blob))), "")  # type: ignore[arg-type]
    with pytest.raises(EmbeddingError, match="dlib gave an embedding that is not finite"):
        broken.embed(portrait_face.canvas, portrait_face)


# --- loading -------------------------------------------------------------------------------------


def test_the_weights_hash_is_that_of_the_file(good: bytes, dlib_embedder: Embedder) -> None:
    assert dlib_embedder.weights_sha256 == hashlib.sha256(good).hexdigest()


def test_weights_can_be_given_as_a_file_or_its_directory(
    dlib_embedder: Embedder, portrait_face: Face
) -> None:
    path = model_file(FILE_NAME)
    expected = dlib_embedder.embed(portrait_face.canvas, portrait_face)
    for given in (path, path.parent):
        other = load_embedder("dlib", weights=str(given), device="cpu")
        assert np.array_equal(other.embed(portrait_face.canvas, portrait_face), expected)


@pytest.mark.parametrize("kind", ["missing", "empty directory", "not the network"])
def test_weights_that_cannot_be_read_are_an_error(tmp_path: Path, kind: str) -> None:
    given = tmp_path / "weights.dat"
    if kind == "empty directory":
        given.mkdir()
    elif kind == "not the network":
        given.write_bytes(b"something else")
    with pytest.raises(WeightsError) as caught:
        load_embedder("dlib", weights=str(given))
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)


def test_the_same_arguments_give_the_same_recogniser() -> None:
    first = load_embedder("dlib", device="cpu")
    assert load_embedder("dlib", device="cpu") is first
    assert load_embedder("dlib", device="cpu", weights=str(model_file(FILE_NAME))) is not first


def test_the_same_recogniser_is_loaded_once_by_many_threads(no_facenet: None) -> None:
    found: list[Embedder] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_embedder("dlib"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(one) for one in found}) == 1


@pytest.mark.parametrize("name", ["facenet", "dlibb", "", "DLIB", 5])
def test_an_unknown_recogniser_is_refused(name: Any) -> None:
    with pytest.raises(SettingError, match="is not a recogniser that blurdash knows"):
        load_embedder(name)


@pytest.mark.parametrize("name", [None, "dlib", "facenet-vggface2"])
def test_an_unknown_protocol_is_refused(name: str | None) -> None:
    with pytest.raises(SettingError, match="'whole' is not a protocol"):
        load_embedder(name, protocol="whole")


def test_dlib_has_no_study_protocol() -> None:
    with pytest.raises(
        SettingError, match=r"dlib has no study protocol.*; use the protocol native"
    ):
        load_embedder("dlib", protocol="study")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:99", "meta"])
def test_a_device_that_cannot_be_used_is_refused(device: str) -> None:
    with pytest.raises(SettingError, match="cannot be used here; use auto, cpu or cuda"):
        load_embedder("dlib", device=device)


def test_without_a_name_and_without_weights_it_is_dlib_and_says_why(no_facenet: None) -> None:
    embedder = load_embedder()
    assert embedder.name == "dlib"
    assert embedder.note.startswith("FaceNet (VGGFace2) is not used: ")
    assert "--weights" in embedder.note, "it says how to supply weights"
    assert load_embedder() is embedder


def test_dlib_asked_for_by_name_carries_no_note_of_a_fall_back(no_facenet: None) -> None:
    before = load_embedder("dlib")
    load_embedder()
    assert load_embedder("dlib") is before
    assert before.note == ""


def test_a_recogniser_asked_for_by_name_is_never_replaced(no_facenet: None) -> None:
    for name in ("facenet-vggface2", "facenet-casia-webface"):
        with pytest.raises(WeightsError, match="BLURDASH_OFFLINE forbids"):
            load_embedder(name)


def test_weights_that_were_given_are_never_replaced(no_facenet: None, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        load_embedder(None, weights=str(tmp_path / "none.pt"))


def test_the_study_protocol_never_falls_back(no_facenet: None) -> None:
    with pytest.raises(WeightsError, match="FaceNet VGGFace2"):
        load_embedder(None, protocol="study")


def test_a_failed_load_is_not_remembered_as_a_recogniser(no_facenet: None) -> None:
    with pytest.raises(WeightsError):
        load_embedder("facenet-vggface2")
    assert all(key[0] != "facenet-vggface2" for key in embed._loaded)


# --- FaceNet's crop ------------------------------------------------------------------------------


def test_facenets_native_crop_is_facenet_pytorchs_own(portrait_face: Face) -> None:
    from facenet_pytorch.models.utils.detect_face import extract_face

    from blurdash.embed.crops import native_crop

    canvas = np.array(portrait_face.canvas)
    boxes = [
        portrait_face.box,
        (10.7, 20.2, 300.9, 411.1),
        (-40.5, -3.2, 500.0, 700.9),  # over the left and upper edge
        (700.1, 650.0, 1100.0, 1030.5),  # over the right and lower edge
        (400.0, 400.0, 420.0, 430.0),  # enlarged, not shrunk
        tuple(np.float32(edge) for edge in portrait_face.box),
    ]
    for box in boxes:
        picture = Image.fromarray(canvas)
        theirs = extract_face(picture, np.array(box, float), image_size=160, margin=0)
        ours = native_crop(canvas, box)
        assert ours.shape == (160, 160, 3)
        as_floats = torch.from_numpy(ours.copy()).permute(2, 0, 1).float()
        assert torch.equal(as_floats, theirs), box


def test_convention_facenets_native_crop_is_that_of_mtcnn_on_the_whole_canvas(
    portrait_face: Face,
) -> None:
    from facenet_pytorch import MTCNN

    from blurdash.embed.crops import native_crop

    cutter = MTCNN(image_size=160, margin=0, post_process=False)
    picture = Image.fromarray(np.array(portrait_face.canvas))
    theirs = cutter(picture).permute(1, 2, 0).numpy()
    ours = native_crop(portrait_face.canvas, portrait_face.mtcnn_box)
    assert np.abs(ours.astype(float) - theirs).max() <= 1
    found = np.asarray(cutter.detect(picture)[0][0], float)
    np.testing.assert_allclose(portrait_face.mtcnn_box, found, atol=0.05)
    assert portrait_face.mtcnn_box is portrait_face.mtcnn_box, "computed once"
    assert np.abs(np.subtract(portrait_face.mtcnn_box, portrait_face.box)).max() > 1


def test_where_mtcnn_finds_no_face_at_full_size_the_box_of_the_canvas_is_taken(
    portrait_face: Face,
) -> None:
    empty = dataclasses.replace(portrait_face, canvas=np.zeros_like(portrait_face.canvas))
    assert empty.mtcnn_box == empty.box


def test_facenets_native_crop_shows_the_face(portrait_face: Face) -> None:
    from blurdash.embed.crops import native_crop

    crop = native_crop(portrait_face.canvas, portrait_face.box)
    left, top, right, bottom = (round(edge) for edge in portrait_face.box)
    inside = cv2.resize(portrait_face.canvas[top:bottom, left:right], (160, 160))
    score = cv2.matchTemplate(crop, inside, cv2.TM_CCOEFF_NORMED)
    assert score.max() > 0.98


def test_every_row_that_needs_no_download_loads(no_facenet: None) -> None:
    for name, row in EMBEDDERS.items():
        if row.download_mb == 0:
            loaded = load_embedder(name)
            assert (loaded.name, loaded.dim, loaded.normalised) == (name, row.dim, row.normalised)
            assert loaded.protocol == "native"
            assert len(loaded.weights_sha256) == 64
