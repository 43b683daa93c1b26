"""Kernels: the study's bit for bit with its warts pinned, the exact line, and the audit of both.

Reference values come from the study's recipe, from moments taken in this file, from lines drawn
here by other means, and from closed forms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurdash.errors import PictureError, SettingError
from blurdash.kernel import (
    KERNELS,
    audit_kernel,
    check_angle,
    check_degree,
    kernel_centroid,
    line_kernel,
    study_kernel,
)

Array = npt.NDArray[np.float64]

ANGLES = (
    *(-180, -135, -90, -88, -45, -30, -1, 0, 1, 22.5, 30, 44.9, 45, 45.1, 60),
    *(88, 90, 101.25, 120, 134.999, 135, 150, 179.5, 180, 359, 405),
)
LENGTHS = (1.2, 2, 2.5, 3, 5, 7.25, 9, 12.5, 16, 21, 30, 31, 50, 64.4, 75, 99.9, 100)

angles = st.floats(-360, 360)
degrees = st.integers(1, 100)
lengths = st.floats(0, 100)


def recipe(degree: int, angle: float) -> Array:
    """The study's kernel: a diagonal of ones, turned by a warp, over its count."""
    ones = np.zeros((degree, degree))
    ones[np.arange(degree), np.arange(degree)] = 1
    middle = (degree / 2, degree / 2)
    matrix = cv2.getRotationMatrix2D(middle, angle, 1)
    return np.asarray(cv2.warpAffine(ones, matrix, (degree, degree)), np.float64) / degree


class Moments(NamedTuple):
    """Of a kernel, about OpenCV's anchor; x to the right, y up."""

    mass: float
    x: float
    y: float
    along: float  # largest central second moment
    across: float  # smallest
    direction: float  # of the largest, degrees in [0, 180)


def moments(kernel: Array) -> Moments:
    """Takes moments by eigenvalues, another way than the audit's closed form."""
    rows, columns = np.nonzero(kernel)
    weights = kernel[rows, columns]
    points = np.stack([columns - kernel.shape[1] // 2, kernel.shape[0] // 2 - rows], axis=1).astype(
        float
    )
    centre = np.average(points, axis=0, weights=weights)
    spread = np.cov(points.T, aweights=weights, ddof=0) if len(weights) > 1 else np.zeros((2, 2))
    values, vectors = np.linalg.eigh(spread)
    direction = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])) % 180
    return Moments(weights.sum(), *centre, values[1], values[0], direction)


def turned_by(direction: float, angle: float) -> float:
    """Returns how far a direction is from an angle, both modulo 180; degrees."""
    return abs((direction - angle + 90) % 180 - 90)


def drawn_line(length: float, angle: float, size: int) -> Array:
    """Draws a line of no width by 400 points a pixel, each counted in the pixel it falls in."""
    along = (np.arange(round(length * 400)) + 0.5) / 400 - length / 2
    columns = np.rint(along * math.cos(math.radians(angle))).astype(int) + size // 2
    rows = np.rint(-along * math.sin(math.radians(angle))).astype(int) + size // 2
    kernel = np.zeros((size, size))
    np.add.at(kernel, (rows, columns), 1 / len(along))
    return kernel


def padded(kernel: Array, size: int) -> Array:
    rim = (size - kernel.shape[0]) // 2
    return np.pad(kernel, rim)


# --- the study's kernel --------------------------------------------------------------------------


@pytest.mark.parametrize("angle", ANGLES)
def test_study_kernel_is_the_recipe_bit_for_bit(angle: float) -> None:
    for degree in range(1, 101):
        kernel = study_kernel(degree, angle)
        assert kernel.dtype == np.float64
        assert kernel.shape == (degree, degree)
        assert np.array_equal(kernel, recipe(degree, angle)), degree


@given(degrees, st.floats(-1e6, 1e6))
def test_study_kernel_is_the_recipe_at_any_angle(degree: int, angle: float) -> None:
    assert np.array_equal(study_kernel(degree, angle), recipe(degree, angle))


@given(degrees, angles)
def test_study_kernel_never_adds_light(degree: int, angle: float) -> None:
    kernel = study_kernel(degree, angle)
    assert kernel.min() >= 0
    assert kernel.max() <= 1 / degree
    assert kernel.sum() <= 1 + 1e-12


def test_convention_study_degree_0_is_the_identity() -> None:
    assert study_kernel(0, 30).tolist() == [[1.0]]


@pytest.mark.parametrize("degree", [2, 3, 10, 31, 100])
def test_convention_study_angle_0_is_the_135_degree_diagonal(degree: int) -> None:
    assert np.array_equal(study_kernel(degree, 0), np.eye(degree) / degree)
    assert audit_kernel(study_kernel(degree, 0)).direction == pytest.approx(135)


@pytest.mark.parametrize("degree", [5, 10, 31, 75, 100])
def test_convention_study_angle_45_is_horizontal(degree: int) -> None:
    found = moments(study_kernel(degree, 45))
    assert turned_by(found.direction, 0) < 0.5
    assert found.across < 0.3  # within one or two rows


@pytest.mark.parametrize("angle", [-120, -90, -45, -20, 0, 20, 45, 70, 90, 135, 160])
def test_convention_study_direction_is_angle_plus_135(angle: float) -> None:
    for degree in (15, 31, 64, 100):
        assert turned_by(moments(study_kernel(degree, angle)).direction, angle + 135) < 1


@pytest.mark.parametrize("degree", [10, 30, 31, 75, 100])
def test_convention_study_length_is_degree_times_root_2_at_0_and_degree_at_45(degree: int) -> None:
    assert audit_kernel(study_kernel(degree, 0)).length == pytest.approx(
        degree * math.sqrt(2), rel=0.005
    )
    assert audit_kernel(study_kernel(degree, 45)).length == pytest.approx(degree, abs=0.5)


def test_convention_study_kernel_loses_a_quarter_of_the_light_off_the_diagonal() -> None:
    masses = [
        study_kernel(degree, angle).sum()
        for degree in range(10, 101, 10)
        for angle in (15, 30, 45, 60, 75, 105, 120, 135, 150, 165)
    ]
    assert min(masses) > 0.70
    assert max(masses) < 0.83
    assert study_kernel(31, 0).sum() == pytest.approx(1)
    assert study_kernel(31, 180).sum() < 1


def test_convention_study_kernel_is_off_centre_by_a_median_of_half_a_pixel() -> None:
    offsets = []
    for degree in range(2, 101, 3):
        for angle in range(-180, 180, 15):
            found = moments(study_kernel(degree, angle))
            offsets.append(math.hypot(found.x, found.y))
    assert np.median(offsets) == pytest.approx(0.55, abs=0.05)
    assert max(offsets) > 0.8


def test_convention_study_degree_1_at_45_keeps_39_percent_of_the_light() -> None:
    assert study_kernel(1, 45).sum() == pytest.approx(0.39, abs=0.01)


@pytest.mark.parametrize("angle", [90, -90, 91, 135, -135, 180, -180])
def test_convention_study_degree_1_is_all_dark_from_90_degrees_on(angle: float) -> None:
    assert not study_kernel(1, angle).any()


@pytest.mark.parametrize("angle", range(-88, 89, 8))
def test_convention_study_degree_1_has_light_up_to_88_degrees(angle: float) -> None:
    assert 0 < study_kernel(1, angle).sum() <= 1


# --- the exact line ------------------------------------------------------------------------------


@pytest.mark.parametrize("length", LENGTHS)
def test_line_kernel_has_unit_mass_no_offset_and_the_length_and_direction_asked_for(
    length: float,
) -> None:
    for angle in ANGLES:
        kernel = line_kernel(length, angle)
        found = moments(kernel)
        assert abs(found.mass - 1) < 1e-12
        assert math.hypot(found.x, found.y) < 1e-9
        assert kernel.min() >= 0
        assert abs(math.sqrt(12 * found.along + 1) - length) < 0.03, angle
        if length >= 5:
            assert turned_by(found.direction, angle) < 2, angle
            assert found.across < 0.26, "a line is thin"


@given(lengths, angles)
def test_line_kernel_is_unit_mass_odd_and_point_symmetric(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle)
    assert kernel.dtype == np.float64
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    assert kernel.shape[0] <= length + 3
    assert abs(kernel.sum() - 1) < 1e-12
    assert np.array_equal(kernel, kernel[::-1, ::-1])
    assert kernel.min() >= 0


@given(lengths, angles)
def test_line_kernel_audits_to_what_was_asked_for(length: float, angle: float) -> None:
    audit = audit_kernel(line_kernel(length, angle))
    assert abs(audit.mass - 1) < 1e-12
    assert audit.offset < 1e-9
    assert abs(audit.length - max(length, 1)) < 0.03
    if length >= 5:
        assert turned_by(audit.direction, angle) < 2


@given(lengths, st.integers(-4 * 360, 4 * 360), st.integers(-3, 3))
def test_convention_line_period_is_exactly_180(length: float, quarters: int, turns: int) -> None:
    angle = quarters / 4
    assert np.array_equal(line_kernel(length, angle), line_kernel(length, angle + 180 * turns))


@given(lengths, angles)
def test_line_kernel_a_quarter_turn_on_is_the_kernel_turned(length: float, angle: float) -> None:
    here, there = np.rot90(line_kernel(length, angle)), line_kernel(length, angle + 90)
    size = max(here.shape[0], there.shape[0])
    np.testing.assert_allclose(padded(here, size), padded(there, size), atol=1e-9)


@given(lengths, angles)
def test_line_kernel_of_the_opposite_angle_is_the_mirror_image(length: float, angle: float) -> None:
    here, there = line_kernel(length, angle)[::-1], line_kernel(length, -angle)
    size = max(here.shape[0], there.shape[0])
    np.testing.assert_allclose(padded(here, size), padded(there, size), atol=1e-9)


@pytest.mark.parametrize("length", [3, 5, 31, 99])
def test_convention_line_of_odd_length_at_angle_0_is_that_many_equal_taps(length: int) -> None:
    kernel = line_kernel(length, 0)
    middle = kernel.shape[0] // 2
    row = kernel[middle]
    assert np.delete(kernel, middle, axis=0).sum() == 0
    assert (row > 0).sum() == length
    np.testing.assert_allclose(row[row > 0], 1 / length, rtol=1e-9)


@pytest.mark.parametrize("length", [0, 0.5, 1, 1.0])
def test_convention_line_of_length_0_or_1_is_the_identity(length: float) -> None:
    for angle in (0, 30, 45, -100):
        assert line_kernel(length, angle).tolist() == [[1.0]]


def test_convention_line_angle_is_counter_clockwise_as_displayed() -> None:
    kernel = line_kernel(31, 30)
    middle = kernel.shape[0] // 2
    upper_right, lower_left = kernel[:middle, middle + 1 :], kernel[middle + 1 :, :middle]
    upper_left, lower_right = kernel[:middle, :middle], kernel[middle + 1 :, middle + 1 :]
    assert upper_right.sum() > 0.45
    assert lower_left.sum() > 0.45
    assert upper_left.sum() == lower_right.sum() == 0


def test_convention_line_90_is_vertical() -> None:
    kernel = line_kernel(31, 90)
    assert kernel[:, kernel.shape[1] // 2].sum() == pytest.approx(1)


@pytest.mark.parametrize(("length", "angle"), [(31, 0), (31, 90), (21, 30), (50, 45), (75, -70)])
def test_line_kernel_blurs_like_a_line_drawn_by_other_means(length: float, angle: float) -> None:
    size = 111
    ours, drawn = padded(line_kernel(length, angle), size), drawn_line(length, angle, size)
    noise = np.random.default_rng(7).normal(0, 40, (256, 256))
    picture = cv2.GaussianBlur(noise, (0, 0), 2)  # as smooth as a photo
    apart = cv2.filter2D(picture, -1, ours) - cv2.filter2D(picture, -1, drawn)
    changed = cv2.filter2D(picture, -1, drawn) - picture
    assert np.sqrt((apart**2).mean()) < 0.03 * np.sqrt((changed**2).mean())
    wrong = padded(line_kernel(length, angle + 5), size)
    far = cv2.filter2D(picture, -1, wrong) - cv2.filter2D(picture, -1, drawn)
    assert np.sqrt((far**2).mean()) > 3 * np.sqrt((apart**2).mean()), "5 degrees off would show"


def test_line_kernel_at_angle_0_equals_the_drawn_line() -> None:
    np.testing.assert_allclose(padded(line_kernel(31, 0), 41), drawn_line(31, 0, 41), atol=1e-3)


# --- the audit -----------------------------------------------------------------------------------


def test_audit_of_a_single_tap() -> None:
    audit = audit_kernel(np.ones((1, 1)))
    assert audit[:3] == (1, 0, 1)
    assert math.isnan(audit.direction)


def test_audit_of_a_row_of_equal_taps_is_its_length() -> None:
    for count in (2, 3, 8, 31):
        audit = audit_kernel(np.full((1, count), 1 / count))
        assert audit.length == pytest.approx(count)
        assert audit.direction == 0
        # Taps 0..n−1 have their centre at (n − 1) / 2, the anchor is n // 2.
        assert audit.offset == pytest.approx(count // 2 - (count - 1) / 2)


def test_audit_of_a_column_points_up() -> None:
    assert audit_kernel(np.full((9, 1), 1 / 9)).direction == pytest.approx(90)


def test_audit_of_a_row_with_a_trace_of_tilt_is_0_and_not_180() -> None:
    kernel = np.zeros((3, 31))
    kernel[1] = 1 / 31
    kernel[0, 0] = 1e-13  # up on the left: a direction just below 180
    assert audit_kernel(kernel).direction == 0


def test_audit_of_a_one_sided_half_gaussian() -> None:
    """The kernel that ImageNet-C's motion blur draws: it moves the picture by √(2/π) σ."""
    sigma, reach = 12.0, 80
    kernel = np.zeros((1, 2 * reach + 1))
    kernel[0, reach:] = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    taps = np.arange(reach + 1)
    weights = kernel[0, reach:]
    exact = (taps * weights).sum() / weights.sum()
    audit = audit_kernel(kernel)
    assert audit.offset == pytest.approx(exact, rel=1e-12)
    # The sum differs from the integral by the half tap at 0: σ√(2/π) / (1 + 1/(σ√(π/2)) / 2).
    assert exact == pytest.approx(
        sigma * math.sqrt(2 / math.pi) / (1 + 0.5 / (sigma * math.sqrt(math.pi / 2))), rel=2e-3
    )
    assert audit.direction == 0
    assert kernel_centroid(kernel) == pytest.approx((exact, 0))
    assert kernel_centroid(kernel[:, ::-1]) == pytest.approx((-exact, 0))


def test_convention_centroid_is_right_and_up() -> None:
    kernel = np.zeros((5, 5))
    kernel[0, 4] = 2
    assert kernel_centroid(kernel) == (2, 2)


def test_convention_anchor_is_size_floor_half() -> None:
    kernel = np.zeros((4, 6))
    kernel[2, 3] = 1
    assert audit_kernel(kernel).offset == 0


def test_audit_of_a_disc_has_no_direction() -> None:
    y, x = np.mgrid[-9:10, -9:10]
    disc = (x**2 + y**2 <= 81) / 1.0
    audit = audit_kernel(disc / disc.sum())
    assert math.isnan(audit.direction)
    assert audit.offset == pytest.approx(0, abs=1e-12)
    # A disc of radius r has the second moment r² / 4 along every line.
    assert audit.length == pytest.approx(math.sqrt(12 * 9.0**2 / 4 + 1), rel=0.05)


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (4, 7)])
def test_audit_of_an_all_zero_kernel(size: tuple[int, int]) -> None:
    audit = audit_kernel(np.zeros(size))
    assert audit.mass == 0
    assert all(math.isnan(value) for value in audit[1:])
    with pytest.raises(PictureError, match="sums to zero"):
        kernel_centroid(np.zeros(size))


@given(degrees, angles)
def test_audit_agrees_with_moments_taken_another_way(degree: int, angle: float) -> None:
    kernel = study_kernel(degree, angle)
    audit = audit_kernel(kernel)
    if not kernel.any():
        assert audit.mass == 0
        return
    found = moments(kernel)
    assert audit.mass == pytest.approx(found.mass)
    assert audit.offset == pytest.approx(math.hypot(found.x, found.y), abs=1e-9)
    assert audit.length == pytest.approx(math.sqrt(12 * found.along + 1), abs=1e-6)
    if found.along - found.across > 1e-3:
        assert turned_by(audit.direction, found.direction) < 1e-3
        assert 0 <= audit.direction < 180


@given(lengths, angles, st.floats(0.1, 10))
def test_audit_does_not_depend_on_the_scale_of_the_weights(
    length: float, angle: float, factor: float
) -> None:
    kernel = line_kernel(length, angle)
    audit, scaled = audit_kernel(kernel), audit_kernel(kernel * factor)
    assert scaled.mass == pytest.approx(factor)
    assert scaled.length == pytest.approx(audit.length, abs=1e-6)


def test_audit_takes_lists_and_whole_numbers() -> None:
    assert audit_kernel([[0, 1, 1], [0, 0, 0], [0, 0, 0]]).mass == 2


@pytest.mark.parametrize(
    "kernel",
    [
        np.ones(5),
        np.ones((3, 3, 3)),
        np.ones((0, 3)),
        np.full((3, 3), np.nan),
        np.full((3, 3), np.inf),
        np.ones((3, 3), complex),
        "kernel",
        None,
        [["a", "b"]],
    ],
    ids=["1-D", "3-D", "empty", "nan", "inf", "complex", "text", "none", "letters"],
)
def test_audit_of_what_is_no_kernel(kernel: object) -> None:
    for function in (audit_kernel, kernel_centroid):
        with pytest.raises(PictureError) as caught:
            function(kernel)
        assert_one_sentence(caught.value)


# --- what is refused -----------------------------------------------------------------------------


def assert_one_sentence(error: Exception) -> None:
    message = str(error)
    assert "\n" not in message
    assert 20 < len(message) < 250
    assert "; " in message, "it says what to do"
    assert not message.endswith(".")


@pytest.mark.parametrize(
    "degree", [-1, 101, 1.5, 30.0, "x", "30", None, True, math.nan, [3]], ids=repr
)
def test_a_degree_that_is_none_is_refused_by_name(degree: object) -> None:
    for function in (check_degree, lambda value: study_kernel(value, 45)):
        with pytest.raises(SettingError, match="degree is ") as caught:
            function(degree)
        assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    "angle", [math.nan, math.inf, -math.inf, "x", "45", None, True, 1j], ids=repr
)
def test_an_angle_that_is_none_is_refused_by_name(angle: object) -> None:
    calls = (check_angle, lambda value: study_kernel(9, value), lambda value: line_kernel(9, value))
    for function in calls:
        with pytest.raises(SettingError, match="angle is ") as caught:
            function(angle)
        assert_one_sentence(caught.value)


@pytest.mark.parametrize("length", [-0.1, 100.1, "x", None, True, math.nan, math.inf], ids=repr)
def test_a_length_that_is_none_is_refused_by_name(length: object) -> None:
    with pytest.raises(SettingError, match="length is ") as caught:
        line_kernel(length, 45)
    assert_one_sentence(caught.value)


def test_a_long_wrong_value_does_not_flood_the_message() -> None:
    with pytest.raises(SettingError) as caught:
        study_kernel("9" * 10_000, 45)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("degree", [np.int64(30), np.uint8(30), 30])
def test_numpy_whole_numbers_are_degrees(degree: int) -> None:
    assert check_degree(degree) == 30
    assert type(check_degree(degree)) is int
    assert np.array_equal(study_kernel(degree, np.float32(45)), recipe(30, 45))


def test_every_degree_and_angle_of_the_page_makes_every_kernel() -> None:
    for row in KERNELS.values():
        for degree in (0, 1, 2, 50, 100):
            for angle in (-180, 0, 180):
                kernel = row.make(degree, angle)
                assert kernel.ndim == 2
                assert np.isfinite(kernel).all()


@pytest.mark.parametrize(
    "odd", [10**5000, np.timedelta64(5), np.timedelta64(5, "s")], ids=["huge", "span", "seconds"]
)
def test_numbers_that_are_none_of_ours_are_refused_in_a_sentence(odd):
    with pytest.raises(SettingError, match="wanted a whole number from 0 to 100"):
        check_degree(odd)
    with pytest.raises(SettingError, match="wanted a finite number of degrees"):
        check_angle(odd)
