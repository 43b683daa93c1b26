"""The Explore page driven without a browser."""

from __future__ import annotations

import copy
import io
import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from blurdash.blur import Change
from blurdash.portrait import portrait_face, portrait_photo
from blurdash.readout import PreparedFace
from blurdash.ui import app as navigation
from blurdash.ui.components.rows import rows_for_browser
from blurdash.ui.explore import page as explore
from blurdash.ui.server import known_face, recogniser
from blurdash.ui.server.known_face import COARSE_FIRST, Curve, KnownFace
from blurdash.ui.visitor import face_in_use, intake
from blurdash.ui.visitor import session as photos
from blurdash.ui.visitor.view import View, take_position
from tests.photos_sent import faces_offered, problems, send_photos

APP = Path(__file__).parent.parent / "streamlit_app.py"


def as_file(picture: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind)
    return buffer.getvalue()


def component_data(app: AppTest, key: str) -> dict:
    """What the component with this key was sent last."""
    for element in app.main:
        found = _search(element, key)
        if found is not None:
            return found
    raise LookupError(key)


def _search(element, key: str):
    proto = getattr(element, "proto", None)
    if proto is not None and key in str(getattr(proto, "id", "")) and getattr(proto, "json", ""):
        return json.loads(proto.json)
    children = getattr(element, "children", {})
    for child in children.values():
        found = _search(child, key)
        if found is not None:
            return found
    return None


@pytest.fixture
def app(dlib_embedder) -> AppTest:
    loading = recogniser.request(None, "native")
    assert loading.done.wait(60)
    assert loading.embedder is not None
    return AppTest.from_file(APP, default_timeout=60)


def test_first_page_shows_numbers_of_the_portrait(app, dlib_embedder):
    app.run()
    assert not app.exception
    data = component_data(app, "bd_controls")
    surprise = Change(degree=0, shift_x=8.0)
    expected = PreparedFace(portrait_face(), dlib_embedder).readout(surprise).values
    shown = dict(
        zip([tile["id"] for tile in rows_for_browser()["tiles"]], data["values"], strict=True)
    )
    assert shown["cosine"] == pytest.approx(expected["cosine_similarity"], abs=2e-4)
    assert shown["psnr"] == pytest.approx(expected["psnr"], abs=0.02)
    assert shown["ssim"] == pytest.approx(expected["ssim"], abs=2e-4)
    assert data["pos"] == [0, 45.0, 8.0, 0.0]
    assert data["sentence"]["truth"] == "Not blurred at all, only moved by 8 px."
    assert data["recogniser"]["label"] == "dlib ResNet-29"
    assert data["recogniser"]["person"]["limit"] == 0.6
    assert data["same_person"] is True


def test_moved_sliders_are_answered_for_that_position(app):
    app.run()
    app.session_state["bd_controls"] = {"pos": [80, -20, 3.5, -2, 7]}
    app.run()
    data = component_data(app, "bd_controls")
    assert data["ack"] == 7
    assert data["pos"] == [80, -20.0, 3.5, -2.0]
    assert data["values"][0] < 1


def test_a_receipt_goes_along_once_the_hand_rests(app):
    app.run()
    assert component_data(app, "bd_controls")["receipt"]["receipt"]["shift"] == [8.0, 0.0]
    app.session_state["bd_controls"] = {"pos": [80, -20, 3.5, 0, 6], "rest": "30,45,0,0,side"}
    app.run()
    assert component_data(app, "bd_controls")["receipt"] is None
    right = 3.14159265  # two languages write it in their own ways
    place = f"80,-20,{right},0,side"
    app.session_state["bd_controls"] = {"pos": [80, -20, right, 0, 7], "rest": place}
    app.run()
    sent = component_data(app, "bd_controls")
    receipt = sent["receipt"]["receipt"]
    assert (receipt["degree"], receipt["angle"], receipt["shift"]) == (80, -20.0, [right, 0.0])
    assert sent["receipt"]["psnr"] == pytest.approx(sent["values"][3], abs=0.02)


def test_a_blur_that_is_not_shifted_is_its_own_equivalent(app):
    app.run()
    app.session_state["bd_controls"] = {"pos": [30, 45, 0, 0, 7], "rest": ""}
    app.run()
    like = component_data(app, "bd_controls")["equivalents"]
    assert [(one["text"], one["ranges"]) for one in like] == [("30 px", [[30, 30]])] * len(like)


@pytest.mark.parametrize(
    "sent",
    [[400, 45, 0, 0, 1], [-3, 45, 0, 0, 1], [30, float("nan"), 0, 0, 1], [30, 45, 1e9, 0, 1]],
)
def test_positions_from_a_foreign_client_are_held_in_range(sent):
    view = View()
    take_position(view, sent[:4])
    view.change()  # raises where a value is not allowed
    assert abs(view.shift_x) <= 32


def test_upload_is_shown_and_chosen(app):
    app.run()
    photo = np.ascontiguousarray(portrait_photo()[:, ::-1])
    send_photos(app, as_file(photo))
    assert not app.exception
    row = component_data(app, "bd_faces")
    assert [one["label"] for one in row["faces"]] == ["Portrait", "Photo 1"]
    assert row["shown"] == row["faces"][1]["id"]
    assert len({one["picture"] for one in row["faces"]}) == 2
    assert "me.png" not in json.dumps(component_data(app, "bd_controls"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("noise.png", as_file(np.full((200, 200, 3), 90, np.uint8)), "no face"),
        ("broken.png", as_file(np.zeros((80, 80, 3), np.uint8))[:60], "damaged"),
        ("empty.jpg", b"", "empty"),
        ("text.png", b"this is not a picture", "not a picture"),
    ],
)
def test_bad_upload_says_so_and_keeps_the_page(app, name, content, says):
    app.run()
    before = component_data(app, "bd_controls")["values"]
    send_photos(app, content)
    assert not app.exception
    [said] = problems(app)
    assert says in said.lower()
    assert component_data(app, "bd_controls")["values"] == before


def test_two_faces_in_a_photo_are_both_offered(app):
    app.run()
    photo = portrait_photo()
    pair = np.concatenate([photo, photo[:, ::-1]], axis=1)
    send_photos(app, as_file(pair))
    row = component_data(app, "bd_faces")
    wanted = ["Portrait", "Photo 1, face 1", "Photo 1, face 2"]
    assert [one["label"] for one in row["faces"]] == wanted
    portrait, first, second = row["faces"]
    assert portrait["photo"] is None
    assert first["photo"] == second["photo"] != ""
    assert {first["of"], second["of"]} == {"Photo 1"}

    def ask(word: str, about: object, number: int) -> dict:
        app.session_state["bd_faces"] = {"act": [word, about, number]}
        app.run()
        assert not app.exception
        return component_data(app, "bd_faces")

    assert ask("show", second["id"], 1)["shown"] == second["id"]
    assert ask("show", first["id"], 1)["shown"] == second["id"]  # it has been done
    assert ask("show", "nobody's", 2)["shown"] == "portrait"
    assert ask("remove", {"odd": 1}, 3)["faces"] == row["faces"]
    assert len(ask("remove", first["photo"], 4)["faces"]) == 1


@pytest.mark.long
def test_of_more_faces_than_are_kept_the_largest_are_offered(app, monkeypatch):
    for module in (intake, photos):
        monkeypatch.setattr(module, "FACES_OF_A_PHOTO", 1)
    app.run()
    photo = portrait_photo()
    small = np.full_like(photo, 128)
    small[:256, :256] = photo[::2, ::2]
    send_photos(app, as_file(np.concatenate([small, photo], axis=1)))
    assert faces_offered(app) == ["Portrait", "Photo 1"]
    assert component_data(app, "bd_faces")["shown"] != "portrait"
    assert "largest are offered" in problems(app)[0]
    assert not app.exception


def test_forget_drops_every_photo(app):
    app.run()
    send_photos(app, as_file(portrait_photo()))
    next(b for b in app.button if "Forget" in b.label).click()
    app.run()
    assert not app.exception
    assert faces_offered(app) == ["Portrait"]


def test_address_restores_the_view_and_nonsense_is_left_out(app):
    for key, value in {
        "degree": "63", "angle": "-17", "shift": "4,-2.5", "kernel": "line", "crop": "redetect",
        "mode": "flicker", "recogniser": "../../etc", "protocol": "<script>",
    }.items():  # fmt: skip
        app.query_params[key] = value
    app.run()
    assert not app.exception
    view: View = app.session_state["bd_view"]
    assert view.position() == [63, -17.0, 4.0, -2.5]
    assert (view.kernel, view.crop, view.mode) == ("line", "redetect", "flicker")
    assert (view.recogniser, view.protocol) == (None, "native")


def test_recogniser_without_weights_says_so_and_keeps_the_page(app, dlib_embedder, monkeypatch):
    monkeypatch.setattr(known_face, "COARSE_FIRST", COARSE_FIRST[:21])
    app.run()
    box = next(b for b in app.selectbox if b.label == "Recogniser")
    box.set_value("facenet-casia-webface")
    app.run()
    loading = recogniser.request("facenet-casia-webface", "native")
    assert loading.done.wait(60)
    app.run()
    assert not app.exception
    assert any("weights" in error.value for error in app.error)
    data = component_data(app, "bd_controls")
    # What needs no recogniser is there all the same.
    assert data["values"][:3] == ["none"] * 3
    surprise = Change(degree=0, shift_x=8.0)
    pixels = PreparedFace(portrait_face(), dlib_embedder).readout(surprise).values
    assert data["values"][3] == pytest.approx(pixels["psnr"], abs=0.02)
    assert data["values"][4] == pytest.approx(pixels["ssim"], abs=2e-4)
    assert data["recogniser"]["label"] == ""
    assert data["message"] == ""
    _check_pixel_curve(app)
    # The shipped numbers are dlib's: they may not stand in for another recogniser's.
    with pytest.raises(LookupError):
        component_data(app, "bd_shipped_feed")
    next(one for one in app.button if one.label.startswith("Use dlib")).click().run()
    assert recogniser.request("dlib", "native").done.wait(60)
    app.run()
    assert not app.error
    assert component_data(app, "bd_controls")["recogniser"]["label"].startswith("dlib")
    assert next(b for b in app.selectbox if b.label == "Recogniser").value == "dlib"


def test_the_page_is_drawn_anew_once_the_recogniser_came(dlib_embedder, monkeypatch):
    loading = recogniser.Loading(None, "native", embedder=dlib_embedder)
    loading.done.set()  # between two looks of a page that was drawn without it
    faces = SimpleNamespace(curve=Curve(45.0))
    monkeypatch.setattr(explore, "session_faces", lambda: faces)
    monkeypatch.setattr(explore.st, "rerun", _drawn_anew)
    with pytest.raises(_DrawnAnewError):
        explore._feed_curve(View(), loading, polled=True)


class _DrawnAnewError(Exception):
    pass


def _drawn_anew() -> None:
    raise _DrawnAnewError


def _check_pixel_curve(app: AppTest) -> None:
    """Curves, bands and readings of what needs no recogniser; nothing of what does."""
    curve = app.session_state[photos.VISITOR_KEY].curve
    deadline = time.monotonic() + 60
    while not curve.complete and time.monotonic() < deadline:
        time.sleep(0.05)
    app.run()
    feed = component_data(app, "bd_curve_feed")
    assert len(feed["degrees"]) == len(known_face.COARSE_FIRST)
    assert {tuple(row[:3]) for row in feed["values"]} == {("none",) * 3}
    assert all(isinstance(value, float) for value in feed["values"][-1][3:])
    assert [bool(band) for band in feed["bands"]] == [False] * 3 + [True] * 2
    assert [one["text"] == "" for one in feed["equivalents"]] == [True] * 3 + [False] * 2
    said = "".join(text for text, _ in feed["sentence"]["parts"])
    assert "The embedding is missing" in said
    assert "PSNR" in said
    assert "blur of" in said


def test_nothing_shown_names_a_folder_of_the_server(app):
    app.run()
    shown = [one.value for one in (*app.text, *app.caption, *app.error)]
    assert not [text for text in shown if str(Path.home()) in text]


def test_method_page_draws_every_table():
    method = AppTest.from_function(_method).run()
    assert not method.exception
    assert len(method.dataframe) == 3


def _method() -> None:
    from blurdash.ui.method.page import method_page

    method_page()


def test_curve_is_filled_coarse_first(dlib_embedder):
    assert sorted(COARSE_FIRST) == list(range(101))
    assert set(COARSE_FIRST[:3]) == {0, 50, 100}
    live = KnownFace(portrait_face(), dlib_embedder, "line", "fixed")
    curve = live.curve(10.0)
    start = time.monotonic()
    for _ in range(3):
        assert live.fill_one(curve, "line")
    assert set(curve.values) == {0, 50, 100}
    assert time.monotonic() - start < 30
    exact = PreparedFace(portrait_face(), dlib_embedder, kernel="line")
    expected = exact.readout(Change(50, 10.0, "line")).values
    assert curve.values[50]["cosine_similarity"] == pytest.approx(
        expected["cosine_similarity"], abs=2e-4
    )


def test_what_is_known_of_a_face_is_of_one_recogniser_for_one_reason(dlib_embedder, monkeypatch):
    named, instead = copy.copy(dlib_embedder), copy.copy(dlib_embedder)
    named.note, instead.note = "", "FaceNet is not used"
    faces = photos.Faces(session="a")
    monkeypatch.setattr(face_in_use, "session_faces", lambda: faces)
    for chosen in (View(), View(kernel="line")):
        one, other = (face_in_use.face_in_use(chosen, who) for who in (named, instead))
        assert one is not other
        assert one is face_in_use.face_in_use(chosen, named)
        assert (one.embedder.note, other.embedder.note) == ("", "FaceNet is not used")


@pytest.mark.parametrize(
    ("address", "ends"), [("", 1), ("sweeps", 1), ("method", 1), ("argument", 0)]
)
def test_every_other_page_ends_the_long_work_of_argument(app, monkeypatch, address, ends):
    ended: list[str] = []
    monkeypatch.setattr(navigation, "end_long_work", ended.append)
    page = SimpleNamespace(url_path=address, run=lambda: None)
    monkeypatch.setattr(navigation.st, "navigation", lambda *_args, **_named: page)
    app.run()
    assert not app.exception
    assert len(ended) == ends


def test_a_kernel_that_a_browser_does_not_know_goes_to_it_as_taps():
    kernel = np.zeros((3, 5))
    kernel[0, 0], kernel[1, 2], kernel[2, 4] = 0.25, 0.5, -0.25
    taps = np.frombuffer(face_in_use.packed_taps(kernel), "<f8").reshape(-1, 3)
    assert taps.tolist() == [[-2, -1, 0.25], [0, 0, 0.5], [2, 1, -0.25]]


@pytest.mark.parametrize(
    "kernel",
    [np.ones((33, 33)) / 1089, np.eye(131) / 131, np.full((3, 3), 2.0), np.zeros((3, 3))],
    ids=["too many taps", "taps too far", "too heavy", "no tap"],
)
def test_a_kernel_that_the_core_cannot_do_or_is_slow_at_stays_with_the_server(kernel: np.ndarray):
    assert face_in_use.packed_taps(kernel) is None
