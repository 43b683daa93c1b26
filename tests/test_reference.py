"""References: measured from a folder, resumed, read again, packed, and refused where damaged."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from blurdash.cli import main
from blurdash.embed import Embedder, load_embedder
from blurdash.errors import NoFaceError, SettingError, StoppedError, TableError
from blurdash.kernel import KERNELS
from blurdash.reference import (
    FILES,
    MANIFEST,
    SWEEPS,
    Reference,
    check_name,
    load_reference,
    references_in,
    unpacked,
)
from blurdash.reference_photos import PhotoReference
from blurdash.reference_run import (
    Measured,
    ReferenceSettings,
    estimate,
    kept_references,
    measure_reference,
)
from blurdash.sweep import Source, run_sweep
from blurdash.sweep_file import read_sweep, settings_of
from tests.references import Quick

pytestmark = pytest.mark.xdist_group("reference")  # one worker: what the tests share is made once

Picture = npt.NDArray[np.uint8]

QUICK = Quick()


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder("dlib")


@pytest.fixture(scope="module")
def photos(portrait: Picture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three faces, a copy of one of them, a picture without a face, and a text."""
    folder = tmp_path_factory.mktemp("people")
    for name, picture in {
        "adelina.png": portrait,
        "beatrix.png": portrait[:, ::-1],
        "cleopatra.png": (portrait * 0.6).astype(np.uint8),
        "nobody.png": np.zeros((200, 200, 3), np.uint8),
    }.items():
        Image.fromarray(np.ascontiguousarray(picture)).save(folder / name)
    shutil.copy(folder / "beatrix.png", folder / "dorothea.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def measured(
    photos: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Measured:
    out = tmp_path_factory.mktemp("references") / "people"
    return measure_reference(photos, out, QUICK, embedder, who="faces of people", command="none")


@pytest.fixture
def reference(measured: Measured, tmp_path: Path) -> Reference:
    """A copy that a test may spoil."""
    return load_reference(copied(measured, tmp_path))


def copied(measured: Measured, folder: Path) -> Path:
    assert isinstance(measured.reference.where, Path)
    return Path(shutil.copytree(measured.reference.where, folder / "people"))


# --- measuring ------------------------------------------------------------------------------------


def test_it_holds_every_face_once_and_says_what_was_left_out(measured: Measured) -> None:
    reference = measured.reference
    assert (reference.faces, reference.who) == (3, "3 faces of people")
    assert list(measured.failures) == ["nobody"]
    assert measured.twice == ["dorothea"]
    assert reference.manifest["left_out"] == {"other files (.txt)": 1, "there twice": 1}
    assert len(set(reference.manifest["faces"])) == 3


def test_its_sweeps_are_those_of_the_command(
    measured: Measured, photos: Path, embedder: Embedder, tmp_path: Path
) -> None:
    sweep = dataclasses.replace(QUICK.sweeps["random"], limit=None)
    run_sweep(photos, tmp_path / "same.parquet", sweep, embedder=embedder)
    wanted = read_sweep(tmp_path / "same.parquet").to_pylist()
    found = measured.reference.sweep("random").to_pylist()
    names = {"face_1": "adelina", "face_2": "beatrix", "face_3": "cleopatra"}
    kept = [row for row in wanted if row["face"] in names.values()]
    assert [{**row, "face": names[row["face"]]} for row in found] == kept


def test_its_pairs_are_the_distances_of_clean_faces(measured: Measured) -> None:
    pairs = measured.reference.pairs()
    assert (pairs.faces, pairs.pairs) == (3, 3)
    impostors = settings_of(measured.reference.sweep("fixed"))["impostors"]
    # The sweep counts the copy as one face more; of the others it has the same distances.
    assert impostors["faces"] == 4
    assert pairs.band("l2")[2] <= impostors["l2"]["high"] * 1.05
    assert measured.nearest == ("adelina", "cleopatra")


def test_its_flips_are_of_the_same_faces(measured: Measured) -> None:
    flips = measured.reference.flips()
    assert flips.faces == ("face_1", "face_2", "face_3")
    assert flips.cell("psnr", 16, 30).n == 3


def test_no_name_of_a_photo_is_in_it(measured: Measured) -> None:
    # Names that no hash and no packed number can hold by chance.
    assert isinstance(measured.reference.where, Path)
    for path in measured.reference.where.iterdir():
        content = path.read_bytes()
        for name in (b"adelina", b"beatrix", b"cleopatra", b"dorothea", b"nobody"):
            assert name not in content, f"{path.name} names {name!r}"


def test_the_line_is_drawn_as_the_study_draws_its_angle() -> None:
    line = ReferenceSettings(kernel="line").flips.angle
    assert KERNELS["line"].zero_direction == 0
    assert (line, ReferenceSettings().flips.angle) == (0, 45)


@pytest.mark.long
def test_a_run_that_was_stopped_goes_on(
    photos: Path, measured: Measured, embedder: Embedder, tmp_path: Path
) -> None:
    stop, seen = threading.Event(), list[tuple[int, int]]()

    def stop_soon(done: int, total: int) -> None:
        seen.append((done, total))
        if done > 0.75 * total:
            stop.set()

    out = tmp_path / "people"

    def run(**more: Any) -> Measured:
        return measure_reference(photos, out, QUICK, embedder, who="faces of people", **more)

    with pytest.raises(StoppedError):
        run(progress=stop_soon, stop=stop)
    assert not out.exists()
    assert seen == sorted(seen)
    kept = seen[-1][0]
    again = list[int]()
    done = run(progress=lambda count, _total: again.append(count))
    assert min(again[-20:]) > 0.5 * kept, "what was measured is not measured again"
    for which in SWEEPS:
        assert done.reference.sweep(which).equals(measured.reference.sweep(which))
    assert done.reference.flips().cells == measured.reference.flips().cells
    assert not out.with_name("people.work").exists()


@pytest.mark.long
def test_a_run_of_other_settings_is_begun_anew_only_where_that_is_said(
    photos: Path, embedder: Embedder, tmp_path: Path
) -> None:
    out = tmp_path / "people"

    def run(settings: ReferenceSettings, **more: Any) -> Measured:
        return measure_reference(photos, out, settings, embedder, who="people", **more)

    stop = threading.Event()
    with pytest.raises(StoppedError):
        run(QUICK, stop=stop, progress=lambda done, _total: stop.set() if done else None)
    other = dataclasses.replace(QUICK, seed=7)
    with pytest.raises(SettingError, match="'people' was begun with other settings or another"):
        run(other)
    assert run(other, overwrite=True).reference.manifest["seed"] == 7
    assert not out.with_name("people.work").exists()


@pytest.mark.long
def test_a_few_photos_in_memory_give_the_same(
    photos: Path, measured: Measured, embedder: Embedder
) -> None:
    names = ["adelina", "beatrix", "cleopatra", "nobody"]
    sources = [Source(name, (photos / f"{name}.png").read_bytes()) for name in names]
    seen = list[tuple[int, int]]()
    run = PhotoReference(
        sources, QUICK, embedder, name="people", who="faces of people",
        progress=lambda *counts: seen.append(counts),
    )  # fmt: skip
    assert run.reference is None
    while run.step():
        pass
    found = run.reference
    assert found is not None
    found.check()
    assert seen == sorted(seen)
    assert seen[-1] == (run.total, run.total)
    assert found.who == measured.reference.who
    assert found.manifest["failures"] == {"no usable face": 1}
    for which in SWEEPS:
        columns = [name for name in found.sweep(which).column_names if name != "photo_id"]
        wanted = measured.reference.sweep(which).select(columns).replace_schema_metadata(None)
        assert found.sweep(which).select(columns).replace_schema_metadata(None).equals(wanted)
    assert found.flips().cells == measured.reference.flips().cells
    for name, values in measured.reference.pairs().values.items():
        np.testing.assert_allclose(found.pairs().values[name], values, rtol=1e-6)
    again = unpacked(found.packed())
    assert again.under == measured.reference.under


def test_one_that_is_there_is_not_replaced(
    measured: Measured, photos: Path, embedder: Embedder
) -> None:
    assert isinstance(measured.reference.where, Path)
    with pytest.raises(SettingError, match="is there already"):
        measure_reference(photos, measured.reference.where, QUICK, embedder, who="others")


def test_a_folder_without_a_face_is_an_error(embedder: Embedder, tmp_path: Path) -> None:
    folder = tmp_path / "nobody"
    folder.mkdir()
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(folder / "black.png")
    with pytest.raises(NoFaceError, match="none of the 1 pictures has a usable face"):
        measure_reference(folder, tmp_path / "out", QUICK, embedder, who="nobody")
    with pytest.raises(NoFaceError):
        estimate([Source("black", folder / "black.png")], QUICK, embedder, 1)


def test_what_it_takes_is_told_before(photos: Path, embedder: Embedder) -> None:
    sources = [Source(name, photos / f"{name}.png") for name in ("nobody", "adelina")]
    cost = estimate(sources, QUICK, embedder, 1)
    assert cost.faces == 2
    assert cost.seconds > 0
    twice = estimate(sources * 2, QUICK, embedder, 1)
    assert twice.megabytes == 2 * cost.megabytes


# --- reading --------------------------------------------------------------------------------------


def test_it_is_packed_and_unpacked(measured: Measured) -> None:
    again = unpacked(measured.reference.packed())
    assert again.manifest == measured.reference.manifest
    assert again.under == measured.reference.under
    assert again.sweep("fixed").equals(measured.reference.sweep("fixed"))
    assert again.origin == "session"


def test_several_are_found_and_damaged_ones_are_told(measured: Measured, tmp_path: Path) -> None:
    good = copied(measured, tmp_path)
    bad = shutil.copytree(good, tmp_path / "bad")
    (bad / MANIFEST).write_text("{")
    (tmp_path / "other").mkdir()
    found, problems = references_in(tmp_path, "host")
    assert [(one.name, one.origin) for one in found] == [("people", "host")]
    assert problems == [
        "the reference 'bad' is damaged (it is no JSON); measure it anew with "
        "python -m blurdash reference"
    ]
    assert references_in(good, "host")[0][0].name == "people"
    assert references_in(tmp_path / "none", "host") == ([], [])


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_changed_or_is_gone_is_told(reference: Reference, name: str) -> None:
    assert isinstance(reference.where, Path)
    path = reference.where / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(TableError, match=f"{name} is not the file that was measured"):
        reference.check()
    path.unlink()
    with pytest.raises(TableError, match=f"{name} is missing"):
        reference.check()


ODD = (None, 1, -1.5, "", "x\ny", [], {}, [None], {"a": None}, True)


@pytest.mark.parametrize("value", ODD)
def test_a_manifest_that_says_something_odd_is_refused(reference: Reference, value: Any) -> None:
    assert isinstance(reference.where, Path)
    path = reference.where / MANIFEST
    whole = json.loads(path.read_text())
    for key in whole:
        path.write_text(json.dumps({**whole, key: value}))
        try:
            load_reference(reference.where)
        except TableError:
            continue
        path.write_text(json.dumps(whole))
        plain = type(whole[key]) is type(value) or {type(whole[key]), type(value)} <= {int, float}
        assert plain or key in ("seed",), f"{key} may be {value!r}"


def test_one_of_another_format_says_so(reference: Reference) -> None:
    assert isinstance(reference.where, Path)
    path = reference.where / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 0}))
    with pytest.raises(TableError, match="has format 0, wanted 1"):
        load_reference(reference.where)


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def emptied(files: dict[str, bytes]) -> None:
    files.clear()


def one_too_many(files: dict[str, bytes]) -> None:
    files["../outside"] = b""


def one_too_few(files: dict[str, bytes]) -> None:
    del files["pairs.parquet"]


def huge(files: dict[str, bytes]) -> None:
    files["map.parquet"] = bytes(65 * 1024**2)


def other_sweep(files: dict[str, bytes]) -> None:
    files["map.parquet"] = files["fixed.parquet"]


@pytest.mark.parametrize("spoil", [emptied, one_too_many, one_too_few, huge, other_sweep])
def test_a_file_that_is_no_reference_is_refused(
    measured: Measured, spoil: Callable[[dict[str, bytes]], None]
) -> None:
    with zipfile.ZipFile(io.BytesIO(measured.reference.packed())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    spoil(files)
    with pytest.raises(TableError):
        unpacked(zipped(files))


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"x" * 100])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(TableError, match="no reference of blurdash"):
        unpacked(content)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "x" * 61, "trailing."])
def test_a_name_that_is_no_folders_is_refused(name: str) -> None:
    with pytest.raises(TableError):
        check_name(name)


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "blurdash" / "references"


@pytest.mark.long
def test_the_command_says_what_it_takes_and_what_it_did(
    data: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("blurdash.reference_run.ReferenceSettings", Quick)
    arguments = ["reference", str(photos), "--embedder", "dlib", "--name", "ours"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "for the reference ours" in capsys.readouterr().out
    assert not data.exists()
    assert main(arguments) == 3
    told = capsys.readouterr().out
    assert "3 faces measured in" in told
    assert "the two faces that are closest are adelina and cleopatra" in told
    assert "1 of 5 pictures failed:" in told
    assert "dorothea: a copy of another picture" in told
    assert load_reference(data / "ours").who == "3 faces of " + photos.name
    assert kept_references() == data
    assert main(arguments) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--name", "a/b"], "is not one for a reference"),
        (["--kernel", "disk"], "is not a kernel"),
        (["--limit", "0"], "limit"),
        (["--embedder", "dlib", "--protocol", "study"], "has no study protocol"),
        (["--engine", "spark", "--embedder", "dlib"], "is not a"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    data: Path, photos: Path, more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reference", str(photos), *more]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not data.exists()
