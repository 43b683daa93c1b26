"""The look that the pages share, beyond what ``.streamlit/config.toml`` says."""

from __future__ import annotations

import streamlit as st

from blurdash.figure import EMBEDDING_COLOUR, PIXEL_COLOUR

__all__ = ["page_style"]

# Compact enough for a 1366 × 768 projector without scrolling. In presentation everything that is
# not the picture, the numbers and the curve fades.
CSS = f"""
<style>
:root {{ --bd-embedding: {EMBEDDING_COLOUR}; --bd-pixels: {PIXEL_COLOUR}; }}
:root {{ --bd-stage-height: calc(100vh - 25rem); }}
.stMainBlockContainer {{ padding: 4rem 1.5rem 0.5rem; max-width: 120rem; }}
.stMainBlockContainer > .stVerticalBlock {{ gap: 0.5rem; }}
.st-key-bd-curve .stPlotlyChart {{ overflow: visible; }}
.st-key-bd-method {{ max-width: 62rem; }}
.bd-cursor {{
  position: absolute; left: -1px; top: 0; width: 2px; pointer-events: none;
  background: var(--bd-cursor, currentColor); opacity: 0.75; z-index: 5;
}}
body.bd-present .stAppHeader, body.bd-present header {{ opacity: 0; pointer-events: none; }}
body.bd-present .st-key-bd-toolbar {{ opacity: 0.15; transition: opacity 0.4s; }}
body.bd-present .st-key-bd-toolbar:is(:hover, :focus-within) {{ opacity: 1; }}
body.bd-present .stMainBlockContainer {{ padding-top: 0.5rem; max-width: none; }}
@media (prefers-reduced-motion: reduce) {{
  body.bd-present .st-key-bd-toolbar {{ transition: none; }}
}}
</style>
"""


def page_style() -> None:
    """Adds the shared style sheet to the page."""
    st.html(CSS)
