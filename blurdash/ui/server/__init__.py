"""What all visitors share: work in turn, recognisers, tables at hand, and who may come in."""

from __future__ import annotations

__all__: list[str] = []
