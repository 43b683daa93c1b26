"""What is drawn in the browser: Python here, scripts and style sheets in ``frontend/``."""

from __future__ import annotations

__all__: list[str] = []
