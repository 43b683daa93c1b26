"""What a page in one file knows of its face, without a server."""

from __future__ import annotations

__all__: list[str] = []
