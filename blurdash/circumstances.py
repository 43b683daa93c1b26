"""What numbers were measured under, and in what two of them differ.

Whatever is drawn beside something else is compared here: a number that was measured otherwise is
left out, or says so.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from blurdash.words import listed

__all__ = ["Circumstances", "in_words", "measured_under"]


@dataclass(frozen=True)
class Circumstances:
    """What a face's numbers depend on besides the face and the degree.

    Attributes:
        recogniser: A key of ``EMBEDDERS``.
        protocol: A key of ``PROTOCOLS``.
        crop: A key of ``CROPS``.
        kernel: A key of ``KERNELS``.
        angle: Degrees, or a word such as ``random``; None where it is unknown.
        weights: SHA-256 of the recogniser's weights; empty where it is unknown, as in a table
            that has lost its settings.
    """

    recogniser: str
    protocol: str
    crop: str
    kernel: str
    angle: float | str | None = None
    weights: str = ""

    def other_than(self, shown: Circumstances) -> dict[str, str]:
        """Returns in what these differ from those that are shown, each in words.

        Example:
            >>> table = Circumstances("dlib", "native", "fixed", "study", "random")
            >>> face = Circumstances("dlib", "native", "redetect", "study", 90.0)
            >>> face.other_than(table)
            {'crop': 'crop redetect', 'angle': 'angle 90°'}
        """
        different = [
            field.name
            for field in fields(self)
            if getattr(self, field.name) != getattr(shown, field.name)
        ]
        known = self.weights and shown.weights and "recogniser" not in different
        if "weights" in different and not known:  # another recogniser's are others anyway
            different.remove("weights")
        return {name: self._said(name) for name in different}

    def comparable(self, shown: Circumstances) -> bool:
        """Whether both can stand on one axis: distances of two recognisers have no common scale."""
        return not {"recogniser", "protocol", "weights"} & set(self.other_than(shown))

    def _said(self, name: str) -> str:
        value = getattr(self, name)
        if name == "weights":
            return f"weights {value[:8]}…"
        return _angle_said(value) if name == "angle" else f"{name} {value}"


def in_words(different: dict[str, str]) -> str:
    """Returns differences as a list in a sentence; empty for none.

    Example:
        >>> in_words({"crop": "crop redetect", "angle": "angle 90°"})
        'crop redetect and angle 90°'
    """
    return listed(list(different.values())) if different else ""


def measured_under(
    recogniser: str, protocol: str, crop: str, kernel: str, angle: float | str | None
) -> str:
    """Returns what stands beside numbers: what they were measured under.

    Args:
        recogniser: Its label.
        protocol: A key of ``PROTOCOLS``.
        crop: A key of ``CROPS``.
        kernel: A key of ``KERNELS``.
        angle: Degrees, or a word such as ``random``; None where it is unknown.

    Example:
        >>> measured_under("FaceNet", "native", "fixed", "study", "random")
        'FaceNet, protocol native, crop fixed, kernel study, random angles'
    """
    return f"{recogniser}, protocol {protocol}, crop {crop}, kernel {kernel}, {_angle_said(angle)}"


def _angle_said(angle: float | str | None) -> str:
    if isinstance(angle, (int, float)):
        return f"angle {angle:g}°"
    return "angle unknown" if angle is None else f"{angle} angles"
