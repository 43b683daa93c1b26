"""PSNR twins: a blurred and a shifted version of a face that a pixel measure takes for alike."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from blurdash import defaults
from blurdash.blur import CanvasBlur, Change, Picture, shift
from blurdash.clean import Readout
from blurdash.distance import EMBEDDING
from blurdash.errors import SettingError
from blurdash.kernel import DEGREE_RANGE, line_kernel
from blurdash.pauses import pause
from blurdash.quality import METRICS
from blurdash.readout import PreparedFace
from blurdash.table import look_up

__all__ = ["TWIN_KERNEL", "TWIN_TOLERANCE", "Twins", "twin_pictures", "twins"]

TWIN_KERNEL = "line"  # whose length may be any

# How close the two values of twins are: dB of PSNR; SSIM.
TWIN_TOLERANCE = {
    name: row.twin_tolerance for name, row in METRICS.items() if row.twin_tolerance is not None
}
VARIED = ("blur", "shift", "either")
LONGEST = float(DEGREE_RANGE[1])
FARTHEST = 256.0
HALVINGS = 40


@dataclass(frozen=True)
class Twins:
    """A blurred and a shifted version of one face that a pixel measure cannot tell apart.

    Attributes:
        metric: The measure that is alike, a key of ``TWIN_TOLERANCE``.
        varied: What was searched for: ``blur`` or ``shift``.
        found: Whether the two values agree to the tolerance.
        length: Of the line kernel's blur, canvas px, fractions allowed.
        angle: Of the blur, degrees counter-clockwise from horizontal.
        shift_x: Of the sharp picture, px to the right.
        shift_y: px down.
        blurred: Every number of the blurred picture.
        shifted: Every number of the sharp, shifted picture.
        note: What a user must know: why there are no such twins, or why another amount was taken.
    """

    metric: str
    varied: str
    found: bool
    length: float
    angle: float
    shift_x: float
    shift_y: float
    blurred: Readout
    shifted: Readout
    note: str

    @property
    def difference(self) -> float:
        """Shifted minus blurred, in the metric's unit; 0 where both are infinite."""
        return _difference(self.shifted.values[self.metric], self.blurred.values[self.metric])

    def apart(self, name: str = EMBEDDING) -> float:
        """Returns how far another measure puts them apart: its shifted minus its blurred value."""
        return _difference(self.shifted.values[name], self.blurred.values[name])


def twins(
    prepared: PreparedFace,
    shift_by: tuple[float, float],
    *,
    metric: str = "psnr",
    angle: float = 0.0,
    vary: str = "either",
    length: float | None = None,
) -> Twins:
    """Returns a blurred and a shifted version of a face with the same PSNR, or the same SSIM.

    Conventions:
        Both are made of ``prepared.reference`` and compared with it. The blur is ``line_kernel``,
        whose length may be fractional, whatever the kernel of ``prepared``.

        * ``blur``: the shift is kept, the blur's length is bisected, 0..100 px.
        * ``shift``: the blur is kept, the shift is bisected along its direction, up to 256 px.
        * ``either``: the blur; where no length will do (the longest is still better than this
          shift) the nearest length is kept and the shift is bisected. The note says so.

    Args:
        prepared: The face.
        shift_by: px to the right and down, not both 0; for ``shift`` only its direction counts.
        metric: ``psnr``: alike to 0.01 dB; ``ssim``: alike to 0.0005.
        angle: Of the blur, degrees counter-clockwise from horizontal.
        vary: One of the three above.
        length: Of the blur, px, for ``shift``; for the others it is found.

    Returns:
        ``Twins``; where there are none the nearest, ``found`` False and a note.

    Raises:
        SettingError: A setting is not allowed.
        NoFaceError: The crop is ``redetect`` and no face is found in one of them.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> from blurdash.portrait import portrait_face
        >>> face = PreparedFace(portrait_face(), load_embedder("dlib"), exact=False)
        >>> pair = twins(face, (4, 0))
        >>> abs(pair.difference) <= 0.01, pair.apart("cosine_similarity") > 0
        (True, True)
    """
    look_up(TWIN_TOLERANCE, metric, "metric of twins")
    look_up(dict.fromkeys(VARIED), vary, "way to find twins")
    if math.hypot(*shift_by) == 0:
        raise SettingError("the shift is 0 px, wanted one that moves", hint="such as 8,0")
    maker = _TwinMaker(prepared, metric, angle, shift_by)
    if vary == "shift":
        kept = defaults.DEGREE if length is None else length
        return maker.twins("shift", kept, *maker.find_shift(kept))
    if length is not None:
        raise SettingError(
            f"a length is given but vary is {vary!r}, which finds the length",
            hint="leave the length out or give vary='shift'",
        )
    far = math.hypot(*shift_by)
    best, found = maker.find_length(far)
    if found or vary == "blur":
        return maker.twins("blur", best, far, found)
    return maker.twins("shift", best, *maker.find_shift(best), instead_of=far)


def twin_pictures(
    prepared: PreparedFace, length: float, angle: float, shift_by: tuple[float, float]
) -> tuple[Picture, Picture]:
    """Returns the pictures of twins: blurred and shifted, uint8 RGB ``(1024, 1024, 3)`` each.

    Args:
        prepared: The face.
        length: Of the blur, px.
        angle: Its angle, degrees.
        shift_by: px to the right and down.
    """
    blurred = CanvasBlur(prepared.reference).apply(line_kernel(length, angle))
    return blurred, shift(prepared.reference, *shift_by)


class _TwinMaker:
    """Makes both kinds of pictures of one face and halves its way to equal values."""

    def __init__(
        self, prepared: PreparedFace, metric: str, angle: float, shift_by: tuple[float, float]
    ) -> None:
        far = math.hypot(*shift_by)
        self._prepared, self._metric, self._angle = prepared, METRICS[metric], angle
        self._direction = shift_by[0] / far, shift_by[1] / far
        self._blur = CanvasBlur(prepared.reference)
        self._against = self._metric.against(prepared.reference)
        self._tolerance = TWIN_TOLERANCE[metric]

    def find_length(self, far: float) -> tuple[float, bool]:
        """The blur's length that fits a shift, and whether it fits."""
        return self._halved(lambda x: self._value(self._blurred(x)), self._shifted(far), LONGEST)

    def find_shift(self, length: float) -> tuple[float, bool]:
        """The shift, px, that fits a blur, and whether it fits."""
        return self._halved(
            lambda x: self._value(self._shifted(x)), self._blurred(length), FARTHEST
        )

    def twins(
        self, varied: str, length: float, far: float, found: bool, instead_of: float = 0.0
    ) -> Twins:
        """Both pictures read out."""
        x, y = self._place(far)
        blurred = self._prepared.clean.readout(self._blurred(length), None)
        shifted = self._prepared.clean.readout(self._shifted(far), None)
        still = Change(0, self._angle, TWIN_KERNEL, x, y)
        return Twins(
            self._metric.name,
            varied,
            found,
            length,
            self._angle,
            x,
            y,
            self._told(blurred, Change(round(length), self._angle, TWIN_KERNEL), length),
            self._told(shifted, still, 0.0),
            self._note(varied, length, far, found, instead_of),
        )

    def _note(self, varied: str, length: float, far: float, found: bool, instead_of: float) -> str:
        label = self._metric.label
        if instead_of and found:
            return (
                f"{label} calls a shift of {instead_of:.3g} px worse than every blur up to "
                f"{length:.3g} px: a shift of {far:.3g} px is taken"
                if length == LONGEST
                else f"no blur fits to the last digit: a shift of {far:.3g} px is taken"
            )
        if found:
            return ""
        if varied == "blur":
            return (
                f"{label} calls a shift of {far:.3g} px worse than every blur up to "
                f"{LONGEST:.0f} px: the nearest is {length:.3g} px"
            )
        return f"no shift along this direction fits a blur of {length:.3g} px by {label}"

    def _halved(
        self, value: Callable[[float], float], target: Picture, most: float
    ) -> tuple[float, bool]:
        """The amount in 0..``most`` whose value is that of the target picture, by bisection."""
        wanted = self._value(target)
        low, high = 0.0, most
        best, off = high, abs(_difference(value(high), wanted))
        if off > self._tolerance and self._metric.prefers(value(high), wanted):
            return best, False
        for _ in range(HALVINGS):
            if off <= self._tolerance:
                break
            middle = (low + high) / 2
            here = value(middle)
            if abs(_difference(here, wanted)) < off:
                best, off = middle, abs(_difference(here, wanted))
            low, high = (middle, high) if self._metric.prefers(here, wanted) else (low, middle)
        return best, off <= self._tolerance

    def _told(self, readout: Readout, change: Change, length: float) -> Readout:
        """The readout with a receipt that says what was done, by a line of any length, to what."""
        receipt = readout.receipt.made_of(self._prepared.reference).after(change)
        return dataclasses.replace(
            readout, receipt=dataclasses.replace(receipt, length=length, blur="fft")
        )

    def _value(self, test: Picture) -> float:
        pause()
        return self._against(test)

    def _blurred(self, length: float) -> Picture:
        return self._blur.apply(line_kernel(length, self._angle))

    def _shifted(self, far: float) -> Picture:
        return shift(self._prepared.reference, *self._place(far))

    def _place(self, far: float) -> tuple[float, float]:
        x, y = (round(part * far, 9) + 0.0 for part in self._direction)
        return x, y


def _difference(first: float, second: float) -> float:
    return 0.0 if first == second else first - second
