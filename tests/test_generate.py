"""``generate``: the study's samples, bit for bit, in parallel, interrupted and gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from blurdash import samples
from blurdash.cli import main
from blurdash.errors import BlurdashError, SettingError
from blurdash.folder import read_folder
from blurdash.samples import drawn_angle, estimate, generate, plan_samples

ROOT = Path(__file__).resolve().parents[1]
Picture = npt.NDArray[np.uint8]


def the_studys_blur(img: Picture, d: int, angle: float) -> Picture:
    """What the study's script computes, written out once more."""
    image = np.array(img)
    if d > 0:
        turn = cv2.getRotationMatrix2D((d / 2, d / 2), angle, 1)
        kernel = cv2.warpAffine(np.diag(np.ones(d)), turn, (d, d)) / d
        image = cv2.filter2D(image, -1, kernel)
    cv2.normalize(image, image, 0, 255, cv2.NORM_MINMAX)
    return np.array(image, dtype=np.uint8)


def write_pictures(folder: Path, count: int, *, side: int = 72) -> list[Picture]:
    """Returns pictures, BGR, that lie in the folder as a.png, b.png and so on."""
    rng = np.random.default_rng(5)
    pictures = []
    for i in range(count):
        picture = cv2.GaussianBlur(rng.integers(9, 200, (side, side + 5, 3), np.uint8), (0, 0), 2)
        cv2.imwrite(str(folder / f"{chr(97 + i)}.png"), picture)
        pictures.append(np.asarray(picture, np.uint8))
    return pictures


def test_fixed_angle_is_bit_identical_to_the_study(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path, 2)
    plan = plan_samples(tmp_path, angle=45)
    report = generate(plan)
    assert (report.written, report.there, report.failures) == (202, 0, {})
    for name, picture in zip("ab", pictures, strict=True):
        files = {path.name for path in (tmp_path / name).iterdir()}
        assert files == {f"fix_{d}.png" for d in range(101)}
        for d in range(101):
            angle = drawn_angle(0, name, d, 45, kernel="study")
            wanted = the_studys_blur(picture, d, angle)
            assert np.array_equal(cv2.imread(str(tmp_path / name / f"fix_{d}.png")), wanted)


def test_random_angles_follow_from_seed_name_and_degree_alone(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path, 2)
    plan = plan_samples(tmp_path, angle="random", seed=3, out=tmp_path / "out")
    generate(plan, workers=1)
    angles = {d: drawn_angle(3, "b", d, None, kernel="study") for d in range(101)}
    assert all(angle == round(angle) and -180 <= angle <= 180 for angle in angles.values())
    assert len(set(angles.values())) > 60
    for d in (0, 1, 2, 40, 100):
        found = cv2.imread(str(tmp_path / "out" / "b" / f"random_{d}.png"))
        assert np.array_equal(found, the_studys_blur(pictures[1], d, angles[d]))


def test_convention_degree_1_draws_its_angle_even_when_one_is_given() -> None:
    drawn = {drawn_angle(seed, "a", 1, 45, kernel="study") for seed in range(400)}
    assert min(drawn) >= -88
    assert max(drawn) <= 88
    assert len(drawn) > 90
    assert drawn_angle(0, "a", 1, 45, kernel="line") == 45


def test_draws_leave_the_global_generators_alone() -> None:
    before = random.getstate()
    drawn_angle(1, "a", 5, None, kernel="study")
    assert random.getstate() == before


def test_both_modes_side_by_side(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    plan = plan_samples(tmp_path, angle="both", out=tmp_path / "out")
    assert plan.total == 202
    generate(plan)
    assert len(list((tmp_path / "out" / "a").glob("*.png"))) == 202
    note = json.loads((tmp_path / "out" / "samples.json").read_text())
    assert (note["fix"]["angle"], note["random"]["angle"]) == (45.0, None)


def test_pictures_are_taken_by_name_up_to_the_limit(tmp_path: Path) -> None:
    for name in ("c.PNG", "a.jpg", "b.jpeg", "b.webp", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "d.png").mkdir()
    assert [photo.name for photo in read_folder(tmp_path).photos] == ["a", "b.jpeg", "b.webp", "c"]
    plan = plan_samples(tmp_path, limit=2)
    assert [photo.name for photo in plan.photos] == ["a", "b.jpeg"]


def test_a_bad_picture_does_not_end_the_work(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    report = generate(plan_samples(tmp_path, angle=45))
    assert report.written == 101
    assert list(report.failures) == ["bad"]
    assert "damaged" in report.failures["bad"]


@pytest.mark.long
def test_goes_on_after_kill_9_and_leaves_no_half_file(tmp_path: Path) -> None:
    write_pictures(tmp_path, 3, side=300)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "blurdash", "generate", str(tmp_path), "--out", str(out)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("a/*.png")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = len(list(out.glob("*/fix_*.png")))
    report = generate(plan_samples(tmp_path, out=out))
    assert report.there == there
    assert report.written + report.there == 303
    assert not list(out.rglob("*.part"))
    untouched = tmp_path / "second"
    generate(plan_samples(tmp_path, out=untouched))
    for path in out.glob("*/*.png"):
        assert path.read_bytes() == (untouched / path.relative_to(out)).read_bytes()


def test_a_second_run_makes_nothing(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    plan = plan_samples(tmp_path)
    generate(plan)
    assert estimate(plan).samples == 0
    again = generate(plan)
    assert (again.written, again.there) == (0, 101)


def test_refuses_to_mix_samples_of_two_seeds(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    generate(plan_samples(tmp_path, angle="random", seed=1))
    with pytest.raises(SettingError, match=r"seed 1 .* wanted seed 2"):
        generate(plan_samples(tmp_path, angle="random", seed=2))


def test_the_estimate_is_near_the_truth(tmp_path: Path) -> None:
    write_pictures(tmp_path, 2, side=150)
    plan = plan_samples(tmp_path, out=tmp_path / "out")
    wanted = estimate(plan)
    generate(plan)
    size = sum(path.stat().st_size for path in (tmp_path / "out").glob("*/*.png")) / 1e6
    assert wanted.samples == 202
    assert 0.5 * size < wanted.megabytes < 2 * size
    assert wanted.seconds > 0


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pictures(tmp_path, 1)
    assert main(["generate", str(tmp_path), "--dry-run"]) == 0
    assert "101 samples of 1 picture to make" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_refuses_a_disk_that_is_too_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path, 1)
    plan = plan_samples(tmp_path, out=tmp_path / "not" / "yet")
    monkeypatch.setattr(samples.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(SettingError, match="the disk has 0 MB free"):
        samples.check_space(plan, samples.Estimate(1, 0, 5.0, 1.0))


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path, 1)

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BlurdashError, match="No space left on device"):
        generate(plan_samples(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "is not a folder"),
        ([".", "--angle", "north"], "angle is 'north'"),
        ([".", "--limit", "0"], "limit is 0"),
        ([".", "--limit", "few"], "limit is 'few'"),
        ([".", "--seed", "x"], "seed is 'x'"),
        ([".", "--workers", "0"], "workers is 0"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_pictures(tmp_path, 1)
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_an_empty_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(tmp_path)]) == 2
    assert "has no pictures" in capsys.readouterr().err
