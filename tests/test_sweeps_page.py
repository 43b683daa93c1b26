"""The Sweeps page driven without a browser."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from blurdash.circumstances import Circumstances
from blurdash.errors import TableError
from blurdash.figure import curves_figure
from blurdash.reference import load_reference
from blurdash.summary import measured, past_threshold
from blurdash.sweep_file import as_csv, settings_of, with_settings
from blurdash.ui.server import recogniser, shipped
from blurdash.ui.server.known_face import Curve
from blurdash.ui.server.references import SHIPPED, references_at_hand
from blurdash.ui.server.shipped import (
    Which,
    look_again,
    read_shipped,
    shipped_curve,
    sweep_at_hand,
    sweeps_at_hand,
)
from blurdash.ui.sweeps import own_face as of_own_face
from blurdash.ui.sweeps import side as side_panel
from blurdash.ui.sweeps.board import Swept, shift_data
from blurdash.ui.visitor.session import Faces, Run
from blurdash.ui.visitor.shown_face import ShownFace


def page() -> None:
    from blurdash.ui.sweeps.page import sweeps_page

    sweeps_page()


@pytest.fixture
def app(dlib_embedder, tmp_path, monkeypatch) -> Iterator[AppTest]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    look_again()
    st.cache_resource.clear()
    for name in (None, "dlib"):  # as the page asks for it
        assert recogniser.request(name, "native").done.wait(60)
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    yield app
    st.cache_resource.clear()
    look_again()


def box(app: AppTest, label: str):
    return next(one for one in app.selectbox if one.label == label)


def board(app: AppTest) -> dict[str, Any]:
    """What the browser is given to draw."""
    return next(iter(boards(app)))


def boards(app: AppTest) -> list[dict[str, Any]]:
    drawn = [one for one in app.get("bidi_component") if "sweeps" in one.proto.component_name]
    return [json.loads(one.proto.json) for one in drawn]


def side(app: AppTest) -> str:
    """What stands beside the graphs, as text."""
    return " ".join(one.proto.body for one in app.get("html")) + " ".join(
        one.value for one in app.markdown
    )


def test_shipped_curves_are_there_at_once(app):
    assert len(sweeps_at_hand()) >= 6
    assert "<b>face_" in side(app)
    assert "Different people" in side(app)
    assert "SFHQ" in side(app)
    drawn = board(app)
    assert set(drawn["first"]["curves"]) == {"random", "fixed"}
    assert drawn["first"]["map"]["n"] == 30
    assert drawn["first"]["strangers"]["pairs"] == 435
    assert set(drawn["mine"]["curves"]) == {"random", "fixed"}, "the portrait's are shipped"


@pytest.mark.parametrize(
    "faces", ["30 generated faces of nobody", pytest.param("The portrait", marks=pytest.mark.long)]
)
def test_every_shipped_sweep_draws(app, faces):
    box(app, "Reference faces").set_value(faces).run()
    for kernel in ("study", "line"):
        box(app, "Kernel").set_value(kernel).run()
        assert not app.exception
        assert not app.error
        drawn = board(app)
        assert drawn["under"]["kernel"] == kernel
        assert drawn["missing"] == {}
        assert set(drawn["first"]["curves"]) == {"random", "fixed"}
        assert drawn["first"]["map"]["degrees"] == [20, 40, 60, 80, 100]


def test_curves_are_the_tables(app):
    """What is drawn is what another program reads out of the shipped file."""
    table = pq.read_table(SHIPPED / "faces-dlib-study" / "fixed.parquet").to_pandas()
    drawn = board(app)["first"]["curves"]["fixed"]
    for name, column in (("cosine", "cosine_similarity"), ("l2", "l2"), ("ssim", "ssim")):
        mean = table.groupby("degree")[column].mean()
        assert drawn["of"][name]["mean"] == pytest.approx(mean.tolist(), abs=1e-5)
    past = table[table["l2"] <= 0.6].groupby("degree")["face"].count()
    assert drawn["same"]["same"] == past.tolist()
    of_map = pq.read_table(SHIPPED / "faces-dlib-study" / "map.parquet").to_pandas()
    by = of_map[of_map["degree"] > 0].pivot_table("psnr", "angle", "degree", "mean")
    assert np.asarray(board(app)["first"]["map"]["of"]["psnr"]) == pytest.approx(
        by.to_numpy(), abs=1e-3
    )


def test_the_length_over_the_angle_is_the_kernels(app):
    of_map = board(app)["first"]["map"]
    at = of_map["degrees"].index(40)
    by_angle = dict(zip(of_map["lengths"]["angles"], of_map["lengths"]["of"][at], strict=True))
    # The study turns a line in a square: along its side and along its diagonal.
    assert by_angle[45] == pytest.approx(40, abs=0.5)
    assert by_angle[0] == pytest.approx(40 * math.sqrt(2), abs=1)
    box(app, "Kernel").set_value("line").run()
    assert set(board(app)["first"]["map"]["lengths"]["of"][at]) == {40.0}


def test_another_recogniser_stands_beside_and_both_are_named(app):
    choice = box(app, "beside")
    assert choice.value == ""
    choice.set_value("faceres").run()
    assert not app.exception
    assert not app.error
    drawn = board(app)
    labels = [drawn[one]["label"] for one in ("first", "second")]
    assert labels == ["dlib ResNet-29", "HSE FaceRes (MobileNet)"]
    assert "beside=faceres" in drawn["query"]
    assert drawn["second"]["strangers"]["of"]["l2"] != drawn["first"]["strangers"]["of"]["l2"]
    box(app, "beside").set_value("facenet-vggface2").run()
    assert board(app)["second"] is None
    assert "No numbers of FaceNet" in board(app)["missing"]["second"]


def test_what_a_shift_reads_as_is_where_half_of_the_faces_prefer_it(app):
    """Against the counts, by hand: between 50 and 75 px the share of PSNR passes a half."""
    flips = load_reference(SHIPPED / "faces-dlib-study").flips()
    found = shift_data(flips)
    shares = {d: flips.cell("psnr", 8.0, d).share for d in (50, 75)}
    assert shares[50] < 0.5 <= shares[75]
    at = found["shifts"].index(8.0)
    wanted = 50 + 25 * (0.5 - shares[50]) / (shares[75] - shares[50])
    assert found["of"]["psnr"][at] == pytest.approx(wanted, abs=0.05)
    assert found["of"]["ssim"][at] is None, "above the largest blur"
    assert flips.cell("ssim", 8.0, 100).share < 0.5


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


def act(app: AppTest, name: str, about: object) -> None:
    """Asks for something as the browser does."""
    app.session_state["bd_sweeps"] = {"act": [name, about, time.monotonic_ns() // 1000]}
    app.run()


def test_axis_in_percent_of_the_eye_distance(app):
    act(app, "axis", "percent")
    assert not app.exception
    drawn = board(app)
    assert drawn["axis"] == "percent"
    assert drawn["first"]["curves"]["fixed"]["x"][-1] < 60
    act(app, "axis", "inch")
    assert board(app)["axis"] == "percent", "what makes no sense changes nothing"


@pytest.mark.parametrize("content", [b"", b"PAR1 this is no table PAR1", b"\x00" * 5000])
def test_a_foreign_file_is_said(app, content):
    box(app, "Reference faces").set_value("My file").run()
    app.file_uploader[0].set_value(("mine.parquet", content, "application/octet-stream")).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "blurdash sweep" in app.error[0].value


def test_a_file_of_ones_own_is_shown(app, tmp_path):
    path = next(path for key, path in sweeps_at_hand().items() if key.faces == "Portrait")
    box(app, "Reference faces").set_value("My file").run()
    file = ("mine.parquet", path.read_bytes(), "application/octet-stream")
    app.file_uploader[0].set_value(file).run()
    assert not app.error
    assert "a file of yours" in side(app)
    assert set(board(app)["first"]["curves"]) == {"fixed"}
    assert "Not in this file" in board(app)["missing"]["random"]


def test_a_file_of_several_sweeps_is_shown_one_by_one(app):
    kernels = ("study", "line")
    paths = [sweeps_at_hand()[Which("Portrait", "dlib", one, "fixed angle 45°")] for one in kernels]
    whole = pa.concat_tables([read_shipped(path).replace_schema_metadata(None) for path in paths])
    file = pa.BufferOutputStream()
    pq.write_table(whole, file)
    box(app, "Reference faces").set_value("My file").run()
    app.file_uploader[0].set_value(("two.parquet", file.getvalue().to_pybytes(), "x/y")).run()
    which = box(app, "Which of the 2 sweeps in it")
    assert len(which.options) == 2
    which.set_value(which.options[1]).run()
    assert not app.error
    assert "Settings not with the file" in side(app)


FACE = Circumstances("dlib", "native", "fixed", "study", 45.0)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, ""),
        ({"kernel": "line", "angle": 90.0}, "kernel line and angle 90°"),
        ({"crop": "redetect"}, "crop redetect"),
        ({"recogniser": "facenet-vggface2"}, "recogniser facenet-vggface2"),
        ({"protocol": "study"}, "protocol study"),
        ({"weights": "0123456789ab"}, "weights 01234567…"),
    ],
    ids=str,
)
def test_the_face_of_explore_is_drawn_only_where_it_was_measured_alike(
    other, words, monkeypatch, portrait_face
):
    path = sweeps_at_hand()[Which("Portrait", "dlib", "study", "fixed angle 45°")]
    curve = Curve(45.0)
    curve.values.update({0: {"psnr": math.inf}, 50: {"psnr": 20.0}})
    asked: list[int] = []  # for the rest of the curve
    known = SimpleNamespace(
        curve=curve,
        curve_under=dataclasses.replace(FACE, **other),
        fill_curve=lambda: asked.append(1),
        runs={},
        job=None,
        shown_face=lambda _name: ShownFace("mine", "Photo 1", portrait_face),
    )
    monkeypatch.setattr(of_own_face, "session_faces", lambda: known)
    found = of_own_face.own_face(Swept({"fixed": read_shipped(path)}, "x"))
    assert found["label"] == "my face"
    assert bool(found["curves"]) == bool(asked) == (not other)
    if other:
        assert f"Your face is not drawn. In Explore it has {words}" in found["notes"]["fixed"]
    else:
        assert found["curves"]["fixed"]["of"]["psnr"] == ["inf", 20.0]
        assert found["notes"] == {}


@pytest.mark.long
def test_a_face_that_was_not_measured_alike_is_measured_as_here(app, portrait_face):
    faces = app.session_state["bd_visitor"]
    faces.add_photo("a", [portrait_face])
    app.session_state["bd_view"].face = "a-1"
    app.run()
    assert set(board(app)["mine"]["notes"]) == {"random", "fixed"}
    assert board(app)["mine"]["offer"] == "Measure it as here"
    act(app, "mine", None)
    deadline = time.monotonic() + 60
    while set(board(app)["mine"]["curves"]) != {"random", "fixed"}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        app.run()
        assert not app.exception
    mine = board(app)["mine"]
    shipped_one = read_shipped(
        sweeps_at_hand()[Which("Portrait", "dlib", "study", "fixed angle 45°")]
    )
    rows = {row["degree"]: row["l2"] for row in shipped_one.to_pylist()}
    for degree, value in zip(
        mine["curves"]["fixed"]["x"], mine["curves"]["fixed"]["of"]["l2"], strict=True
    ):
        assert value == pytest.approx(rows[degree], abs=2e-3), "the same picture"
    faces.remove_photo("a")
    assert faces.runs == {}, "what was measured from a photo goes with it"


def test_a_table_with_other_columns_is_said(app, tmp_path):
    import pyarrow as pa

    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    box(app, "Reference faces").set_value("My file").run()
    file = ("mine.parquet", path.read_bytes(), "application/octet-stream")
    app.file_uploader[0].set_value(file).run()
    assert not app.exception
    assert len(app.error) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (" a ", "a"), ("_x_", "_x_"), ("**b**", "**b**"), ("\u202e", "a face without a name"),
        ("<img src=x>", "&lt;img src=x&gt;"), ("a" * 99, "a" * 60), ("a\n\u202eb", "a b"),
    ],
)  # fmt: skip
def test_no_name_breaks_the_bold_text_around_it(name, shown):
    assert side_panel._bold(name) == f"<b>{shown}</b>"


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
    box(app, "Every").set_value("10").run()
    assert any("11 readouts" in one.value for one in app.caption)
    next(one for one in app.button if one.label == "Sweep").click().run()
    deadline = time.monotonic() + 60
    while "your photos" not in side(app):
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
        assert not app.exception


def stop(app: AppTest) -> None:
    next(one for one in app.button if one.label.startswith("Stop")).click().run()


def test_a_sweep_can_be_cancelled(app):
    box(app, "Every").set_value("1").run()
    next(one for one in app.button if one.label == "Sweep").click().run()
    stop(app)
    deadline = time.monotonic() + 30
    while not app.warning:
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
    assert "cancelled" in app.warning[0].value
    # What was computed is kept, drawn, and said.
    runs = app.session_state["bd_visitor"].runs
    assert "kept" in app.warning[0].value or "nothing was measured" in app.warning[0].value
    assert (not runs) == ("nothing" in app.warning[0].value)
    assert session_job(app) is None


def session_job(app: AppTest):
    return app.session_state["bd_visitor"].job


def stopped_after(app: AppTest, readouts: int, every: int = 1):
    """A sweep of the portrait over the degrees, stopped once so many readouts are done."""
    box(app, "Every").set_value(str(every)).run()
    next(one for one in app.button if one.label == "Sweep").click().run()
    job, deadline = session_job(app), time.monotonic() + 60
    while job.done < readouts:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop(app)
    assert not app.exception
    return job


def test_a_cancelled_sweep_keeps_the_degrees_that_are_done(app):
    job = stopped_after(app, 8)
    assert job.table["degree"].to_pylist() == list(range(job.done))
    # How the face was found is what was found in its photo, not on the canvas.
    assert job.table["face_source_px"][0].as_py() == pytest.approx(167.2, abs=0.1)
    assert f"{job.done} of 101 readouts are kept" in app.warning[0].value
    assert "your photos" in side(app)
    assert board(app)["first"]["curves"]["fixed"]["x"] == list(range(job.done))


def test_a_stopped_sweep_goes_on_where_it_was_left(app):
    job, deadline = stopped_after(app, 2, every=5), time.monotonic() + 90
    before, degrees = job.table, list(range(0, 101, 5))
    assert before.num_rows < len(degrees)
    assert "The rest can follow" in app.warning[0].value
    next(one for one in app.button if one.label == "Go on").click().run()
    assert session_job(app) is job
    assert not app.warning
    while session_job(app) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        app.run()
    assert job.table["degree"].to_pylist() == degrees
    assert job.table.slice(0, before.num_rows).equals(before)
    assert board(app)["first"]["curves"]["fixed"]["x"] == degrees
    assert "Go on" not in [one.label for one in app.button]


def test_a_stopped_sweep_can_be_forgotten(app):
    job = stopped_after(app, 3)
    visitor = app.session_state["bd_visitor"]
    assert visitor.runs
    next(one for one in app.button if one.label == "Forget it").click().run()
    assert not app.exception
    assert (visitor.stopped, visitor.runs, job.table) == (None, {}, None)
    job.go_on()
    assert not job.running, "it has let go of the photos"


@pytest.mark.parametrize("part", [None, pa.table({"face": ["a"]})])
def test_what_is_forgotten_is_what_the_stopped_sweep_has_measured(part):
    """The same may have been measured before it, or by another one since."""
    run, whole = Run(frozenset({"portrait"}), "dlib", "study", 45.0), pa.table({"face": ["a", "b"]})
    faces, drops = Faces(session="nobody's"), []
    for kept in (whole, part):
        faces.runs = {} if kept is None else {run: kept}
        job: Any = SimpleNamespace(run=run, table=part, drop=lambda: drops.append(1))
        faces.stopped = job
        faces.forget_stopped()
        assert (faces.stopped, faces.runs) == (None, {run: whole} if kept is whole else {})
    assert drops == [1, 1]


def page_beside_explore() -> None:
    import streamlit as st

    from blurdash.ui.sweeps.page import sweeps_page

    def to_explore() -> None:
        st.session_state["went"] = st.session_state.get("went", 0) + 1

    sweeps_page(to_explore)


def press_point(app: AppTest, about: object) -> None:
    number = int(app.session_state["pressed"]) + 1 if "pressed" in app.session_state else 1
    app.session_state["pressed"] = number
    app.session_state["bd_sweeps"] = {"act": ["open", about, number]}
    app.run()
    assert not app.exception


def test_a_point_opens_its_face_in_explore_as_it_was_measured(dlib_embedder):
    assert recogniser.request(None, "native").done.wait(60)
    assert recogniser.request("dlib", "native").done.wait(60)
    app = AppTest.from_function(page_beside_explore, default_timeout=60).run()
    drawn = board(app)
    assert (drawn["opens"], drawn["open"]) == (True, {}), "nobody has the pictures of these"
    assert drawn["mine"]["face"] == "portrait"
    for nonsense in (None, [], ["portrait"], ["no face", 40, "fixed"], ["portrait", 40, "map"],
                     ["portrait", "x", "fixed"], [["portrait"], 40, "fixed"]):  # fmt: skip
        press_point(app, nonsense)
        assert "went" not in app.session_state
    before = app.session_state["bd_view"].position()
    app.session_state["bd_visitor"].choose = "the photo that was added last"
    press_point(app, ["portrait", 40, "fixed"])
    assert app.session_state["went"] == 1
    assert app.session_state["bd_visitor"].choose == ""
    assert app.session_state["bd_start"] == 1
    shown = app.session_state["bd_view"]
    assert before != shown.position() == [40, 45.0, 0.0, 0.0]
    assert (shown.face, shown.recogniser, shown.kernel) == ("portrait", "dlib", "study")
    # At the angle that was drawn for this very face and degree, which other faces have not.
    press_point(app, ["portrait", 30, "random"])
    path = sweeps_at_hand()[Which("Portrait", "dlib", "study", "random angle")]
    drawn_at = {row["degree"]: row["angle"] for row in read_shipped(path).to_pylist()}
    assert app.session_state["bd_view"].position() == [30, drawn_at[30], 0.0, 0.0]
    assert drawn_at[30] not in (45, drawn_at[31])
    press_point(app, ["portrait", 1000, "random"])
    assert app.session_state["bd_view"].degree == 30, "there is no such blur"


@pytest.mark.long
def test_runs_at_both_angles_stand_side_by_side(app):
    box(app, "Every").set_value("10").run()
    for angle in ("45", "random"):
        box(app, "Angle").set_value(angle).run()
        next(one for one in app.button if one.label == "Sweep").click().run()
        deadline = time.monotonic() + 60
        while session_job(app) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            app.run()
    visitor = app.session_state["bd_visitor"]
    before = {key: made for key, (_, made) in visitor.drawn.items()}
    assert len(before) == 2
    app.run()
    assert all(visitor.drawn[key][1] is made for key, made in before.items()), "made once"
    assert set(board(app)["first"]["curves"]) == {"fixed", "random"}
    assert "all three" in board(app)["missing"]["map"]
    assert box(app, "Reference faces").value == "My photos"


def test_shipped_curve_of_the_portrait_is_the_table():
    label, values = shipped_curve("study", 45.0)
    assert "dlib" in label
    path = sweeps_at_hand()[Which("Portrait", "dlib", "study", "fixed angle 45°")]
    rows = {row["degree"]: row for row in read_shipped(path).to_pylist()}
    assert set(values) == set(range(101))
    assert values[50]["psnr"] == rows[50]["psnr"]
    assert shipped_curve("study", 46.0) is None


def compute(app: AppTest) -> None:
    """Has the portrait's sweeps computed, all three."""
    next(one for one in app.button if one.label == "Compute it").click().run()
    deadline = time.monotonic() + 120
    while not boards(app) or board(app)["missing"]:
        assert time.monotonic() < deadline
        time.sleep(0.3)
        app.run()
        assert not app.exception


@pytest.mark.long
def test_sweeps_that_are_not_at_hand_are_offered_computed_and_kept(app, monkeypatch, tmp_path):
    # As with a recogniser of which nothing is shipped.
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    look_again()
    assert recogniser.request("dlib", "native").done.wait(60)
    box(app, "Reference faces").set_value("The portrait").run()
    assert "274 readouts" in app.info[0].value
    compute(app)
    assert [path.suffix for path in shipped.kept_sweeps().iterdir()] == [".parquet"] * 3
    again = AppTest.from_function(page, default_timeout=60).run()
    box(again, "Reference faces").set_value("The portrait").run()
    assert board(again)["missing"] == {}


@pytest.mark.long
def test_a_sweep_that_cannot_be_kept_is_shown_all_the_same(app, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    (tmp_path / "blurdash").write_text("a file where the folder would be")
    look_again()
    assert recogniser.request("dlib", "native").done.wait(60)
    box(app, "Reference faces").set_value("The portrait").run()
    compute(app)
    for _ in range(2):  # also after another look
        assert "cannot be kept" in app.error[0].value
        assert set(board(app)["first"]["curves"]) == {"random", "fixed"}
        assert any(one.label == "Parquet" for one in app.get("download_button"))
        app.run()
    (tmp_path / "blurdash").unlink()
    app.run()
    assert not app.error
    assert board(app)["missing"] == {}
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
    box(app, "Reference faces").set_value("The portrait").run()
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
