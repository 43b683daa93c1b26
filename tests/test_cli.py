"""The command line: numbers out, and one line for every mistake."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from blurdash import __version__, defaults
from blurdash.cli import main

Picture = npt.NDArray[np.uint8]

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = ["cosine_similarity", "cosine_distance", "l1", "l2", "psnr", "ssim"]
RECEIPT = {
    "embedder", "weights_sha256", "protocol", "crop", "kernel", "degree", "angle", "shift",
    "canvas_sha256", "versions",
}  # fmt: skip


class Result(NamedTuple):
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Returns a function that runs the command line in this process."""

    def call(*argv: object) -> Result:
        capsys.readouterr()
        try:
            code = main([str(word) for word in argv])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def readout(run: Run, photo: Path) -> Callable[..., dict[str, Any]]:
    """Returns a function that reads the portrait out by dlib, as JSON."""

    def call(*options: object) -> dict[str, Any]:
        result = run("readout", photo, "--embedder", "dlib", "--json", *options)
        assert result.code == 0, result.err
        assert result.err == ""
        loaded = json.loads(result.out, parse_constant=pytest.fail)  # no NaN, no Infinity
        assert isinstance(loaded, dict)
        return loaded

    return call


@pytest.fixture(scope="module")
def photo(portrait: Picture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "portrait.png"
    Image.fromarray(portrait).save(path)
    return path


def in_a_process(*argv: object, **environment: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "blurdash", *(str(word) for word in argv)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def assert_one_line(result: Result) -> str:
    """A mistake of the user: exit code 2, nothing on standard output, one line that helps."""
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.endswith("\n")
    line = result.err.removesuffix("\n")
    assert len(line.splitlines()) == 1, line
    assert "Traceback" not in line
    assert line.startswith("blurdash: ")
    assert ";" in line, "it says what to do"
    assert len(line) < 500
    return line


# --- what comes out ------------------------------------------------------------------------------


def test_json_has_every_number_and_the_receipt(
    readout: Callable[..., dict[str, Any]],
) -> None:
    found = readout("--degree", 30, "--angle", 45)
    assert [key for key in found if key in NUMBERS] == NUMBERS
    assert all(type(found[name]) is float for name in NUMBERS)
    assert set(found["receipt"]) >= RECEIPT
    assert 0.98 < found["cosine_similarity"] < 1
    assert found["cosine_distance"] == pytest.approx(1 - found["cosine_similarity"])
    assert found["psnr"] == pytest.approx(29, abs=0.5)
    assert found["verdict"]["same_person"] is True


def test_the_defaults_are_the_documented_ones(readout: Callable[..., dict[str, Any]]) -> None:
    receipt = readout()["receipt"]
    assert receipt["degree"] == defaults.DEGREE == 30
    assert receipt["angle"] == defaults.ANGLE == 45
    assert receipt["kernel"] == defaults.KERNEL == "study"
    assert receipt["protocol"] == defaults.PROTOCOL == "native"
    assert receipt["crop"] == defaults.CROP == "fixed"
    assert receipt["shift"] == [0, 0]


def test_every_option_reaches_the_receipt(readout: Callable[..., dict[str, Any]]) -> None:
    receipt = readout(
        "--degree", 12, "--angle", -20.5, "--kernel", "line", "--shift", "2.5,1", "--crop",
        "redetect", "--protocol", "native", "--face", 1, "--device", "cpu",
    )["receipt"]  # fmt: skip
    expected = {
        "embedder": "dlib", "degree": 12, "angle": -20.5, "kernel": "line", "shift": [2.5, 1],
        "crop": "redetect", "protocol": "native",
    }  # fmt: skip
    assert {key: receipt[key] for key in expected} == expected


def test_degree_0_is_inf_as_a_string(readout: Callable[..., dict[str, Any]]) -> None:
    found = readout("--degree", 0)
    assert found["psnr"] == "inf"
    assert found["ssim"] == 1
    assert found["cosine_similarity"] == pytest.approx(1)


@pytest.mark.usefixtures("own_eyes")
def test_numbers_are_repeatable(readout: Callable[..., dict[str, Any]]) -> None:
    assert readout("--degree", 1) == readout("--degree", 1)


@pytest.mark.parametrize(
    ("words", "shift"),
    [
        (["--shift", "-3,2"], [-3, 2]),
        (["--shift=-3,2"], [-3, 2]),
        (["--shift", "-.5,-1.25"], [-0.5, -1.25]),
        (["--shift", "16,0"], [16, 0]),
        (["--shift", " 1 , 2 "], [1, 2]),
    ],
    ids=str,
)
def test_a_shift_may_be_negative(
    readout: Callable[..., dict[str, Any]], words: list[str], shift: list[float]
) -> None:
    assert readout("--degree", 0, *words)["receipt"]["shift"] == shift


@pytest.mark.parametrize(
    "words", [["--angle", "-90"], ["--angle=-90"], ["--angle", "-9e1"]], ids=str
)
def test_an_angle_may_be_negative(readout: Callable[..., dict[str, Any]], words: list[str]) -> None:
    assert readout("--degree", 5, *words)["receipt"]["angle"] == -90


def test_text_says_every_number_with_its_direction_and_how_it_came_about(
    run: Run, photo: Path
) -> None:
    result = run("readout", photo, "--embedder", "dlib", "--degree", 40)
    assert (result.code, result.err) == (0, "")
    for word in ("Cosine similarity", "L1", "L2", "PSNR", "SSIM", "dB"):
        assert word in result.out
    assert "higher is closer" in result.out
    assert "lower is closer" in result.out
    for word in ("dlib", "native", "fixed", "study", "40", "45", "% of the inter-eye distance"):
        assert word in result.out
    assert "Same person?" in result.out


def test_without_facenet_it_says_that_dlib_is_used_and_why(
    run: Run, photo: Path, no_facenet: None
) -> None:
    result = run("readout", photo, "--json")
    assert result.code == 0
    receipt = json.loads(result.out)["receipt"]
    assert receipt["embedder"] == "dlib"
    assert "FaceNet (VGGFace2) is not used" in receipt["note"]
    text = run("readout", photo)
    assert "FaceNet (VGGFace2) is not used" in text.out


@pytest.mark.long
def test_the_second_largest_face_can_be_chosen(run: Run, portrait: Picture, tmp_path: Path) -> None:
    half = np.zeros_like(portrait)
    half[:256, :256] = np.asarray(Image.fromarray(portrait).resize((256, 256)))
    path = tmp_path / "two.png"
    Image.fromarray(np.hstack([half, portrait])).save(path)
    hashes = set()
    for face in (1, 2):
        result = run("readout", path, "--embedder", "dlib", "--json", "--face", face)
        hashes.add(json.loads(result.out)["receipt"]["canvas_sha256"])
    assert len(hashes) == 2
    assert "this photo has 2" in assert_one_line(
        run("readout", path, "--embedder", "dlib", "--face", 3)
    )


@pytest.mark.parametrize("words", [["--help"], ["readout", "--help"]], ids=str)
def test_help_is_help(run: Run, words: list[str]) -> None:
    result = run(*words)
    assert (result.code, result.err) == (0, "")
    assert "readout" in result.out


def test_the_help_of_readout_explains_every_option(run: Run) -> None:
    out = run("readout", "--help").out
    for option in (
        "--degree", "--angle", "--kernel", "--shift", "--embedder", "--protocol", "--crop",
        "--weights", "--json",
    ):  # fmt: skip
        assert option in out
    for name in ("study", "line", "fixed", "redetect", "dlib", "facenet-vggface2", "native"):
        assert name in out


def test_version(run: Run) -> None:
    assert run("--version") == Result(0, f"blurdash {__version__}\n", "")


# --- mistakes ------------------------------------------------------------------------------------


def make_file(kind: str, folder: Path, photo: Path) -> Path:
    """Returns the path of something that is not a photo with a face."""
    path = folder / "photo.png"
    grain = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    content = {
        "empty file": b"",
        "not a picture": b"hello, I am a text file\n" * 40,
        "truncated": photo.read_bytes()[: photo.stat().st_size // 3],
        "header only": photo.read_bytes()[:30],
    }
    if kind == "directory":
        path.mkdir()
    elif kind == "too small":
        Image.fromarray(grain[:20, :20]).save(path)
    elif kind == "no face":
        Image.fromarray(grain).save(path)
    elif kind == "thin without a face":
        Image.fromarray(np.resize(grain, (64, 6000, 3))).save(path)
    elif kind in content:
        path.write_bytes(content[kind])
    elif kind == "name of two lines":
        return folder / "a\nb\x1b[31m.png"
    return path  # missing


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "does not exist"),
        ("directory", "is a folder"),
        ("empty file", "is empty"),
        ("not a picture", "is not a picture"),
        ("truncated", "photo.png"),
        ("header only", "photo.png"),
        ("too small", "wanted at least 64"),
        ("no face", "no face was found"),
        ("thin without a face", "no face was found"),
        ("name of two lines", "does not exist"),
    ],
)
def test_a_file_that_is_no_photo_of_a_face(
    run: Run, photo: Path, tmp_path: Path, kind: str, says: str
) -> None:
    path = make_file(kind, tmp_path, photo)
    line = assert_one_line(run("readout", path, "--embedder", "dlib", "--json"))
    assert says in line
    assert str(tmp_path) not in line, "it does not spell out folders"
    assert line.isprintable()


MISTAKES = [
    (["--degree", "-1"], "degree is -1, wanted a whole number from 0 to 100"),
    (["--degree", "101"], "degree is 101"),
    (["--degree", "1.5"], "degree is '1.5'"),
    (["--degree", "x"], "degree is 'x'"),
    (["--degree", ""], "degree is ''"),
    (["--degree", "nan"], "degree is 'nan'"),
    (["--degree", "9" * 400], "degree is 999"),
    (["--angle", "nan"], "angle is nan, wanted a finite number"),
    (["--angle", "inf"], "angle is inf"),
    (["--angle", "x"], "angle is 'x'"),
    (["--angle", ""], "angle is ''"),
    (["--angle", "1e999"], "angle is inf"),
    (["--shift", "3"], "shift is '3', wanted two numbers"),
    (["--shift", "1,2,3"], "shift is '1,2,3'"),
    (["--shift", "a,b"], "shift is 'a,b'"),
    (["--shift", ""], "shift is ''"),
    (["--shift", "nan,0"], "shift x is nan"),
    (["--shift", "0,1024"], "shift y is 1024"),
    (["--shift", "-2000,0"], "shift x is -2000"),
    (["--kernel", "box"], "'box' is not a kernel"),
    (["--kernel", "lin"], "did you mean 'line'"),
    (["--crop", "centre"], "'centre' is not a crop"),
    (["--protocol", "whole"], "'whole' is not a protocol"),
    (["--protocol", "study"], "dlib has no study protocol"),
    (["--embedder", "arcface"], "'arcface' is not a recogniser"),
    (["--embedder", "dlibb"], "did you mean 'dlib'"),
    (["--embedder", ""], "'' is not a recogniser"),
    (["--device", "gpu"], "the device 'gpu' cannot be used"),
    (["--face", "7"], "face is '7', this photo has 1"),
    (["--face", "0"], "face is '0'"),
    (["--face", "-1"], "face is '-1'"),
    (["--face", "x"], "face is 'x'"),
    (["--weights", "no such file.dat"], "no such file.dat"),
    (["--degree"], "expected one argument"),
    (["--sharpness", "3"], "--sharpness"),
    (["one more"], "one more"),
]


@pytest.mark.parametrize(("words", "says"), MISTAKES, ids=[" ".join(w)[:30] for w, _ in MISTAKES])
def test_a_setting_that_is_not_allowed(run: Run, photo: Path, words: list[str], says: str) -> None:
    line = assert_one_line(run("readout", photo, "--embedder", "dlib", "--json", *words))
    assert says in line


@pytest.mark.parametrize("words", [[], ["read"], ["readout"], ["--loud"]], ids=str)
def test_a_command_that_is_none(run: Run, words: list[str]) -> None:
    assert "--help" in assert_one_line(run(*words))


@pytest.mark.parametrize("kind", ["text", "directory", "empty"])
def test_weights_that_are_not_the_recognisers(
    run: Run, photo: Path, tmp_path: Path, kind: str
) -> None:
    weights = tmp_path / "weights.dat"
    if kind == "directory":
        weights.mkdir()
    else:
        weights.write_bytes(b"" if kind == "empty" else b"not a network")
    for embedder in ("dlib", "facenet-vggface2"):
        assert_one_line(run("readout", photo, "--embedder", embedder, "--weights", weights))


def test_facenet_by_name_without_its_weights(run: Run, photo: Path, no_facenet: None) -> None:
    line = assert_one_line(run("readout", photo, "--embedder", "facenet-vggface2"))
    assert "--weights" in line
    line = assert_one_line(run("readout", photo, "--protocol", "study"))
    assert "FaceNet" in line


def test_a_wrong_setting_is_said_before_a_wrong_photo(run: Run, tmp_path: Path) -> None:
    line = assert_one_line(run("readout", tmp_path / "missing.png", "--degree", 999))
    assert "degree is 999" in line


# --- as a process --------------------------------------------------------------------------------


def test_a_process_prints_json_and_nothing_else(photo: Path, tmp_path: Path) -> None:
    result = in_a_process(
        "readout",
        photo,
        "--degree",
        50,
        "--json",
        TORCH_HOME=str(tmp_path),
        BLURDASH_WEIGHTS_DIR="",
    )
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert set(NUMBERS) <= set(found)
    assert all(math.isfinite(found[name]) for name in NUMBERS)
    assert found["receipt"]["embedder"] == "dlib"


def test_a_process_ends_with_2_and_one_line(tmp_path: Path) -> None:
    assert "does not exist" in assert_one_line(in_a_process("readout", tmp_path / "none.png"))


def test_a_process_says_its_version_at_once() -> None:
    assert in_a_process("--version") == Result(0, f"blurdash {__version__}\n", "")
