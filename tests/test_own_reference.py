"""A visitor's own reference: measured from photos, used by every page, downloaded, loaded again."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from blurdash.embed import Embedder
from blurdash.face import Face
from blurdash.reference import Reference, unpacked
from blurdash.ui.server import recogniser
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.sweeps import run_panel
from blurdash.ui.visitor.reference_in_use import reference_in_use, references_for
from blurdash.ui.visitor.session import Faces, OwnReference
from blurdash.ui.visitor.view import View
from tests.references import Quick, as_if_by


def page() -> None:
    from blurdash.ui.sweeps.page import sweeps_page

    sweeps_page()


@pytest.fixture
def app(dlib_embedder: Embedder, portrait_face: Face, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with two photos besides the portrait."""
    monkeypatch.setattr(run_panel, "ReferenceSettings", Quick)
    monkeypatch.setattr(run_panel, "_measured", {})
    for name in (None, "dlib"):  # as the page asks for it
        assert recogniser.request(name, "native").done.wait(60)
    started = AppTest.from_function(page, default_timeout=60).run()
    faces = visitor(started)
    for key in ("a", "b"):
        faces.add_photo(key, [other(portrait_face, key)])
    box(started, "Angle").set_value("all three").run()
    assert not started.exception
    return started


def other(face: Face, key: str) -> Face:
    canvas = np.ascontiguousarray(face.canvas[:, ::-1]) if key == "a" else face.canvas // 2
    return dataclasses.replace(face, canvas=canvas)


def visitor(app: AppTest) -> Faces:
    faces: Faces = app.session_state["bd_visitor"]
    return faces


def box(app: AppTest, label: str) -> Any:
    return next(one for one in app.selectbox if one.label == label)


def press(app: AppTest, label: str) -> None:
    next(one for one in app.button if one.label == label).click().run()


def measured(app: AppTest) -> Reference:
    press(app, "Measure")
    deadline, job = time.monotonic() + 60, visitor(app).job
    assert job is not None
    while job.running:  # drawing the page meanwhile would only be in its way
        assert time.monotonic() < deadline, app.warning
        time.sleep(0.1)
    app.run()
    assert not app.exception
    return visitor(app).own[0].reference


@pytest.mark.long
def test_what_it_takes_is_told_and_then_measured(app: AppTest) -> None:
    assert "pictures of 3 faces, about" in app.info[0].value
    reference = measured(app)
    reference.check()
    assert (reference.name, reference.faces) == ("my-photos-dlib-study", 3)
    assert reference.origin == "session"
    assert box(app, "Reference faces").value == "my-photos-dlib-study, 3 faces", "shown at once"
    assert any(one.label == "Reference (ZIP)" for one in app.get("download_button"))
    assert unpacked(reference.packed()).under == reference.under
    assert reference not in references_at_hand().found
    visitor(app).remove_photo("a")
    assert visitor(app).own == [], "what was measured from a photo goes with it"


def test_it_can_be_cancelled(app: AppTest) -> None:
    press(app, "Measure")
    press(app, "Stop, keep nothing")
    assert "was cancelled; nothing of it is kept" in app.warning[0].value
    assert visitor(app).own == []
    assert any(one.label == "Measure" for one in app.button)


def test_photos_that_are_forgotten_take_the_work_along(app: AppTest) -> None:
    press(app, "Measure")
    visitor(app).forget()
    app.run()
    assert visitor(app).own == []
    assert visitor(app).job is None


def test_too_few_faces_are_said(app: AppTest) -> None:
    visitor(app).remove_photo("a")
    app.run()
    assert "choose at least 3 faces; 2 faces are chosen" in app.info[0].value
    assert not any(one.label == "Measure" for one in app.button)


@pytest.mark.long
def test_one_is_removed(app: AppTest) -> None:
    measured(app)
    press(app, "Remove")
    assert visitor(app).own == []


def test_the_visitors_own_comes_first_and_another_is_chosen_by_name(
    dlib_embedder: Embedder, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = Faces(session="x")
    own = as_if_by(dlib_embedder, tmp_path / "ours")
    faces.add_reference(OwnReference(own, frozenset()))
    monkeypatch.setattr("blurdash.ui.visitor.reference_in_use.session_faces", lambda: faces)
    chosen = View()
    names = [one.name for one in references_for(chosen, dlib_embedder)]
    assert names == ["ours", "faces-dlib-study"]
    assert reference_in_use(chosen, dlib_embedder) is own
    chosen.reference = "faces-dlib-study"
    used = reference_in_use(chosen, dlib_embedder)
    assert used is not None
    assert used.origin == "shipped"
    chosen.kernel = "line"
    assert [one.name for one in references_for(chosen, dlib_embedder)] == ["faces-dlib-line"]
    faces.forget()
    assert faces.own == []


def test_the_same_name_again_replaces(dlib_embedder: Embedder, tmp_path: Any) -> None:
    faces = Faces(session="x")
    for _ in range(2):
        faces.add_reference(OwnReference(as_if_by(dlib_embedder, tmp_path / "ours"), frozenset()))
    assert len(faces.own) == 1
