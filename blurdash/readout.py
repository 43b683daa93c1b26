"""One (clean, changed) pair, every number, and the receipt that says how each came about."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blurdash import defaults
from blurdash.blur import CanvasBlur, Change, apply_change, reference_picture
from blurdash.canvas import Picture
from blurdash.distance import DISTANCES
from blurdash.embed import EMBEDDERS, Embedder
from blurdash.errors import NoFaceError, SettingError
from blurdash.face import Face, locate_face
from blurdash.quality import METRICS
from blurdash.receipt import Geometry, Receipt, Recogniser, checksum
from blurdash.table import Measure, look_up
from blurdash.words import quoted

__all__ = [
    "CROPS",
    "MEASURES",
    "PreparedFace",
    "PreparedPixels",
    "Readout",
    "Verdict",
    "compare",
    "measure",
    "pixels_only",
    "verdict_of",
]

CROPS = {
    "fixed": "taken from the clean picture",
    "redetect": "found anew in the changed picture",
}

# Every number of a readout, in the order it is shown.
MEASURES: dict[str, Measure] = {**DISTANCES, **METRICS}


@dataclass(frozen=True)
class Verdict:
    """What a recogniser's published threshold says of a pair.

    Attributes:
        same_person: True if the pair counts as the same person.
        measure: The distance the threshold is about.
        threshold: Its value.
        source: Who published it.
    """

    same_person: bool
    measure: str
    threshold: float
    source: str


@dataclass(frozen=True)
class Readout:
    """Every number of one pair.

    Attributes:
        values: A value for each key of ``MEASURES``; NaN for those of the embeddings where there is
            ``failure``.
        receipt: How the numbers came about.
        verdict: What the recogniser's published threshold says; None where there is none, and for
            a doubtful face, of which that is not asked.
        failure: Why there is no embedding of the changed picture; empty where there is one.
    """

    values: dict[str, float]
    receipt: Receipt
    verdict: Verdict | None
    failure: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON can hold it.

        An infinite value is the string ``"inf"``; a number that there is not is None, and the
        receipt's ``failure`` says why.
        """
        numbers = {name: _for_json(value) for name, value in self.values.items()}
        verdict = None
        if self.verdict is not None:
            verdict = {
                "same_person": self.verdict.same_person,
                "measure": self.verdict.measure,
                "threshold": self.verdict.threshold,
                "source": self.verdict.source,
            }
        whole = {**numbers, "verdict": verdict, "receipt": self.receipt.as_dict()}
        return {**whole, "checksum": checksum(whole)}


def compare(
    reference_canvas: Picture,
    test_canvas: Picture,
    face: Face,
    embedder: Embedder,
    *,
    crop: str = defaults.CROP,
    change: Change | None = None,
) -> Readout:
    """Returns every number for one (clean, changed) pair.

    Args:
        reference_canvas: uint8 RGB ``(1024, 1024, 3)``, clean.
        test_canvas: The same shape, changed.
        face: The geometry of the clean face.
        embedder: A loaded recogniser.
        crop: ``fixed``: both are cut with ``face``; ``redetect``: the face is found anew in
            ``test_canvas``.
        change: What was done, for the receipt; None if unknown.

    Returns:
        A ``Readout``; where ``redetect`` finds no face in ``test_canvas``, without the numbers of
        the embeddings and with the ``failure``.

    Raises:
        PictureError: A canvas is not such a picture.
        SettingError: There is no such crop.
        EmbeddingError: The recogniser gave values that are not finite.
    """
    look_up(CROPS, crop, "crop")
    pair = _Reference(reference_canvas, face, embedder, crop)
    return pair.readout(test_canvas, change)


def measure(
    face: Face,
    embedder: Embedder,
    *,
    kernel: str = defaults.KERNEL,
    degree: int = defaults.DEGREE,
    angle: float = defaults.ANGLE,
    shift: tuple[float, float] = (0.0, 0.0),
    crop: str = defaults.CROP,
    seed: int = defaults.SEED,
) -> Readout:
    """Returns every number for a face and its blurred or shifted self.

    Conventions:
        The reference is the kernel's own degree 0: with ``study`` the canvas after the study's
        stretch, with ``line`` the canvas. The blur comes first, then the shift.

    Args:
        face: The clean face.
        embedder: A loaded recogniser.
        kernel: Name of a row of ``KERNELS``.
        degree: Whole canvas pixels, 0..100.
        angle: Degrees.
        shift: Canvas pixels to the right and down.
        crop: A key of ``CROPS``.
        seed: Whole number that the study's angle of degree 1 is drawn from.

    Returns:
        A ``Readout``, as ``compare`` gives it.

    Raises:
        SettingError: One of the settings is not allowed.
        EmbeddingError: The recogniser gave values that are not finite.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> from blurdash.portrait import portrait_face
        >>> found = measure(portrait_face(), load_embedder("dlib"), degree=50, angle=45)
        >>> 0.9 < found.values["cosine_similarity"] < 1
        True

    Known limits:
        The clean side is computed each time; ``PreparedFace`` keeps it for many changes.
    """
    dx, dy = _pair_of(shift)
    change = Change(degree, angle, kernel, dx, dy, seed)
    return PreparedFace(face, embedder, kernel=kernel, crop=crop).readout(change)


def pixels_only(
    face: Face, change: Change, *, exact: bool = True, crop: str = defaults.CROP
) -> Readout:
    """Returns the numbers that need no recogniser, for where there is none yet.

    Args:
        face: The clean face.
        change: What is done to it.
        exact: Whether to blur bit-exactly; see ``PreparedFace``.
        crop: A key of ``CROPS``, for the receipt.

    Returns:
        A ``Readout`` whose embedding's numbers are NaN.

    Example:
        >>> from blurdash.portrait import portrait_face
        >>> found = pixels_only(portrait_face(), Change(degree=0)).values
        >>> found["psnr"], found["ssim"], found["l2"]
        (inf, 1.0, nan)
    """
    reference = reference_picture(face.canvas, change.kernel)
    blur = None if exact else CanvasBlur(face.canvas)
    test = apply_change(face.canvas, change, blur=blur)
    values = dict.fromkeys(DISTANCES, math.nan)
    values |= {name: row.compute(reference, test) for name, row in METRICS.items()}
    way = "filter2d" if exact else "fft"
    receipt = Receipt.of(face, face.canvas, None, crop=crop, blur=way)
    reason = "there is no recogniser yet"
    return Readout(values, receipt.after(change, failure=reason), None, reason)


def _pair_of(shift: Any) -> tuple[Any, Any]:
    try:
        dx, dy = shift
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"shift is {quoted(shift)}, wanted two numbers of pixels",
            hint="give (dx, dy) such as (16, 0)",
        ) from error
    return dx, dy


class PreparedPixels:
    """A face's pictures under one kernel, without a recogniser.

    Args:
        face: The face.
        kernel: Name of a row of ``KERNELS``; its degree 0 is the reference.
        exact: Whether to blur bit-exactly; see ``PreparedFace``.

    Raises:
        SettingError: There is no such kernel.
    """

    def __init__(self, face: Face, *, kernel: str = defaults.KERNEL, exact: bool = True) -> None:
        self.face = face
        self.kernel = kernel
        self.exact = exact
        self.reference = reference_picture(face.canvas, kernel)
        self._blur = None if exact else CanvasBlur(face.canvas)

    def changed(self, change: Change) -> Picture:
        """Returns the changed canvas, uint8 RGB ``(1024, 1024, 3)``."""
        # Not of the stretched reference: the study stretches once, after its blur.
        return apply_change(self.face.canvas, change, blur=self._blur)


class PreparedFace(PreparedPixels):
    """A face whose clean side is computed once, for many changes.

    Conventions:
        ``exact`` blurs are ``cv2.filter2D``'s, bit for bit. The others are several times faster
        and at most 1 grey level away before the study's stretch; the receipt says which.

    Args:
        face: The face.
        embedder: A loaded recogniser.
        kernel: Name of a row of ``KERNELS``; its degree 0 is the reference.
        crop: A key of ``CROPS``.
        exact: Whether to blur bit-exactly.
        locate: Finds the face in a changed picture, where the crop is ``redetect``.

    Raises:
        SettingError: There is no such kernel or crop.
    """

    def __init__(
        self,
        face: Face,
        embedder: Embedder,
        *,
        kernel: str = defaults.KERNEL,
        crop: str = defaults.CROP,
        exact: bool = True,
        locate: Callable[[Picture], Face] = locate_face,
    ) -> None:
        look_up(CROPS, crop, "crop")
        super().__init__(face, kernel=kernel, exact=exact)
        self.embedder = embedder
        self.crop = crop
        self._pair = _Reference(
            self.reference,
            face,
            embedder,
            crop,
            canvas=face.canvas,
            blur="filter2d" if exact else "fft",
            locate=locate,
        )

    def readout(self, change: Change) -> Readout:
        """Returns every number for the face after a change by this face's kernel; see ``compare``.

        Raises:
            SettingError: The change is by another kernel, whose degree 0 is another picture.
        """
        if change.kernel != self.kernel:
            raise SettingError(
                f"the change is by the kernel {change.kernel}, the face was prepared for "
                f"{self.kernel}",
                hint="prepare the face for that kernel",
            )
        return self.readout_of(self.changed(change), change)

    def readout_of(self, test: Picture, change: Change | None) -> Readout:
        """Returns every number for a picture that was made before.

        Args:
            test: uint8 RGB ``(1024, 1024, 3)``.
            change: What was done, for the receipt; None if it was no ``Change``.
        """
        return self._pair.readout(test, change)


def verdict_of(values: dict[str, float], embedder_name: str) -> Verdict | None:
    """Returns what the recogniser's published threshold says, or None where there is none.

    Args:
        values: At least the threshold's measure.
        embedder_name: A key of ``EMBEDDERS``.

    Example:
        >>> verdict_of({"l2": 0.5}, "dlib").same_person
        True
    """
    row = EMBEDDERS.get(embedder_name)
    if row is None or row.threshold is None:
        return None
    threshold = row.threshold
    value = values[threshold.measure]
    closer_is_higher = DISTANCES[threshold.measure].higher_is_closer
    same = value >= threshold.value if closer_is_higher else value <= threshold.value
    return Verdict(same, threshold.measure, threshold.value, threshold.source)


class _Reference:
    """The clean side of a readout: its embedding, its halves of the metrics, its receipt.

    The reference is what pictures are compared with; the canvas, which a receipt is about, is what
    it was made from.
    """

    def __init__(
        self,
        reference: Picture,
        face: Face,
        embedder: Embedder,
        crop: str,
        *,
        canvas: Picture | None = None,
        blur: str | None = None,
        locate: Callable[[Picture], Face] = locate_face,
    ) -> None:
        self._face, self._embedder, self._crop, self._locate = face, embedder, crop, locate
        self._embedding = embedder.embed(reference, face)[0]
        self._metrics = {name: row.against(reference) for name, row in METRICS.items()}
        who = Recogniser(
            embedder.name,
            embedder.weights_sha256,
            embedder.protocol,
            embedder.device,
            embedder.note,
        )
        canvas = reference if canvas is None else canvas
        self._receipt = Receipt.of(face, canvas, who, crop=crop, blur=blur)

    def readout(self, test: Picture, change: Change | None) -> Readout:
        values, failure, geometry = dict.fromkeys(DISTANCES, math.nan), "", None
        try:
            values, geometry = self._distances(test)
        except NoFaceError as error:
            failure = str(error)
        values |= {name: against(test) for name, against in self._metrics.items()}
        receipt = self._receipt.after(change, redetected=geometry, failure=failure)
        # Whether it is the same person is not asked of what may be no face.
        asked = not failure and not self._face.doubt
        verdict = verdict_of(values, self._embedder.name) if asked else None
        return Readout(values, receipt, verdict, failure)

    def _distances(self, test: Picture) -> tuple[dict[str, float], Geometry | None]:
        again = self._crop == "redetect"
        face = self._locate(test) if again else self._face
        changed = self._embedder.embed(test, face)[0]
        values = {name: row.compute(self._embedding, changed) for name, row in DISTANCES.items()}
        return values, Geometry.of(face) if again else None


def _for_json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
