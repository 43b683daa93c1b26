"""What befalls a sharp photo that is not blur: it moves a little, gets brighter, gets noise."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from blurdash.blur import Picture, move
from blurdash.values import real_number, whole_number

__all__ = ["RANGES", "Disturbance", "disturb"]

# What each amount may be: smallest, largest, and its unit.
RANGES: dict[str, tuple[float, float, str]] = {
    "x": (-512, 512, "px"),
    "y": (-512, 512, "px"),
    "rotation": (-45, 45, "degrees"),
    "scale": (0.5, 2, "times"),
    "gain": (0.1, 4, "times"),
    "noise": (0, 100, "grey levels"),
}


@dataclass(frozen=True)
class Disturbance:
    """A photo taken again, sharp: moved, in other light, with noise.

    Attributes:
        x: Pixels to the right, fractions allowed, −512..512.
        y: Pixels down.
        rotation: Degrees counter-clockwise as displayed about the centre, −45..45.
        scale: Factor about the centre, 0.5..2.
        gain: Factor of every value, 0.1..4.
        noise: Standard deviation of Gaussian noise, grey levels, 0..100.
        seed: Of the noise, a whole number from 0.

    Raises:
        SettingError: One of them is not allowed.

    Example:
        >>> Disturbance(x=2.5).moves_only
        True
    """

    x: float = 0.0
    y: float = 0.0
    rotation: float = 0.0
    scale: float = 1.0
    gain: float = 1.0
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks every field, so that a disturbance that exists can be made."""
        for name, (low, high, unit) in RANGES.items():
            wanted = f"{low:g} to {high:g} {unit}"
            hint = f"give a {name} in that range"
            real_number(getattr(self, name), name, low, high, wanted=wanted, hint=hint)
        whole_number(self.seed, "seed", 0, wanted="a whole number from 0", hint="such as 0")

    @property
    def moves_only(self) -> bool:
        """Whether it only moves the picture, without gain and noise."""
        return self.gain == 1 and self.noise == 0

    @property
    def shift_length(self) -> float:
        """How far the picture's centre moves, px."""
        return math.hypot(self.x, self.y)

    def as_dict(self) -> dict[str, Any]:
        """Returns every amount, for a receipt."""
        return dataclasses.asdict(self)


def disturb(image: Picture, disturbance: Disturbance) -> Picture:
    """Returns the disturbed picture: moved, then multiplied by the gain, then with noise.

    Conventions:
        The same seed gives the same noise for every picture of a shape; each value of each channel
        gets its own. Results are rounded and clipped to 0..255.

    Args:
        image: uint8, ``(H, W)`` or ``(H, W, C)``.
        disturbance: What to do.

    Returns:
        uint8 array of the shape of ``image``; an equal copy for a disturbance of nothing.

    Raises:
        PictureError: ``image`` is not such an array.
        SettingError: It is moved further than the picture is wide or high.

    Example:
        >>> disturb(np.full((1, 2), 100, np.uint8), Disturbance(gain=1.5)).tolist()
        [[150, 150]]
    """
    moved = move(
        image,
        disturbance.x,
        disturbance.y,
        rotation=disturbance.rotation,
        scale=disturbance.scale,
    )
    if disturbance.moves_only:
        return moved
    values = moved.astype(np.float32) * np.float32(disturbance.gain)
    if disturbance.noise:
        rng = np.random.default_rng(disturbance.seed)
        noise = rng.standard_normal(moved.shape, dtype=np.float32)
        values += noise * np.float32(disturbance.noise)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
