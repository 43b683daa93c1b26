"""The Sweeps page driven without a browser."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from blurdash.circumstances import Circumstances
from blurdash.errors import TableError
from blurdash.figure import curves_figure, measured
from blurdash.summary import past_threshold
from blurdash.sweep_file import as_csv, settings_of, with_settings
from blurdash.ui.server import recogniser, shipped
from blurdash.ui.server.known_face import Curve
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.shipped import (
    Which,
    look_again,
    read_shipped,
    shipped_curve,
    sweep_at_hand,
    sweeps_at_hand,
)
from blurdash.ui.sweeps import shown as of_a_table


def page() -> None:
    from blurdash.ui.sweeps.page import sweeps_page

    sweeps_page()


@pytest.fixture
def app(dlib_embedder, tmp_path, monkeypatch) -> Iterator[AppTest]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    look_again()
    st.cache_resource.clear()
    assert recogniser.request(None, "native").done.wait(60)
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    yield app
    st.cache_resource.clear()
    look_again()


def box(app: AppTest, label: str):
    return next(one for one in app.selectbox if one.label == label)


def test_shipped_curves_are_there_at_once(app):
    assert len(sweeps_at_hand()) >= 6
    text = " ".join(one.value for one in app.markdown)
    assert r"face\_" in text
    assert "Different people" in text
    assert "SFHQ" in app.caption[0].value


@pytest.mark.parametrize(
    "faces", ["30 generated faces of nobody", pytest.param("Portrait", marks=pytest.mark.long)]
)
def test_every_shipped_sweep_draws(app, faces):
    box(app, "Faces").set_value(faces).run()
    for kernel in box(app, "Kernel").options:
        box(app, "Kernel").set_value({"study recipe": "study", "exact line": "line"}[kernel])
        app.run()
        for angle in box(app, "Angle").options:
            box(app, "Angle").set_value(angle).run()
            assert not app.exception
            assert not app.error


def test_another_recogniser_stands_beside_and_both_are_named(app):
    choice = box(app, "Beside it")
    assert choice.options == ["this recogniser alone", "beside HSE FaceRes (MobileNet)"]
    assert choice.value == "this recogniser alone"
    choice.set_value("HSE FaceRes (MobileNet)").run()
    assert not app.exception
    assert not app.error
    names = ["dlib ResNet-29", "HSE FaceRes (MobileNet)"]
    assert titles(app) == [f"{name}, n = 30 faces" for name in names]
    for name in names:
        assert any(f"Recogniser {name}," in one.value for one in app.caption), "whence it is"
    facts = [one.value for one in app.markdown if "Different people" in one.value]
    assert [fact.partition(":")[0] for fact in facts] == names
    box(app, "Angle").set_value("degree × angle map").run()
    assert not app.exception
    assert titles(app) == [f"{name}, n = 30 faces" for name in names]


def titles(app: AppTest) -> list[str]:
    """What stands above the page's figures."""
    specs = (json.loads(one.proto.spec) for one in app.get("plotly_chart"))
    return [spec["layout"]["title"]["text"] for spec in specs]


def test_a_kept_sweep_of_other_weights_is_not_shown_for_these(app):
    which = Which("Portrait", "dlib", "study", "fixed angle 45°")
    table = read_shipped(sweeps_at_hand()[which])
    own = "onnx:mine"
    for weights in ("0" * 64, "1" * 64):
        settings = settings_of(table)
        known = {**settings["recogniser"], "name": own, "weights_sha256": weights}
        shipped.keep_sweep(with_settings(table, {**settings, "recogniser": known}))
    kept = [path.name for path in shipped.kept_sweeps().iterdir()]
    assert len(kept) == 2
    assert not any(":" in name for name in kept), "which Windows does not allow"
    mine = which._replace(recogniser=own)
    assert sweep_at_hand(mine, "1" * 64).name in kept
    assert sweep_at_hand(mine, "2" * 64) is None
    assert sweep_at_hand(mine, "").name in kept, "while it is not loaded"


def test_a_table_that_was_replaced_is_read_again(tmp_path):
    paths = list(sweeps_at_hand().values())
    path = tmp_path / "table.parquet"
    path.write_bytes(paths[0].read_bytes())
    before = read_shipped(path)
    assert read_shipped(path) is before
    path.write_bytes(paths[1].read_bytes())
    assert read_shipped(path) is not before


def test_axis_in_percent_of_the_eye_distance(app):
    box(app, "Degree in").set_value("percent").run()
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("content", [b"", b"PAR1 this is no table PAR1", b"\x00" * 5000])
def test_a_foreign_file_is_said(app, content):
    box(app, "Sweep of").set_value("A file of mine").run()
    app.file_uploader[0].set_value(("mine.parquet", content, "application/octet-stream")).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "blurdash sweep" in app.error[0].value


def test_a_file_of_ones_own_is_shown(app, tmp_path):
    path = next(path for key, path in sweeps_at_hand().items() if key.faces == "Portrait")
    box(app, "Sweep of").set_value("A file of mine").run()
    file = ("mine.parquet", path.read_bytes(), "application/octet-stream")
    app.file_uploader[0].set_value(file).run()
    assert not app.error
    assert "a file of yours" in app.caption[-2].value


def test_a_file_of_several_sweeps_is_shown_one_by_one(app):
    kernels = ("study", "line")
    paths = [sweeps_at_hand()[Which("Portrait", "dlib", one, "fixed angle 45°")] for one in kernels]
    whole = pa.concat_tables([read_shipped(path).replace_schema_metadata(None) for path in paths])
    file = pa.BufferOutputStream()
    pq.write_table(whole, file)
    box(app, "Sweep of").set_value("A file of mine").run()
    app.file_uploader[0].set_value(("two.parquet", file.getvalue().to_pybytes(), "x/y")).run()
    which = box(app, "Which of the 2 sweeps in it")
    assert len(which.options) == 2
    which.set_value(which.options[1]).run()
    assert not app.error
    assert "Settings not with the file." in app.caption[-2].value


FACE = Circumstances("dlib", "native", "fixed", "study", 45.0)


@pytest.mark.parametrize(
    ("other", "drawn", "words"),
    [
        ({}, True, "measured alike"),
        ({"kernel": "line", "angle": 90.0}, True, "measured otherwise: kernel line and angle 90°"),
        ({"crop": "redetect"}, True, "measured otherwise: crop redetect"),
        ({"recogniser": "facenet-vggface2"}, False, "left out: it was measured by FaceNet"),
        ({"protocol": "study"}, False, "left out"),
        ({"weights": "0123456789ab"}, False, "weights 01234567…, whose distances have another"),
    ],
    ids=str,
)
def test_the_face_of_explore_is_named_where_it_was_measured_otherwise(
    other, drawn, words, monkeypatch
):
    path = sweeps_at_hand()[Which("Portrait", "dlib", "study", "fixed angle 45°")]
    curve = Curve(45.0)
    curve.values[0] = {"psnr": 1.0}
    asked: list[int] = []  # for the rest of the curve
    known = SimpleNamespace(
        curve=curve,
        curve_under=dataclasses.replace(FACE, **other),
        fill_curve=lambda: asked.append(1),
    )
    monkeypatch.setattr(of_a_table, "session_faces", lambda: known)
    found = of_a_table._explored(read_shipped(path))
    assert (found.curve is not None) == drawn
    assert words in found.note
    assert bool(asked) == drawn
    if drawn:
        assert all(word in found.called for word in other.values() if isinstance(word, str))


def test_where_explore_has_no_numbers_it_says_so(monkeypatch):
    path = sweeps_at_hand()[Which("Portrait", "dlib", "study", "fixed angle 45°")]
    known = SimpleNamespace(curve=None, curve_under=None, fill_curve=None)
    monkeypatch.setattr(of_a_table, "session_faces", lambda: known)
    assert "open it once" in of_a_table._explored(read_shipped(path)).note


def test_a_table_with_other_columns_is_said(app, tmp_path):
    import pyarrow as pa

    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    box(app, "Sweep of").set_value("A file of mine").run()
    file = ("mine.parquet", path.read_bytes(), "application/octet-stream")
    app.file_uploader[0].set_value(file).run()
    assert not app.exception
    assert len(app.error) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (" a ", "a"), ("_x_", r"\_x\_"), ("**b**", "b"), ("\u202e", "a face without a name"),
        ("<img src=x>", "img src x"), ("a" * 99, "a" * 60), ("`[a](b)`", "a b"),
    ],
)  # fmt: skip
def test_no_name_breaks_the_bold_text_around_it(name, shown):
    assert of_a_table._plain(name) == shown


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_name_in_a_csv_begins_like_a_formula(begin):
    import pyarrow as pa

    table = pa.table({"face": [f"{begin}1+1", f"a{begin}b", None], "l2": [-1.5, 2.0, None]})
    lines = as_csv(table).decode().splitlines(keepends=False)
    text = as_csv(table).decode()
    assert f'"\'{begin}1+1",-1.5' in text
    assert f'"a{begin}b",2' in text
    assert lines[0] == '"face","l2"'


def test_a_sweep_of_the_portrait_runs_and_shows(app):
    box(app, "Sweep of").set_value("My photos").run()
    box(app, "Every").set_value("10").run()
    assert any("11 readouts" in one.value for one in app.caption)
    next(one for one in app.button if one.label == "Sweep").click().run()
    deadline = time.monotonic() + 60
    while not any("your photos" in one.value for one in app.caption):
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
        assert not app.exception


def test_a_sweep_can_be_cancelled(app):
    box(app, "Sweep of").set_value("My photos").run()
    box(app, "Every").set_value("1").run()
    next(one for one in app.button if one.label == "Sweep").click().run()
    next(one for one in app.button if one.label == "Cancel").click().run()
    deadline = time.monotonic() + 30
    while not app.warning:
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
    assert "cancelled" in app.warning[0].value
    # What was computed is kept, drawn, and said.
    kept = session_job(app)
    assert "kept" in app.warning[0].value or "nothing was measured" in app.warning[0].value
    assert (kept.table is None) == ("nothing" in app.warning[0].value)
    assert not kept.running


def session_job(app: AppTest):
    return app.session_state["bd_visitor"].job


def test_a_cancelled_sweep_keeps_the_degrees_that_are_done(app):
    box(app, "Sweep of").set_value("My photos").run()
    box(app, "Every").set_value("1").run()
    next(one for one in app.button if one.label == "Sweep").click().run()
    deadline = time.monotonic() + 60
    while session_job(app).done < 8:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    next(one for one in app.button if one.label == "Cancel").click().run()
    app.run()
    job = session_job(app)
    assert not app.exception
    assert job.table["degree"].to_pylist() == list(range(job.done))
    # How the face was found is what was found in its photo, not on the canvas.
    assert job.table["face_source_px"][0].as_py() == pytest.approx(167.2, abs=0.1)
    assert f"{job.done} of 101 readouts are kept" in app.warning[0].value
    assert any("your photos" in one.value for one in app.caption)


def test_shipped_curve_of_the_portrait_is_the_table():
    label, values = shipped_curve("study", 45.0)
    assert "dlib" in label
    path = sweeps_at_hand()[Which("Portrait", "dlib", "study", "fixed angle 45°")]
    rows = {row["degree"]: row for row in read_shipped(path).to_pylist()}
    assert set(values) == set(range(101))
    assert values[50]["psnr"] == rows[50]["psnr"]
    assert shipped_curve("study", 46.0) is None


@pytest.mark.long
def test_a_sweep_that_is_not_at_hand_is_offered_computed_and_kept(app, monkeypatch, tmp_path):
    # As with a recogniser of which nothing is shipped.
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    look_again()
    assert recogniser.request("dlib", "native").done.wait(60)
    box(app, "Faces").set_value("Portrait").run()
    box(app, "Angle").set_value("degree × angle map").run()
    assert "72 readouts" in app.info[0].value
    next(one for one in app.button if one.label == "Compute it").click().run()
    deadline = time.monotonic() + 90
    while not any("built-in portrait" in one.value for one in app.caption):
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
        assert not app.exception
    assert [path.suffix for path in shipped.kept_sweeps().iterdir()] == [".parquet"]
    again = AppTest.from_function(page, default_timeout=60).run()
    box(again, "Faces").set_value("Portrait").run()
    box(again, "Angle").set_value("degree × angle map").run()
    assert any("built-in portrait" in one.value for one in again.caption)


@pytest.mark.long
def test_a_sweep_that_cannot_be_kept_is_shown_all_the_same(app, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    (tmp_path / "blurdash").write_text("a file where the folder would be")
    look_again()
    assert recogniser.request("dlib", "native").done.wait(60)
    box(app, "Faces").set_value("Portrait").run()
    box(app, "Angle").set_value("degree × angle map").run()
    next(one for one in app.button if one.label == "Compute it").click().run()
    deadline = time.monotonic() + 90
    while not app.error:
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
        assert not app.exception
    for _ in range(2):  # also after another look
        assert "cannot be kept" in app.error[0].value
        assert any("built-in portrait" in one.value for one in app.caption)
        assert any(one.label == "Parquet" for one in app.get("download_button"))
        app.run()
    (tmp_path / "blurdash").unlink()
    app.run()
    assert not app.error
    assert any("built-in portrait" in one.value for one in app.caption)
    assert [path.suffix for path in shipped.kept_sweeps().iterdir()] == [".parquet"]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), RuntimeError("no home")]
)
def test_a_user_without_a_home_sees_what_is_shipped(monkeypatch, error):
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr(shipped, "kept_sweeps", fail)
    look_again()
    assert len(sweeps_at_hand()) >= 6
    table = read_shipped(next(iter(sweeps_at_hand().values())))
    with pytest.raises(TableError, match="the sweep cannot be kept"):
        shipped.keep_sweep(table)
    look_again()


def test_a_recogniser_without_weights_is_said(app):
    box(app, "Faces").set_value("Portrait").run()
    box(app, "Recogniser").set_value("facenet-vggface2").run()
    assert recogniser.request("facenet-vggface2", "native").done.wait(60)
    app.run()
    assert not app.exception
    assert "weights" in app.error[0].value


@pytest.mark.parametrize("lacks", ["l2", "psnr", "ssim", "l1"])
def test_a_table_that_lacks_a_measure_says_nothing_of_it(lacks):
    table = references_at_hand().found[0].sweep("fixed")
    nothing = pa.nulls(len(table), pa.float64())
    table = table.set_column(table.column_names.index(lacks), lacks, nothing)
    assert lacks not in measured(table)
    assert len(measured(table)) == 4
    assert (past_threshold(table) is None) == (lacks == "l2")
    assert curves_figure(table).data
