"""Parameters of which a few are tried in every run, and all before a release."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

__all__ = ["long_but"]


def long_but(quick: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Returns parameters for ``parametrize``, all but some of them marked ``long``.

    Args:
        quick: Those that are tried in every run.
        values: All of them.
    """
    return [
        pytest.param(value, marks=() if value in quick else pytest.mark.long) for value in values
    ]
