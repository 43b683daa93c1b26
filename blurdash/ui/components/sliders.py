"""The sliders of both pages: what each is called, how far it goes, and where it starts."""

from __future__ import annotations

from typing import NamedTuple

from blurdash.kernel import ANGLE_RANGE, DEGREE_RANGE

__all__ = ["ARGUMENT_SLIDERS", "EXPLORE_SLIDERS", "Slider"]


class Slider(NamedTuple):
    """A slider.

    Attributes:
        label: What a person reads.
        unit: May be empty.
        low: Its smallest value.
        high: Its largest.
        first: Where it starts, and goes back to.
        step: The least move; 1 where only whole numbers make sense.
        page: What a Page key moves it by.
        hint: What it does, in a sentence.
        entry: What a field beside it asks for; empty where there is none.
    """

    label: str
    unit: str
    low: float
    high: float
    first: float
    step: float
    page: float
    hint: str
    entry: str = ""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.step == 1 and self.unit == "px"


LENGTH = "Length of the blur, in pixels of the 1024 px canvas"
DIRECTION = "Direction of the blur; what 0 means is the kernel's convention"


def _degree(label: str, first: float, hint: str = LENGTH, entry: str = "") -> Slider:
    return Slider(label, "px", *DEGREE_RANGE, first, 1, 10, hint, entry)


def _angle(label: str, first: float, hint: str = DIRECTION, entry: str = "") -> Slider:
    return Slider(label, "°", *ANGLE_RANGE, first, 1, 15, hint, entry)


def _shift(label: str, far: float, first: float, hint: str, entry: str = "") -> Slider:
    return Slider(label, "px", -far, far, first, 0.5, 4, hint, entry)


# In the order in which positions are sent.
EXPLORE_SLIDERS = {
    "degree": _degree("Degree", 0, entry="blur length in pixels"),
    "angle": _angle("Angle", 45, entry="direction in °"),
    "shift_x": _shift(
        "Shift x",
        32,
        8,
        "Moves the picture to the right after the blur; it stays sharp",
        "pixels to the right",
    ),
    "shift_y": _shift(
        "Shift y", 32, 0, "Moves the picture down after the blur; it stays sharp", "pixels down"
    ),
}
ARGUMENT_SLIDERS = {
    "degree": _degree("Degree", 30),
    "angle": _angle("Angle", 45),
    "x": _shift("Shift x", 64, 8, "Moves the sharp picture to the right"),
    "y": _shift("Shift y", 64, 0, "Moves the sharp picture down"),
    "rotation": Slider(
        "Turn",
        "°",
        -10,
        10,
        0,
        0.25,
        1,
        "Turns the sharp picture about its centre, counter-clockwise",
    ),
    "scale": Slider(
        "Scale", "×", 0.9, 1.1, 1, 0.005, 0.02, "Enlarges the sharp picture about its centre"
    ),
    "gain": Slider(
        "Gain", "×", 0.5, 1.5, 1, 0.01, 0.1, "Makes the sharp picture darker or brighter"
    ),
    "noise": Slider(
        "Noise",
        "",
        0,
        40,
        0,
        1,
        5,
        "Adds noise to the sharp picture; standard deviation in grey levels",
    ),
    # Of exact lines the longer one leaves the portrait's embedding more, PSNR and SSIM less.
    "degree_a": _degree("Degree A", 68, "Length of the first blur"),
    "angle_a": _angle("Angle A", -15, "Direction of the first blur"),
    "degree_b": _degree("Degree B", 56, "Length of the second blur"),
    "angle_b": _angle("Angle B", 90, "Direction of the second blur"),
}
