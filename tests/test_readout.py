"""A readout: the study's argument in numbers, and a receipt that says how they came about."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from blurdash import __version__
from blurdash.blur import Change, apply_change, reference_picture, shift
from blurdash.clean import CROPS, Readout, verdict_of
from blurdash.distance import DISTANCES, cosine_similarity, l1_distance, l2_distance
from blurdash.embed import EMBEDDERS, Embedder
from blurdash.errors import EmbeddingError, PictureError, SettingError
from blurdash.face import Face, locate_face
from blurdash.measures import MEASURES
from blurdash.quality import psnr, ssim
from blurdash.readout import PreparedFace, compare, measure, pixels_only
from blurdash.receipt import geometry_from

Picture = npt.NDArray[np.uint8]

CONTRACT = ["cosine_similarity", "cosine_distance", "l1", "l2", "psnr", "ssim"]


@pytest.fixture(scope="module")
def prepared(portrait_face: Face, dlib_embedder: Embedder) -> PreparedFace:
    return PreparedFace(portrait_face, dlib_embedder)


class Spoken(Embedder):
    """A recogniser that says what it is told to: one vector for each embedding it is asked for."""

    name = "dlib"
    dim = 2
    normalised = False

    def __init__(self, *vectors: list[float]) -> None:
        super().__init__("native", "0" * 64)
        self.vectors = list(vectors)

    def crop(self, canvas: Picture, face: Face) -> Picture:
        return canvas[:1, :1]

    def embed_crops(self, crops: Picture) -> npt.NDArray[np.float32]:
        return np.array([self.vectors.pop(0) for _ in crops], np.float32)


# --- what the study claims -----------------------------------------------------------------------


def test_the_cosine_falls_with_the_degree(prepared: PreparedFace) -> None:
    values = [prepared.readout(Change(degree=degree)).values for degree in (0, 20, 50, 100)]
    for nearer, farther in itertools.pairwise(values):
        assert farther["cosine_similarity"] < nearer["cosine_similarity"]
        assert farther["cosine_distance"] > nearer["cosine_distance"]
        assert farther["l1"] > nearer["l1"]
        assert farther["l2"] > nearer["l2"]
        assert farther["psnr"] < nearer["psnr"]
        assert farther["ssim"] < nearer["ssim"]


def test_a_sharp_shift_looks_worse_than_a_blur_to_the_pixels_and_better_to_the_recogniser(
    prepared: PreparedFace,
) -> None:
    blurred = prepared.readout(Change(degree=50)).values
    moved = prepared.readout(Change(degree=0, shift_x=16)).values
    assert moved["psnr"] < blurred["psnr"]
    assert moved["ssim"] < blurred["ssim"]
    assert moved["cosine_similarity"] > blurred["cosine_similarity"]
    assert moved["l2"] < blurred["l2"]


def test_detecting_anew_follows_a_shift(portrait_face: Face, dlib_embedder: Embedder) -> None:
    change = Change(degree=0, shift_x=16, shift_y=8)
    fixed = PreparedFace(portrait_face, dlib_embedder).readout(change)
    again = PreparedFace(portrait_face, dlib_embedder, crop="redetect").readout(change)
    assert again.values["cosine_similarity"] > fixed.values["cosine_similarity"]
    assert again.values["cosine_similarity"] > 0.998
    assert again.values["psnr"] == fixed.values["psnr"]
    assert (fixed.receipt.as_dict()["crop"], again.receipt.as_dict()["crop"]) == (
        "fixed",
        "redetect",
    )


# --- the numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        Change(degree=30, angle=45),
        Change(degree=7, angle=-20),
        Change(degree=1, angle=170),
        Change(degree=0, shift_x=16),
        Change(degree=40, angle=10, kernel="line", shift_x=-2.5, shift_y=3),
    ],
    ids=str,
)
def test_every_number_is_what_its_function_says_of_the_pair(
    portrait_face: Face, dlib_embedder: Embedder, change: Change
) -> None:
    reference = reference_picture(portrait_face.canvas, change.kernel)
    test = apply_change(reference, change)
    clean, changed = dlib_embedder.embed([reference, test], portrait_face)
    found = PreparedFace(portrait_face, dlib_embedder, kernel=change.kernel).readout(change)
    expected = {
        "cosine_similarity": cosine_similarity(clean, changed),
        "cosine_distance": 1 - cosine_similarity(clean, changed),
        "l1": l1_distance(clean, changed),
        "l2": l2_distance(clean, changed),
        "psnr": psnr(reference, test),
        "ssim": ssim(reference, test),
    }
    for name, value in expected.items():
        assert found.values[name] == pytest.approx(value, abs=1e-5), name


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("change", [Change(degree=30), Change(degree=12, shift_x=5)], ids=str)
def test_compare_gives_what_a_prepared_face_gives(
    portrait_face: Face, dlib_embedder: Embedder, change: Change, crop: str
) -> None:
    prepared = PreparedFace(portrait_face, dlib_embedder, crop=crop)
    found = prepared.readout(change)
    pair = compare(
        prepared.reference,
        apply_change(prepared.reference, change),
        portrait_face,
        dlib_embedder,
        crop=crop,
        change=change,
    )
    assert pair.values == pytest.approx(found.values, abs=1e-6)
    for key in ("embedder", "weights_sha256", "crop", "kernel", "degree", "angle", "shift"):
        assert pair.receipt.as_dict()[key] == found.receipt.as_dict()[key]
    assert pair.receipt.as_dict()["canvas_sha256"] == found.receipt.as_dict()["canvas_sha256"]


def test_redetect_cuts_by_the_face_found_in_the_changed_picture(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    test = shift(portrait_face.canvas, 24, -10)
    found = compare(portrait_face.canvas, test, portrait_face, dlib_embedder, crop="redetect")
    clean = dlib_embedder.embed(portrait_face.canvas, portrait_face)[0]
    moved = dlib_embedder.embed(test, locate_face(test))[0]
    assert found.values["l2"] == pytest.approx(l2_distance(clean, moved), abs=1e-5)


def test_convention_the_order_is_reference_then_test(portrait_face: Face) -> None:
    """The reference is embedded first; distances are symmetric, so a stub tells them apart."""
    told = Spoken([1, 0], [0.6, 0.8])
    found = compare(portrait_face.canvas, 255 - portrait_face.canvas, portrait_face, told)
    assert found.values["cosine_similarity"] == pytest.approx(0.6)
    assert (
        found.receipt.as_dict()["canvas_sha256"] == hashlib.sha256(portrait_face.canvas).hexdigest()
    )


@pytest.mark.parametrize("kernel", ["study", "line"])
def test_a_change_of_nothing_is_identical_in_every_number(
    portrait_face: Face, dlib_embedder: Embedder, kernel: str
) -> None:
    prepared = PreparedFace(portrait_face, dlib_embedder, kernel=kernel)
    for angle in (45, -100):
        values = prepared.readout(Change(degree=0, angle=angle, kernel=kernel)).values
        for name, row in MEASURES.items():
            assert values[name] == pytest.approx(row.identical, abs=1e-6), name
    assert math.isinf(values["psnr"])
    assert values["ssim"] == 1


def test_a_change_of_nothing_is_identical_for_a_dull_photo(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    """The study stretches its clean picture as well: else degree 0 would differ from the photo."""
    dull = Face(
        canvas=portrait_face.canvas // 2 + 40,
        landmarks=portrait_face.landmarks,
        box=portrait_face.box,
        confidence=1.0,
        whole=False,
        photo_box=portrait_face.photo_box,
    )
    assert PreparedFace(dull, dlib_embedder).readout(Change(degree=0)).values["psnr"] == math.inf


def test_a_prepared_face_can_be_asked_in_any_order(prepared: PreparedFace) -> None:
    first = prepared.readout(Change(degree=30)).values
    prepared.readout(Change(degree=80, shift_y=9))
    assert prepared.readout(Change(degree=30)).values == first


def test_nothing_that_is_given_is_changed(portrait_face: Face, dlib_embedder: Embedder) -> None:
    canvas = portrait_face.canvas.copy()
    prepared = PreparedFace(portrait_face, dlib_embedder)
    reference = prepared.reference.copy()
    prepared.readout(Change(degree=30, shift_x=1.5))
    assert np.array_equal(portrait_face.canvas, canvas)
    assert np.array_equal(prepared.reference, reference)


# --- the dictionary and the receipt --------------------------------------------------------------


def test_the_dictionary_has_the_keys_of_the_contract(prepared: PreparedFace) -> None:
    as_dict = prepared.readout(Change(degree=30)).as_dict()
    assert [*as_dict][: len(CONTRACT)] == CONTRACT
    assert set(as_dict) == {*MEASURES, "verdict", "receipt", "checksum"}
    assert all(type(as_dict[name]) is float for name in MEASURES)


def test_the_dictionary_is_plain_json(prepared: PreparedFace) -> None:
    for change in (Change(degree=30), Change(degree=0)):
        as_dict = prepared.readout(change).as_dict()
        assert json.loads(json.dumps(as_dict, allow_nan=False)) == as_dict


def test_convention_an_infinite_psnr_is_the_string_inf(prepared: PreparedFace) -> None:
    assert prepared.readout(Change(degree=0)).as_dict()["psnr"] == "inf"
    receipt = prepared.readout(Change(degree=0)).receipt
    assert Readout({"psnr": -math.inf}, receipt, None).as_dict()["psnr"] == "-inf"


def test_the_receipt_is_complete(portrait_face: Face, dlib_embedder: Embedder) -> None:
    change = Change(degree=31, angle=-20.5, kernel="line", shift_x=2.5, shift_y=-3)
    receipt = (
        PreparedFace(portrait_face, dlib_embedder, kernel="line").readout(change).receipt.as_dict()
    )
    wanted = {
        "embedder": "dlib",
        "weights_sha256": dlib_embedder.weights_sha256,
        "protocol": "native",
        "crop": "fixed",
        "kernel": "line",
        "degree": 31,
        "angle": -20.5,
        "shift": [2.5, -3],
        "canvas_whole": False,
        "canvas_sha256": hashlib.sha256(portrait_face.canvas.tobytes()).hexdigest(),
    }
    assert {key: receipt[key] for key in wanted} == wanted
    assert receipt["eye_distance_px"] == pytest.approx(portrait_face.eye_distance, abs=0.01)
    assert receipt["degree_percent_of_eye_distance"] == pytest.approx(
        3100 / portrait_face.eye_distance, abs=0.01
    )


def test_of_a_doubtful_face_it_is_not_asked_whether_it_is_the_same_person(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    sure = PreparedFace(portrait_face, dlib_embedder).readout(Change())
    assert sure.verdict is not None
    assert sure.receipt.as_dict()["face_doubt"] is None
    assert sure.receipt.as_dict()["face_confidence"] == round(portrait_face.confidence, 6)
    assert sure.receipt.as_dict()["face_source_px"] == pytest.approx(167.2, abs=0.1)
    small = dataclasses.replace(portrait_face, source=34.0)
    doubtful = PreparedFace(small, dlib_embedder).readout(Change())
    assert doubtful.verdict is None
    assert "34 px" in doubtful.receipt.as_dict()["face_doubt"]
    assert doubtful.values == sure.values


def test_the_receipt_names_the_versions_that_made_the_numbers(prepared: PreparedFace) -> None:
    versions = prepared.readout(Change(degree=3)).receipt.as_dict()["versions"]
    assert versions["blurdash"] == __version__
    assert versions["numpy"] == np.__version__
    assert {"python", "opencv-python-headless", "torch", "facenet-pytorch", "dlib-bin"} <= set(
        versions
    )
    assert all(version and version != "unknown" for version in versions.values())


def test_the_canvas_hash_is_that_of_the_reference(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    darker = portrait_face.canvas // 2
    found = compare(darker, portrait_face.canvas, portrait_face, dlib_embedder)
    assert found.receipt.as_dict()["canvas_sha256"] == hashlib.sha256(darker.tobytes()).hexdigest()


def test_convention_the_receipt_says_the_angle_that_was_used(prepared: PreparedFace) -> None:
    """The study draws its own angle for degree 1; the receipt says which."""
    receipt = prepared.readout(Change(degree=1, angle=170)).receipt.as_dict()
    assert receipt["angle"] != 170
    assert -88 <= receipt["angle"] <= 88


def test_an_unknown_change_is_said_to_be_unknown(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    receipt = compare(
        portrait_face.canvas, portrait_face.canvas, portrait_face, dlib_embedder
    ).receipt.as_dict()
    assert [receipt[key] for key in ("kernel", "degree", "angle", "shift")] == [None] * 4


def test_receipts_do_not_share_state(prepared: PreparedFace) -> None:
    first = prepared.readout(Change(degree=3)).receipt.as_dict()
    second = prepared.readout(Change(degree=4)).receipt.as_dict()
    assert (first["degree"], second["degree"]) == (3, 4)


# --- the verdict ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("l2", "same"), [(0.0, True), (0.59, True), (0.6, True), (0.601, False), (2.0, False)]
)
def test_convention_dlib_says_same_person_up_to_its_threshold(l2: float, same: bool) -> None:
    verdict = verdict_of({"l2": l2}, "dlib")
    assert verdict is not None
    assert (verdict.same_person, verdict.measure, verdict.threshold) == (same, "l2", 0.6)
    assert "dlib's author" in verdict.source


def test_where_no_threshold_was_published_there_is_no_verdict() -> None:
    for name, row in EMBEDDERS.items():
        assert (verdict_of({"l2": 0.1}, name) is None) == (row.threshold is None)
    assert verdict_of({"l2": 0.1}, "someone's own") is None


@pytest.mark.parametrize(("other", "same"), [([1.0, 0.3], True), ([0.0, 1.0], False)])
def test_a_readout_carries_the_verdict(portrait_face: Face, other: list[float], same: bool) -> None:
    canvas = portrait_face.canvas
    found = compare(canvas, 255 - canvas, portrait_face, Spoken([1, 0], other))
    assert found.verdict is not None
    assert found.verdict.same_person is same
    shown = found.as_dict()["verdict"]
    assert shown == {
        "same_person": same,
        "measure": "l2",
        "threshold": 0.6,
        "source": found.verdict.source,
    }


def test_a_slightly_blurred_portrait_is_the_same_person(prepared: PreparedFace) -> None:
    verdict = prepared.readout(Change(degree=20)).verdict
    assert verdict is not None
    assert verdict.same_person


# --- what is refused -----------------------------------------------------------------------------


def test_an_unknown_crop_or_kernel_is_refused(portrait_face: Face, dlib_embedder: Embedder) -> None:
    canvas = portrait_face.canvas
    with pytest.raises(SettingError, match="did you mean 'redetect'"):
        compare(canvas, canvas, portrait_face, dlib_embedder, crop="redetct")
    with pytest.raises(SettingError, match="'centre' is not a crop"):
        PreparedFace(portrait_face, dlib_embedder, crop="centre")
    with pytest.raises(SettingError, match="'box' is not a kernel"):
        PreparedFace(portrait_face, dlib_embedder, kernel="box")


def test_redetect_where_no_face_is_left_says_so_and_keeps_the_pixels_numbers(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    canvas = portrait_face.canvas
    grain = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    found = compare(canvas, grain, portrait_face, dlib_embedder, crop="redetect")
    shown = found.as_dict()
    assert [shown[name] for name in DISTANCES] == [None] * len(DISTANCES)
    assert "lower the degree or take the crop from the clean" in shown["receipt"]["failure"]
    assert shown["verdict"] is None
    assert shown["psnr"] == psnr(canvas, grain)
    assert shown["ssim"] == ssim(canvas, grain)
    fixed = compare(canvas, grain, portrait_face, dlib_embedder).as_dict()
    assert fixed["receipt"]["failure"] is None
    assert fixed["cosine_similarity"] < 1


def test_measure_is_a_readout_of_a_prepared_face(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    change = Change(degree=31, angle=-20.5, kernel="line", shift_x=2.5, shift_y=-3)
    wanted = PreparedFace(portrait_face, dlib_embedder, kernel="line").readout(change)
    found = measure(
        portrait_face, dlib_embedder, kernel="line", degree=31, angle=-20.5, shift=(2.5, -3)
    )
    assert found.as_dict() == wanted.as_dict()
    with pytest.raises(SettingError, match="wanted two numbers of pixels"):
        measure(portrait_face, dlib_embedder, shift=3)  # type: ignore[arg-type]


def test_the_angle_of_degree_1_follows_from_the_seed_alone(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    def angle(asked: float, seed: int) -> object:
        found = measure(portrait_face, dlib_embedder, degree=1, angle=asked, seed=seed)
        assert found.receipt.as_dict()["seed"] == seed
        return found.receipt.as_dict()["angle"]

    assert angle(45, 3) == angle(-170, 3)
    assert len({angle(45, seed) for seed in (0, 1, 2)}) > 1


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((512, 512, 3), np.uint8),
        np.zeros((1024, 1024, 3)),
        np.zeros((1024, 1024), np.uint8),
    ],
    ids=["small", "float", "grey"],
)
def test_what_is_no_canvas_is_refused(
    portrait_face: Face, dlib_embedder: Embedder, wrong: Any
) -> None:
    good = portrait_face.canvas
    for pair in ((wrong, good), (good, wrong)):
        with pytest.raises(PictureError):
            compare(*pair, portrait_face, dlib_embedder)


def test_a_recogniser_that_gives_nonsense_is_an_error(portrait_face: Face) -> None:
    canvas = portrait_face.canvas
    with pytest.raises(EmbeddingError, match="not finite"):
        compare(canvas, 255 - canvas, portrait_face, Spoken([1, 0], [math.nan, 0]))
    with pytest.raises(EmbeddingError, match="all zero"):
        compare(canvas, 255 - canvas, portrait_face, Spoken([1, 0], [0, 0]))


def test_a_crop_that_was_embedded_is_not_embedded_again(portrait_face: Face) -> None:
    canvas = portrait_face.canvas
    told = Spoken([1, 0], [0.6, 0.8])  # any more and it has nothing to say
    found = compare(canvas, canvas, portrait_face, told)
    assert found.values["cosine_similarity"] == 1
    assert told.vectors == [[0.6, 0.8]]


def test_a_receipt_has_dlibs_points_only_where_the_recogniser_uses_them(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    face = dataclasses.replace(portrait_face)
    for _ in range(2):  # the second time dlib has looked at this very face
        assert pixels_only(face, Change()).receipt.as_dict()["geometry"]["chip_points"] is None
        told = PreparedFace(face, dlib_embedder).readout(Change()).receipt.as_dict()
        assert len(told["geometry"]["chip_points"]) == 5


def test_a_receipt_has_facenets_own_box_only_where_the_recogniser_cuts_by_it(
    portrait_face: Face,
) -> None:
    class Cutting(Spoken):
        uses_mtcnn_box = True

    face = dataclasses.replace(portrait_face)
    canvas = face.canvas
    for kind, box in ((Spoken, None), (Cutting, list(face.mtcnn_box))):
        told = compare(canvas, canvas, face, kind([1, 0], [0.6, 0.8])).receipt.as_dict()
        assert told["geometry"]["mtcnn_box"] == box
        assert geometry_from(told).mtcnn_box == (tuple(box) if box else None)
