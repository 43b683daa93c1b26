"""The pages. Only this package imports Streamlit."""

from __future__ import annotations

__all__: list[str] = []
