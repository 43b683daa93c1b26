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
    "CleanSide",
    "PreparedFace",
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

NO_RECOGNISER = "there is no recogniser yet"


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
    clean = CleanSide(reference_canvas, face, embedder, crop)
    return clean.readout(test_canvas, change)


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
    prepared = PreparedFace(face, None, kernel=change.kernel, crop=crop, exact=exact)
    return prepared.readout(change)


def _pair_of(shift: Any) -> tuple[Any, Any]:
    try:
        dx, dy = shift
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"shift is {quoted(shift)}, wanted two numbers of pixels",
            hint="give (dx, dy) such as (16, 0)",
        ) from error
    return dx, dy


class PreparedFace:
    """A face whose clean side is computed once, for many changes.

    Conventions:
        ``exact`` blurs are ``cv2.filter2D``'s, bit for bit. The others are several times faster
        and at most 1 grey level away before the study's stretch; the receipt says which.

    Args:
        face: The face.
        embedder: A loaded recogniser; None for the numbers that need none.
        kernel: Name of a row of ``KERNELS``; its degree 0 is the reference.
        crop: A key of ``CROPS``.
        exact: Whether to blur bit-exactly.
        locate: Finds the face in a changed picture, where the crop is ``redetect``.

    Attributes:
        clean: What every change is compared with.

    Raises:
        SettingError: There is no such kernel or crop.
    """

    def __init__(
        self,
        face: Face,
        embedder: Embedder | None,
        *,
        kernel: str = defaults.KERNEL,
        crop: str = defaults.CROP,
        exact: bool = True,
        locate: Callable[[Picture], Face] = locate_face,
    ) -> None:
        look_up(CROPS, crop, "crop")
        self.face = face
        self.kernel = kernel
        self._blur = None if exact else CanvasBlur(face.canvas)
        self.clean = CleanSide(
            reference_picture(face.canvas, kernel),
            face,
            embedder,
            crop,
            canvas=face.canvas,
            blur="filter2d" if exact else "fft",
            locate=locate,
        )

    @property
    def reference(self) -> Picture:
        """The kernel's own degree 0, uint8 RGB ``(1024, 1024, 3)``."""
        return self.clean.reference

    def changed(self, change: Change) -> Picture:
        """Returns the changed canvas, uint8 RGB ``(1024, 1024, 3)``."""
        # Not of the stretched reference: the study stretches once, after its blur.
        return apply_change(self.face.canvas, change, blur=self._blur)

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
        return self.clean.readout(test, change)


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


class CleanSide:
    """The clean side of a pair: its embedding, its halves of the metrics, its receipt.

    Args:
        reference: What pictures are compared with, uint8 RGB ``(1024, 1024, 3)``.
        face: The geometry of the clean face.
        embedder: A loaded recogniser; None for the numbers that need none.
        crop: A key of ``CROPS``.
        canvas: What the reference was made from, for the receipt; None if it is the same.
        blur: A key of ``BLURS``, for the receipt.
        locate: Finds the face in a changed picture, where the crop is ``redetect``.

    Attributes:
        metrics: For each key of ``METRICS`` what computes it for a changed picture.
    """

    def __init__(
        self,
        reference: Picture,
        face: Face,
        embedder: Embedder | None,
        crop: str,
        *,
        canvas: Picture | None = None,
        blur: str | None = None,
        locate: Callable[[Picture], Face] = locate_face,
    ) -> None:
        self.reference = reference
        self.embedder = embedder
        self._face, self._crop, self._locate = face, crop, locate
        self._embedding = None if embedder is None else embedder.embed(reference, face)[0]
        self.metrics = {name: row.against(reference) for name, row in METRICS.items()}
        canvas = reference if canvas is None else canvas
        self._receipt = _receipt_of(face, canvas, embedder, crop, blur)

    def readout(self, test: Picture, change: Change | None) -> Readout:
        """Returns every number for a picture, and how it came about."""
        values, failure, geometry = dict.fromkeys(DISTANCES, math.nan), "", None
        if self.embedder is None:
            failure = NO_RECOGNISER
        else:
            try:
                values, geometry = self._embedded(self.embedder, test)
            except NoFaceError as error:
                failure = str(error)
        values |= {name: against(test) for name, against in self.metrics.items()}
        receipt = self._receipt.after(change, redetected=geometry, failure=failure)
        # Whether it is the same person is not asked of what may be no face.
        verdict = None
        if self.embedder is not None and not failure and not self._face.doubt:
            verdict = verdict_of(values, self.embedder.name)
        return Readout(values, receipt, verdict, failure)

    def distances(self, test: Picture) -> dict[str, float]:
        """Returns those of the embeddings; NaN where there is no recogniser, or no face."""
        try:
            if self.embedder is not None:
                return self._embedded(self.embedder, test)[0]
        except NoFaceError:
            pass
        return dict.fromkeys(DISTANCES, math.nan)

    def _embedded(
        self, embedder: Embedder, test: Picture
    ) -> tuple[dict[str, float], Geometry | None]:
        again = self._crop == "redetect"
        face = self._locate(test) if again else self._face
        changed = embedder.embed(test, face)[0]
        values = {name: row.compute(self._embedding, changed) for name, row in DISTANCES.items()}
        points = embedder.uses_chip_points
        return values, Geometry.of(face, chip_points=points) if again else None


def _receipt_of(
    face: Face, canvas: Picture, embedder: Embedder | None, crop: str, blur: str | None
) -> Receipt:
    if embedder is None:
        return Receipt.of(face, canvas, None, crop=crop, blur=blur)
    who = Recogniser(
        embedder.name,
        embedder.weights_sha256,
        embedder.protocol,
        embedder.device,
        embedder.note,
    )
    points = embedder.uses_chip_points
    return Receipt.of(face, canvas, who, crop=crop, blur=blur, chip_points=points)


def _for_json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
