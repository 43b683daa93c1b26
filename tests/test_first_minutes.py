"""The first minutes with FaceNet: dlib answers meanwhile, and nothing changes unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from blurdash.embed import EMBEDDERS, Embedder, is_at_hand
from blurdash.embed.facenet_embedder import FaceNetVggface2
from blurdash.ui.server import recogniser
from blurdash.ui.server.recogniser import Loading
from tests.test_embedders import facenet
from tests.test_explore import APP, component_data


@pytest.fixture
def coming(dlib_embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> Loading:
    """FaceNet, of which 34 of 112 MB are there; dlib is loaded."""
    wanted = Loading(None, "native", fetches=True, downloaded=(34_000_000, 112_000_000))
    installed = Loading("dlib", "native", embedder=dlib_embedder)
    installed.done.set()
    known = {(None, "native"): wanted, ("dlib", "native"): installed}
    monkeypatch.setattr(recogniser, "_loading", known)
    return wanted


def arrive(coming: Loading) -> None:
    coming.embedder = facenet(FaceNetVggface2)
    coming.done.set()


def label(app: AppTest) -> str:
    return str(component_data(app, "bd_controls")["recogniser"]["label"])


def started() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    return app


def test_dlib_answers_at_once_and_is_named(coming: Loading) -> None:
    app = started()
    assert label(app) == EMBEDDERS["dlib"].label
    assert any("FaceNet: 34 of 112 MB" in one.value for one in app.caption)
    box = next(one for one in app.selectbox if one.label == "Recogniser")
    assert "automatic: dlib ResNet-29" in box.options


def test_a_page_that_nobody_has_touched_moves_to_facenet_by_itself(coming: Loading) -> None:
    app = started()
    before = component_data(app, "bd_controls")["key"]
    arrive(coming)
    app.run()
    assert label(app) == EMBEDDERS["facenet-vggface2"].label
    assert component_data(app, "bd_controls")["key"] != before
    assert not any("Use FaceNet" in one.label for one in app.button)


def test_a_page_in_use_moves_at_a_press(coming: Loading) -> None:
    app = started()
    next(one for one in app.selectbox if one.label == "Kernel").set_value("line").run()
    arrive(coming)
    app.run()
    assert label(app) == EMBEDDERS["dlib"].label, "numbers do not change under a hand"
    offer = next(one for one in app.button if one.label == "Use FaceNet (VGGFace2)")
    assert "which is installed" in offer.help
    offer.click().run()
    assert not app.exception
    assert label(app) == EMBEDDERS["facenet-vggface2"].label


def test_a_download_that_fails_is_told_as_ever(
    coming: Loading, dlib_embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = started()
    monkeypatch.setattr(dlib_embedder, "note", "FaceNet is not used: no network")
    coming.embedder = dlib_embedder
    coming.done.set()
    app.run()
    note = component_data(app, "bd_controls")["recogniser"]["note"]
    assert note.startswith("FaceNet is not used")


def test_a_recogniser_that_was_chosen_is_waited_for(coming: Loading) -> None:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["recogniser"] = "facenet-vggface2"
    recogniser._loading["facenet-vggface2", "native"] = Loading(
        "facenet-vggface2", "native", fetches=True, downloaded=(1, 2)
    )
    app.run()
    assert label(app) == "", "nothing of another recogniser stands in for it"


def test_weights_that_are_here_are_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("BLURDASH_WEIGHTS_DIR", raising=False)
    assert is_at_hand("dlib")
    assert not is_at_hand("facenet-vggface2")
    assert not is_at_hand(None)
    monkeypatch.setenv("BLURDASH_WEIGHTS_DIR", str(tmp_path / "none"))
    assert is_at_hand("facenet-vggface2"), "loading says what is wrong with it"
