"""The files in ``frontend/``, as they are handed to the browser.

``frontend/wasm`` has the core that changes pictures and compares them, and asks it;
``frontend/pictures`` draws faces, ``frontend/widgets`` holds what a hand moves and reads, and
``frontend/pages`` what belongs to one page, or to all; ``frontend/main.js`` brings all of it.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping
from pathlib import Path

from blurdash.ui.components.modules import joined
from blurdash.ui.components.rows import rows_for_browser

__all__ = ["FRONTEND", "modules", "script", "style_sheet"]

FRONTEND = Path(__file__).parent / "frontend"

# Which style sheets each component has in its own root; the stage's come with it.
STYLES = {
    "controls": ("widgets/widgets.css", "widgets/controls.css"),
    "readouts": ("widgets/widgets.css", "widgets/readouts.css"),
    "intake": ("widgets/widgets.css", "widgets/intake.css"),
    "faces": ("widgets/widgets.css", "widgets/faces.css"),
    "carrier": ("widgets/widgets.css", "widgets/carrier.css"),
    "argument": ("widgets/widgets.css", "pages/argument.css"),
    "sweeps": ("widgets/widgets.css", "pages/sweeps.css"),
}


def style_sheet(*names: str) -> str:
    """Returns style sheets, one after the other.

    Args:
        names: Each with its folder, such as ``pages/page.css``.
    """
    # The leading newline tells Streamlit that this is a text and not the path of one.
    return "\n" + "\n".join((FRONTEND / name).read_text("utf-8") for name in names)


def script(entry: str = "main.js", more: Mapping[str, str] | None = None) -> str:
    """Returns a script with all that it imports.

    Args:
        entry: Its path in ``frontend/``.
        more: Text of further scripts by path, such as a test's.
    """
    return "\n" + joined(entry, {**modules(), **(more or {})})


@functools.cache
def modules() -> Mapping[str, str]:
    """Returns the text of every script by its path, with the three that are made here.

    ``rows.js`` has the tables' rows, ``styles.js`` the style sheets of the components, and
    ``core_source.js`` the compiled core with the script of the worker that runs it.
    """
    files = {
        str(path.relative_to(FRONTEND).as_posix()): path.read_text("utf-8")
        for path in FRONTEND.rglob("*.js")
    }
    styles = {name: style_sheet(*sheets) for name, sheets in STYLES.items()}
    made = {
        "rows.js": f"export const ROWS = {json.dumps(rows_for_browser())};\n",
        "styles.js": f"export const STYLES = {json.dumps(styles)};\n",
        "core_source.js": _core_source(files),
    }
    return files | made


def _core_source(files: Mapping[str, str]) -> str:
    core = base64.b64encode((FRONTEND / "wasm" / "core.wasm").read_bytes()).decode()
    worker = joined("wasm/worker.js", files)
    return (
        f"export const CORE_BYTES = {core!r};\nexport const CORE_WORKER = {json.dumps(worker)};\n"
    )
