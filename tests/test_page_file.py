"""A page in one file: what may be in it, and what is said where it may not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from blurdash.cli import main
from blurdash.errors import SettingError
from blurdash.page_file import _document, _for_script, _holds, page_file
from blurdash.ui.components.scripts import script


class Fetched:
    """A recogniser whose weights did not come with the packages."""

    name = "facenet-vggface2"
    protocol = "native"
    remark = ""


class Changed:
    """dlib's network with weights of somebody's own."""

    name = "dlib"
    protocol = "native"
    remark = "dlib, hash 1234"


class Unwritten:
    """One whose network nobody has written down."""

    name = "dlib"
    protocol = "native"
    remark = ""

    def program(self) -> None:
        return None


def test_weights_that_were_fetched_are_in_it_only_where_that_is_asked_for():
    for one in (Fetched, Changed):
        with pytest.raises(SettingError, match="only where that is asked for; add --with-weights"):
            page_file(None, one())  # type: ignore[arg-type]


def test_of_other_weights_than_the_published_ones_nobody_is_named():
    said = " ".join(_holds(Changed(), is_photo=False, megabytes=9))  # type: ignore[arg-type]
    assert "dlib, hash 1234 (another file than the published one)" in said
    assert "CC0" not in said


def test_a_recogniser_that_cannot_run_in_a_page_is_refused():
    with pytest.raises(SettingError, match="cannot run in a page"):
        page_file(None, Unwritten())  # type: ignore[arg-type]


@pytest.mark.parametrize("kernels", [("disc",), ("study", "other"), ()])
def test_kernels_that_a_page_cannot_draw_are_refused(kernels: tuple[str, ...], dlib_embedder: Any):
    with pytest.raises(SettingError, match=r"kernel of a page in one file|no kernel is given"):
        page_file(None, dlib_embedder, kernels=kernels)


def test_nothing_in_it_ends_a_script_or_begins_markup():
    words = '</script><script>alert("1")</script><!-- & \u2028'
    assert not re.search("[<>&\u2028]", _for_script({"label": words}))
    data = {"face": {"label": '<img src=x onerror="1">'}, "words": words}
    text = _document(data, b"", b"")
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=&quot;1&quot;&gt;" in text
    assert text.count("</script>") == text.count("<script") == 4
    code = script("pages/one_file.js").lower()
    assert "</script" not in code
    assert "<!--" not in code


def test_it_may_load_nothing_and_send_nothing():
    text = _document({"face": {"label": "x"}}, b"", b"")
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src &#x27;none&#x27;; script-src &#x27;sha256-")
    assert "connect-src" not in policy[1]  # as the default says: none
    assert "unsafe-eval" not in policy[1].replace("wasm-unsafe-eval", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "page.txt"], "wanted the name of a page; give FILE.html"),
        (["--out", "no/page.html"], "the folder of 'page.html' is not there"),
        (["--out", "there.html"], "'there.html' is there already"),
        (["--out", "page.html", "--scene", "end"], "is not a scene that blurdash knows"),
        (["--out", "page.html", "--photo", "none.jpg"], "none.jpg"),
        (["--out", "page.html", "--embedder", "nobody"], "is not a recogniser"),
        (["--out", "page.html", "--face", "2"], "--face is given without a photo"),
        (["--out", "page.html", "--embedder", "dlib", "--protocol", "study"], "protocol"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str], said: str, tmp_path: Path, monkeypatch: Any, capsys: Any
):
    monkeypatch.chdir(tmp_path)
    Path("there.html").write_text("mine", encoding="utf-8")
    assert main(["page", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert Path("there.html").read_text(encoding="utf-8") == "mine"
    assert not Path("page.html").exists()


@pytest.mark.long
def test_the_command_writes_the_file_of_a_photo(tmp_path: Path, capsys: Any, portrait: Any):
    portrait_file = tmp_path / "somebodys name.png"
    Image.fromarray(portrait).save(portrait_file)
    out = tmp_path / "secret name.html"
    code = main(["page", "--out", str(out), "--photo", str(portrait_file), "--scene", "pixels"])
    assert code == 0
    said = capsys.readouterr().out
    assert "This file holds the face of a photo that was given for it" in said
    text = out.read_text(encoding="utf-8")
    assert portrait_file.stem not in text
    assert 12e6 < len(text) < 18e6
    assert '"scene":"pixels"' in text
    assert '"line":{"key":"Photo|dlib|native|line|fixed"' in text
