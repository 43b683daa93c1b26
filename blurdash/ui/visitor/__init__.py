"""What belongs to one visitor: faces, view, address, and the row above a page."""

from __future__ import annotations

__all__: list[str] = []
