"""The vote of a room: its ballots, the link to them, and the page that phones see."""

from __future__ import annotations

__all__: list[str] = []
