"""Explore and the story as one file, which opens from a disk, without a server or a network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blurdash import __version__
from blurdash.embed import EMBEDDERS, label_of
from blurdash.errors import SettingError
from blurdash.portrait import PORTRAIT_NAME, portrait_face
from blurdash.table import look_up
from blurdash.ui.argument.story import SCENES
from blurdash.ui.components.scripts import script, style_sheet
from blurdash.ui.one_file.explore import explore_part
from blurdash.ui.one_file.story import story_part
from blurdash.ui.one_file.subject import Subject, kernels_of_a_file
from blurdash.ui.server.encoding import encoded
from blurdash.words import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blurdash.embed import Embedder
    from blurdash.face import Face

__all__ = ["EXPLORE", "WEIGHT_BYTES", "PageFile", "check_scene", "page_file"]

# Where a file opens, besides the story's scenes.
EXPLORE = "explore"
# A third of the file less than three bytes a weight, for the fourth decimal of one cosine in 40.
WEIGHT_BYTES = 2
PHOTO_NAME = "Photo"
PACKING = 6
# What a page may load or send: nothing but what is in it.
POLICY = (
    "default-src 'none'; script-src '{script}' 'wasm-unsafe-eval' blob:; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class PageFile:
    """A page in one file.

    Attributes:
        text: The file, HTML.
        holds: What it holds, in sentences, as the file itself says.
    """

    text: str
    holds: tuple[str, ...]


def check_scene(name: str) -> None:
    """Checks the name of where a file opens.

    Raises:
        SettingError: There is no such scene.

    Example:
        >>> check_scene("explore"), check_scene("pixels")
        (None, None)
    """
    look_up({EXPLORE: None, **dict.fromkeys(SCENES)}, name, "scene")


def page_file(
    face: Face | None,
    embedder: Embedder,
    *,
    scene: str = EXPLORE,
    with_weights: bool = False,
    kernels: Sequence[str] | None = None,
    sliders: Mapping[str, float] | None = None,
    swapped: bool | None = None,
) -> PageFile:
    """Returns Explore and the story as one file: sliders that are live, with real numbers.

    Conventions:
        Crop ``fixed``, and the protocol of the recogniser. The recogniser's network is in the file,
        with weights of two bytes: cosine similarities are within 1e-4 of the command line's (3e-4
        for the study's even degrees at 0° and 90°). The first numbers are the command line's own.
        What is known of other faces is what is shipped.

    Args:
        face: Of a photo; None for the built-in portrait. It is in the file as a picture.
        embedder: A loaded recogniser.
        scene: Where it opens: ``explore``, or a scene of the story.
        with_weights: Whether weights that did not come with the installed packages may be in it.
        kernels: Keys of ``KERNELS`` that can be chosen, the first at first; None for all that a
            page draws alone.
        sliders: Where the story's sliders start, by name; None for where they always do. What a
            page alone cannot do to a picture stays undone.
        swapped: Whether the blurred picture is A at first; None to have it drawn by lot.

    Returns:
        The file, 15 MB with dlib's network.

    Raises:
        SettingError: The recogniser cannot be in a file, or not without ``with_weights``; or there
            is no such scene or kernel.
    """
    check_scene(scene)
    names = kernels_of_a_file() if kernels is None else tuple(kernels)
    if not names:
        raise SettingError("no kernel is given", hint="give one or more, or leave them out")
    for name in names:
        look_up(dict.fromkeys(kernels_of_a_file()), name, "kernel of a page in one file")
    network = _packed_network(embedder, with_weights=with_weights)
    shown = portrait_face() if face is None else face
    label = PORTRAIT_NAME if face is None else PHOTO_NAME
    holds = tuple(_holds(embedder, is_photo=face is not None, megabytes=len(network) / 1e6))
    subjects = {name: Subject(label, shown, embedder, name) for name in names}
    data = {
        "scene": scene,
        "lot": swapped,
        "face": {"label": label, "notes": " ".join(shown.notes)},
        "holds": holds,
        "version": __version__,
        "kernels": {
            name: {
                "key": one.key,
                "explore": explore_part(one),
                "story": story_part(one, sliders or {}),
            }
            for name, one in subjects.items()
        },
    }
    return PageFile(_document(data, encoded(shown.canvas), network), holds)


def _packed_network(embedder: Embedder, *, with_weights: bool) -> bytes:
    row = EMBEDDERS[embedder.name]
    if (row.download_mb or embedder.remark) and not with_weights:
        raise SettingError(
            f"the weights of {_named(embedder)} did not come with the installed packages, and go "
            "into a file only where that is asked for",
            hint="add --with-weights, or choose dlib with --embedder",
        )
    program = embedder.program()
    if program is None:
        raise SettingError(
            f"{row.label} cannot run in a page: nobody has written its network down for browsers",
            hint="choose another with --embedder",
        )
    return gzip.compress(program.packed(WEIGHT_BYTES), PACKING, mtime=0)


def _named(embedder: Embedder) -> str:
    """The recogniser and whose weights these are; of others than the published ones just that."""
    row = EMBEDDERS[embedder.name]
    if embedder.remark:
        return f"{label_of(embedder)} (another file than the published one)"
    return f"{row.label} ({row.licence}; {row.origin})"


def _holds(embedder: Embedder, *, is_photo: bool, megabytes: float) -> list[str]:
    face = "the face of a photo that was given for it" if is_photo else "the built-in portrait"
    holds = [
        face,
        f"the weights of {_named(embedder)}, {WEIGHT_BYTES} bytes each, {megabytes:.0f} MB",
        "numbers of reference faces, no picture of them",
    ]
    return [
        f"This file holds {listed(holds)}.",
        "It asks no server and sends nothing. Numbers while you move are computed here; cosine "
        "similarities are within 0.0003 of those that blurdash has on a computer.",
    ]


def _document(data: dict[str, Any], picture: bytes, network: bytes) -> str:
    code = script("pages/one_file.js")
    allowed = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = POLICY.format(script=f"sha256-{allowed}")
    sheets = style_sheet("pages/tokens.css", "pages/one_file.css")
    data = {**data, "stage_css": style_sheet("widgets/widgets.css", "pictures/stage.css")}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="blurdash {html.escape(__version__)}">
<title>blurdash: {html.escape(data["face"]["label"])}</title>
<style>{sheets}</style>
</head>
<body>
<noscript>This page computes what it shows, which takes JavaScript.</noscript>
<div id="bd-file"></div>
<script type="application/json" id="bd-data">{_for_script(data)}</script>
<script type="text/plain" id="bd-picture">{base64.b64encode(picture).decode()}</script>
<script type="text/plain" id="bd-network">{base64.b64encode(network).decode()}</script>
<script type="module">{code}</script>
</body>
</html>
"""


def _for_script(data: dict[str, Any]) -> str:
    """JSON that ends no script: what is in it may be anybody's words."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
