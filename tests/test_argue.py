"""Rank flips over a folder: counts, intervals, figure, and the command line's ``argue``."""

from __future__ import annotations

import csv
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from blurdash.argue import argue
from blurdash.cli import main
from blurdash.embed import Embedder
from blurdash.errors import NoFaceError, SettingError, StoppedError
from blurdash.face import Face
from blurdash.figure_argument import rank_flip_figure, rank_flip_page
from blurdash.flips import (
    HUMAN,
    FlipSettings,
    RankFlips,
    count_flips,
    preferences,
)
from blurdash.measures import ARGUMENT_MEASURES, CLAIM
from blurdash.pairs import wilson
from blurdash.readout import PreparedFace
from blurdash.sweep import RunOptions

pytestmark = pytest.mark.xdist_group("argue")  # one worker: what the tests share is made once

Picture = npt.NDArray[np.uint8]

QUICK = FlipSettings(shifts=(4.0, 16.0), degrees=(5, 30), measures=CLAIM)


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
def folder(portrait: Picture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder of two faces, a picture without one, and a broken file."""
    path = tmp_path_factory.mktemp("photos")
    Image.fromarray(portrait).save(path / "a <b>.png")
    Image.fromarray(np.ascontiguousarray(portrait[:, ::-1])).save(path / "mirrored.png")
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(path / "nobody.png")
    (path / "broken.jpg").write_bytes(b"no picture")
    return path


@pytest.fixture(scope="module")
def flips(folder: Path, dlib_embedder: Embedder) -> RankFlips:
    return argue(folder, QUICK, embedder=dlib_embedder, how=RunOptions(workers=1))


def made(settings: FlipSettings, *faces: dict[str, Any]) -> RankFlips:
    """Returns flips of given preferences, without measuring anything."""
    names = tuple(f"face {i}" for i in range(len(faces)))
    recogniser = {
        "name": "dlib", "label": "dlib <x>", "weights_sha256": "0", "protocol": "native",
        "note": "",
    }  # fmt: skip
    return RankFlips(settings, names, {}, count_flips(settings, faces), recogniser)


# --- the interval --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_the_interval_is_wilsons(count: int, n: int, low: float, high: float) -> None:
    assert wilson(count, n) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_holds_the_share_and_is_symmetric() -> None:
    for n in (1, 2, 30, 1000):
        for count in {0, 1, n // 2, n}:
            low, high = wilson(count, n)
            assert 0 <= low <= count / n <= high <= 1
            assert (1 - high, 1 - low) == pytest.approx(wilson(n - count, n))
    assert all(map(math.isnan, wilson(0, 0)))


def test_one_face_has_a_wide_interval() -> None:
    low, high = wilson(1, 1)
    assert low < 0.21
    assert high == 1


# --- counting ------------------------------------------------------------------------------------


def test_counts_leave_out_what_has_no_value() -> None:
    settings = FlipSettings(shifts=(4.0,), degrees=(5, 30), measures=("psnr",))
    faces = [{"psnr": np.array([row])} for row in ([0.0, 1.0], [0.0, math.nan], [1.0, math.nan])]
    first, second = made(settings, *faces).cells
    assert (first.prefer_sharp, first.n) == (1, 3)
    assert (second.prefer_sharp, second.n) == (1, 1)


def test_preferences_are_those_of_the_values(portrait_face: Face, dlib_embedder: Embedder) -> None:
    known = PreparedFace(portrait_face, dlib_embedder, exact=False)
    found = preferences(known, QUICK)
    for name in CLAIM:
        for i, shift in enumerate(QUICK.shifts):
            for j, degree in enumerate(QUICK.degrees):
                sharp = known.values(known.shifted(shift))[name]
                blurred = known.values(known.blurred(degree, QUICK.angle))[name]
                assert found[name][i, j] == ARGUMENT_MEASURES[name].prefers(sharp, blurred)


def test_a_folder_is_counted_and_its_bad_pictures_are_named(flips: RankFlips) -> None:
    assert flips.faces == ("a <b>", "mirrored")
    assert set(flips.failures) == {"broken", "nobody"}
    assert "no face was found" in flips.failures["nobody"]
    assert "not a picture" in flips.failures["broken"]
    assert all(cell.n == 2 for cell in flips.cells)


def test_the_claim_holds_on_the_portrait_and_fails_for_small_blurs(flips: RankFlips) -> None:
    assert flips.cell("cosine_similarity", 16, 30).prefer_sharp == 2
    assert flips.cell("psnr", 16, 30).prefer_sharp == 0
    assert flips.cell("ssim", 16, 30).prefer_sharp == 0
    assert flips.cell("cosine_similarity", 16, 5).prefer_sharp == 0, "where the claim fails"
    assert flips.shares("cosine_similarity").tolist() == [[0, 1], [0, 1]]


@pytest.mark.long
def test_workers_change_no_count(flips: RankFlips, folder: Path, dlib_embedder: Embedder) -> None:
    done: list[tuple[int, int]] = []
    again = argue(
        folder, QUICK, embedder=dlib_embedder, how=RunOptions(workers=3),
        progress=lambda *counts: done.append(counts),
    )  # fmt: skip
    assert again.cells == flips.cells
    assert done[-1] == (16, 16)
    assert done == sorted(done)


def test_a_stopped_run_ends_with_that(folder: Path, dlib_embedder: Embedder) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        argue(folder, QUICK, embedder=dlib_embedder, how=RunOptions(workers=1), stop=stop)


def test_a_folder_without_a_face_is_an_error(tmp_path: Path, dlib_embedder: Embedder) -> None:
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(tmp_path / "nobody.png")
    with pytest.raises(NoFaceError, match="none of the 1 pictures has a usable face") as caught:
        argue(tmp_path, QUICK, embedder=dlib_embedder, how=RunOptions(workers=1))
    assert "\n" not in str(caught.value)


def test_an_unknown_cell_is_an_error(flips: RankFlips) -> None:
    with pytest.raises(SettingError, match="no cell"):
        flips.cell("psnr", 3, 30)


@pytest.mark.parametrize(
    "wrong",
    [{"shifts": (0.0,)}, {"shifts": (math.nan,)}, {"shifts": ()}, {"shifts": (4.0, 4.0)},
     {"shifts": (300.0,)}, {"degrees": (101,)}, {"degrees": ()}, {"degrees": (5, 5)},
     {"measures": ("x",)}, {"kernel": "x"}, {"crop": "x"}, {"limit": 0}, {"angle": math.nan}],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_be_run_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        FlipSettings(**wrong)


def test_the_human_line_is_the_studys() -> None:
    assert HUMAN.share == pytest.approx(0.56)
    assert HUMAN.shift_px == HUMAN.shift_at_256 * 1024 / 256


# --- the figure ----------------------------------------------------------------------------------


def test_every_panel_shows_its_counts(flips: RankFlips) -> None:
    figure = rank_flip_figure(flips)
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(heats) == 3, "one for each measure that was counted"
    assert [list(row) for row in heats[0].text] == [["0", "2"], ["0", "2"]]
    assert "2 of 2 faces" in heats[0].customdata[1][1]
    assert "95 % interval" in heats[0].customdata[1][1]
    assert figure.layout.xaxis.ticktext == ("5", "30")
    assert figure.layout.yaxis.ticktext == ("4", "16")


def test_the_human_line_lies_above_what_most_people_do_not_see() -> None:
    settings = FlipSettings(shifts=(16.0, 2.0, 8.0), degrees=(5,), measures=("psnr",))
    figure = rank_flip_figure(made(settings, {"psnr": np.array([[0.0], [1.0], [1.0]])}))
    assert [shape.y0 for shape in figure.layout.shapes] == [1.5]
    assert figure.layout.yaxis.ticktext == ("2", "8", "16")
    assert [list(row) for row in figure.data[0].z] == [[1], [1], [0]], "rows follow the order"


def test_a_cell_without_a_value_is_drawn_as_one() -> None:
    settings = FlipSettings(shifts=(4.0,), degrees=(5,), measures=("l2",))
    figure = rank_flip_figure(made(settings, {"l2": np.array([[math.nan]])}))
    assert figure.data[0].z[0][0] is None
    assert figure.data[0].text[0][0] == "–"


def test_the_page_needs_nothing_else_and_escapes_names(flips: RankFlips) -> None:
    page = rank_flip_page(flips)
    assert page.startswith("<!doctype html>")
    assert "<script src=" not in page
    assert "on none in 2 of them" in page
    assert "nobody" in page
    settings = FlipSettings(shifts=(4.0,), degrees=(5,), measures=("psnr",))
    hostile = made(settings, {"psnr": np.array([[1.0]])})
    assert "this small" not in rank_flip_page(hostile), "nothing to say where nothing fails"
    hostile.failures["<script>alert(1)</script>"] = "<img>"
    shown = rank_flip_page(hostile)
    assert "<script>alert" not in shown
    assert "<img>" not in shown.split("How it was made")[0].rsplit("Pictures left out", 1)[1]
    assert "dlib &lt;x&gt;" in shown


# --- the command line ----------------------------------------------------------------------------


def test_argue_writes_table_json_and_page(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    code = main(
        ["argue", str(folder), "--out", str(out), "--embedder", "dlib", "--limit", "1",
         "--shifts", "16", "--degrees", "5,30", "--workers", "1"]
    )  # fmt: skip
    said, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == [
        "rank_flips.csv", "rank_flips.html", "rank_flips.json"
    ]  # fmt: skip
    with (out / "rank_flips.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(ARGUMENT_MEASURES)
    found = json.loads((out / "rank_flips.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert found["n"] == 1
    assert found["settings"]["shifts"] == [16.0]
    assert found["recogniser"]["name"] == "dlib"
    assert found["versions"]["blurdash"]
    assert len(found["cells"]) == len(rows)
    assert found["cells"][1]["low"] == pytest.approx(float(rows[1]["low"]), abs=1e-4)
    assert "Cosine similarity" in said
    assert "100% (21% to 100%)" in said


def test_argue_replaces_nothing_unasked(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "rank_flips.json"
    mine.write_text("mine")
    assert main(["argue", str(folder), "--out", str(tmp_path)]) == 2  # before anything is measured
    assert "'rank_flips.json' is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["rank_flips.json"]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    "options",
    [["--shifts", "x"], ["--shifts", "0"], ["--degrees", "101"], ["--kernel", "x"],
     ["--crop", "x"], ["--limit", "0"], ["--angle", "x"], ["--embedder", "x"],
     ["--workers", "0"]],
    ids=" ".join,
)  # fmt: skip
def test_argue_says_a_mistake_in_one_line(
    options: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["argue", str(folder), "--out", str(tmp_path / "out"), *options])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("blurdash: ")


def test_argue_refuses_folders_it_cannot_use(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for photos, out in ((tmp_path / "no", "o"), (tmp_path / "empty", "o"), (folder, "file")):
        assert main(["argue", str(photos), "--out", str(tmp_path / out)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_counts_keep_the_versions_they_were_measured_with(flips):
    older = {**flips.as_dict(), "versions": {"numpy": "1.0"}}
    again = RankFlips.from_dict(older)
    assert again.as_dict()["versions"] == {"numpy": "1.0"}
    assert "numpy 1.0" in rank_flip_page(again)
    assert flips.as_dict()["versions"]["numpy"] == np.__version__
