"""Every number of a (clean, changed) pair: of one pair, or of one face under many changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from blurdash import defaults
from blurdash.blur import CanvasBlur, Change, apply_change, reference_picture
from blurdash.canvas import Picture
from blurdash.clean import CleanSide, Readout
from blurdash.distance import DISTANCES
from blurdash.disturb import Disturbance, disturb
from blurdash.embed import Embedder
from blurdash.errors import SettingError
from blurdash.face import Face, locate_face
from blurdash.measures import ARGUMENT_MEASURES, CLAIM
from blurdash.pauses import pause
from blurdash.quality import METRICS
from blurdash.register import REGISTERED_METRICS, Registrar, align
from blurdash.table import look_up
from blurdash.words import quoted

__all__ = ["REGISTERED", "PreparedFace", "compare", "measure", "pixels_only"]

# Measures that are taken after registration, and what is taken then.
REGISTERED = {name: name.removeprefix("registered_") for name in REGISTERED_METRICS}
REMEMBERED = 4096


class PreparedFace:
    """A face whose clean side is computed once, for many changes.

    Conventions:
        ``exact`` blurs are ``cv2.filter2D``'s, bit for bit. The others are several times faster
        and at most 1 grey level away before the study's stretch; the receipt says which.
        With the crop ``redetect`` a picture in which no face is found has NaN for every distance
        of embeddings; so has every picture where there is no recogniser.

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

    Example:
        >>> from blurdash.embed import load_embedder
        >>> from blurdash.portrait import portrait_face
        >>> known = PreparedFace(portrait_face(), load_embedder("dlib"), exact=False)
        >>> known.values(known.shifted(16))["psnr"] < known.values(known.blurred(30))["psnr"]
        True
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
        self._against: dict[str, Callable[[Picture], float]] = dict(self.clean.metrics)
        self._known: dict[Change | Disturbance, dict[str, float]] = {}
        self._registrar: Registrar | None = None
        self._lock = threading.Lock()

    @property
    def reference(self) -> Picture:
        """The kernel's own degree 0, uint8 RGB ``(1024, 1024, 3)``."""
        return self.clean.reference

    def shifted(self, x: float, y: float = 0.0) -> Change:
        """Returns the change that only shifts the sharp picture, px to the right and down."""
        return Change(0, 0.0, self.kernel, float(x), float(y))

    def blurred(self, degree: int, angle: float = defaults.ANGLE) -> Change:
        """Returns the change that only blurs, by this face's kernel."""
        return Change(degree, angle, self.kernel)

    def changed(self, change: Change | Disturbance) -> Picture:
        """Returns the changed canvas, uint8 RGB ``(1024, 1024, 3)``."""
        if isinstance(change, Disturbance):
            return disturb(self.reference, change)
        # Not of the stretched reference: the study stretches once, after its blur.
        return apply_change(self.face.canvas, change, blur=self._blur)

    def readout(self, change: Change) -> Readout:
        """Returns every number of a readout for the face after a change by this face's kernel.

        Raises:
            SettingError: The change is by another kernel, whose degree 0 is another picture.
        """
        if change.kernel != self.kernel:
            raise SettingError(
                f"the change is by the kernel {change.kernel}, the face was prepared for "
                f"{self.kernel}",
                hint="prepare the face for that kernel",
            )
        return self.clean.readout(self.changed(change), change)

    def values(
        self, change: Change | Disturbance, names: Iterable[str] = CLAIM
    ) -> dict[str, float]:
        """Returns a value of each named measure for a changed picture, computed once.

        Args:
            change: What is done to the clean picture.
            names: Keys of ``ARGUMENT_MEASURES``.

        Raises:
            SettingError: There is no such measure.
        """
        names = list(names)
        with self._lock:
            known = dict(self._known.get(change, {}))
        missing = [name for name in names if name not in known]
        if missing:
            known |= self.measure(self.changed(change), missing)
            with self._lock:
                if len(self._known) >= REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                self._known[change] = self._known.get(change, {}) | known
        return {name: known[name] for name in names}

    def measure(
        self, test: Picture, names: Iterable[str] = CLAIM, *, crop: str | None = None
    ) -> dict[str, float]:
        """Returns a value of each named measure for any picture against the reference.

        Args:
            test: uint8 RGB ``(1024, 1024, 3)``.
            names: Keys of ``ARGUMENT_MEASURES``.
            crop: A key of ``CROPS``; None for this face's own.

        Raises:
            SettingError: There is no such measure.
        """
        pause()
        names = list(names)
        rows = {name: look_up(ARGUMENT_MEASURES, name, "measure") for name in names}
        found: dict[str, float] = {}
        if any(name in DISTANCES for name in names):
            found |= self.clean.distances(test, crop=crop)
        for name in names:
            if name not in DISTANCES and name not in REGISTERED:
                if name not in self._against:
                    self._against[name] = rows[name].against(self.reference)
                found[name] = self._against[name](test)
        found |= self._registered(test, [name for name in names if name in REGISTERED])
        return {name: found[name] for name in names}

    def curve(self, degrees: Iterable[int], angle: float, name: str) -> dict[int, float]:
        """Returns a measure's value for each degree: this face's own curve."""
        return {d: self.values(self.blurred(d, angle), (name,))[name] for d in degrees}

    def _registered(self, test: Picture, names: list[str]) -> dict[str, float]:
        """Registered measures; the pictures are registered once for all of them."""
        if not names:
            return {}
        self._registrar = self._registrar or Registrar(self.reference)
        moved, region = align(test, self._registrar.register(test))
        reference = self.reference
        return {
            name: METRICS[REGISTERED[name]].compute(reference[region], moved[region])
            for name in names
        }


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
