"""Where in the picture a number comes from: error, SSIM and occlusion maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash.canvas import Picture
from blurdash.distance import cosine_similarity
from blurdash.embed import Embedder
from blurdash.face import Face
from blurdash.pauses import pause
from blurdash.pictures import check_side, checked_pair
from blurdash.quality import SsimReference, luma
from blurdash.values import whole_number

__all__ = ["occlusion_map", "squared_error_map", "ssim_map"]

Map = npt.NDArray[np.float32]

GREY = 128
GRIDS = (2, 64)
# Crops wait until so many can be embedded at once.
BATCH = 16  # crops: some 0.15 s on two cores, between two pauses


def squared_error_map(reference: Picture, test: Picture) -> Map:
    """Returns the squared error of every pixel: what PSNR is made of.

    Args:
        reference: uint8 ``(H, W, 3)``.
        test: The same shape.

    Returns:
        float32 ``(H, W)`` in 0..65025, mean over the channels; its mean is the MSE of ``psnr``.

    Raises:
        PictureError: Not such pictures, or different shapes.

    Example:
        >>> black = np.zeros((8, 8, 3), np.uint8)
        >>> float(squared_error_map(black, black + 3).mean())
        9.0
    """
    reference, test = checked_pair(reference, test)
    error = reference.astype(np.float32) - test
    return np.asarray((error * error).mean(axis=2), np.float32)


def ssim_map(reference: Picture, test: Picture) -> Map:
    """Returns the structural similarity around every pixel: what ``ssim`` is the mean of.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 11.
        test: The same shape.

    Returns:
        float32 ``(H, W)`` in [−1, 1]; higher is closer. The 5-pixel rim that ``ssim`` leaves out
        repeats the values next to it.

    Raises:
        PictureError: Not such pictures, different shapes, or smaller than the window.

    Example:
        >>> ramp = np.tile(np.arange(48, dtype=np.uint8)[:, None, None], (1, 48, 3))
        >>> float(ssim_map(ramp, ramp).min().round(4))
        1.0
    """
    reference, test = checked_pair(reference, test)
    check_side(reference, "SSIM", 11)
    inner = SsimReference(luma(reference)).map(luma(test))
    return np.pad(inner, 5, mode="edge")


def occlusion_map(
    canvas: Picture,
    face: Face,
    embedder: Embedder,
    *,
    test: Picture | None = None,
    grid: int = 16,
) -> Map:
    """Returns how much each cell of a grid matters to the recogniser.

    A cell of the test picture is painted grey and the picture embedded again: what cosine
    similarity to the clean face is lost by that, the recogniser has seen in this cell.

    Conventions:
        The crop is ``fixed``. A cell outside of what the recogniser is shown has exactly 0.

    Args:
        canvas: uint8 RGB ``(1024, 1024, 3)``, clean.
        face: Its geometry.
        embedder: A loaded recogniser.
        test: The picture that is covered, of the same shape; None for the clean one.
        grid: Cells a side, 2..64; 16 takes up to 256 embeddings, a few seconds on two cores.

    Returns:
        float32 ``(grid, grid)``: cosine similarity of the test picture minus that of the covered
        one. Above 0 the cell speaks for the same face; below 0 covering it brings them together.

    Raises:
        PictureError: A canvas is not such a picture.
        SettingError: ``grid`` is not allowed.

    References:
        Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2014.
    """
    low, high = GRIDS
    grid = whole_number(grid, "grid", low, high, hint="say how many cells a side")
    shown = canvas if test is None else test
    clean, whole = embedder.embed([canvas, shown], face)
    level = cosine_similarity(clean, whole)
    found = np.zeros((grid, grid), np.float32)
    waiting: list[tuple[tuple[int, int], Picture]] = []
    for cell, crop in _covered_crops(shown, face, embedder, grid):
        waiting.append((cell, crop))
        if len(waiting) == BATCH:
            _fill(found, waiting, clean, level, embedder)
            waiting = []
    _fill(found, waiting, clean, level, embedder)
    return found


def _covered_crops(canvas: Picture, face: Face, embedder: Embedder, grid: int) -> Any:
    """Yields (row, column) and the crop with that cell grey, for every cell that the crop shows."""
    plain = embedder.crop(canvas, face)
    edges = np.linspace(0, canvas.shape[0], grid + 1).round().astype(int)
    covered = canvas.copy()
    for row in range(grid):
        for column in range(grid):
            cell = (slice(*edges[row : row + 2]), slice(*edges[column : column + 2]))
            covered[cell] = GREY
            crop = embedder.crop(covered, face)
            covered[cell] = canvas[cell]
            if not np.array_equal(crop, plain):
                yield (row, column), crop


def _fill(
    found: Map,
    waiting: list[tuple[tuple[int, int], Picture]],
    clean: npt.NDArray[np.float32],
    level: float,
    embedder: Embedder,
) -> None:
    if not waiting:
        return
    pause()
    embeddings = embedder.embed_crops(np.stack([crop for _, crop in waiting]))
    for (cell, _), embedding in zip(waiting, embeddings, strict=True):
        found[cell] = level - cosine_similarity(clean, embedding)
