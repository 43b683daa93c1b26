"""What the pages say of other faces: of the recogniser in use, or that nobody has measured any."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from blurdash import embed
from blurdash.embed import EMBEDDERS, Embedder, LoadOptions, load_embedder
from blurdash.embed.faceres import load
from blurdash.portrait import portrait_face
from blurdash.readout import measure
from blurdash.reference import load_reference
from blurdash.strangers import StrangerPairs
from blurdash.ui.components.rows import TILES
from blurdash.ui.explore.controls_data import _same_person, closer_data, recogniser_data
from blurdash.ui.server import recogniser
from blurdash.ui.server.references import SHIPPED, references_at_hand
from blurdash.ui.visitor.view import View
from tests.graph_models import faceres_like
from tests.references import as_if_by
from tests.test_explore import APP, component_data

FEED = "bd_curve_feed"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FaceRes' files with numbers that mean nothing."""
    return faceres_like().write(tmp_path_factory.mktemp("weights")).parent


@pytest.fixture(scope="module")
def embedder(folder: Path) -> Embedder:
    return load(LoadOptions(weights=str(folder)))


@pytest.fixture
def app(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with another recogniser than the one whose reference is shipped."""
    monkeypatch.setenv("BLURDASH_WEIGHTS_DIR", str(folder))
    monkeypatch.setattr(recogniser, "_loading", {})
    monkeypatch.setattr(embed, "_loaded", {})
    assert recogniser.request("faceres", "native").done.wait(60)
    started = AppTest.from_file(APP, default_timeout=60)
    started.query_params["recogniser"] = "faceres"
    return started


def test_where_nobody_measured_other_faces_it_says_so_and_draws_none(app: AppTest) -> None:
    app.run()
    assert not app.exception
    data = component_data(app, "bd_controls")
    named = "HSE FaceRes' structure, not the published weights (hash "
    assert data["recogniser"]["label"].startswith(named), "everywhere that a name stands"
    box = next(one for one in app.selectbox if one.label == "Recogniser")
    assert any(option.startswith(named) for option in box.options)
    assert data["recogniser"]["person"] is None
    assert data["closer"] is None
    assert data["recogniser"]["spans"] == {}
    bands = dict(zip(TILES, component_data(app, FEED)["bands"], strict=True))
    for name in ("cosine_similarity", "l1", "l2"):
        assert bands[name] is None, "nothing of another recogniser"
    assert bands["psnr"], "what needs no recogniser is of the same faces"
    assert component_data(app, FEED)["whose"] == "30 generated faces of nobody"


def test_a_reference_that_the_host_named_is_spoken_of(
    app: AppTest, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = as_if_by(embedder, tmp_path / "ours")
    monkeypatch.setenv("BLURDASH_REFERENCE", str(tmp_path))
    app.run()
    data = component_data(app, "bd_controls")
    person = data["recogniser"]["person"]
    assert person["limit"] is None
    assert person["strangers"]["text"] == "band: 435 pairs of 30 faces of a test"
    assert data["closer"]["text"].endswith("of 435 pairs of strangers are this close")
    feed = component_data(app, FEED)
    assert feed["whose"] == "30 faces of a test"
    assert all(feed["bands"])
    wanted = reference.spans()["cosine_similarity"]
    assert data["recogniser"]["spans"]["cosine"]["low"] == wanted.low


def test_references_are_found_without_a_restart(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    kept = tmp_path / "blurdash" / "references"
    before = [one.name for one in references_at_hand().found]
    as_if_by(embedder, kept / "ours")
    assert [one.name for one in references_at_hand().found] == ["ours", *before]
    (kept / "ours" / "manifest.json").write_text("{}")
    at_hand = references_at_hand()
    assert [one.name for one in at_hand.found] == before
    assert "'ours' is damaged" in at_hand.problems[0]


def test_a_folder_that_the_host_named_and_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLURDASH_REFERENCE", str(tmp_path / "none"))
    assert references_at_hand().problems == (
        "the folder that BLURDASH_REFERENCE names is not there",
    )


def test_other_weights_have_another_reference(embedder: Embedder, tmp_path: Path) -> None:
    reference = as_if_by(embedder, tmp_path / "ours")
    under = reference.under
    assert reference.fits(under)
    dlib = load_reference(SHIPPED / "faces-dlib-study").under
    assert not reference.fits(dlib)


# --- same person? ---------------------------------------------------------------------------------


def test_a_published_threshold_stands_beside_what_strangers_say() -> None:
    reference = load_reference(SHIPPED / "faces-dlib-study")
    row = EMBEDDERS["dlib"]
    person = recogniser_data(row, View(), reference=reference)["person"]
    assert person["limit"] == 0.6
    assert person["text"] == "L2 ≤ 0.6, dlib's author, 99.38 % on LFW"
    values = reference.pairs().values["l2"]
    share = 100 * (values <= 0.6).mean()
    assert (
        f"At L2 0.6 {share:.1f} % of these pairs pass for one person" in person["strangers"]["says"]
    )
    assert "on 1,690 pairs of strangers on real photos it was 0.36 %" in person["strangers"]["says"]


def test_how_many_strangers_are_as_close_is_counted() -> None:
    reference = load_reference(SHIPPED / "faces-dlib-study")
    row = EMBEDDERS["dlib"]
    readout = measure(portrait_face(), load_embedder("dlib"), degree=100)
    found = closer_data(readout, row, reference)
    assert found is not None
    count = int((reference.pairs().values["l2"] <= readout.values["l2"]).sum())
    assert count > 0
    assert found["text"].startswith(f"{count} of 435 pairs of strangers")
    assert "faces are drawn again, not pairs" in found["says"]
    same = closer_data(measure(portrait_face(), load_embedder("dlib"), degree=0), row, reference)
    assert same is not None
    assert same["text"] == "0 of 435 pairs of strangers are this close"
    assert "it may be 0 % to 20 %" in same["says"]
    assert "15 pairs that share none" in same["says"]
    assert closer_data(readout, row, None) is None
    readout.values["l2"] = math.nan
    assert closer_data(readout, row, reference) is None


def test_many_strangers_allow_a_threshold_where_none_is_published() -> None:
    several = np.random.default_rng(3).normal(size=(762, 8))
    several /= np.linalg.norm(several, axis=1, keepdims=True)
    cosines = (several @ several.T)[np.triu_indices(762, 1)]
    strangers = StrangerPairs(762, {"cosine_similarity": cosines})
    many = SimpleNamespace(pairs=lambda: strangers, who="762 faces", spans=dict)
    row = dataclasses.replace(EMBEDDERS["dlib"], threshold=None)
    person = recogniser_data(row, View(), reference=many)["person"]  # type: ignore[arg-type]
    found = strangers.threshold("cosine_similarity")
    assert found is not None
    assert person["limit"] == round(found.value, 3)
    assert person["text"].endswith("at 1% false matches of 762 faces")
    few = recogniser_data(row, View(), reference=load_reference(SHIPPED / "faces-dlib-study"))
    assert few["person"]["limit"] is None
    readout = measure(portrait_face(), load_embedder("dlib"), degree=0)
    readout = dataclasses.replace(readout, verdict=None)
    for value, same in ((found.value, True), (found.value - 0.01, False), (math.nan, None)):
        readout.values["cosine_similarity"] = value
        assert _same_person(readout, row, many) is same  # type: ignore[arg-type]
    assert _same_person(readout, row, None) is None
