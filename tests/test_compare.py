"""Bare pairs: every measure, what of the loss is shift, folders paired by name, ended runs."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from blurdash import readout
from blurdash.blur import shift
from blurdash.cli import main
from blurdash.compare import (
    Compared,
    Pair,
    compare_pairs,
    means_of,
    pair_up,
    protocol_of,
    shift_sentence,
)
from blurdash.embed import Embedder
from blurdash.engine import one_thread_per_operation
from blurdash.errors import SettingError, StoppedError
from blurdash.face import Face
from blurdash.measures import ARGUMENT_MEASURES, MEASURES

Picture = npt.NDArray[np.uint8]
pytestmark = pytest.mark.xdist_group("compare")


def save(picture: Picture, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.ascontiguousarray(picture)).save(path)
    return path


@pytest.fixture(scope="module")
def folders(portrait_face: Face, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders: a moved face, a smaller one, a broken one, and two without a partner."""
    root, canvas = tmp_path_factory.mktemp("pairs"), portrait_face.canvas
    for name in ("broken", "lonely", "moved", "small"):
        save(canvas, root / "clean" / f"{name}.png")
    save(shift(canvas, 8, -3), root / "restored" / "moved.png")
    half = cv2.resize(canvas, (512, 512), interpolation=cv2.INTER_AREA)
    save(half, root / "restored" / "small.jpg")
    (root / "restored" / "broken.png").write_bytes(b"no picture")
    save(canvas, root / "restored" / "stranger.png")
    (root / "restored" / "notes.txt").write_text("no picture")
    return root


@pytest.fixture(scope="module")
def compared(folders: Path, dlib_embedder: Embedder) -> dict[str, Compared]:
    pairs = pair_up(folders / "clean", [folders / "restored"])
    return {one.name: one for one in compare_pairs(pairs.found, dlib_embedder, crop="fixed")}


def test_pairs_have_names_and_what_has_none_is_named(folders: Path) -> None:
    pairs = pair_up(folders / "clean", [folders / "restored"])
    assert [pair.name for pair in pairs.found] == ["broken", "moved", "small"]
    assert pairs.alone == ["restored/stranger", "clean/lonely"]
    assert pairs.left_out == {"other files (.txt)": 1}
    twice = pair_up(folders / "clean", [folders / "restored", folders / "clean"])
    assert [pair.name for pair in twice.found][-1] == "clean/small"


@pytest.mark.parametrize(
    ("clean", "test", "told"),
    [
        ("clean", "clean/moved.png", "is a folder and 'moved.png' is not"),
        ("clean/moved.png", "clean", "is a file and 'clean' a folder"),
    ],
)
def test_files_and_folders_are_not_mixed(folders: Path, clean: str, test: str, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        pair_up(folders / clean, [folders / test])


def test_folders_without_a_common_name_are_an_error(folders: Path, tmp_path: Path) -> None:
    save(np.zeros((80, 80, 3), np.uint8), tmp_path / "other.png")
    with pytest.raises(SettingError, match="no picture in 'clean' has the name of one in"):
        pair_up(folders / "clean", [tmp_path])


def test_numbers_are_those_of_the_pair(
    compared: dict[str, Compared], portrait_face: Face, dlib_embedder: Embedder, folders: Path
) -> None:
    from blurdash.face import find_face
    from blurdash.photo import load_photo

    clean = load_photo(folders / "clean" / "moved.png")
    moved = load_photo(folders / "restored" / "moved.png")
    face = find_face(clean, every_turn=False)
    with one_thread_per_operation():  # as pairs are compared: more add sums in another order
        wanted = readout.compare(face.canvas, face.canvas_of(moved), face, dlib_embedder)
    found = compared["moved"]
    assert list(found.values) == list(ARGUMENT_MEASURES)
    for name in MEASURES:
        assert found.values[name] == pytest.approx(wanted.values[name], rel=1e-6)
    assert found.receipt == wanted.receipt.as_dict()
    psnr = peak_signal_noise_ratio(face.canvas, face.canvas_of(moved), data_range=255)
    assert found.values["psnr"] == pytest.approx(psnr, abs=1e-6)


def test_how_much_of_the_loss_is_shift(compared: dict[str, Compared]) -> None:
    moved = compared["moved"]
    assert moved.shift == pytest.approx((8, -3), abs=0.1)
    assert moved.values["registered_psnr"] > moved.values["psnr"] + 5
    assert "of this loss is shift" in shift_sentence(moved) or "dB are shift" in shift_sentence(
        moved
    )
    assert shift_sentence(compared["small"]) == "nothing of this loss is shift"
    assert compared["small"].shift_db < 0.5
    same = Compared("same", {"psnr": math.inf, "registered_psnr": math.inf}, (0.0, 0.0))
    assert (same.shift_db, shift_sentence(same)) == (0.0, "the pictures are identical")


def test_another_size_is_said_and_another_shape_refused(
    compared: dict[str, Compared], folders: Path, dlib_embedder: Embedder, tmp_path: Path
) -> None:
    assert compared["small"].resized == (512, 512)
    assert compared["moved"].resized is None
    wide = save(np.zeros((512, 700, 3), np.uint8), tmp_path / "wide.png")
    pair = Pair("wide", folders / "clean" / "moved.png", wide)
    (found,) = compare_pairs([pair], dlib_embedder, crop="fixed")
    assert "it has 700 × 512 pixels, its clean picture 1024 × 1024" in found.failure
    assert found.values == {}


def test_a_broken_picture_is_a_failure_and_the_rest_is_compared(
    compared: dict[str, Compared],
) -> None:
    assert compared["broken"].failure
    means = means_of(list(compared.values()))
    both = [compared[name].values["ssim"] for name in ("moved", "small")]
    assert means["ssim"].mean == pytest.approx(np.mean(both))
    assert means["ssim"].n == 2
    assert min(both) <= means["ssim"].low <= means["ssim"].high <= max(both)


def test_it_comes_back_from_json(compared: dict[str, Compared]) -> None:
    for one in compared.values():
        again = Compared.from_dict(json.loads(json.dumps(one.as_dict(), allow_nan=False)))
        assert again.as_dict() == one.as_dict()
        assert repr(again.values) == repr(one.values)


def test_the_protocol_pins_the_numbers(dlib_embedder: Embedder) -> None:
    told = dict(part.split("=", 1) for part in protocol_of(dlib_embedder, "fixed").split("; "))
    assert told["recogniser"] == "dlib"
    assert told["weights"] == f"sha256:{dlib_embedder.weights_sha256}"
    assert (told["protocol"], told["crop"], told["registration"]) == ("native", "fixed", "phase")
    assert {"torch", "opencv-python-headless", "blurdash"} <= set(told)
    assert protocol_of(dlib_embedder, "redetect") != protocol_of(dlib_embedder, "fixed")


def test_a_stopped_run_ends_with_that(folders: Path, dlib_embedder: Embedder) -> None:
    stop = threading.Event()
    stop.set()
    pairs = pair_up(folders / "clean", [folders / "restored"]).found
    with pytest.raises(StoppedError):
        compare_pairs(pairs, dlib_embedder, crop="fixed", stop=stop)


# --- the command line -----------------------------------------------------------------------------


def test_the_command_says_means_failures_and_partners(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    command = ["compare", str(folders / "clean"), str(folders / "restored"), "--embedder", "dlib"]
    assert main([*command, "--out", str(out)]) == 3
    told = capsys.readouterr().out
    assert "3 pairs: mean, and 95 % interval" in told
    assert "1 of 3 pictures failed:" in told
    assert "2 pictures without a partner:" in told
    assert "protocol: blurdash=" in told
    whole = json.loads(out.read_text(encoding="utf-8"))
    assert [one["pair"] for one in whole["pairs"]] == ["broken", "moved", "small"]
    assert whole["without_partner"] == ["restored/stranger", "clean/lonely"]
    assert not out.with_name("out.json.parts").exists()
    assert main([*command, "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_an_ended_run_goes_on(
    folders: Path, tmp_path: Path, dlib_embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blurdash import compare
    from blurdash.sweep_file import Journal

    pairs = pair_up(folders / "clean", [folders / "restored"]).found

    def journal() -> Journal:
        return Journal(tmp_path / "out.json", {"protocol": "one"})

    first = compare_pairs(pairs[1:2], dlib_embedder, crop="fixed", journal=journal())
    compared = list[str]()
    plain = compare._measured

    def counted(name: str, *more: Any) -> Compared:
        compared.append(name)
        return plain(name, *more)

    monkeypatch.setattr(compare, "_measured", counted)
    whole = compare_pairs(pairs, dlib_embedder, crop="fixed", journal=journal())
    assert compared == ["small"]
    assert whole[1].as_dict() == first[0].as_dict()


def test_one_pair_as_text_and_as_json(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(folders / place / "moved.png") for place in ("clean", "restored")]
    assert main(["compare", *files, "--embedder", "dlib"]) == 0
    told = capsys.readouterr().out
    for row in ARGUMENT_MEASURES.values():
        assert row.label in told
    assert "shift" in told
    assert main(["compare", *files, "--embedder", "dlib", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["pairs"][0]["receipt"]["embedder"] == "dlib"
    assert whole["pairs"][0]["psnr"] == pytest.approx(whole["means"]["psnr"]["mean"])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--crop", "none"], "is not a crop"),
        (["--engine", "spark"], "is not an engine"),
        (["--out", "table.csv"], "wanted a .json file"),
        (["--embedder", "dlib", "--workers", "0"], "workers"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    folders: Path, more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(folders / place / "moved.png") for place in ("clean", "restored")]
    assert main(["compare", *files, *more]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
