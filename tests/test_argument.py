"""Shift against blur: moved pictures, registration, rivals, twins, equivalents, searches, maps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from blurdash import defaults
from blurdash.argument import blur_equivalent, sceptic_table
from blurdash.blur import Change, apply_change, apply_kernel, inverse_move, move, shift
from blurdash.canvas import digest_of
from blurdash.disturb import RANGES, Disturbance, disturb
from blurdash.embed import Embedder
from blurdash.errors import PictureError, SettingError
from blurdash.face import Face
from blurdash.kernel import line_kernel
from blurdash.maps import occlusion_map, squared_error_map, ssim_map
from blurdash.measures import ARGUMENT_MEASURES, CLAIM, MEASURES
from blurdash.quality import psnr, ssim
from blurdash.readout import PreparedFace
from blurdash.register import (
    REGISTERED_METRICS,
    REGISTRATIONS,
    Registration,
    align,
    register,
    registered_psnr,
    registered_ssim,
)
from blurdash.sceptic import SCEPTIC_METRICS, cw_ssim, cw_ssim_against, sharpness, sharpness_ratio
from blurdash.search import find_angle_flip, find_disagreement, find_mildest
from blurdash.twins import TWIN_TOLERANCE, twin_pictures, twins

pytestmark = pytest.mark.xdist_group("argument")  # one worker: what the tests share is made once

Picture = npt.NDArray[np.uint8]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Many small operations on one thread: threads that wait for each other take longer."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.fixture(scope="module")
def canvas(portrait_face: Face) -> Picture:
    return portrait_face.canvas


@pytest.fixture(scope="module")
def small(canvas: Picture) -> Picture:
    """Returns the face at 256 px: real detail, quick to measure."""
    return np.asarray(cv2.resize(canvas, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def prepared(portrait_face: Face, dlib_embedder: Embedder) -> PreparedFace:
    return PreparedFace(portrait_face, dlib_embedder, exact=False)


@pytest.fixture
def noisy(rng: np.random.Generator) -> Picture:
    return rng.integers(0, 256, (96, 80, 3), np.uint8)


# --- moving --------------------------------------------------------------------------------------


def test_a_move_of_nothing_changes_no_bit(noisy: Picture) -> None:
    assert np.array_equal(move(noisy, 0, 0), noisy)
    assert np.array_equal(move(noisy, 0, 0, rotation=0.0, scale=1.0), noisy)


@given(dx=st.integers(-70, 70), dy=st.integers(-90, 90))
def test_a_move_without_turn_is_a_shift(dx: int, dy: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (96, 80, 3), np.uint8)
    assert np.array_equal(move(picture, dx, dy), shift(picture, dx, dy))
    assert np.array_equal(move(picture, dx / 7, dy / 7), shift(picture, dx / 7, dy / 7))


def test_convention_rotation_is_counter_clockwise_as_displayed(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (64, 64, 3), np.uint8)
    for quarters in (1, 2, -1):
        assert np.array_equal(
            move(picture, 0, 0, rotation=90 * quarters), np.rot90(picture, quarters)
        )


def test_convention_a_scale_above_one_enlarges() -> None:
    picture = np.zeros((65, 65, 3), np.uint8)
    picture[30:35, 30:35] = 255
    assert move(picture, 0, 0, scale=2.0).sum() > 3 * picture.sum()


def test_convention_the_turn_comes_before_the_shift() -> None:
    picture = np.zeros((65, 65), np.uint8)
    picture[32, 52] = 255  # 20 px right of the centre
    moved = move(picture, 5, 0, rotation=90)
    assert np.unravel_index(moved.argmax(), moved.shape) == (12, 37)  # 20 px above it, then right


@settings(max_examples=12)
@given(
    dx=st.floats(-9, 9), dy=st.floats(-9, 9), rotation=st.floats(-8, 8), scale=st.floats(0.9, 1.1)
)
def test_the_inverse_move_undoes_a_move(
    dx: float, dy: float, rotation: float, scale: float
) -> None:
    rng = np.random.default_rng(1)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (160, 160, 3), np.uint8), (0, 0), 3)
    moved = move(picture, dx, dy, rotation=rotation, scale=scale)
    x, y, turn, factor = inverse_move(dx, dy, rotation, scale)
    back = move(moved, x, y, rotation=turn, scale=factor)
    inner = (slice(40, 120), slice(40, 120))
    assert np.abs(back[inner].astype(int) - picture[inner]).max() <= 4


@pytest.mark.parametrize(
    "amounts",
    [{"rotation": 181}, {"rotation": math.nan}, {"rotation": "5"}, {"scale": 0}, {"scale": 2.1},
     {"scale": True}],
)  # fmt: skip
def test_a_move_out_of_range_is_refused(noisy: Picture, amounts: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="wanted"):
        move(noisy, 0, 0, **amounts)
    with pytest.raises(SettingError, match="dx"):
        move(noisy, 80, 0, rotation=1)


# --- disturbances --------------------------------------------------------------------------------


def test_a_disturbance_of_nothing_changes_no_bit(noisy: Picture) -> None:
    assert np.array_equal(disturb(noisy, Disturbance()), noisy)


def test_a_disturbance_only_moves_as_move_does(noisy: Picture) -> None:
    moved = disturb(noisy, Disturbance(x=2.5, y=-3, rotation=1.5, scale=1.02))
    assert np.array_equal(moved, move(noisy, 2.5, -3, rotation=1.5, scale=1.02))


def test_noise_has_the_strength_that_was_asked_for() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = disturb(grey, Disturbance(noise=10)).astype(float) - 128
    assert noise.std() == pytest.approx(10, rel=0.02)
    assert abs(noise.mean()) < 0.1
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02


def test_noise_comes_from_its_seed(noisy: Picture) -> None:
    one, two, other = (disturb(noisy, Disturbance(noise=5, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_gain_multiplies_rounds_and_clips() -> None:
    picture = np.array([[0, 3, 100, 200]], np.uint8)
    assert disturb(picture, Disturbance(gain=1.5)).tolist() == [[0, 4, 150, 255]]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -1e9, 1e9, None, "1", True])
def test_an_amount_out_of_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"^{name} is .*wanted"):
        dataclasses.replace(Disturbance(), **{name: value})


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed: object) -> None:
    with pytest.raises(SettingError, match="seed is"):
        Disturbance(seed=seed)  # type: ignore[arg-type]


# --- registration --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", REGISTRATIONS)
def test_identical_pictures_are_not_moved(small: Picture, how: str) -> None:
    assert register(small, small.copy(), how) == Registration(0, 0, 0, how)


@pytest.mark.parametrize("by", [(1, 0), (4, -3), (-16, 8), (0, 25)])
def test_a_whole_shift_is_undone_exactly(small: Picture, by: tuple[int, int]) -> None:
    moved = shift(small, *by)
    found = register(small, moved)
    assert (found.dx, found.dy) == by
    back, region = align(moved, found)
    assert np.array_equal(back[region], small[region])
    assert registered_psnr(small, moved) == math.inf
    assert registered_ssim(small, moved) == 1.0


def test_a_fraction_is_found_to_a_tenth_of_a_pixel(small: Picture) -> None:
    moved = shift(small, 2.35, -5.2)
    for how in REGISTRATIONS:
        found = register(small, moved, how)
        assert (found.dx, found.dy) == pytest.approx((2.35, -5.2), abs=0.1)
    assert registered_psnr(small, moved) > psnr(small, moved) + 10


def test_ecc_finds_a_rotation_that_phase_correlation_cannot(small: Picture) -> None:
    moved = move(small, 3.3, -2.1, rotation=1.5)
    found = register(small, moved, "ecc")
    assert (found.dx, found.dy, found.rotation) == pytest.approx((3.3, -2.1, 1.5), abs=0.05)
    back, region = align(moved, found)
    assert psnr(small[region], back[region]) > 38 > psnr(small, moved)


@pytest.mark.parametrize("length", [6, 14, 24])
@pytest.mark.parametrize("angle", [0, 70])
def test_a_blurred_picture_that_moved_is_not_taken_to_a_false_peak(
    portrait_face: Face, length: int, angle: float
) -> None:
    moved = apply_change(portrait_face.canvas, Change(length, angle, "line", 7.5, -4))
    found = register(portrait_face.canvas, moved)
    assert (found.dx, found.dy) == pytest.approx((7.5, -4), abs=0.5)


def test_what_lies_too_far_away_is_said(small: Picture) -> None:
    for how in REGISTRATIONS:
        found = register(small, np.roll(small, int(0.45 * small.shape[1]), axis=1), how)
        assert "more than a quarter of their size apart" in found.note


@pytest.mark.parametrize("length", [7, 25])
def test_a_symmetric_blur_is_not_taken_for_a_shift(small: Picture, length: int) -> None:
    # A motion blur splits the peak of a phase correlation in two, at ± half its length.
    blurred = apply_kernel(small, line_kernel(length, 0))
    found = register(small, blurred)
    assert abs(found.dx) <= 0.5
    assert abs(found.dy) <= 0.5
    assert registered_psnr(small, blurred) >= psnr(small, blurred) - 0.2


@pytest.mark.parametrize("how", REGISTRATIONS)
def test_a_flat_picture_is_not_moved_and_that_is_said(small: Picture, how: str) -> None:
    flat = np.full_like(small, 90)
    for pair in ((small, flat), (flat, small)):
        found = register(*pair, how)
        assert (found.dx, found.dy, found.rotation) == (0, 0, 0)
        assert "flat" in found.note


def test_ecc_that_does_not_converge_says_so(
    small: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise cv2.error("images may be uncorrelated or non-overlapped")

    monkeypatch.setattr(cv2, "findTransformECC", fails)
    found = register(small, shift(small, 4, 0), "ecc")
    assert (found.dx, found.rotation, found.how) == (4, 0, "ecc")
    assert "ECC did not converge" in found.note


def test_pictures_that_cannot_be_registered_are_refused(small: Picture) -> None:
    with pytest.raises(PictureError, match="wanted the same"):
        register(small, small[:200])
    with pytest.raises(PictureError, match="at least 64"):
        register(small[:32], small[:32])
    with pytest.raises(PictureError, match="uint8"):
        register(small, small.astype(float))  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="did you mean 'phase'"):
        register(small, small, "phas")
    with pytest.raises(SettingError, match="no region in common"):
        align(small, Registration(250, 0, 0, "phase"))


# --- the rivals ----------------------------------------------------------------------------------


def test_cw_ssim_hardly_sees_a_small_shift_and_sees_blur(small: Picture) -> None:
    moved, blurred = shift(small, 1, 0), apply_kernel(small, line_kernel(9, 0))
    assert cw_ssim(small, moved) > 0.95
    assert cw_ssim(small, blurred) < 0.85
    assert ssim(small, moved) < cw_ssim(small, moved)


def test_cw_ssim_falls_with_every_longer_blur_and_shift(small: Picture) -> None:
    against = cw_ssim_against(small)
    blurs = [against(apply_kernel(small, line_kernel(d, 20))) for d in (2, 5, 10, 20, 40)]
    shifts = [against(shift(small, d, 0)) for d in (1, 2, 4, 8)]
    for values in (blurs, shifts):
        assert values == sorted(values, reverse=True)


def test_cw_ssim_ignores_contrast_as_its_authors_say(small: Picture) -> None:
    darker = np.rint(small * 0.7).astype(np.uint8)
    assert cw_ssim(small, darker) > 0.9


def test_cw_ssim_is_symmetric(small: Picture) -> None:
    other = shift(small, 3, 1)
    assert cw_ssim(small, other) == pytest.approx(cw_ssim(other, small), abs=1e-6)


def test_sharpness_is_fooled_by_noise_and_not_by_shift(small: Picture) -> None:
    assert sharpness_ratio(small, shift(small, 5, 0)) == pytest.approx(1, abs=0.1)
    assert sharpness_ratio(small, apply_kernel(small, line_kernel(9, 0))) < 0.8
    assert sharpness_ratio(small, disturb(small, Disturbance(noise=10))) > 1.1
    blurred = apply_kernel(small, line_kernel(25, 0))
    assert sharpness_ratio(small, disturb(blurred, Disturbance(noise=30))) > 1


def test_sharpness_of_flat_pictures(rng: np.random.Generator) -> None:
    flat = np.zeros((40, 40, 3), np.uint8)
    assert sharpness(flat) == 0
    assert sharpness_ratio(flat, flat) == 1
    assert sharpness_ratio(flat, rng.integers(0, 256, flat.shape, np.uint8)) == math.inf


@pytest.mark.parametrize("row", [*SCEPTIC_METRICS.values(), *REGISTERED_METRICS.values()])
def test_a_rivals_row_says_what_is_true(row: object, small: Picture) -> None:
    from blurdash.table import Measure

    assert isinstance(row, Measure)
    assert row.compute(small, small.copy()) == row.identical
    moved = shift(small, 2, 1)
    assert row.against(small)(moved) == pytest.approx(row.compute(small, moved), rel=1e-9)
    assert row.bounds[0] <= row.compute(small, 255 - small) <= row.bounds[1]
    slight, strong = (row.compute(small, apply_kernel(small, line_kernel(d, 0))) for d in (5, 30))
    assert row.prefers(slight, strong)
    with pytest.raises(PictureError, match="wanted the same"):
        row.compute(small, small[:100])
    with pytest.raises(PictureError, match="uint8"):
        row.compute(small, small[..., 0])


def test_the_rivals_stay_out_of_the_readout() -> None:
    assert not (SCEPTIC_METRICS.keys() | REGISTERED_METRICS.keys()) & MEASURES.keys()
    assert list(ARGUMENT_MEASURES)[: len(MEASURES)] == list(MEASURES)


# --- one face under many changes ------------------------------------------------------------------


def test_evidence_agrees_with_a_readout(prepared: PreparedFace) -> None:
    for change in (prepared.shifted(16), prepared.blurred(30)):
        readout = prepared.readout(change).values
        known = prepared.values(change, MEASURES)
        assert known == pytest.approx(readout, rel=1e-6, abs=1e-9)


def test_evidence_agrees_with_the_rivals_rows(prepared: PreparedFace) -> None:
    names = [*SCEPTIC_METRICS, *REGISTERED_METRICS]
    change = prepared.shifted(8)
    found = prepared.values(change, names)
    test = prepared.changed(change)
    for name in names:
        assert found[name] == ARGUMENT_MEASURES[name].compute(prepared.reference, test)


def test_evidence_measures_a_picture_once(
    prepared: PreparedFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared.values(prepared.shifted(5))
    monkeypatch.setattr(prepared, "measure", pytest.fail)
    assert prepared.values(prepared.shifted(5)) == first


def test_a_shift_is_the_same_as_a_change_and_as_a_disturbance(prepared: PreparedFace) -> None:
    assert np.array_equal(
        prepared.changed(prepared.shifted(3, -2)), prepared.changed(Disturbance(x=3, y=-2))
    )


def test_the_embedding_holds_where_sharpness_fails(prepared: PreparedFace) -> None:
    names = ("cosine_similarity", "sharpness_ratio")
    noise = prepared.values(Disturbance(noise=8), names)
    blurred = prepared.values(prepared.blurred(30), names)
    assert noise["sharpness_ratio"] > 1.5
    assert 1 > noise["cosine_similarity"] > blurred["cosine_similarity"]


def test_a_lost_face_has_no_distance(portrait_face: Face, dlib_embedder: Embedder) -> None:
    known = PreparedFace(portrait_face, dlib_embedder, crop="redetect", exact=False)
    found = known.measure(np.zeros_like(portrait_face.canvas))
    assert math.isnan(found["cosine_similarity"])
    assert found["psnr"] > 0


def test_without_a_recogniser_the_pixel_measures_are_the_same(
    prepared: PreparedFace, portrait_face: Face
) -> None:
    pixels = PreparedFace(portrait_face, None, kernel=prepared.kernel, exact=False)
    whole = prepared
    change = whole.blurred(40)
    names = ("cosine_similarity", "psnr", "ssim")
    found, wanted = pixels.values(change, names), whole.values(change, names)
    assert math.isnan(found["cosine_similarity"])
    assert (found["psnr"], found["ssim"]) == (wanted["psnr"], wanted["ssim"])


# --- twins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", TWIN_TOLERANCE)
@pytest.mark.parametrize("by", [(4, 0), (1.5, -2.5)])
def test_twins_have_the_same_value(
    prepared: PreparedFace, metric: str, by: tuple[float, float]
) -> None:
    pair = twins(prepared, by, metric=metric, angle=30)
    assert pair.found
    assert pair.varied == "blur"
    assert abs(pair.difference) <= TWIN_TOLERANCE[metric]
    assert (pair.shift_x, pair.shift_y) == pytest.approx(by)
    moved = pair.shift_x, pair.shift_y
    blurred, shifted = twin_pictures(prepared, pair.length, pair.angle, moved)
    compute = MEASURES[metric].compute
    assert compute(prepared.reference, blurred) == pair.blurred.values[metric]
    assert compute(prepared.reference, shifted) == pair.shifted.values[metric]
    assert pair.blurred.receipt.as_dict()["degree"] == pair.length
    assert pair.shifted.receipt.as_dict()["shift"] == [pair.shift_x, pair.shift_y]
    # Both are made of the reference, which is not the canvas where the kernel stretches it.
    for side in (pair.blurred, pair.shifted):
        assert side.receipt.canvas_sha256 == digest_of(prepared.reference)


def test_the_embedding_tells_twins_apart(prepared: PreparedFace) -> None:
    pair = twins(prepared, (8, 0))
    assert pair.apart("cosine_similarity") > 0.02
    assert pair.apart("l2") < 0


def test_a_shift_that_no_blur_reaches_is_said_with_the_nearest(prepared: PreparedFace) -> None:
    pair = twins(prepared, (40, 0), vary="blur")
    assert not pair.found
    assert pair.length == 100
    assert "worse than every blur up to 100 px" in pair.note


def test_where_no_blur_reaches_the_shift_is_found_instead(prepared: PreparedFace) -> None:
    pair = twins(prepared, (0, 40))
    assert pair.found
    assert (pair.varied, pair.length, pair.shift_x) == ("shift", 100, 0)
    assert 0 < pair.shift_y < 40
    assert abs(pair.difference) <= 0.01
    assert "a shift of 40 px worse" in pair.note


def test_the_shift_of_a_given_blur_is_found(prepared: PreparedFace) -> None:
    pair = twins(prepared, (1, 1), vary="shift", length=30.5)
    assert pair.found
    assert pair.length == 30.5
    assert pair.shift_x == pair.shift_y > 0
    assert abs(pair.difference) <= 0.01


def test_twins_refuse_what_has_no_meaning(prepared: PreparedFace) -> None:
    with pytest.raises(SettingError, match="0 px"):
        twins(prepared, (0, 0))
    with pytest.raises(SettingError, match="'cosine'"):
        twins(prepared, (1, 0), metric="cosine")
    with pytest.raises(SettingError, match="'both'"):
        twins(prepared, (1, 0), vary="both")
    with pytest.raises(SettingError, match="leave the length out"):
        twins(prepared, (1, 0), length=20)
    with pytest.raises(SettingError, match="length"):
        twins(prepared, (1, 0), vary="shift", length=101)


# --- blur equivalents ----------------------------------------------------------------------------

LINE = {0: 1.0, 10: 0.9, 50: 0.5, 100: 0.2}


@pytest.mark.parametrize(
    ("value", "degree"), [(1.0, 0), (0.95, 5), (0.9, 10), (0.7, 30), (0.2, 100)]
)
def test_an_equivalent_is_read_off_the_curve(value: float, degree: float) -> None:
    assert blur_equivalent(value, LINE, "ssim").degree == pytest.approx(degree)


def test_a_distance_is_read_off_in_its_own_direction() -> None:
    curve = {0: 0.0, 50: 1.0, 100: 3.0}
    assert blur_equivalent(2.0, curve, "l1").degree == 75
    assert blur_equivalent(3.5, curve, "l1").side == "beyond"


def test_psnr_starts_at_infinity() -> None:
    curve = {0: math.inf, 10: 40.0, 20: 34.0, 100: 20.0}
    assert blur_equivalent(math.inf, curve, "psnr").degree == 0
    assert 0 < (blur_equivalent(46.0, curve, "psnr").degree or 0) < 10
    assert blur_equivalent(34.0, curve, "psnr").degree == pytest.approx(20)


def test_out_of_range_is_said_as_such() -> None:
    beyond = blur_equivalent(0.1, LINE, "ssim")
    assert (beyond.degree, beyond.side) == (None, "beyond")
    assert beyond.text == "SSIM takes this for a blur of over 100 px"
    below = blur_equivalent(1.4, LINE, "sharpness_ratio")
    assert (below.degree, below.side) == (None, "below")
    assert below.text == "Sharpness takes this for a blur of below 10 px"
    part = blur_equivalent(0.95, {20: 0.9, 50: 0.5}, "ssim")
    assert part.short == "below 20 px"


def test_convention_equivalents_below_10_px_are_not_told_apart() -> None:
    assert blur_equivalent(0.95, LINE, "ssim").short == "below 10 px"
    assert blur_equivalent(1.0, LINE, "ssim").short == "below 10 px"
    assert blur_equivalent(0.9, LINE, "ssim").short == "10 px"
    assert blur_equivalent(0.7, LINE, "ssim").text == "SSIM takes this for a blur of 30 px"


def test_convention_a_value_that_a_curve_has_several_times_is_several_blurs() -> None:
    dented = {0: 1.0, 10: 0.7, 20: 0.9, 30: 0.6, 100: 0.2}
    found = blur_equivalent(0.8, dented, "ssim")
    assert [low for low, _ in found.ranges] == pytest.approx([20 / 3, 15, 70 / 3])
    assert found.short == "below 10, 15 or 23 px"
    assert (found.degree, found.nearest(16)) == (None, pytest.approx(15))
    assert found.extent == (pytest.approx(20 / 3), pytest.approx(70 / 3))
    assert blur_equivalent(0.65, dented, "ssim").short == "28 px"


def test_convention_neighbours_are_one_range() -> None:
    wavy = {0: 1.0, 20: 0.8, 22: 0.9, 24: 0.8, 60: 0.9, 100: 0.2}
    found = blur_equivalent(0.85, wavy, "ssim")
    assert found.short == "15, 21–23, 42 or 63 px"
    assert (found.degree, found.nearest(22)) == (None, 22)
    assert blur_equivalent(0.1, {0: 0.0, 9: 0.1, 11: 0.1, 50: 1.0}, "l1").short == "below 11 px"


def test_convention_the_degree_whose_angle_is_drawn_is_left_out() -> None:
    lucky = {0: 1.0, 1: 0.5, 2: 0.95, 50: 0.5, 100: 0.2}
    assert blur_equivalent(0.5, lucky, "ssim").degree == 50
    with pytest.raises(SettingError, match="1 known degrees"):
        blur_equivalent(0.5, {0: 1.0, 1: 0.5}, "ssim")


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(0, 1))
def test_every_degree_that_is_named_has_the_value(values: list[float], at: float) -> None:
    curve = dict(zip([0, *range(5, 100, 5)], [1.0, *values], strict=False))
    degrees, known = list(curve), list(curve.values())
    found = blur_equivalent(at, curve, "ssim")
    for degree in (end for one in found.ranges for end in one):
        assert np.interp(degree, degrees, known) == pytest.approx(at)
    for degree, value in curve.items():
        assert blur_equivalent(value, curve, "ssim").nearest(degree) == degree


def test_a_bad_point_is_left_out_and_too_few_are_refused() -> None:
    assert blur_equivalent(0.7, LINE | {20: math.nan}, "ssim").degree == pytest.approx(30)
    for curve, value in (({0: 1.0, 5: math.nan}, 0.5), (LINE, math.nan), ({}, 0.5)):
        with pytest.raises(SettingError, match="wanted at least two"):
            blur_equivalent(value, curve, "ssim")
    with pytest.raises(SettingError, match="is not a measure"):
        blur_equivalent(0.5, LINE, "sim")


def test_a_shift_is_a_longer_blur_to_psnr_than_to_the_embedding(prepared: PreparedFace) -> None:
    values = prepared.values(prepared.shifted(4))
    degrees = (0, 5, 10, 20, 40, 70, 100)
    found = {
        name: blur_equivalent(values[name], prepared.curve(degrees, 45, name), name).degree or 100
        for name in CLAIM
    }
    assert found["cosine_similarity"] < found["psnr"]
    assert found["cosine_similarity"] < found["ssim"]


# --- the sceptic's table -------------------------------------------------------------------------


def test_the_sceptics_table_has_every_switch(portrait_face: Face, dlib_embedder: Embedder) -> None:
    rows = sceptic_table(portrait_face, dlib_embedder, registrations=("none", "phase"), names=CLAIM)
    keys = [(row.kernel, row.registration, row.crop) for row in rows]
    assert len(set(keys)) == len(keys) == 8
    by_key = dict(zip(keys, rows, strict=True))
    plain = by_key["study", "none", "fixed"]
    assert plain.prefers_sharp("cosine_similarity") is True
    assert plain.prefers_sharp("psnr") is False
    assert plain.prefers_sharp("ssim") is False
    registered = by_key["study", "phase", "fixed"]
    assert registered.sharp["psnr"] == math.inf
    assert registered.prefers_sharp("psnr") is True, "where the claim weakens"
    redetected = by_key["study", "none", "redetect"]
    assert redetected.sharp["cosine_similarity"] > plain.sharp["cosine_similarity"]
    assert {row.angle for row in rows if row.kernel == "line"} == {(defaults.ANGLE + 135) % 180}
    # Where the recogniser looks, in the pictures as they hang: moved by 16 px, and found anew.
    (left, top), *_ = plain.sharp_crop
    assert plain.blurred_crop == plain.sharp_crop
    assert registered.sharp_crop[0] == pytest.approx((left + 16, top))
    assert redetected.sharp_crop[0] == pytest.approx((left + 16, top), abs=4)
    assert by_key["study", "phase", "redetect"].sharp_crop[0] == pytest.approx(
        (left + 16, top), abs=4
    )


@pytest.mark.parametrize("rotation", [0.0, 3.0])
def test_a_place_is_carried_as_the_picture_is_moved(rotation: float) -> None:
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[30, 70] = 255
    moved = move(dot, 5, -4, rotation=rotation)
    ((x, y),) = Registration(5, -4, rotation, "ecc").carried([(70, 30)], (101, 101))
    brightest = np.unravel_index(moved[..., 0].argmax(), (101, 101))
    assert brightest == pytest.approx((y, x), abs=0.6)


def test_the_sceptics_table_refuses_an_unknown_switch(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    for wrong in ({"registrations": ("ecg",)}, {"kernels": ("lin",)}, {"crops": ("fix",)}):
        with pytest.raises(SettingError, match="blurdash knows"):
            sceptic_table(portrait_face, dlib_embedder, **wrong)


# --- searches ------------------------------------------------------------------------------------


def test_the_largest_disagreement_is_one(prepared: PreparedFace) -> None:
    found = find_disagreement(prepared, 16)
    assert found.found
    assert found.note == ""
    assert 0 < found.shift_x <= 16
    assert found.sharp["cosine_similarity"] > found.blurred["cosine_similarity"]
    assert found.sharp["psnr"] < found.blurred["psnr"]
    assert found.sharp["ssim"] < found.blurred["ssim"]
    assert found.least >= find_disagreement(prepared, 4).least, "a wider limit finds no less"


def test_where_nothing_disagrees_the_nearest_is_said(prepared: PreparedFace) -> None:
    found = find_disagreement(prepared, 0.5)
    assert not found.found
    assert found.least < 0
    assert "the nearest is a shift of" in found.note
    assert "Cosine similarity prefers the blurred one" in found.note


@pytest.mark.long
def test_the_mildest_blur_is_wrong_for_every_pixel_measure(prepared: PreparedFace) -> None:
    found = find_mildest(prepared, 16)
    assert found.found
    assert min(found.margins.values()) > 0
    less = prepared.values(prepared.blurred(found.degree - 1), ("cosine_similarity",))
    assert less["cosine_similarity"] >= found.sharp["cosine_similarity"]
    assert found.degree < find_disagreement(prepared, 16).degree


@pytest.mark.parametrize("limit", [0.4, 257, math.nan])
def test_a_limit_out_of_range_is_refused(prepared: PreparedFace, limit: float) -> None:
    for search in (find_disagreement, find_mildest):
        with pytest.raises(SettingError, match="limit"):
            search(prepared, limit)


def test_a_search_without_direction_or_rival_is_refused(prepared: PreparedFace) -> None:
    with pytest.raises(SettingError, match="no direction"):
        find_disagreement(prepared, direction=(0, 0))
    with pytest.raises(SettingError, match="no rival"):
        find_disagreement(prepared, rivals=())
    with pytest.raises(SettingError, match="is not a measure"):
        find_mildest(prepared, rivals=("x",))


def test_an_angle_flip_is_one(prepared: PreparedFace) -> None:
    found = find_angle_flip(prepared, degrees=(60, 80), angles=(0, 30, 90))
    assert found.found
    assert found.longer.degree >= found.shorter.degree + 10
    assert found.margin > 0
    assert found.longer.audit.length >= found.longer.degree * 0.95
    for side in (found.longer, found.shorter):
        change = prepared.blurred(side.degree, side.angle)
        assert prepared.values(change)["cosine_similarity"] == side.value
    assert found.by_geometry == (found.longer.line_value <= found.shorter.line_value)


def test_no_angle_flip_is_said_with_the_nearest(prepared: PreparedFace) -> None:
    found = find_angle_flip(prepared, degrees=(5, 100), angles=(0, 90))
    assert not found.found
    assert found.margin < 0
    assert "the nearest is 100 px" in found.note


@pytest.mark.parametrize("wrong", [{"gap": 0}, {"gap": 99}, {"angles": ()}, {"degrees": ()}])
def test_an_angle_search_over_nothing_is_refused(
    prepared: PreparedFace, wrong: dict[str, int]
) -> None:
    with pytest.raises(SettingError, match="wanted an angle and two degrees"):
        find_angle_flip(prepared, **wrong)


# --- maps ----------------------------------------------------------------------------------------


def test_the_error_map_is_what_psnr_is_made_of(small: Picture) -> None:
    test = shift(small, 3, 0)
    found = squared_error_map(small, test)
    assert found.shape == small.shape[:2]
    mse = float(found.mean(dtype=np.float64))
    assert 10 * math.log10(255**2 / mse) == pytest.approx(psnr(small, test), abs=1e-4)


def test_the_ssim_map_is_what_ssim_is_the_mean_of(small: Picture) -> None:
    test = shift(small, 3, 0)
    found = ssim_map(small, test)
    assert found.shape == small.shape[:2]
    assert float(found[5:-5, 5:-5].mean(dtype=np.float64)) == pytest.approx(ssim(small, test))


def test_the_occlusion_map_lies_on_the_face(portrait_face: Face, dlib_embedder: Embedder) -> None:
    found = occlusion_map(portrait_face.canvas, portrait_face, dlib_embedder, grid=6)
    assert found.shape == (6, 6)
    assert found[0, 0] == found[0, -1] == 0, "the recogniser is not shown the corners"
    assert found.max() > 0.005
    assert found[2:5, 1:5].sum() > 0.8 * found.sum()


def test_the_occlusion_map_of_a_changed_picture(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    moved = shift(portrait_face.canvas, 16, 0)
    found = occlusion_map(portrait_face.canvas, portrait_face, dlib_embedder, test=moved, grid=2)
    covered = moved.copy()
    covered[:512, :512] = 128
    clean, plain, hidden = dlib_embedder.embed(
        [portrait_face.canvas, moved, covered], portrait_face
    )
    cosine = MEASURES["cosine_similarity"].compute
    assert found[0, 0] == pytest.approx(cosine(clean, plain) - cosine(clean, hidden), abs=1e-5)


def test_maps_refuse_what_is_no_pair(
    small: Picture, portrait_face: Face, dlib_embedder: Embedder
) -> None:
    for of in (squared_error_map, ssim_map):
        with pytest.raises(PictureError, match="wanted the same"):
            of(small, small[:100])
        with pytest.raises(PictureError, match="uint8"):
            of(small, small.astype(float))  # type: ignore[arg-type]
    with pytest.raises(PictureError, match="at least 11"):
        ssim_map(small[:9], small[:9])
    for grid in (1, 65, 2.0, True):
        with pytest.raises(SettingError, match="grid is"):
            occlusion_map(portrait_face.canvas, portrait_face, dlib_embedder, grid=grid)
