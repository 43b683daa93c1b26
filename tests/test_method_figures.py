"""The Method page's figures: well formed, and what they say is what an audit finds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from blurdash.kernel import KERNELS, audit_kernel
from blurdash.ui.method.figures import (
    DRAWN_ANGLES,
    DRAWN_DEGREE,
    crops_figure,
    geometry_figure,
    kernels_figure,
    ways_figure,
)

SVG = "{http://www.w3.org/2000/svg}"


def parsed(figure: str) -> ET.Element:
    return ET.fromstring(figure.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def texts(figure: str) -> list[str]:
    return [one.text or "" for one in parsed(figure).iter(f"{SVG}text")]


@pytest.mark.parametrize("make", [kernels_figure, geometry_figure, crops_figure, ways_figure])
def test_each_is_well_formed_named_and_inside_of_its_frame(make):
    root = parsed(make())
    assert root.get("role") == "img"
    assert len(root.get("aria-label")) > 20
    width, height = map(float, root.get("viewBox").split()[2:])
    for one in root.iter(f"{SVG}text"):
        x, y, size = (float(one.get(name)) for name in ("x", "y", "font-size"))
        anchor = one.get("text-anchor", "start")
        wide = 0.52 * size * len(one.text)
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        assert -1 <= left <= left + wide <= width + 4, one.text
        assert size <= y <= height + 1, one.text
    for path in root.iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
        assert all(-3 <= x <= width + 3 for x in numbers[::2])
        assert all(-3 <= y <= height + 3 for y in numbers[1::2])


def test_kernels_are_drawn_with_what_the_audit_finds():
    said = " ".join(texts(kernels_figure()))
    for name in ("study", "line"):
        for angle in DRAWN_ANGLES:
            audit = audit_kernel(KERNELS[name].make(DRAWN_DEGREE, angle))
            assert f"set {angle}°: runs at {audit.direction:.0f}°" in said
            assert f"{audit.length:.1f} px long, keeps {100 * audit.mass:.0f} %" in said


def test_every_tap_is_a_square():
    taps = sum(
        int(np.count_nonzero(KERNELS[name].make(DRAWN_DEGREE, angle)))
        for name in ("study", "line")
        for angle in DRAWN_ANGLES
    )
    squares = [one for one in parsed(kernels_figure()).iter(f"{SVG}rect") if one.get("opacity")]
    assert len(squares) == taps


def test_only_the_built_in_portrait_is_shown():
    pictures = list(parsed(crops_figure()).iter(f"{SVG}image"))
    assert len(pictures) == 3
    for make in (kernels_figure, geometry_figure, ways_figure):
        assert not list(parsed(make()).iter(f"{SVG}image"))
