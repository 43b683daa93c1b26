"""FaceNet's layers as they are run: batch norm multiplied in, what follows in the same pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from blurdash.embed.convolution import RELU, UNCLIPPED, convolve

__all__ = ["Convolution", "Residual", "folded"]


class Convolution(nn.Module):
    """A convolution with its batch norm multiplied in, and what follows it.

    Args:
        conv: The convolution.
        scale: What its result is multiplied by.
        relu: Whether it is clipped at 0.
    """

    def __init__(self, conv: nn.Conv2d, scale: float = 1.0, *, relu: bool = True) -> None:
        super().__init__()
        bias = conv.bias if conv.bias is not None else torch.zeros(conv.out_channels)
        self.weight = nn.Parameter(conv.weight * scale, requires_grad=False)
        self.bias = nn.Parameter(bias * scale, requires_grad=False)
        self._stride, self._padding = conv.stride, conv.padding
        self._clip = RELU if relu else UNCLIPPED

    def forward(self, x: torch.Tensor, plus: torch.Tensor | None = None) -> torch.Tensor:
        """Returns the result, with something added before it is clipped."""
        return convolve(
            x,
            self.weight,
            self.bias,
            self._stride,
            self._padding,
            plus=plus,
            clip=self._clip,
        )


class Residual(nn.Module):
    """A block whose branches side by side are convolved and added to its input."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        named = (f"branch{i}" for i in range(3))
        self.branches = nn.ModuleList(
            getattr(block, name) for name in named if hasattr(block, name)
        )
        relu = not getattr(block, "noReLU", False)
        self.last = Convolution(block.conv2d, block.scale, relu=relu)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the block's result, of its input's shape."""
        return self.last(torch.cat([one(x) for one in self.branches], 1), x)


def folded(network: nn.Module) -> nn.Module:
    """Returns the same network with fewer passes over the memory; it is changed in place.

    Every BasicConv2d is conv, bn, relu; the 1-D batch norm after the last layer stays.

    Args:
        network: facenet-pytorch's ``InceptionResnetV1``, in eval mode.
    """
    for name, module in list(network.named_children()):
        kind = type(module).__name__
        if kind == "BasicConv2d":
            conv: Any = module.conv
            norm: Any = module.bn
            setattr(network, name, Convolution(fuse_conv_bn_eval(conv, norm)))
        else:
            folded(module)
            if kind.startswith("Block"):
                setattr(network, name, Residual(module))
    return network
