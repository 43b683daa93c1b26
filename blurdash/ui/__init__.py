"""The pages, in rooms that import only from lower ones. Only this package imports Streamlit."""

from __future__ import annotations

__all__: list[str] = []
