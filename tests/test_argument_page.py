"""The Argument page driven without a browser: scenes, searches, vote, addresses, hostile input."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from blurdash.blur import Change, shift
from blurdash.errors import SettingError, TableError
from blurdash.flips import RankFlips
from blurdash.kernel import KERNELS
from blurdash.portrait import portrait_face
from blurdash.readout import PreparedFace, compare
from blurdash.reference import load_reference
from blurdash.ui.argument.one_file_offer import _maker
from blurdash.ui.argument.panels import error_maps, measure_table, occlusion_maps
from blurdash.ui.argument.story import SCENES, Story
from blurdash.ui.components.sliders import ARGUMENT_SLIDERS
from blurdash.ui.server import recogniser
from blurdash.ui.server.known_face import KnownFace
from blurdash.ui.server.references import SHIPPED
from blurdash.ui.visitor.readings import blur_text
from tests.marks import long_but
from tests.test_explore import component_data

ROOT = Path(__file__).parent.parent
KEY = "bd_argument"
NUMBERS = itertools.count(1)  # of requests


def shipped_flips(recogniser: str, kernel: str) -> RankFlips:
    return load_reference(SHIPPED / f"faces-{recogniser}-{kernel}").flips()


def page() -> None:
    from blurdash.ui.argument.page import argument_page

    argument_page()


@pytest.fixture
def app(dlib_embedder) -> AppTest:
    st.cache_resource.clear()
    loading = recogniser.request(None, "native")
    assert loading.done.wait(60)
    return AppTest.from_function(page, default_timeout=60).run()


def run_at(app: AppTest, scene: str, **values: float) -> dict:
    """What the browser is sent when it asks for a scene with the sliders somewhere, at rest."""
    place = [values.get(name, row.first) for name, row in ARGUMENT_SLIDERS.items()]
    app.session_state[KEY] = {
        "scene": scene,
        "pos": [*place, next(NUMBERS)],
        "rest": ",".join(f"{value:g}" for value in place),
        "act": None,
    }
    app.run()
    assert not app.exception
    return component_data(app, KEY)


def page_with_file() -> None:
    from types import SimpleNamespace

    from blurdash.ui.argument.page import argument_page

    def make(face, embedder, **state):
        said = (face, embedder.name, sorted(state["sliders"].items()), state["kernels"])
        return SimpleNamespace(text=f"{state['scene']} {state['swapped']} {said}")

    argument_page(make)


def test_the_last_scene_offers_the_story_as_one_file_where_its_sliders_are(dlib_embedder):
    assert recogniser.request(None, "native").done.wait(60)
    app = AppTest.from_function(page_with_file, default_timeout=60).run()
    run_at(app, "pixels", degree=40)
    assert app.get("download_button") == []
    run_at(app, "take-home", degree=40, x=5)
    (offer,) = app.get("download_button")
    assert offer.label == "Save as one file"
    assert app.session_state["bd_story"].values["degree"] == 40
    story = app.session_state["bd_story"]
    made = _maker(lambda *_, **state: SimpleNamespace(text=str(state)), story, "line", "dlib")()
    for said in ("'degree': 40", "'x': 5", "('line', 'study')", "'scene': 'take-home'"):
        assert said in made.decode()


def act(app: AppTest, name: str, argument: object = None) -> dict:
    """What is sent after the browser has asked for something."""
    state = dict(app.session_state[KEY])
    state["act"] = [name, argument, app.session_state["bd_story"].acted + 1]
    app.session_state[KEY] = state
    app.run()
    assert not app.exception
    return component_data(app, KEY)


def wait_for(app: AppTest, done) -> dict:
    """Polls as the browser does, until what was asked for is there."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        app.run()
        assert not app.exception
        data = component_data(app, KEY)
        if done(data):
            return data
        assert data["pending"]
        time.sleep(0.3)
    raise TimeoutError(json.dumps(data)[:2000])


def panel(data: dict, kind: str) -> dict:
    return next(one for one in data["panels"] if one["kind"] == kind)


def test_story_holds_the_sliders_in_their_ranges():
    story = Story()
    story.take_position([1e9, "x", float("nan"), None, -1e9, 0, True, 3.7])
    assert story.values["degree"] == 100
    assert story.values["angle"] == ARGUMENT_SLIDERS["angle"].first
    assert story.values["x"] == ARGUMENT_SLIDERS["x"].first
    assert story.values["rotation"] == ARGUMENT_SLIDERS["rotation"].low
    assert story.values["scale"] == ARGUMENT_SLIDERS["scale"].low
    assert story.values["gain"] == ARGUMENT_SLIDERS["gain"].first
    assert story.sharp().rotation == ARGUMENT_SLIDERS["rotation"].low
    story.choose_limit(float("inf"))
    assert story.limit == 16
    story.choose_limit(1e6)
    assert story.limit == 64
    story.choose("registration", "<script>")
    assert story.registration == "none"


def test_every_scene_has_known_sliders_and_pictures():
    for scene in SCENES.values():
        assert set(scene.sliders) <= set(ARGUMENT_SLIDERS)
        assert len(scene.pictures) in (0, 2)


def test_first_scene_asks_before_it_tells(app):
    data = run_at(app, "two-pictures", degree=50, x=16)
    assert data["ready"]
    assert data["hidden"]
    nothing = {"revealed": False, "mine": None, "counts": [0, 0], "total": 0, "hands": 0}
    assert data["vote"] == {**nothing, "on": None}
    assert "verdict" not in [one["kind"] for one in data["panels"]]
    assert data["sliders"] == []  # they would say what was done
    assert data["pictures"] == ["sharp", "blurred"]
    assert "sharp" not in json.dumps([data["see"], data["panels"]]).replace("sharper", "")
    sharp = int(data["swapped"])  # where it hangs
    data = act(app, "vote", sharp)
    assert data["vote"]["total"] == 1
    assert data["vote"]["counts"] == [0, 0]
    data = act(app, "vote", 1 - sharp)  # a change of mind
    assert data["vote"]["total"] == 1
    data = act(app, "hands", [7, 3])
    assert (data["vote"]["total"], data["vote"]["counts"]) == (11, [0, 0])
    for odd in ([7], "77", [1, -1], [1, 10**9], [None, 2], {"a": 1}, [0.5, 1]):
        assert act(app, "hands", odd)["vote"]["total"] == 11
    data = act(app, "hands", [0, 0])
    data = act(app, "reveal")
    assert data["vote"]["counts"][1 - sharp] == 1
    assert (data["vote"]["on"]["degree"], data["vote"]["on"]["x"]) == (50, 16)
    assert not data["hidden"]
    assert data["see"] == (
        f"PSNR and SSIM prefer {'AB'[1 - sharp]}, the blurred one; "
        f"the embedding prefers {'AB'[sharp]}, the sharp one."
    )
    data = act(app, "vote", sharp)  # too late
    assert sum(data["vote"]["counts"]) == 1
    hung = data["swapped"]
    data = run_at(app, "pixels", degree=50, x=16)
    assert data["swapped"] == hung  # A and B stay from the vote to the end
    assert run_at(app, "how-often", degree=50, x=16)["swapped"] == hung  # the room is told there
    assert not run_at(app, "angle")["swapped"]
    assert data["vote"]["counts"][1 - sharp] == 1
    run_at(app, "two-pictures", degree=50, x=16)
    data = act(app, "round")
    assert data["vote"] == {**nothing, "on": None}


def test_who_goes_on_has_ended_the_vote(app):
    run_at(app, "two-pictures")
    data = act(app, "vote", 1)
    assert data["vote"]["counts"] == [0, 0]
    data = run_at(app, "embedding")
    assert (data["vote"]["revealed"], data["vote"]["counts"]) == (True, [0, 1])


def test_phones_are_told_when_they_cannot_reach_this_server(app):
    run_at(app, "two-pictures")
    data = act(app, "phones")
    phones = panel(data, "ways")
    assert phones["qr"] == ""
    assert "--server.address 0.0.0.0" in phones["link"]


def test_numbers_are_those_of_the_library(app, dlib_embedder):
    data = run_at(app, "pixels", degree=40, angle=30, x=8, y=-3)
    rows = {row["test"]: row["cells"] for row in panel(data, "verdict")["rows"]}
    face = PreparedFace(portrait_face(), dlib_embedder)
    blurred = face.readout(Change(40, 30.0)).values
    moved = shift(face.reference, 8, -3)
    sharp = compare(face.reference, moved, portrait_face(), dlib_embedder).values
    for name in ("cosine_similarity", "l2", "psnr", "ssim"):
        cells = rows[f"argue-{name}"]
        shown = [float(cell.removesuffix(" dB")) for cell in cells[1:3]]
        assert shown == pytest.approx([sharp[name], blurred[name]], abs=0.011)


def test_maps_and_equivalents_come_at_rest(app):
    run_at(app, "pixels", degree=50, x=4)
    data = wait_for(app, lambda data: not panel(data, "maps").get("keep") and not data["pending"])
    maps = panel(data, "maps")
    assert [row["title"] for row in maps["rows"]] == ["Squared error", "SSIM"]
    for row in maps["rows"]:
        assert all(one["url"].startswith("data:image/png;base64,") for one in row["pictures"])
    table = panel(data, "verdict")
    assert table["head"][-1] == "sharp is like a blur of"
    psnr = next(row for row in table["rows"] if row["test"] == "argue-psnr")
    assert 25 <= float(psnr["cells"][-1].removesuffix(" px")) <= 40  # the portrait's own curve
    moving = dict(app.session_state[KEY])
    moving["pos"] = [60, *moving["pos"][1:-1], next(NUMBERS)]
    app.session_state[KEY] = moving
    app.run()
    assert panel(component_data(app, KEY), "maps")["keep"]  # those of the last rest stay


def test_noise_and_gain_are_measured_on_the_sharp_picture(app):
    plain = run_at(app, "embedding", x=0)
    noisy = run_at(app, "embedding", x=0, noise=20)
    bright = run_at(app, "embedding", x=0, gain=1.3)
    value = {}
    for name, data in (("plain", plain), ("noisy", noisy), ("bright", bright)):
        rows = {row["test"]: row["cells"][1] for row in panel(data, "verdict")["rows"]}
        value[name] = (
            float(rows["argue-cosine_similarity"]),
            float(rows["argue-sharpness_ratio"].split()[0]),
        )
    assert value["plain"] == (1.0, 1.0)
    assert value["noisy"][1] > 2  # a sharpness score takes noise for detail
    assert value["noisy"][0] > 0.97
    assert value["bright"][0] > 0.97


@pytest.mark.long
def test_occlusion_map_comes_beside_the_error_map(app):
    run_at(app, "embedding", degree=50, x=16)
    data = wait_for(app, lambda data: not data["pending"])
    rows = panel(data, "maps")["rows"]
    assert [row["title"] for row in rows] == ["Squared error", "Occlusion"]
    assert all(one is not None for row in rows for one in row["pictures"])
    assert "0.99" in data["see"]


@pytest.mark.parametrize("metric", long_but({"psnr"}, ["psnr", "ssim"]))
def test_twins_are_found_and_shown(app, metric):
    run_at(app, "pixels", degree=50, x=6)
    act(app, f"twins-{metric}")
    data = wait_for(app, lambda data: data["twin"] is not None)
    # The sliders jump to the line's angle, to the shift alone, and to the pair.
    assert data["start"] == 3
    assert data["twin"]["kernel"] == data["kernel"] == "line"
    assert dict(data["facts"])["kernel"] == KERNELS["line"].label
    told = dict(zip(ARGUMENT_SLIDERS, data["pos"], strict=True))
    assert (told["angle"], told["x"]) == (data["twin"]["angle"], data["twin"]["x"])
    assert told["angle"] == 0  # where the line draws what the study's kernel draws at 45
    assert next(one for one in app.selectbox if one.label == "Kernel").value == "line"
    row = next(r for r in panel(data, "verdict")["rows"] if r["test"] == f"argue-{metric}")
    assert row["cells"][3] == "alike"
    note = panel(data, "notes")["lines"][0]
    assert "Twins" in note
    assert "the kernel of this page is the exact line now" in note
    assert "apart in cosine similarity" in note
    place = ",".join(f"{value:g}" for value in data["pos"])
    state = dict(app.session_state[KEY]) | {"pos": [*data["pos"], next(NUMBERS)], "rest": place}
    app.session_state[KEY] = state
    data = wait_for(app, lambda data: panel(data, "maps")["rows"][0]["pictures"][0] is not None)
    errors = [one["text"] for one in panel(data, "maps")["rows"][0]["pictures"]]
    if metric == "psnr":  # equal PSNR is equal error: the maps are those of the twins
        assert errors[0] == errors[1]
    moved = run_at(app, "pixels", degree=50, x=7)  # another setting: the twins are gone
    assert moved["twin"] is None


def test_twins_go_with_the_setting_they_were_found_under(app):
    run_at(app, "pixels", degree=50, x=6)
    act(app, "twins-psnr")
    wait_for(app, lambda data: data["twin"] is not None)
    next(one for one in app.selectbox if one.label == "Crop").set_value("redetect").run()
    data = component_data(app, KEY)
    assert data["twin"] is None
    assert not any("Twins" in line for one in data["panels"] for line in one.get("lines", []))


def test_a_setting_that_nobody_has_measured_says_so_and_what_to_do(app):
    next(one for one in app.selectbox if one.label == "Crop").set_value("redetect").run()
    data = run_at(app, "how-often", degree=50, x=16)
    assert data["see"] == (
        "How often is that so by dlib ResNet-29? No other faces were measured with it yet."
    )
    assert panel(data, "notes")["lines"] == [
        "python -m blurdash reference FOLDER --embedder dlib --crop redetect measures them. "
        "So does My reference on Sweeps, with photos of yours."
    ]
    assert not app.get("plotly_chart"), "nothing of another setting is drawn"


@pytest.mark.long
def test_searches_move_the_sliders(app):
    run_at(app, "embedding", degree=50, x=6)
    data = act(app, "limit", 10)
    assert panel(data, "buttons")["limit"] == 10
    act(app, "disturbance")  # there is no such search
    assert app.session_state["bd_story"].finding == ""
    act(app, "disagreement")
    data = wait_for(app, lambda data: not app.session_state["bd_story"].finding)
    values = dict(zip(ARGUMENT_SLIDERS, data["pos"], strict=True))
    assert 0 < values["x"] <= 10
    assert "Found" in panel(data, "notes")["lines"][0]
    act(app, "mildest")
    data = wait_for(app, lambda data: not app.session_state["bd_story"].finding)
    assert dict(zip(ARGUMENT_SLIDERS, data["pos"], strict=True))["degree"] < values["degree"]


def test_search_without_a_result_says_so_and_shows_the_nearest(app):
    run_at(app, "embedding", degree=50, x=1)
    act(app, "limit", 1)
    act(app, "mildest")
    wait_for(app, lambda data: not app.session_state["bd_story"].finding)
    data = component_data(app, KEY)
    note = panel(data, "notes")["lines"][0]
    assert note.startswith(("No pair of this face", "Found"))


def test_angle_scene_draws_exact_lines_whatever_the_kernel_of_the_page(app, dlib_embedder):
    data = run_at(app, "angle", degree_a=20, degree_b=31)
    assert app.session_state["bd_view"].kernel == "study"
    assert data["kernel"] == "line"
    assert "exact line" in dict(data["facts"])["kernel"]
    audit = {row["cells"][0]: row["cells"][1:] for row in panel(data, "table")["rows"]}
    assert audit["True length"] == ["20.0 px", "31.0 px"]
    assert audit["Drift of the picture"] == ["0.00 px", "0.00 px"]
    prepared = PreparedFace(portrait_face(), dlib_embedder, kernel="line")
    exact = prepared.values(prepared.blurred(20, -15.0), ("psnr",))
    assert data["values"][0]["psnr"] == pytest.approx(exact["psnr"], abs=1e-4)
    assert run_at(app, "embedding")["kernel"] == "study"


def test_angle_scene_opens_on_blurs_that_make_the_point_or_looks_for_such(app, monkeypatch):
    data = run_at(app, "angle")
    assert data["see"].startswith("The longer blur leaves more of the face: 68 px at −15°, keeps")
    wins = {row["name"]: row["wins"] for row in panel(data, "verdict")["rows"]}
    assert (wins["PSNR"], wins["SSIM"], wins["Cosine"]) == (2, 2, 1)
    assert not app.session_state["bd_story"].finding
    # Of another face it may be the other way round: then it looks, but only once.
    turned = [{**data["values"][1]}, {**data["values"][0]}]
    monkeypatch.setattr("blurdash.ui.argument.page._measured", lambda *_: turned)
    run_at(app, "angle", degree_a=67)
    assert not app.session_state["bd_story"].finding, "somebody has chosen these"
    run_at(app, "angle")
    assert app.session_state["bd_story"].finding == "angle"
    # Left before it has found anything, it begins anew; once it has, it does not.
    run_at(app, "pixels")
    assert not app.session_state["bd_story"].finding
    run_at(app, "angle")
    story = app.session_state["bd_story"]
    assert story.finding == "angle"
    story.finding, story.note = "", "There is none."
    run_at(app, "angle")
    story.note = ""
    run_at(app, "angle")
    assert not app.session_state["bd_story"].finding


@pytest.mark.long
def test_angle_scene_finds_a_longer_blur_that_looks_sharper(app):
    run_at(app, "angle")
    act(app, "angle")
    data = wait_for(app, lambda data: not app.session_state["bd_story"].finding)
    values = dict(zip(ARGUMENT_SLIDERS, data["pos"], strict=True))
    assert values["degree_a"] > values["degree_b"]
    lengths = [float(text.split()[0]) for text in panel(data, "table")["rows"][1]["cells"][1:]]
    assert lengths == [values["degree_a"], values["degree_b"]]
    assert data["see"].startswith("The longer blur")
    assert "leaves more of the face" in data["see"]
    cosine = next(
        r for r in panel(data, "verdict")["rows"] if r["test"] == "argue-cosine_similarity"
    )
    assert cosine["wins"] == 1
    audit = panel(data, "table")
    assert audit["rows"][0]["cells"][0].startswith("Mass")
    notes = [line for one in data["panels"] if one["kind"] == "notes" for line in one["lines"]]
    assert any("geometry" in line or "the face" in line for line in notes)
    assert values["degree"] == ARGUMENT_SLIDERS["degree"].first  # the other scenes' sliders stay


@pytest.mark.long
def test_sceptic_sees_every_switch_and_where_the_claim_weakens(app):
    run_at(app, "sceptic", degree=50, x=16)
    data = wait_for(app, lambda data: not data["pending"])
    table = panel(data, "whole")["panels"][1]
    assert len(table["rows"]) == 12
    ways = panel(data, "four")["ways"]
    names = ["none-fixed", "phase-fixed", "none-redetect", "phase-redetect"]
    assert [way["name"] for way in ways] == names
    wins = {way["name"]: {row["name"]: row["wins"] for row in way["rows"]} for way in ways}
    assert (wins["none-fixed"]["PSNR"], wins["phase-fixed"]["PSNR"]) == (2, 1)
    assert {one["Cosine"] for one in wins.values()} == {1}
    marks = {row["test"]: [cell["mark"] for cell in row["cells"][1:]] for row in table["rows"]}
    as_is = marks["sceptic-study-none-fixed"]
    registered = marks["sceptic-study-phase-fixed"]
    head = table["head"][1:]
    assert as_is[head.index("PSNR, dB")] == "blurred"
    assert registered[head.index("PSNR, dB")] == "sharp"
    assert as_is[head.index("Cosine similarity")] == "sharp"
    assert "preferred by PSNR in 4, SSIM in 4 and the embedding in 0" in data["see"]
    assert any("Registered first" in line for line in panel(data, "notes")["lines"])
    data = act(app, "choose", ["registration", "phase"])
    table = panel(data, "whole")["panels"][1]
    chosen = [row["test"] for row in table["rows"] if row["chosen"]]
    assert chosen == ["sceptic-study-phase-fixed"]


def test_other_recogniser_is_named_or_its_absence_is_said(app, monkeypatch):
    monkeypatch.setenv("BLURDASH_OFFLINE", "1")
    run_at(app, "sceptic", degree=50, x=16)
    act(app, "choose", ["recogniser", "other"])
    data = wait_for(app, lambda data: data["alert"])
    assert "HSE FaceRes" in data["message"], "of those not in use the one with least to fetch"
    assert not app.exception


@pytest.fixture
def without_facenet(app, monkeypatch) -> AppTest:
    """Returns the page with FaceNet chosen, whose weights are nowhere."""
    monkeypatch.setenv("BLURDASH_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", "/nonexistent")
    box = next(one for one in app.selectbox if one.label == "Recogniser")
    box.set_value("facenet-vggface2").run()
    assert recogniser.request("facenet-vggface2", "native").done.wait(60)
    return app


def test_without_its_weights_what_needs_no_recogniser_stays(without_facenet):
    app = without_facenet
    run_at(app, "pixels", degree=50, x=16)
    data = wait_for(app, lambda data: panel(data, "maps")["rows"][0]["pictures"][0] is not None)
    assert data["alert"]
    assert "FaceNet" in data["message"]
    rows = {row["test"]: row["cells"] for row in panel(data, "verdict")["rows"]}
    assert "argue-cosine_similarity" not in rows
    assert rows["argue-psnr"][1].endswith("dB")
    assert "PSNR and SSIM prefer the blurred picture" in data["see"]
    for scene in ("embedding", "angle"):
        data = run_at(app, scene)
        assert data["see"] == "The recogniser is missing: it has no number for these two pictures."
    data = run_at(app, "how-often", degree=50, x=16)
    assert "the embedding" not in data["see"]
    assert [one["name"] for one in panel(data, "flips")["chances"]] == ["PSNR", "SSIM"]
    assert "other networks: dlib ResNet-29 0 of 30" in panel(data, "flips")["lines"][-1]
    assert run_at(app, "two-pictures")["vote"] is not None


def test_one_press_takes_the_recogniser_that_is_there(without_facenet):
    app = without_facenet
    data = run_at(app, "pixels", degree=50, x=16)
    assert data["remedy"]["label"].startswith("Use dlib")
    act(app, data["remedy"]["act"])
    assert recogniser.request("dlib", "native").done.wait(60)
    data = wait_for(app, lambda data: data["ready"] and not data["alert"])
    assert dict(data["facts"])["Recogniser"].startswith("dlib")
    assert data["remedy"] is None
    assert next(one for one in app.selectbox if one.label == "Recogniser").value == "dlib"


@pytest.mark.long
def test_the_sceptic_may_ask_the_other_one_where_the_chosen_one_is_missing(without_facenet):
    app = without_facenet
    assert recogniser.request("dlib", "native").done.wait(60)
    run_at(app, "sceptic", degree=50, x=16)
    act(app, "choose", ["recogniser", "other"])
    data = wait_for(app, lambda data: len(panel(data, "whole")["panels"]) == 2)
    assert len(panel(data, "whole")["panels"][1]["rows"]) >= 6


def test_a_photo_that_is_removed_is_not_kept_for_its_pictures(without_facenet):
    app = without_facenet
    faces = app.session_state["bd_visitor"]
    faces.choose = faces.add_photo("a", [portrait_face()])[0].id
    run_at(app, "pixels", degree=50, x=16)
    assert len(faces.known) == 1
    faces.forget()
    assert not faces.known


@pytest.mark.long
def test_how_often_says_counts_intervals_and_where_the_embedding_loses(app):
    data = run_at(app, "how-often", degree=50, x=16)
    flips = shipped_flips("dlib", "study")
    cell = flips.cell("psnr", 16.0, 50)
    assert (
        "Of 30 other faces, with 16 px against 50 px: SSIM chose the blurred one on"
        in (data["see"])
    )
    assert "the embedding on none." in data["see"]
    flip = panel(data, "flips")
    [psnr] = [one for one in flip["chances"] if one["name"] == "PSNR"]
    assert (psnr["blurred"], psnr["n"]) == (cell.n - cell.prefer_sharp, 30)
    assert (psnr["low"], psnr["high"]) == pytest.approx((1 - cell.high, 1 - cell.low))
    i, j = flip["place"]
    assert (flip["shifts"][i], flip["degrees"][j]) == (16, 50)
    [map_of] = [one for one in flip["maps"] if one["name"] == "PSNR"]
    assert map_of["blurred"][i][j] == psnr["blurred"]
    data = wait_for(app, lambda data: not data["pending"])
    assert panel(data, "flips")["maps"][0]["own"] is not None  # this face's own answers
    small = run_at(app, "how-often", degree=5, x=16)
    assert "SSIM and the embedding on all" in small["see"].replace("chose the blurred one ", "")


def test_counts_survive_a_round_trip_and_refuse_what_they_are_not():
    flips = shipped_flips("dlib", "line")
    again = RankFlips.from_dict(json.loads(json.dumps(flips.as_dict())))
    assert again.as_csv() == flips.as_csv()
    assert again == flips
    for wrong in ({}, {"format": 2}, {"format": 1, "settings": 3}, {"format": 1, "settings": {}}):
        with pytest.raises(TableError):
            RankFlips.from_dict(wrong)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("cells", 0, "prefer_sharp"), "1"),
        (("cells", 0, "n"), 31),
        (("cells", 0, "low"), "x"),
        (("cells", 0, "measure"), "ssim"),
        (("settings", "shifts"), [3]),
        (("settings", "degrees"), "all"),
        (("faces",), ["a"]),
        (("failures",), 3),
    ],
)
def test_counts_that_were_changed_are_refused(place, value):
    known = json.loads(json.dumps(shipped_flips("dlib", "study").as_dict()))
    at = known
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(TableError, match="not counts of rank flips"):
        RankFlips.from_dict(known)


def test_address_restores_the_scene(app):
    fresh = AppTest.from_function(page, default_timeout=60)
    fresh.query_params |= {"scene": "embedding", "degree": "33", "x": "nonsense", "noise": "7"}
    fresh.run()
    data = component_data(fresh, KEY)
    values = dict(zip(ARGUMENT_SLIDERS, data["pos"], strict=True))
    assert data["scene"] == "embedding"
    assert (values["degree"], values["x"], values["noise"]) == (33, 8, 7)


@pytest.mark.parametrize(
    "state",
    [
        {"pos": "1,2,3"},
        {"pos": [1, 2]},
        {"pos": [None] * (len(ARGUMENT_SLIDERS) + 1)},
        {"pos": [float("nan")] * (len(ARGUMENT_SLIDERS) + 1)},
        {"scene": "<b>"},
        {"scene": ["a"]},
        {"act": "vote"},
        {"act": ["vote", {"a": 1}, 1]},
        {"act": ["vote", 7, 1]},
        {"act": ["choose", "x", 1]},
        {"act": ["limit", "a", 1]},
        {"act": [None, None, 1]},
        {"act": ["reveal", None, "1"]},
        {"rest": 3},
    ],
)
def test_whatever_a_browser_sends_the_page_stands(app, state):
    app.session_state[KEY] = state
    app.run()
    assert not app.exception
    assert component_data(app, KEY)["ready"]


def test_longer_computations_are_done_once_and_the_waiting_one_gives_way(dlib_embedder):
    face = KnownFace(portrait_face(), dlib_embedder, "study", "fixed")
    begun, gate = threading.Event(), threading.Event()
    calls: list[str] = []

    def work(name: str) -> str:
        calls.append(name)
        begun.set()
        assert gate.wait(20)
        return name

    def ask(owner: str, kind: str, name: str):
        return face.ask(owner, kind, name, lambda: work(name))

    def result(kind: str, name: str) -> str:
        deadline = time.monotonic() + 20
        while not (answer := ask("me", kind, name)).done:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return answer.value

    assert not ask("me", "maps", "first").done
    assert begun.wait(20)  # it has the thread: what comes now waits
    assert not ask("me", "maps", "second").done
    assert not ask("me", "maps", "third").done  # takes the place of the second
    assert not ask("me", "twins", "fourth").done
    face.keep_only("me", ["maps"])  # nobody looks at the fourth any more
    gate.set()
    assert result("maps", "third") == "third"
    assert ask("you", "maps", "third").value == "third"
    assert result("twins", "last") == "last"  # all that waited before it is over
    assert calls == ["first", "third", "last"]


def test_failure_of_a_longer_computation_is_said_and_does_not_end_the_thread(dlib_embedder):
    face = KnownFace(portrait_face(), dlib_embedder, "study", "fixed")

    def refuse():
        raise SettingError("the limit is 0 px, wanted more", hint="give more")

    def break_down():
        raise RuntimeError("secret of a visitor")

    answers = {}
    deadline = time.monotonic() + 20
    for name, compute in (("refuse", refuse), ("break", break_down), ("work", lambda: 1)):
        while not (answers.setdefault(name, face.ask("me", name, 0, compute))).done:
            answers[name] = face.ask("me", name, 0, compute)
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert answers["refuse"].problem.startswith("The limit is 0 px, wanted more")
    assert "secret" not in answers["break"].problem
    assert answers["work"].value == 1


def test_maps_are_bright_where_the_picture_is_wrong():
    error = np.zeros((64, 64), np.float32)
    error[:32] = 64.0**2
    rows = error_maps([error, error * 0], None)
    assert rows[0]["pictures"][0]["text"] == "MSE 2048"
    assert rows[0]["pictures"][0]["url"] != rows[0]["pictures"][1]["url"]
    weak = occlusion_maps([np.eye(4, dtype=np.float32) * 0.01, np.zeros((4, 4), np.float32)])
    assert weak["pictures"][0]["text"] == "at most 0.010"


def test_table_of_pictures_that_are_alike_prefers_neither():
    same = {"psnr": 30.0}
    row = measure_table(same, same, names=["psnr"])["rows"][0]
    assert row["cells"][3] == "neither"
    assert row["wins"] is None
    missing = measure_table({"psnr": float("nan")}, same, names=["psnr"])["rows"][0]
    assert missing["cells"][1] == "–"


def test_blur_text_says_out_of_range_as_such():
    curve = {0: {"psnr": 60.0}, 10: {"psnr": 40.0}, 100: {"psnr": 20.0}}
    assert blur_text(10.0, curve, "psnr") == "over 100 px"
    assert blur_text(70.0, curve, "psnr") == "below 10 px"
    assert blur_text(40.0, curve, "psnr") == "10 px"
    assert blur_text(float("nan"), curve, "psnr") == ""
    assert blur_text(30.0, {5: {"psnr": 30.0}}, "psnr") == ""
    assert blur_text(30.0, {0: {"psnr": 60.0}, 1: {"psnr": 30.0}}, "psnr") == ""
