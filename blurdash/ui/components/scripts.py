"""The files in ``frontend/``: which there are, and how they are joined for the browser.

``frontend/pictures`` draws faces, ``frontend/widgets`` holds what a hand moves and reads, and
``frontend/pages`` what belongs to one page, or to all.
"""

from __future__ import annotations

import json
from pathlib import Path

from blurdash.ui.components.rows import rows_for_browser

__all__ = ["FRONTEND", "frontend", "published", "stage_script"]

FRONTEND = Path(__file__).parent / "frontend"

# In the order of their dependence; the stage's own file has the module's only export.
STAGE_SCRIPTS = (
    "pictures/kernels.js",
    "pictures/exact_core.js",
    "pictures/exact.js",
    "pictures/preview_core.js",
    "pictures/preview.js",
    "pictures/gl_shaders.js",
    "pictures/renderer_gl.js",
    "pictures/served.js",
    "pictures/renderer.js",
    "pictures/pace.js",
    "pages/leaving.js",
    "pictures/compare.js",
    "pictures/loupe.js",
    "pictures/export.js",
    "pictures/stage_view.js",
    "widgets/asker.js",
    "widgets/curve_csv.js",
    "widgets/lanes.js",
    "widgets/gauges.js",
    "widgets/saying.js",
    "widgets/readouts.js",
    "widgets/controls.js",
    "pictures/strip.js",
    "widgets/carrier.js",
    "widgets/intake.js",
    "pictures/pair.js",
    "pages/argument_panels.js",
    "pages/argument.js",
    "pictures/stage.js",
)

# Which style sheets each of the other components has, in its own root.
STYLES = {
    "controls": ("widgets/widgets.css", "widgets/controls.css"),
    "readouts": ("widgets/widgets.css", "widgets/readouts.css"),
    "intake": ("widgets/widgets.css", "widgets/intake.css"),
    "carrier": ("widgets/widgets.css", "widgets/carrier.css"),
    "argue": ("widgets/widgets.css", "pages/argument.css"),
}

PUBLISH = """
const CONTROLS_CSS = %(controls)s;
const READOUTS_CSS = %(readouts)s;
const INTAKE_CSS = %(intake)s;
const CARRIER_CSS = %(carrier)s;
const ARGUE_CSS = %(argue)s;
(window.__blurdash ??= new EventTarget());
if (!window.__blurdash.patient) document.addEventListener("click", noteLeaving, true);
window.__blurdash.patient = patient;
window.__blurdash.mountControls = mountControls;
window.__blurdash.mountSlot = mountSlot;
window.__blurdash.takeCurve = takeCurve;
window.__blurdash.takeScene = takeScene;
window.__blurdash.takeServed = takeServed;
window.__blurdash.mountIntake = mountIntake;
window.__blurdash.mountCarrier = mountCarrier;
window.__blurdash.mountArgument = mountArgument;
window.__blurdash.dispatchEvent(new Event("ready"));
"""


def frontend(*names: str) -> str:
    """Returns files of the folder ``frontend``, one after the other.

    Args:
        names: Each with its room, such as ``pages/page.css``.
    """
    # The leading newline tells Streamlit that this is a script and not the path of one.
    return "\n" + "\n".join((FRONTEND / name).read_text("utf-8") for name in names)


def stage_script() -> str:
    """Returns all scripts, after the tables' rows that they read."""
    return f"\nconst ROWS = {json.dumps(rows_for_browser())};\n{frontend(*STAGE_SCRIPTS)}"


def published() -> str:
    """Returns the lines by which other components call what the stage brought, and their styles."""
    styles = {name: json.dumps(frontend(*files)) for name, files in STYLES.items()}
    return PUBLISH % styles
