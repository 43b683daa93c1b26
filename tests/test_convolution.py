"""Convolutions in one pass: the same numbers as torch's own, one operation after another."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from blurdash.embed import convolution
from blurdash.embed.convolution import RELU, UNCLIPPED, convolve, is_fused
from blurdash.embed.facenet import random_network
from blurdash.errors import SettingError

CPU = torch.device("cpu")


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("clip", [UNCLIPPED, RELU, (0.0, 6.0), (-1.0, 1.0), (-math.inf, 0.5)])
@pytest.mark.parametrize(
    ("side", "stride", "padding", "groups"),
    [
        ((1, 1), 1, (0, 0), 1),
        ((3, 3), 2, (1, 1), 1),
        ((1, 7), 1, (0, 3), 1),
        ((3, 3), 1, (1, 1), 8),
    ],
)
def test_the_same_as_one_operation_after_another(
    fused: bool,
    clip: tuple[float, float],
    side: tuple[int, int],
    stride: int,
    padding: tuple[int, int],
    groups: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(convolution, "_has_fused", lambda: fused)
    x = random(2, 8, 15, 17).to(memory_format=torch.channels_last)
    weight, bias = random(8, 8 // groups, *side), random(8)
    how = ((stride, stride), padding, groups)
    plain = F.conv2d(x, weight, bias, stride, padding, groups=groups)
    before = x.clone()
    with torch.inference_mode():
        found = convolve(x, weight, bias, *how, clip=clip)
        torch.testing.assert_close(found, plain.clamp(*clip))
        if clip in (UNCLIPPED, RELU):
            plus = random(*plain.shape)
            kept = plus.clone()
            found = convolve(x, weight, bias, *how, plus=plus, clip=clip)
            torch.testing.assert_close(found, (plain + kept).clamp(*clip))
            torch.testing.assert_close(plus, kept)
    torch.testing.assert_close(x, before)


def test_a_bias_may_lie_anyhow_and_a_sum_is_clipped_at_zero_only() -> None:
    x, weight = random(1, 8, 9, 9), random(8, 8, 3, 3)
    for bias in (random(16)[::2], random(8, 3)[:, 0], torch.ones(1).expand(8)):
        torch.testing.assert_close(convolve(x, weight, bias), F.conv2d(x, weight, bias))
    with pytest.raises(SettingError, match="clip it at RELU or not at all"):
        convolve(x, weight, random(8), plus=random(1, 8, 7, 7), clip=(0.0, 6.0))


def test_it_is_used_where_torch_has_it() -> None:
    """Otherwise a later torch would make everything slower, and nothing would say so."""
    assert is_fused(CPU)
    assert not is_fused(torch.device("cuda"))


def test_facenet_is_the_same_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chips = (torch.rand(1, 160, 160, 3, generator=torch.Generator().manual_seed(1)) * 255).byte()
    network = random_network()
    wanted = network.embed_chips(chips.numpy())
    monkeypatch.setattr(convolution, "_has_fused", lambda: False)
    assert abs(network.embed_chips(chips.numpy()) - wanted).max() < 1e-6
