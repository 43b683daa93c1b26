"""A measure, a kernel and a recogniser that blurdash does not have: each one function and one row.

``add`` puts them into the tables. It must be called before anything of the project but the tables
is imported, so tests do it in a process of their own (``tests/test_toys.py``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from blurdash.canvas import Picture
from blurdash.embed import EMBEDDERS
from blurdash.embed.base import Embedder, EmbedderRow, LoadOptions
from blurdash.face import Face
from blurdash.kernel import KERNELS, Kernel
from blurdash.quality import METRICS
from blurdash.table import Measure, Span

SITE = f"""import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from tests.toys import add
add()
"""


def alike(reference: Picture, test: Picture) -> float:
    """One less the mean difference, as a share of the range."""
    return 1 - float(np.abs(reference.astype(float) - test).mean()) / 255


def disc(degree: int, _angle: float) -> npt.NDArray[np.float64]:
    """A disc of that diameter."""
    reach = int(degree) // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = (np.hypot(x, y) <= reach).astype(float)
    return np.asarray(inside / inside.sum(), np.float64)


class ToyEmbedder(Embedder):
    """A few pixels of the canvas."""

    name, dim, normalised = "toy-net", 64, False

    def crop(self, canvas: Picture, face: Face) -> Picture:
        return canvas[::128, ::128].copy()

    def embed_crops(self, crops: Picture) -> npt.NDArray[np.float32]:
        return crops[..., 0].reshape(len(crops), -1).astype(np.float32) / 255


def load(options: LoadOptions) -> Embedder:
    return ToyEmbedder(options.protocol, "0" * 64)


MEASURE = Measure(
    name="toy-alike",
    label="Toy alike",
    compute=alike,
    unit="",
    higher_is_closer=True,
    bounds=(0.0, 1.0),
    identical=1.0,
    decimals=4,
    source="one less the mean difference",
    family="pixels",
    span=Span(0.8, 1, (0.8, 0.9, 1), 1),
    roles=dict.fromkeys(METRICS["ssim"].roles, 9),
    twin_tolerance=0.0005,
)
KERNEL = Kernel(
    name="toy-disc",
    label="toy disc",
    make=disc,
    stretched=False,
    zero_direction=None,
    own_angle=None,
    straight=False,
    fractional=False,
    drawn_in_browser=False,
    note="a disc of that diameter; the angle changes nothing",
    says="A disc: as out of focus",
    source="tests/toys.py",
)
RECOGNISER = EmbedderRow(
    name="toy-net",
    label="Toy net",
    dim=64,
    normalised=False,
    protocols=("native",),
    threshold=None,
    download_mb=0,
    licence="CC0",
    origin="tests/toys.py",
    load=load,
)


def add() -> None:
    """Puts the toys into the tables."""
    METRICS[MEASURE.name] = MEASURE
    KERNELS[KERNEL.name] = KERNEL
    EMBEDDERS[RECOGNISER.name] = RECOGNISER
