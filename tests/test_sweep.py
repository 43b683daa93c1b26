"""``sweep``: the table, its rows against single readouts, failures, kills, samples, files."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blurdash import sweep as sweep_module
from blurdash.blur import Change
from blurdash.cli import main
from blurdash.cli_study import degrees_of
from blurdash.embed import Embedder, Embeddings
from blurdash.errors import SettingError, StoppedError, TableError
from blurdash.face import Face
from blurdash.readout import PreparedFace
from blurdash.samples import generate, plan_samples
from blurdash.sweep import (
    PhotoSweep,
    RunOptions,
    Source,
    Sweep,
    SweepReport,
    run_sweep,
    sweep_photos,
)
from blurdash.sweep_file import SCHEMA, read_sweep, settings_of

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("sweep")  # one worker: what the tests share is made once
Picture = npt.NDArray[np.uint8]
VALUES = ("cosine_similarity", "cosine_distance", "l1", "l2", "psnr", "ssim")


class TinyEmbedder(Embedder):
    """The face's middle on 8 × 8 pixels: quick, and enough to see what a sweep does with it."""

    name: ClassVar[str] = "tiny"
    dim: ClassVar[int] = 192
    normalised: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__("native", "0" * 64)

    def crop(self, canvas: Picture, face: Face) -> Picture:
        left, top, right, bottom = (int(edge) for edge in face.box)
        part = cv2.resize(canvas[top:bottom, left:right], (8, 8), interpolation=cv2.INTER_AREA)
        return np.asarray(part, np.uint8)

    def embed_crops(self, crops: Picture) -> Embeddings:
        return crops.reshape(len(crops), -1).astype(np.float32) / 255


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory, portrait_face: Face) -> Path:
    """Returns a folder with three faces: the portrait, mirrored, and darker."""
    folder = tmp_path_factory.mktemp("faces")
    bgr = cv2.cvtColor(portrait_face.canvas, cv2.COLOR_RGB2BGR)
    for name, picture in (("a", bgr), ("b", bgr[:, ::-1]), ("c", bgr // 2 + 10)):
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    return folder


SETTINGS = Sweep(degrees=(0, 1, 12, 60), angle=20.0)


def plain(table: pa.Table) -> pa.Table:
    return table.replace_schema_metadata(None)


@pytest.fixture(scope="module")
def finished(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SweepReport]:
    """Returns the file of a sweep of ``SETTINGS``, and what was reported of it."""
    out = tmp_path_factory.mktemp("wanted") / "wanted.parquet"
    how = RunOptions(workers=1)
    return out, run_sweep(faces, out, SETTINGS, how=how, embedder=TinyEmbedder())


@pytest.fixture(scope="module")
def wanted(finished: tuple[Path, SweepReport]) -> pa.Table:
    """Returns the table that every way of running ``SETTINGS`` must give."""
    return read_sweep(finished[0])


def test_one_row_for_each_face_degree_and_angle(wanted: pa.Table) -> None:
    assert wanted.schema.names == SCHEMA.names
    rows = wanted.to_pylist()
    assert [(row["face"], row["degree"]) for row in rows] == [
        (face, degree) for face in "abc" for degree in (0, 1, 12, 60)
    ]
    assert {row["angle"] for row in rows if row["degree"] != 1} == {20.0}
    for row in rows:
        assert (row["kernel"], row["crop"], row["protocol"]) == ("study", "fixed", "native")
        assert row["failure"] is None
        share = 100 * row["degree"] / row["eye_distance_px"]
        assert row["degree_percent_of_eye_distance"] == pytest.approx(share)


def test_degree_0_is_no_change_at_all(wanted: pa.Table) -> None:
    for row in wanted.filter(pa.compute.equal(wanted["degree"], 0)).to_pylist():
        assert [row[name] for name in VALUES] == [1.0, 0.0, 0.0, 0.0, float("inf"), 1.0]


@pytest.mark.parametrize("kernel", ["study", "line"])
def test_rows_are_the_single_readouts(
    kernel: str, faces: Path, portrait_face: Face, dlib_embedder: Embedder, tmp_path: Path
) -> None:
    sweep = Sweep(degrees=(0, 12, 60), angle=20.0, kernel=kernel, limit=1, blur="exact")
    run_sweep(faces, tmp_path / "t.parquet", sweep, embedder=dlib_embedder)
    prepared = PreparedFace(portrait_face, dlib_embedder, kernel=kernel)
    for row in read_sweep(tmp_path / "t.parquet").to_pylist():
        change = Change(degree=row["degree"], angle=20, kernel=kernel)
        values = prepared.readout(change).values
        assert row["psnr"] == values["psnr"]
        assert row["ssim"] == values["ssim"]
        for name in ("cosine_similarity", "cosine_distance", "l1", "l2"):
            assert row[name] == pytest.approx(values[name], abs=2e-5)  # batches add up otherwise


def test_fast_blur_is_near_the_exact_one(faces: Path, wanted: pa.Table, tmp_path: Path) -> None:
    sweep = dataclasses.replace(SETTINGS, blur="exact")
    run_sweep(faces, tmp_path / "t.parquet", sweep, embedder=TinyEmbedder())
    exact = read_sweep(tmp_path / "t.parquet")
    assert settings_of(exact)["blur"] == "filter2d"
    assert settings_of(wanted)["blur"] == "fft, within 1 grey level"
    for name, tolerance in (("cosine_similarity", 1e-4), ("ssim", 1e-3)):
        assert np.allclose(exact[name].to_numpy(), wanted[name].to_numpy(), atol=tolerance)


@pytest.mark.usefixtures("own_eyes")
def test_the_table_does_not_depend_on_the_workers(
    faces: Path, wanted: pa.Table, tmp_path: Path
) -> None:
    calls: list[tuple[int, int]] = []
    run_sweep(
        faces, tmp_path / "t.parquet", SETTINGS, how=RunOptions(workers=3),
        embedder=TinyEmbedder(), progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert plain(read_sweep(tmp_path / "t.parquet")).equals(plain(wanted))
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
    assert calls == sorted(calls)
    assert calls[-1] == (12, 12)


@pytest.mark.usefixtures("own_eyes")
def test_threads_of_the_libraries_are_as_before(faces: Path, tmp_path: Path) -> None:
    import torch

    before = cv2.getNumThreads(), torch.get_num_threads()
    sweep = Sweep(degrees=(0,), limit=1)
    run_sweep(faces, tmp_path / "t.parquet", sweep, how=RunOptions(workers=3), embedder=TinyEmbedder())  # fmt: skip # noqa: E501
    assert (cv2.getNumThreads(), torch.get_num_threads()) == before


def test_photos_without_a_file(faces: Path, wanted: pa.Table) -> None:
    sources = [Source(name, (faces / f"{name}.png").read_bytes()) for name in "abc"]
    table = sweep_photos(sources, SETTINGS, TinyEmbedder())
    assert plain(table).equals(plain(wanted))
    assert settings_of(table)["impostors"] == settings_of(wanted)["impostors"]


def test_a_sweep_in_steps_gives_the_same_table(faces: Path, wanted: pa.Table) -> None:
    sources = [Source(name, (faces / f"{name}.png").read_bytes()) for name in "abc"]
    told: list[tuple[int, int]] = []
    steps = PhotoSweep(sources, SETTINGS, TinyEmbedder(), progress=lambda *two: told.append(two))
    count = 0
    while steps.step():
        count += 1
    table = steps.table()
    assert table is not None
    assert plain(table).equals(plain(wanted))
    assert count > 3 * len(SETTINGS.degrees)  # each short
    assert told[-1] == (len(wanted), len(wanted))


def test_a_sweep_in_steps_that_is_ended_early_keeps_what_was_measured(
    faces: Path, wanted: pa.Table
) -> None:
    sources = [Source(name, (faces / f"{name}.png").read_bytes()) for name in "abc"]
    steps = PhotoSweep(sources, SETTINGS, TinyEmbedder())
    assert steps.table() is None
    rows = plain(wanted)
    seen = set()
    more = True
    while more:
        more = steps.step()
        table = steps.table()
        if table is None:
            continue
        # Whole faces, or the first degrees of the first one; never a part of another.
        assert plain(table).equals(rows.slice(0, len(table)))
        assert settings_of(table)["report"]["faces"] == len(set(table["face"].to_pylist()))
        seen.add(len(table))
    a_face = len(SETTINGS.degrees)
    assert {count for count in seen if count >= a_face} == {a_face, 2 * a_face, 3 * a_face}


def test_random_angles_follow_from_seed_face_and_degree(faces: Path, tmp_path: Path) -> None:
    sweep = Sweep(degrees=(1, 30, 31), angle="random", seed=4, kernel="line", limit=2)
    run_sweep(faces, tmp_path / "t.parquet", sweep, embedder=TinyEmbedder())
    rows = read_sweep(tmp_path / "t.parquet").to_pylist()
    angles = [row["angle"] for row in rows]
    assert len(set(angles)) == 6
    assert [(row["degree"], row["angle"]) for row in rows if row["face"] == "b"] == sweep.points(
        "b"
    )
    assert sweep.points("b") != dataclasses.replace(sweep, seed=5).points("b")


def test_all_angles_make_a_grid(faces: Path, tmp_path: Path) -> None:
    sweep = Sweep(degrees=(10, 40), angle="all", grid=(0.0, 30.0, 60.0), limit=2, kernel="line")
    run_sweep(faces, tmp_path / "t.parquet", sweep, embedder=TinyEmbedder())
    rows = read_sweep(tmp_path / "t.parquet").to_pylist()
    assert len(rows) == sweep.total(2) == 12
    assert len({(row["face"], row["degree"], row["angle"]) for row in rows}) == 12


def test_no_row_is_there_twice_where_degree_1_draws_its_own_angle() -> None:
    points = Sweep(angle="all", degrees=(0, 1, 2)).points("face")
    assert len(points) == len(set(points)) == 12 + 1 + 12


def test_redetecting_looks_for_the_face_in_every_picture(faces: Path, tmp_path: Path) -> None:
    sweep = Sweep(degrees=(0, 25), angle=20.0, limit=1, crop="redetect")
    run_sweep(faces, tmp_path / "t.parquet", sweep, embedder=TinyEmbedder())
    rows = read_sweep(tmp_path / "t.parquet").to_pylist()
    assert {row["crop"] for row in rows} == {"redetect"}
    assert 0.5 < rows[1]["cosine_similarity"] < 1


# --- failures -------------------------------------------------------------------------------------


def test_a_bad_picture_is_rows_with_a_failure(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.png").write_bytes((faces / "a.png").read_bytes())
    cv2.imwrite(str(folder / "grey.png"), np.full((200, 200, 3), 128, np.uint8))
    (folder / "torn.png").write_bytes((faces / "a.png").read_bytes()[:5000])
    out = tmp_path / "t.parquet"
    command = ["sweep", str(folder), "--out", str(out), "--degrees", "0,50", "--embedder", "dlib"]
    assert main(command) == 3
    rows = read_sweep(out).to_pylist()
    assert [row["face"] for row in rows] == ["a", "a", "grey", "grey", "torn", "torn"]
    assert "no face was found" in rows[2]["failure"]
    assert "damaged" in rows[4]["failure"]
    assert all(rows[i][name] is None for i in (2, 3, 4, 5) for name in VALUES)
    shown = capsys.readouterr().out
    assert "2 of 3 pictures failed" in shown
    assert "grey: no face was found" in shown


def test_a_folder_of_nothing_but_bad_pictures_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((200, 200, 3), 128, np.uint8))
    out = tmp_path / "t.parquet"
    command = ["sweep", str(tmp_path), "--out", str(out), "--degrees", "0", "--embedder", "dlib"]
    assert main(command) == 2
    assert "none of the 1 pictures" in capsys.readouterr().err
    assert len(read_sweep(out)) == 1


def test_a_failure_of_one_degree_is_that_row_alone(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blur = sweep_module.blur_picture

    def moody(image: Picture, kernel: str, degree: int, angle: float, **how: object) -> Picture:
        if degree == 12:
            raise cv2.error("out of\nmemory")
        return blur(image, kernel, degree, angle, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(sweep_module, "blur_picture", moody)
    one = dataclasses.replace(SETTINGS, limit=1)
    report = run_sweep(faces, tmp_path / "t.parquet", one, embedder=TinyEmbedder())
    assert (report.failed_rows, report.failed_count) == (1, 0)
    rows = read_sweep(tmp_path / "t.parquet").to_pylist()
    assert [row["degree"] for row in rows if row["failure"]] == [12]
    assert rows[2]["failure"] == "error: out of memory"
    assert rows[3]["cosine_similarity"] is not None


def test_embeddings_that_are_not_finite_are_failures(faces: Path, tmp_path: Path) -> None:
    class Broken(TinyEmbedder):
        def embed_crops(self, crops: Picture) -> Embeddings:
            return super().embed_crops(crops) * np.float32(np.nan)

    one = dataclasses.replace(SETTINGS, limit=1)
    report = run_sweep(faces, tmp_path / "t.parquet", one, embedder=Broken())
    assert report.failed_rows == 4
    assert "not finite" in read_sweep(tmp_path / "t.parquet")["failure"][0].as_py()


# --- interruptions --------------------------------------------------------------------------------


def test_stops_when_asked_and_goes_on_to_the_same_table(
    faces: Path, wanted: pa.Table, tmp_path: Path
) -> None:
    stop, out = threading.Event(), tmp_path / "t.parquet"

    def after_a_face(done: int, _total: int) -> None:
        if done >= 6:
            stop.set()

    with pytest.raises(StoppedError):
        run_sweep(
            faces, out, dataclasses.replace(SETTINGS), embedder=TinyEmbedder(),
            how=RunOptions(workers=1), progress=after_a_face, stop=stop,
        )  # fmt: skip
    assert not out.exists()
    report = run_sweep(faces, out, SETTINGS, embedder=TinyEmbedder())
    assert report.resumed >= 1
    assert plain(read_sweep(out)).equals(plain(wanted))
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.long
def test_goes_on_after_kill_9_to_the_same_table(faces: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "blurdash", "sweep", str(faces), "--embedder", "dlib",
        "--degrees", "0:40:4", "--workers", "1", "--out",
    ]  # fmt: skip
    out = tmp_path / "killed.parquet"
    process = subprocess.Popen(
        [*command, str(out)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 90
    while not list(tmp_path.glob("killed.parquet.parts/*.parquet")):
        assert time.monotonic() < deadline, "no face was finished"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    whole = tmp_path / "whole.parquet"
    sweep = Sweep(degrees=tuple(range(0, 41, 4)), embedder="dlib")
    assert run_sweep(faces, out, sweep).resumed >= 1
    assert run_sweep(faces, whole, sweep).resumed == 0
    assert plain(read_sweep(out)).equals(plain(read_sweep(whole)))


def test_damaged_and_outdated_parts_are_measured_again(
    faces: Path, wanted: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "faces", tmp_path / "t.parquet"
    folder.mkdir()
    for path in faces.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(sweep_module, "_write_table", lambda *_: _fail())
    with pytest.raises(KeyboardInterrupt):
        run_sweep(folder, out, SETTINGS, embedder=TinyEmbedder())
    monkeypatch.undo()
    parts = sorted((tmp_path / "t.parquet.parts").glob("*.parquet"))
    assert len(parts) == 3
    parts[0].write_bytes(parts[0].read_bytes()[:100])
    os.utime(folder / "c.png", ns=(1, 1))
    report = run_sweep(folder, out, SETTINGS, embedder=TinyEmbedder())
    assert report.resumed in (1, 2)
    assert plain(read_sweep(out)).equals(plain(wanted))


def _fail() -> None:
    raise KeyboardInterrupt


def test_a_finished_table_is_not_made_again(
    faces: Path, finished: tuple[Path, SweepReport], tmp_path: Path
) -> None:
    out, first = Path(shutil.copy2(finished[0], tmp_path)), finished[1]
    written = out.stat().st_mtime_ns
    again = run_sweep(faces, out, SETTINGS, embedder=TinyEmbedder())
    assert out.stat().st_mtime_ns == written
    assert again == dataclasses.replace(first, resumed=3)


def test_a_finished_table_is_not_replaced_by_another_unasked(
    faces: Path, finished: tuple[Path, SweepReport], tmp_path: Path
) -> None:
    out = Path(shutil.copy2(finished[0], tmp_path))
    before = out.read_bytes()
    other = dataclasses.replace(SETTINGS, degrees=(0, 5), limit=1)
    with pytest.raises(SettingError, match=r"finished sweep of other settings \(degrees\)"):
        run_sweep(faces, out, other, embedder=TinyEmbedder())
    assert out.read_bytes() == before
    assert not out.with_name(f"{out.name}.parts").exists()
    assert run_sweep(faces, out, other, embedder=TinyEmbedder(), overwrite=True).rows == 2
    foreign = tmp_path / "salaries.parquet"
    pq.write_table(pa.table({"salary": [1, 2, 3]}), foreign)
    before = foreign.read_bytes()
    with pytest.raises(TableError, match="is no sweep table"):
        run_sweep(faces, foreign, other, embedder=TinyEmbedder())
    assert foreign.read_bytes() == before


class CountingEmbedder(TinyEmbedder):
    """Counts the crops that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def embed_crops(self, crops: Picture) -> Embeddings:
        self.count += len(crops)
        return super().embed_crops(crops)


def test_a_finished_sweep_grows_and_shrinks_with_its_folder(
    faces: Path, wanted: pa.Table, tmp_path: Path
) -> None:
    folder, out, embedder = tmp_path / "faces", tmp_path / "t.parquet", CountingEmbedder()
    shutil.copytree(faces, folder)
    (folder / "b.png").unlink()
    run_sweep(folder, out, SETTINGS, embedder=embedder)
    two = embedder.count
    shutil.copy2(faces / "b.png", folder)
    report = run_sweep(folder, out, SETTINGS, embedder=embedder)
    assert (report.faces, report.resumed) == (3, 2)
    a_face = len(SETTINGS.degrees) + 1
    assert (two, embedder.count - two) == (2 * a_face, a_face + 2)  # two clean ones once more
    grown = read_sweep(out)
    assert plain(grown).equals(plain(wanted))
    assert settings_of(grown)["impostors"] == settings_of(wanted)["impostors"]
    (folder / "a.png").unlink()
    assert run_sweep(folder, out, SETTINGS, embedder=embedder).resumed == 2
    assert set(read_sweep(out)["face"].to_pylist()) == {"b", "c"}


def test_a_photo_that_is_another_now_is_measured_anew(faces: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "faces", tmp_path / "t.parquet"
    shutil.copytree(faces, folder)
    run_sweep(folder, out, SETTINGS, embedder=TinyEmbedder())
    before = read_sweep(out).to_pylist()
    shutil.copy2(faces / "c.png", folder / "b.png")
    os.utime(folder / "a.png", (1, 1))  # the same content
    report = run_sweep(folder, out, SETTINGS, embedder=TinyEmbedder())
    after = read_sweep(out).to_pylist()
    assert report.resumed == 2
    assert after[:4] + after[8:] == before[:4] + before[8:]
    assert [row["l2"] for row in after[4:8]] == [row["l2"] for row in after[8:]]


def test_two_files_of_one_size_and_time_that_swap_names_are_noticed(
    faces: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "faces", tmp_path / "t.parquet"
    folder.mkdir()
    for name in "ab":  # of equal size, as no PNG is
        cv2.imwrite(str(folder / f"{name}.bmp"), cv2.imread(str(faces / f"{name}.png")))
        os.utime(folder / f"{name}.bmp", (1, 1))
    sweep = Sweep(degrees=(0, 60), angle=20.0)  # not degree 1, whose angle a name decides
    run_sweep(folder, out, sweep, embedder=TinyEmbedder())
    before = read_sweep(out)["l2"].to_pylist()
    (folder / "a.bmp").rename(folder / "c")
    (folder / "b.bmp").rename(folder / "a.bmp")
    (folder / "c").rename(folder / "b.bmp")
    run_sweep(folder, out, sweep, embedder=TinyEmbedder())
    assert read_sweep(out)["l2"].to_pylist() == before[2:] + before[:2]


def test_an_unfinished_sweep_of_a_folder_that_was_copied_goes_on(
    faces: Path, wanted: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "t.parquet"
    monkeypatch.setattr(sweep_module, "_write_table", lambda *_: _fail())
    with pytest.raises(KeyboardInterrupt):
        run_sweep(faces, out, SETTINGS, embedder=TinyEmbedder())
    monkeypatch.undo()
    shutil.copytree(faces, tmp_path / "copy", copy_function=shutil.copy)
    report = run_sweep(tmp_path / "copy", out, SETTINGS, embedder=TinyEmbedder())
    assert report.resumed == 3
    assert plain(read_sweep(out)).equals(plain(wanted))


EDITED = {
    "shuffled": lambda table: table.take([0, 4, 1, 5, 2, 6, 3, 7, 8, 9, 10, 11]),
    "a row dropped": lambda table: table.slice(1),
    "a row doubled": lambda table: pa.concat_tables([table.slice(0, 1), table]),
    "another id": lambda table: table.set_column(
        table.column_names.index("photo_id"), "photo_id", pa.array(["x"] + 11 * ["y"])
    ),
}


@pytest.mark.parametrize("how", EDITED)
def test_a_table_that_was_edited_is_made_whole_again(
    how: str, faces: Path, finished: tuple[Path, SweepReport], wanted: pa.Table, tmp_path: Path
) -> None:
    out = tmp_path / "t.parquet"
    table = pq.read_table(finished[0])
    pq.write_table(EDITED[how](table).replace_schema_metadata(table.schema.metadata), out)
    folder = tmp_path / "faces"
    shutil.copytree(faces, folder)
    shutil.copy2(faces / "a.png", folder / "d.png")
    run_sweep(folder, out, SETTINGS, embedder=TinyEmbedder())
    (folder / "d.png").unlink()
    run_sweep(folder, out, SETTINGS, embedder=TinyEmbedder())
    assert plain(read_sweep(out)).equals(plain(wanted))


def test_a_damaged_table_is_said_and_stays(
    faces: Path, finished: tuple[Path, SweepReport], tmp_path: Path
) -> None:
    out = tmp_path / "t.parquet"
    table = pq.read_table(finished[0])
    pq.write_table(table.slice(0, 0), out)  # nothing can be lost of it
    assert run_sweep(faces, out, SETTINGS, embedder=TinyEmbedder()).faces == 3
    pq.write_table(table.drop(["face"]), out)
    before = out.read_bytes()
    with pytest.raises(TableError, match="no sweep table"):
        run_sweep(faces, out, SETTINGS, embedder=TinyEmbedder())
    assert out.read_bytes() == before


def test_a_photo_that_changes_while_it_is_read_is_no_other_ones_numbers(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "faces", tmp_path / "t.parquet"
    shutil.copytree(faces, folder)
    load, one = sweep_module.load_photo, dataclasses.replace(SETTINGS, limit=1)

    def replaced(source: Path) -> Picture:
        picture = load(source)
        shutil.copy2(faces / "c.png", folder / "a.png")
        return picture

    monkeypatch.setattr(sweep_module, "load_photo", replaced)
    report = run_sweep(folder, out, dataclasses.replace(one, limit=None), embedder=TinyEmbedder())
    assert "changed while it was read" in report.failed_faces["a"]


def test_a_larger_limit_goes_on_and_a_smaller_one_drops_nothing_unasked(
    faces: Path, wanted: pa.Table, tmp_path: Path
) -> None:
    out = tmp_path / "t.parquet"
    one, all_faces = (dataclasses.replace(SETTINGS, limit=limit) for limit in (1, None))
    report = run_sweep(faces, out, one, embedder=TinyEmbedder())
    assert report.left_out == {"over the limit of 1": 2}
    report = run_sweep(faces, out, all_faces, embedder=TinyEmbedder())
    assert (report.faces, report.resumed, report.left_out) == (3, 1, {})
    assert plain(read_sweep(out)).equals(plain(wanted))
    with pytest.raises(SettingError, match="a limit of 1 would drop 2"):
        run_sweep(faces, out, one, embedder=TinyEmbedder())
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
    assert run_sweep(faces, out, one, embedder=TinyEmbedder(), overwrite=True).faces == 1


def test_a_finished_sweep_of_other_photos_is_not_replaced_unasked(
    faces: Path, finished: tuple[Path, SweepReport], tmp_path: Path
) -> None:
    out = Path(shutil.copy2(finished[0], tmp_path))
    (tmp_path / "others").mkdir()
    shutil.copy2(faces / "a.png", tmp_path / "others" / "x.png")
    with pytest.raises(SettingError, match="finished sweep of other photos"):
        run_sweep(tmp_path / "others", out, SETTINGS, embedder=TinyEmbedder())


def test_failing_pictures_do_not_use_up_the_limit(faces: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "faces", tmp_path / "t.parquet"
    shutil.copytree(faces, folder)
    (folder / "a.png").write_text("no picture")
    two = dataclasses.replace(SETTINGS, limit=2)
    report = run_sweep(folder, out, two, embedder=TinyEmbedder())
    assert (report.faces, report.failed_count, report.left_out) == (3, 1, {})
    assert run_sweep(folder, out, two, embedder=TinyEmbedder()).resumed == 3


def test_two_sweeps_into_one_file_are_not_run_at_once(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.parquet"
    one = dataclasses.replace(SETTINGS, degrees=(0, 5), limit=1)
    told: list[str] = []

    def second(_done: int, _total: int) -> None:
        with pytest.raises(SettingError, match="another process is writing"):
            run_sweep(faces, out, one, embedder=TinyEmbedder())
        told.append("at its start")

    report = run_sweep(faces, out, one, embedder=TinyEmbedder(), progress=second)
    assert told
    assert report.rows == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.parquet"]


def test_an_unfinished_sweep_is_not_mixed_with_another(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "t.parquet"
    monkeypatch.setattr(sweep_module, "_write_table", lambda *_: _fail())
    with pytest.raises(KeyboardInterrupt):
        run_sweep(faces, out, SETTINGS, embedder=TinyEmbedder())
    other = dataclasses.replace(SETTINGS, kernel="line")
    with pytest.raises(SettingError, match="another kernel"):
        run_sweep(faces, out, other, embedder=TinyEmbedder())


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", ["random", 20.0])
def test_samples_on_disk_give_the_table_of_the_photos(
    angle: str | float, faces: Path, tmp_path: Path
) -> None:
    plan = plan_samples(faces, out=tmp_path / "samples", angle=angle, seed=8, limit=1)
    generate(dataclasses.replace(plan, degrees=(0, 1, 25)))
    sweep = Sweep(degrees=(0, 1, 25), angle=angle, seed=8, limit=1, blur="exact")
    run_sweep(faces, tmp_path / "p.parquet", sweep, embedder=TinyEmbedder())
    from_samples = dataclasses.replace(sweep, samples=True, seed=0)  # the folder knows its seed
    run_sweep(tmp_path / "samples", tmp_path / "s.parquet", from_samples, embedder=TinyEmbedder())
    photos, samples = (
        plain(read_sweep(tmp_path / f"{kind}.parquet")).drop("photo_id") for kind in "ps"
    )
    assert samples.equals(photos)


def test_samples_further_down_know_their_angle(faces: Path, tmp_path: Path) -> None:
    plan = plan_samples(faces, out=tmp_path / "of" / "samples", angle=90.0, limit=1)
    generate(dataclasses.replace(plan, degrees=(0, 25)))
    sweep = Sweep(degrees=(0, 25), samples=True)
    run_sweep(tmp_path / "of", tmp_path / "t.parquet", sweep, embedder=TinyEmbedder())
    table = read_sweep(tmp_path / "t.parquet")
    assert (table["face"][0].as_py(), table["angle"][1].as_py()) == ("samples/a", 90.0)


def test_samples_of_a_photo_that_is_no_face_crop(portrait: Picture, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR))
    plan = plan_samples(tmp_path, out=tmp_path / "samples")
    generate(dataclasses.replace(plan, degrees=(0, 10)))
    sweep = Sweep(degrees=(0, 10, 11), samples=True)
    run_sweep(tmp_path / "samples", tmp_path / "t.parquet", sweep, embedder=TinyEmbedder())
    rows = read_sweep(tmp_path / "t.parquet").to_pylist()
    assert rows[0]["psnr"] == float("inf")
    assert 15 < rows[1]["psnr"] < 40
    assert "fix_11.png" in rows[2]["failure"]


def test_a_folder_without_samples_is_said(faces: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"fix_0\.png"):
        run_sweep(faces, tmp_path / "t.parquet", Sweep(samples=True), embedder=TinyEmbedder())


# --- files ----------------------------------------------------------------------------------------


def test_a_table_carries_its_settings_and_versions(wanted: pa.Table) -> None:
    settings = settings_of(wanted)
    assert settings["identity"]["degrees"] == [0, 1, 12, 60]
    assert settings["identity"]["embedder"] == "tiny"
    assert settings["recogniser"]["weights_sha256"] == "0" * 64
    assert {"blurdash", "numpy", "torch"} <= set(settings["versions"])
    assert settings["impostors"]["pairs"] == 3
    low, middle, high = (
        settings["impostors"]["cosine_similarity"][name] for name in ("low", "median", "high")
    )
    assert low <= middle <= high < 1


def test_a_table_holds_no_embedding_and_no_pickle(finished: tuple[Path, SweepReport]) -> None:
    content = finished[0].read_bytes()
    assert b"embedding" not in content
    assert json.dumps(settings_of(read_sweep(content)))


def test_bytes_are_read_like_a_file(finished: tuple[Path, SweepReport]) -> None:
    assert read_sweep(finished[0].read_bytes()).equals(read_sweep(finished[0]))


def foreign(path: Path) -> Path:
    pq.write_table(pa.table({"face": ["a"], "score": [1.0]}), path)
    return path


def cut_short(path: Path) -> Path:
    foreign(path).write_bytes(path.read_bytes()[:-20])
    return path


def text(path: Path) -> Path:
    path.write_text("face,degree\na,1\n")
    return path


def without_rows(path: Path) -> Path:
    pq.write_table(SCHEMA.empty_table(), path)
    return path


def of_the_future(path: Path) -> Path:
    note = {b"blurdash": b'{"format": 99}'}
    pq.write_table(SCHEMA.empty_table().replace_schema_metadata(note), path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign, "no column degree"),
        (cut_short, "damaged"),
        (text, "damaged or not a Parquet file"),
        (without_rows, "has 0 rows"),
        (of_the_future, "another version"),
        (lambda path: path, "there is no file"),
    ],
)
def test_a_damaged_or_foreign_file_is_said(make: object, message: str, tmp_path: Path) -> None:
    path = make(tmp_path / "x.parquet")  # type: ignore[operator]
    with pytest.raises(TableError, match=message):
        read_sweep(path)


@pytest.mark.parametrize("cut", [0, 4, 50, 400, -9, -1])
def test_no_damage_ends_in_a_traceback(cut: int, wanted: pa.Table, tmp_path: Path) -> None:
    pq.write_table(wanted, tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    with pytest.raises(TableError):
        read_sweep(content[:cut])


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"angle": "north"}, "angle is"),
        ({"degrees": ()}, "no degree"),
        ({"degrees": (3, 3)}, "the same degree"),
        ({"degrees": (101,)}, "degree is 101"),
        ({"limit": 0}, "limit is"),
        ({"seed": 1.5}, "seed is"),
        ({"kernel": "disc"}, "kernel"),
        ({"crop": "none"}, "crop"),
        ({"blur": "slow"}, "blur"),
        ({"samples": True, "angle": "all"}, "one angle a degree"),
        ({"samples": True, "kernel": "line"}, "one angle a degree"),
    ],
)
def test_settings_are_checked_before_anything_runs(settings: dict[str, object], message: str) -> None:  # fmt: skip # noqa: E501
    with pytest.raises(SettingError, match=message):
        Sweep(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["", "a:b", "0:100:0", "5:1", "1:2:3:4", "0:99999"])
def test_a_wrong_range_is_said(wrong: str) -> None:
    with pytest.raises(SettingError, match="not a range"):
        degrees_of(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "t.csv"], "wanted a .parquet file"),
        (["--out", "no/t.parquet"], "no folder"),
        (["--out", "t.parquet", "--degrees", "x"], "not a range"),
        (["--out", "t.parquet", "--engine", "spark"], "engine"),
        (["--out", "t.parquet", "--embedder", "arcface"], "recogniser"),
        (["--out", "t.parquet", "--workers", "many"], "workers is"),
        (["--out", "t.parquet", "--protocol", "study", "--embedder", "dlib"], "no study protocol"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    arguments: list[str],
    message: str,
    faces: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(faces), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_report_starts_empty() -> None:
    assert SweepReport().failed_faces == {}
