"""A file gives the same canvas and the same numbers on the page and by the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from blurdash import cli
from blurdash.photo import FORMATS
from blurdash.portrait import portrait_photo
from blurdash.ui.server import recogniser
from tests.marks import long_but
from tests.photos_sent import send_photos
from tests.test_explore import component_data

APP = Path(__file__).parent.parent / "streamlit_app.py"
WITHIN = {"cosine_similarity": 1e-4, "l1": 1e-2, "l2": 1e-3, "psnr": 1e-3, "ssim": 1e-4}


def heic(picture: Image.Image, file: io.BytesIO) -> None:
    import pillow_heif

    pillow_heif.from_pillow(picture).save(file, quality=90)


# By the format's name; what is not here Pillow writes by it.
WRITERS: dict[str, Callable[[Image.Image, io.BytesIO], None]] = {"HEIC": heic}


# What most photos are; the others are read the same way.
USUAL = {"JPEG"}


@pytest.mark.usefixtures("own_eyes")
@pytest.mark.parametrize("name", long_but(USUAL, [one.name for one in FORMATS]))
def test_page_and_command_line_agree(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], dlib_embedder
):
    mirrored = Image.fromarray(np.ascontiguousarray(portrait_photo()[:, ::-1]))
    file = io.BytesIO()
    WRITERS.get(name, lambda picture, to: picture.save(to, name))(mirrored, file)
    path = tmp_path / f"photo{next(one.endings[-1] for one in FORMATS if one.name == name)}"
    path.write_bytes(file.getvalue())
    assert cli.main(["readout", str(path), "--degree", "40", "--embedder", "dlib", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)

    assert recogniser.request(None, "native").done.wait(60)
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["degree"] = "40"
    app.run()
    send_photos(app, path.read_bytes())
    assert component_data(app, "bd_faces")["shown"] != "portrait"
    app.session_state["bd_controls"] = {"pos": [40, 45, 0, 0, 1], "rest": "40,45,0,0,side"}
    app.run()
    page = component_data(app, "bd_controls")["receipt"]
    assert page["receipt"]["canvas_sha256"] == line["receipt"]["canvas_sha256"]
    for measure, within in WITHIN.items():
        assert page[measure] == pytest.approx(line[measure], abs=within)
