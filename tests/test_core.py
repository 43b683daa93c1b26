"""The page's own core against the server's: blur, stretch, shift, PSNR and SSIM, by the same bytes.

Where a picture is not equal to the last bit, OpenCV itself decides by chance: of a kernel with more
than 121 places it takes a Fourier transform in float32, and a sum in the middle between two levels
(many are, for the study's even degrees at 0° and 90°) falls to either side.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import wasmtime
from skimage.metrics import structural_similarity

from blurdash.blur import (
    Change,
    apply_change,
    apply_kernel,
    blur_picture,
    reference_picture,
    shift,
)
from blurdash.disturb import Disturbance, disturb
from blurdash.face import Face
from blurdash.kernel import KERNELS, line_kernel
from blurdash.quality import luma, psnr, ssim
from blurdash.sceptic import sharpness, sharpness_ratio
from blurdash.ui.components.scripts import script
from tests.core import CORE, Core
from tests.marks import long_but
from tests.node import answer_of
from tests.toys import disc

Picture = npt.NDArray[np.uint8]

ROOT = Path(__file__).parents[1]
TO_THE_LAST_BIT = [
    Change(0),
    Change(0, shift_x=8, shift_y=-5),
    Change(0, shift_x=0.5, shift_y=-3),
    Change(0, shift_x=-2, shift_y=31.5),
    Change(1),
    Change(2, 45),
    Change(5, 20, shift_x=-32),
    Change(9, -133, shift_y=0.5),
    Change(11, 90),
]
WITHIN_A_LEVEL = [
    Change(0, shift_x=-3.5, shift_y=7.5),
    Change(12, 17),
    Change(12, 45),
    Change(30, 45, shift_x=0.5),
    Change(31, -70, shift_x=7, shift_y=3),
    Change(50, 20, shift_x=2.5, shift_y=-0.5),
    Change(77, 133),
    Change(100, 77, shift_x=-31.5, shift_y=32),
]
TIES = [Change(12, 0), Change(14, 90), Change(100, 0), Change(100, 90, shift_x=0.5)]
# A shift between pixels alone, a blur with one, a long blur; ties of a short and of a long one.
QUICK = [WITHIN_A_LEVEL[0], WITHIN_A_LEVEL[3], WITHIN_A_LEVEL[6], TIES[0], TIES[3]]


def of_kernel(change: Change, kernel: str) -> Change:
    return Change(change.degree, change.angle, kernel, change.shift_x, change.shift_y)


def described(change: Change) -> str:
    return f"{change.degree}px{change.angle:g}°{change.shift_x:g},{change.shift_y:g}"


@pytest.fixture(scope="module")
def canvas(portrait_face: Face) -> Picture:
    """The portrait in 12..240: the stretch has something to do."""
    return np.round(portrait_face.canvas * (228 / 255) + 12).astype(np.uint8)


@pytest.fixture(scope="module")
def clean(canvas: Picture) -> Picture:
    """A third of it, not of a handy size."""
    return canvas[300:649, 340:689].copy()


@pytest.fixture(scope="module", params=sorted(KERNELS))
def compared(request: Any, canvas: Picture) -> tuple[str, Core, Picture]:
    """A kernel, the core with its reference, and that reference."""
    core = Core(canvas)
    reference = core.reference(request.param)
    assert np.array_equal(reference, reference_picture(canvas, request.param))
    return request.param, core, reference


def assert_numbers(core: Core, reference: Picture, wanted: Picture, tie: bool = False) -> None:
    """PSNR, SSIM and sharpness of the changed picture are the server's."""
    expected = psnr(reference, wanted)
    if math.isinf(expected):
        assert math.isinf(core.psnr())
    else:
        assert core.psnr() == pytest.approx(expected, abs=5e-3 if tie else 1e-4)
    assert core.ssim() == pytest.approx(ssim(reference, wanted), abs=5e-5 if tie else 1e-6)
    ratio = core.sharpness() / core.sharpness(of_reference=True)
    sharper = sharpness_ratio(reference, wanted)
    assert ratio == pytest.approx(sharper, abs=1e-2 if tie else 1e-4)


@pytest.mark.parametrize("change", TO_THE_LAST_BIT, ids=described)
def test_small_kernels_and_shifts_are_equal_to_the_last_bit(
    compared: Any, canvas: Any, change: Any
):
    kernel, core, reference = compared
    changed = of_kernel(change, kernel)
    wanted = apply_change(canvas, changed)
    assert np.array_equal(core.change(changed), wanted)
    assert_numbers(core, reference, wanted)


@pytest.mark.parametrize("gain", long_but({0.5, 1.15, 4.0}, [0.1, 0.5, 0.77, 1.0, 1.15, 1.5, 4.0]))
def test_other_light_is_equal_to_the_last_bit(compared: Any, gain: float):
    kernel, core, reference = compared
    core.change(Change(0, kernel=kernel, shift_x=3.5))
    wanted = disturb(reference, Disturbance(x=3.5, gain=gain))
    assert np.array_equal(core.light(gain), wanted)
    assert core.psnr() == pytest.approx(psnr(reference, wanted), abs=1e-4)
    # Ours in float32 is 9e-6 off where the light is another; the core is nearer to float64.
    exact = structural_similarity(
        *(luma(one).astype(np.float64) for one in (reference, wanted)),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    assert core.ssim() == pytest.approx(exact, abs=1e-6)
    assert core.ssim() == pytest.approx(ssim(reference, wanted), abs=2e-5)


def test_the_reference_can_be_blurred_in_place_of_the_clean_picture(compared: Any, canvas: Any):
    _, core, reference = compared
    kernel = line_kernel(9, 20.0)
    assert core.take_kernel(kernel, 0.0)
    for of_reference, picture in ((1, reference), (0, canvas)):
        core.call("blur_of", of_reference)
        core.call("blur", 0, core.n)
        core.call("change", 1, 0, 0, 0, 0)
        assert np.array_equal(core.given("give_changed"), apply_kernel(picture, kernel))


def test_the_page_rounds_other_light_as_the_server_does():
    gains = [0.1, 0.33, 0.5, 0.77, 1.15, 1.5, 2.0, 4.0]
    code = """import { Core } from "./wasm/core.js";
    answer(gains.map((gain) => {
      const memory = { buffer: new ArrayBuffer(256) };
      new Core({ memory, lit_at: () => 0, light: () => {} }).light(gain);
      return [...new Uint8Array(memory.buffer)];
    }));"""
    found = answer_of(script("test.js", {"test.js": f"const gains = {gains};\n{code}"}))
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for gain, lit in zip(gains, found, strict=True):
        assert lit == disturb(levels, Disturbance(gain=gain)).ravel().tolist()


@pytest.mark.parametrize("n", [11, 12, 37])
def test_sharpness_of_pictures_of_any_side(canvas: Picture, n: int):
    picture = canvas[400 : 400 + n, 500 : 500 + n].copy()
    core = Core(picture)
    core.reference("line")
    assert core.sharpness(of_reference=True) == pytest.approx(sharpness(picture), rel=1e-12)
    core.change(Change(0, kernel="line", shift_x=n - 1, shift_y=-3))
    moved = shift(picture, n - 1, -3)
    assert core.sharpness() == pytest.approx(sharpness(moved), rel=1e-12)


@pytest.mark.parametrize("change", long_but(QUICK, [*WITHIN_A_LEVEL, *TIES]), ids=described)
def test_larger_kernels_are_within_a_level_and_so_are_their_numbers(
    compared: Any, canvas: Any, change: Any
):
    kernel, core, reference = compared
    changed, tie = of_kernel(change, kernel), change in TIES
    still = Change(changed.degree, changed.angle, kernel)
    blurred = core.change(still, plain=True).astype(int)
    before = apply_kernel(canvas, still.taps()) if still.degree else canvas
    unequal = np.abs(blurred - before)
    assert unequal.max() <= 1
    assert (unequal > 0).mean() < (0.05 if tie else 1e-4)
    wanted = apply_change(canvas, changed)
    # A shift between pixels adds neighbours up, of which several may be a level off where many are.
    most = 3 if tie and changed.shift_x % 1 else 2
    assert np.abs(core.change(changed).astype(int) - wanted).max() <= most
    assert_numbers(core, reference, wanted, tie)


STORED_CASE = """import { CORE_BYTES } from "./core_source.js";
import { computedCase, rightlyComputed } from "./wasm/check.js";
import { Core } from "./wasm/core.js";

const core = await Core.start(Uint8Array.from(atob(CORE_BYTES), (one) => one.charCodeAt(0)));
const wrong = new Core({ ...core.c, ssim: () => 0.5 });
const judged = [rightlyComputed(core), rightlyComputed(wrong)];
answer([...judged, computedCase(core), [...core.picture()]]);
"""


def test_the_stored_case_that_browsers_check_themselves_by():
    """Computed in JavaScript by the same bytes, and by the server's own functions."""
    found = answer_of(script("test.js", {"test.js": STORED_CASE}))
    right, wrong, numbers, rgba = found
    assert (right, wrong) == (True, False)
    state, levels = 20261129, []
    for i in range(53 * 53 * 4):
        state = (state * 1664525 + 1013904223) % 2**32
        levels.append(255 if i % 4 == 3 else 20 + (state >> 24) * 0.75)
    clean = np.rint(levels).astype(np.uint8).reshape(53, 53, 4)[..., :3].copy()
    taps = np.zeros((13, 13))
    for i in range(13):
        taps[(i * 5) % 13, i] = (i + 1) / 91
    stretched = cv2.normalize(apply_kernel(clean, taps), None, 0, 255, cv2.NORM_MINMAX)
    wanted = shift(stretched, 2.5, -3.5)
    reference = reference_picture(clean, "study")
    picture = np.array(rgba, np.uint8).reshape(53, 53, 4)[..., :3]
    assert np.abs(picture.astype(int) - wanted).max() <= 2
    assert numbers["psnr"] == pytest.approx(psnr(reference, wanted), abs=2e-3)
    assert numbers["ssim"] == pytest.approx(ssim(reference, wanted), abs=2e-4)


def test_any_other_kernel_comes_as_taps(clean: Picture):
    core = Core(clean)
    for degree in (9, 40, 100):
        taps = disc(degree, 0)
        assert core.take_kernel(taps, 0.0)
        core.call("blur", 0, core.n)
        core.call("change", 1, 0, 0, 0, 0)
        unequal = np.abs(core.given("give_changed").astype(int) - apply_kernel(clean, taps))
        assert unequal.max() <= 1
        assert (unequal > 0).mean() < 1e-4


def test_taps_that_are_weighed_negatively_or_add_up_to_more_are_clipped_alike(clean: Picture):
    sharpen = np.array([[0, -1, 0], [-1, 6, -1], [0, -1, 0]], np.float64)
    core = Core(clean)
    for taps in (sharpen, 7 * line_kernel(20, 30), -line_kernel(5, 0)):
        assert core.take_kernel(taps, 0.0)
        core.call("blur", 0, core.n)
        core.call("change", 1, 0, 0, 0, 0)
        assert np.abs(core.given("give_changed").astype(int) - apply_kernel(clean, taps)).max() <= 1


def test_a_kernel_in_parts_of_the_picture_is_the_same(clean: Picture):
    """Rows can be filtered a few at a time, so that a long kernel can be given up."""
    core = Core(clean)
    changed = Change(40, 30)
    whole = core.change(changed)
    for first in range(0, core.n, 50):
        core.call("blur", first, min(first + 50, core.n))
    core.call("change", 1, 1, 0, 0, 0)
    assert np.array_equal(core.given("give_changed"), whole)


@pytest.mark.parametrize("n", [11, 12, 37, 64])
@pytest.mark.parametrize("degree", [7, 60])
def test_pictures_smaller_than_the_kernel_and_of_any_side(n: int, degree: int):
    clean = np.random.default_rng(n).integers(3, 200, (n, n, 3), np.uint8)
    core = Core(clean)
    for kernel in sorted(KERNELS):
        reference = core.reference(kernel)
        for amount in (0.0, 0.5, 5.0, -4.5):
            changed = Change(degree, 33, kernel, amount, -amount)
            wanted = apply_change(clean, changed)
            found = core.change(changed).astype(int)
            # A level before the stretch is several after it where little contrast is left.
            blurred = blur_picture(clean, "line", degree, 33)
            factor = 255 / np.ptp(blurred) if KERNELS[kernel].stretched else 1
            assert np.abs(found - wanted).max() <= 1 + factor
            if degree == 7:
                assert core.psnr() == pytest.approx(psnr(reference, wanted), abs=2e-3)
                assert core.ssim() == pytest.approx(ssim(reference, wanted), abs=1e-4)


def test_a_flat_picture_has_nothing_to_stretch():
    core = Core(np.full((40, 40, 3), 90, np.uint8))
    assert not core.reference("study").any()
    assert not core.change(Change(20, 10)).any()
    assert core.psnr() == math.inf
    assert core.ssim() == pytest.approx(1)


def test_kernels_that_cannot_be_done_here_are_refused(clean: Picture):
    core = Core(clean)
    far = np.zeros((1, 131))
    far[0, 0] = 1
    assert not core.take_kernel(far, 0.0)
    assert not core.take_kernel(np.zeros((3, 3)), 0.0)
    assert not core.take_kernel(np.full((1, 1), 40_000.0), 1.0)  # more than a weight can hold
    assert not core.take_kernel(np.ones((129, 129)), 0.0)  # too many of them
    assert core.take_kernel(np.ones((1, 1)), 1.0)


def test_memory_is_bounded_and_taken_again(clean: Picture):
    core = Core(np.zeros((1024, 1024, 3), np.uint8))
    assert core.memory < 48e6
    taken = core.memory
    for n in (64, 1024, 512):
        assert core.call("open", n, 1)
    assert core.memory == taken


def test_too_little_memory_is_said():
    core = Core(np.zeros((64, 64, 3), np.uint8), most_memory=20_000_000)
    assert core.call("open", 1024, 1) == 0
    assert core.call("open", 64, 1)


def test_it_needs_nothing_of_the_browser():
    module = wasmtime.Module.from_file(wasmtime.Engine(), str(CORE))
    assert list(module.imports) == []
    assert CORE.stat().st_size < 60_000


@pytest.mark.long
@pytest.mark.skipif(not find_spec("ziglang"), reason="needs ziglang: requirements-long.txt")
def test_its_source_gives_these_very_bytes(tmp_path: Path):
    built = tmp_path / "core.wasm"
    environment = {**os.environ, "PYTHON": sys.executable, "ZIG_GLOBAL_CACHE_DIR": str(tmp_path)}
    subprocess.run(["sh", "wasm/build.sh", str(built)], cwd=ROOT, env=environment, check=True)
    assert built.read_bytes() == CORE.read_bytes()
