"""A convolution and what follows it, in one pass over the memory where the processor can.

torch convolves, writes, reads again to clip, and writes again; of 1 × 1 kernels on one thread it
takes its slow way. oneDNN, which torch brings along, does both at once, on the same numbers.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from blurdash.errors import SettingError

__all__ = ["RELU", "UNCLIPPED", "convolve", "is_fused", "one_by_one"]

UNCLIPPED = (-math.inf, math.inf)
RELU = (0.0, math.inf)
_ONE = (1, 1)
_apart = contextvars.ContextVar("_apart", default=False)


@contextlib.contextmanager
def one_by_one() -> Iterator[None]:
    """Within it, whoever runs a network sees torch's own operators, and not the fused one."""
    before = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(before)


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    stride: tuple[int, int] = _ONE,
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
    *,
    plus: Tensor | None = None,
    clip: tuple[float, float] = UNCLIPPED,
) -> Tensor:
    """Returns a convolution, plus something, clipped.

    Args:
        x: float32 ``(N, C, H, W)``; as quick as it can be where it lies channels-last.
        weight: float32 ``(D, C / groups, h, w)``.
        bias: float32 ``(D,)``.
        stride: Down and across, px.
        padding: Rows of zeros on either side, and columns.
        groups: Of channels, as torch counts them.
        plus: float32 of the result's shape; clipped by ``RELU`` or not at all.
        clip: Lowest and highest value of the result.

    Returns:
        float32 ``(N, D, H', W')``.

    Raises:
        SettingError: What is added is to be clipped otherwise.

    Known limits:
        Where the result is clipped, what is no number becomes the lower end.

    Example:
        >>> x = torch.ones(1, 3, 2, 2)
        >>> convolve(x, torch.ones(1, 3, 1, 1), torch.tensor([-5.0]), clip=RELU).max().item()
        0.0
    """
    if plus is not None and clip not in (UNCLIPPED, RELU):
        raise SettingError(f"a sum is clipped at {clip}", hint="clip it at RELU or not at all")
    bias = bias.contiguous()  # oneDNN does not ask how it lies in memory
    if not is_fused(x.device):
        return _one_by_one(x, weight, bias, stride, padding, groups, plus, clip)
    fused: Any = torch.ops.mkldnn._convolution_pointwise
    how = (weight, bias, padding, stride, _ONE, groups)
    if plus is not None:
        then = "relu" if clip == RELU else None
        return fused.binary(x, plus, *how, "add", 1.0, then, [], "")
    kind, bounds = _KINDS.get(clip, ("hardtanh", list(clip)))
    return fused(x, *how, kind, bounds, "")


_KINDS: dict[tuple[float, float], tuple[str, list[float]]] = {
    UNCLIPPED: ("none", []),
    RELU: ("relu", []),
}


def is_fused(device: torch.device) -> bool:
    """Whether convolutions on a device are done in one pass: on processors that oneDNN knows."""
    if device.type != "cpu" or _apart.get():
        return False
    return _has_fused() and not torch.jit.is_tracing()


@functools.cache
def _has_fused() -> bool:
    # An operator of torch's own compiler, and none of its documented ones: it may be missing.
    known = bool(torch.backends.mkldnn.is_available())
    return known and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def _one_by_one(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    groups: int,
    plus: Tensor | None,
    clip: tuple[float, float],
) -> Tensor:
    x = F.conv2d(x, weight, bias, stride, padding, groups=groups)
    if plus is not None:
        x += plus
    if clip == RELU:
        return x.relu_()
    return x if clip == UNCLIPPED else x.clamp_(*clip)
