"""Numbers of one face under many changes, each computed once: what the argument is built from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from blurdash.blur import Change
from blurdash.canvas import Picture
from blurdash.distance import DISTANCES
from blurdash.disturb import Disturbance, disturb
from blurdash.quality import METRICS
from blurdash.readout import MEASURES, PreparedFace
from blurdash.register import REGISTERED_METRICS, Registrar, align
from blurdash.sceptic import SCEPTIC_METRICS
from blurdash.table import Measure, in_role, look_up

__all__ = ["ARGUMENT_MEASURES", "CLAIM", "Evidence"]

PLAIN_PIXELS: dict[str, Measure] = {**METRICS, **SCEPTIC_METRICS}
# The measure that is taken after registration.
REGISTERED = {f"registered_{name}": name for name in METRICS}

# Every number that the argument is about, in the order it is shown.
ARGUMENT_MEASURES: dict[str, Measure] = {**MEASURES, **SCEPTIC_METRICS, **REGISTERED_METRICS}

# What the argument is about, in the order it is said.
CLAIM = in_role(ARGUMENT_MEASURES, "claim")

REMEMBERED = 4096


class Evidence:
    """One face's numbers, computed when first asked for and then remembered.

    Conventions:
        Everything is compared with ``prepared.reference``. With the crop ``redetect`` a picture
        in which no face is found has NaN for every distance of embeddings; so has every picture
        where there is no recogniser.

    Args:
        prepared: The face with its recogniser, kernel and crop, or without a recogniser;
            ``exact=False`` is quick enough.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> from blurdash.portrait import portrait_face
        >>> known = Evidence(PreparedFace(portrait_face(), load_embedder("dlib"), exact=False))
        >>> known.values(known.shifted(16))["psnr"] < known.values(known.blurred(30))["psnr"]
        True
    """

    def __init__(self, prepared: PreparedFace) -> None:
        self.prepared = prepared
        self._against: dict[str, Callable[[Picture], float]] = dict(prepared.clean.metrics)
        self._known: dict[Change | Disturbance, dict[str, float]] = {}
        self._registrar: Registrar | None = None
        self._lock = threading.Lock()

    def shifted(self, x: float, y: float = 0.0) -> Change:
        """Returns the change that only shifts the sharp picture, px to the right and down."""
        return Change(
            degree=0, angle=0.0, kernel=self.prepared.kernel, shift_x=float(x), shift_y=float(y)
        )

    def blurred(self, degree: int, angle: float = 45.0) -> Change:
        """Returns the change that only blurs, by this face's kernel."""
        return Change(degree=degree, angle=angle, kernel=self.prepared.kernel)

    def picture(self, change: Change | Disturbance) -> Picture:
        """Returns the changed canvas, uint8 RGB ``(1024, 1024, 3)``."""
        if isinstance(change, Disturbance):
            return disturb(self.prepared.reference, change)
        return self.prepared.changed(change)

    def values(
        self, change: Change | Disturbance, names: Iterable[str] = CLAIM
    ) -> dict[str, float]:
        """Returns a value of each named measure for a changed picture.

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
            known |= self.measure(self.picture(change), missing)
            with self._lock:
                if len(self._known) >= REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                self._known[change] = self._known.get(change, {}) | known
        return {name: known[name] for name in names}

    def measure(self, test: Picture, names: Iterable[str] = CLAIM) -> dict[str, float]:
        """Returns a value of each named measure for any picture against the reference.

        Args:
            test: uint8 RGB ``(1024, 1024, 3)``.
            names: Keys of ``ARGUMENT_MEASURES``.

        Raises:
            SettingError: There is no such measure.
        """
        names = list(names)
        rows = {name: look_up(ARGUMENT_MEASURES, name, "measure") for name in names}
        found = self._distances(test, [name for name in names if name in DISTANCES])
        for name in names:
            if name in PLAIN_PIXELS:
                if name not in self._against:
                    self._against[name] = rows[name].against(self.prepared.reference)
                found[name] = self._against[name](test)
        found |= self._registered(test, [name for name in names if name in REGISTERED])
        return {name: found[name] for name in names}

    def curve(self, degrees: Iterable[int], angle: float, name: str = "psnr") -> dict[int, float]:
        """Returns a measure's value for each degree: this face's own curve."""
        return {d: self.values(self.blurred(d, angle), (name,))[name] for d in degrees}

    def _distances(self, test: Picture, names: list[str]) -> dict[str, float]:
        if not names:
            return {}
        found = self.prepared.clean.distances(test)
        return {name: found[name] for name in names}

    def _registered(self, test: Picture, names: list[str]) -> dict[str, float]:
        """Registered measures; the pictures are registered once for all of them."""
        if not names:
            return {}
        reference = self.prepared.reference
        self._registrar = self._registrar or Registrar(reference)
        moved, region = align(test, self._registrar.register(test))
        return {
            name: METRICS[REGISTERED[name]].compute(reference[region], moved[region])
            for name in names
        }
