"""Links: what they say is shown, what they cannot say is said, and Back is obeyed."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from blurdash.ui.server import recogniser
from blurdash.ui.visitor import toolbar, view
from blurdash.ui.visitor.address import Reader
from tests.photos_sent import send_photos
from tests.test_explore import as_file, component_data, portrait_photo

APP = Path(__file__).parent.parent / "streamlit_app.py"


@pytest.fixture
def app(dlib_embedder) -> AppTest:
    assert recogniser.request(None, "native").done.wait(60)
    return AppTest.from_file(APP, default_timeout=60)


def said(app: AppTest) -> str:
    return component_data(app, "bd_carrier")["link"]


def test_an_ordinary_link_says_nothing(app):
    for name, text in {"face": "portrait", "degree": "63", "shift": "4,-2.5"}.items():
        app.query_params[name] = text
    app.run()
    assert said(app) == ""
    assert app.session_state["bd_view"].position() == [63, 45.0, 4.0, -2.5]


@pytest.mark.parametrize("face", ["photo", "photo3", "<b>"])
def test_a_link_made_with_a_photo_says_that_it_stays_with_its_owner(app, face):
    app.query_params["face"] = face
    app.run()
    assert "stays with its owner" in said(app)
    assert "<" not in said(app)


@pytest.mark.parametrize("degree", ["1e999", "-1", "101", "nan", "ten", "1" * 400, ""])
def test_what_makes_no_sense_gives_the_default_and_says_so(app, degree):
    app.query_params["degree"] = degree
    app.query_params["kernel"] = "<img src=x>"
    app.run()
    assert app.session_state["bd_view"].position() == [0, 45.0, 0.0, 0.0]
    assert "degree=" in said(app)
    assert "kernel=img srcx" in said(app)
    assert len(said(app)) < 200


@pytest.mark.parametrize(
    ("entry", "position"),
    [
        (("kernel", "line"), [0, 45.0, 8.0, 0.0]),  # no position: as the page opens
        (("degree", "30"), [30, 45.0, 0.0, 0.0]),  # what is not named is 0
        (("angle", "10"), [0, 10.0, 0.0, 0.0]),
        (("shift", "0,3"), [0, 45.0, 0.0, 3.0]),
    ],
)
def test_convention_an_address_with_a_position_is_complete(app, entry, position):
    app.query_params[entry[0]] = entry[1]
    app.run()
    assert app.session_state["bd_view"].position() == position


def test_the_browser_is_told_the_address_of_where_the_hand_rests(app):
    app.run()
    place = "80,-20,3.5,0,swipe"
    app.session_state["bd_controls"] = {"pos": [80, -20, 3.5, 0, 7], "rest": place}
    app.run()
    found = parse_qs(component_data(app, "bd_controls")["address"])
    assert (found["degree"], found["shift"], found["mode"]) == (["80"], ["3.5,0"], ["swipe"])
    assert found["face"] == ["portrait"]
    app.session_state["bd_controls"] = {"pos": [81, -20, 3.5, 0, 8], "rest": place}
    app.run()
    assert component_data(app, "bd_controls")["address"] is None


def test_an_own_photo_is_in_no_address_but_that_there_was_one(app):
    app.run()
    send_photos(app, as_file(portrait_photo()))
    app.session_state["bd_controls"] = {"pos": [30, 45, 0, 0, 1], "rest": "30,45,0,0,side"}
    app.run()
    told = component_data(app, "bd_controls")["address"]
    assert parse_qs(told)["face"] == ["photo"]
    shown = component_data(app, "bd_faces")["shown"]
    assert shown != "portrait"
    assert shown not in told


def test_back_shows_what_the_address_says(app, monkeypatch):
    app.run()
    app.session_state["bd_controls"] = {"pos": [80, -20, 0, 0, 7], "rest": "80,-20,0,0,side"}
    app.run()
    monkeypatch.setattr(view, "went_back", lambda: True)
    for name, text in {"degree": "12", "angle": "45", "kernel": "line"}.items():
        app.query_params[name] = text
    app.query_params["face"] = "photo"
    app.run()
    assert said(app) == ""  # Back is no link
    shown = component_data(app, "bd_controls")
    assert (shown["pos"], shown["kernel"], shown["start"]) == ([12, 45.0, 0, 0], "line", 1)
    # The sliders jump there; what was sent before does not move them away again.
    monkeypatch.setattr(view, "went_back", lambda: False)
    app.run()
    assert component_data(app, "bd_controls")["pos"] == [12, 45.0, 0, 0]
    app.session_state["bd_controls"] = {"pos": [13, 45, 0, 0, 8], "rest": ""}
    app.run()
    assert component_data(app, "bd_controls")["pos"] == [13, 45.0, 0, 0]


def argument() -> None:
    from blurdash.ui.argument.page import argument_page

    argument_page()


def test_back_to_a_scene(dlib_embedder, monkeypatch):
    from blurdash.ui.argument import story

    assert recogniser.request(None, "native").done.wait(60)
    page = AppTest.from_function(argument, default_timeout=60).run()
    page.session_state["bd_argument"] = {"scene": "sceptic#1"}
    page.run()
    assert component_data(page, "bd_argument")["scene"] == "sceptic"
    monkeypatch.setattr(story, "went_back", lambda: True)
    page.query_params["scene"] = "embedding"
    page.query_params["degree"] = "33"
    page.run()
    monkeypatch.setattr(story, "went_back", lambda: False)
    page.run()  # the browser still says where it was before
    told = component_data(page, "bd_argument")
    assert (told["scene"], told["pos"][0]) == ("embedding", 33)
    page.session_state["bd_argument"] = {"scene": "sceptic#2"}
    page.run()
    assert component_data(page, "bd_argument")["scene"] == "sceptic"


def test_a_link_to_a_scene_carries_what_it_was_measured_under(dlib_embedder, monkeypatch):
    assert recogniser.request("dlib", "native").done.wait(60)
    page = AppTest.from_function(argument, default_timeout=60)
    for name, text in {"scene": "how-often", "recogniser": "dlib", "kernel": "line"}.items():
        page.query_params[name] = text
    page.run()
    chosen = page.session_state["bd_view"]
    assert (chosen.recogniser, chosen.kernel, chosen.position()) == ("dlib", "line", [0, 45, 8, 0])
    told = at_rest(page)
    assert told == {"scene": ["how-often"], "recogniser": ["dlib"], "kernel": ["line"]}
    monkeypatch.setattr(view, "went_back", lambda: True)
    del page.query_params["kernel"]
    del page.query_params["recogniser"]
    page.run()
    assert (chosen.recogniser, chosen.kernel, chosen.position()) == (None, "study", [0, 45, 8, 0])


def test_all_that_makes_no_sense_in_a_link_to_a_scene_is_said(dlib_embedder):
    from blurdash.ui.visitor.address import NOTE_KEY

    page = AppTest.from_function(argument, default_timeout=60)
    for name, text in {"scene": "nonsense", "kernel": "box"}.items():
        page.query_params[name] = text
    page.run()
    assert {"scene=nonsense", "kernel=box"} <= set(re.split(r"[ .]+", page.session_state[NOTE_KEY]))


def test_back_brings_back_whose_faces_stand_beside(monkeypatch):
    names = ("ours", "theirs")
    found = [SimpleNamespace(name=name, title=name, origin="host") for name in names]
    monkeypatch.setattr(view, "references_at_hand", lambda: SimpleNamespace(found=found))
    monkeypatch.setattr(toolbar, "references_for", lambda chosen, embedder: found)
    done = SimpleNamespace(embedder=object())
    monkeypatch.setattr(toolbar, "recogniser_in_use", lambda name, protocol: done)
    page = AppTest.from_function(other_faces, default_timeout=60).run()
    page.selectbox[0].set_value("theirs").run()
    assert page.session_state["bd_view"].reference == "theirs"
    monkeypatch.setattr(view, "went_back", lambda: True)
    page.query_params["kernel"] = "study"  # where the first of them was shown
    page.run()
    assert page.selectbox[0].value == "ours"
    assert page.session_state["bd_view"].reference == ""
    page.query_params["reference"] = "theirs"
    page.run()
    assert page.selectbox[0].value == "theirs"


def other_faces() -> None:
    from blurdash.ui.visitor import toolbar, view

    chosen = view.start()
    view.obey_back(chosen)
    toolbar._reference_choice(chosen)


def at_rest(page: AppTest) -> dict[str, list[str]]:
    """The address that the browser is told once the hand rests on Argument."""
    shown = component_data(page, "bd_argument")
    rest = ",".join(f"{value:g}" for value in shown["pos"])
    page.session_state["bd_argument"] = {"pos": [*shown["pos"], 1], "rest": rest}
    page.run()
    return parse_qs(component_data(page, "bd_argument")["address"])


def test_a_reference_that_every_visitor_can_choose_is_in_the_link(monkeypatch):
    kept = SimpleNamespace(name="ours", origin="kept")
    shipped = SimpleNamespace(name="faces-dlib-study", origin="shipped")
    at_hand = SimpleNamespace(found=(kept, shipped))
    monkeypatch.setattr(view, "references_at_hand", lambda: at_hand)
    for name, inside in (("ours", True), ("faces-dlib-study", True), ("of my photos", False)):
        shown = view.View(reference=name)
        assert ("reference" in parse_qs(view.address_of(shown))) == inside
        assert ("reference" in view.settings_entries(shown)) == inside
    reader = Reader({"reference": "ours"})
    assert view._view_in(reader).reference == "ours"
    assert not reader.odd
    reader = Reader({"reference": "theirs"})
    assert view._view_in(reader).reference == ""
    assert reader.odd == ["reference=theirs"]


def test_shift_of_three_numbers_is_none():
    reader = Reader({"shift": "1,2,3"})
    assert reader.numbers("shift", 2, -32, 32) == [0, 0]
    assert reader.odd == ["shift=1,2,3"]
