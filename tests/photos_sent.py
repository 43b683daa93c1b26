"""Photos sent to a page that AppTest drives, as ``frontend/widgets/carrier.js`` sends them."""

from __future__ import annotations

import base64
import itertools
import time
from typing import Any

from streamlit.testing.v1 import AppTest

from blurdash.ui.visitor.arrivals import PIECE_BYTES

_numbers = itertools.count(1)


def key_of(place: int) -> str:
    """The browser's word for the photo at a place."""
    return f"{place:016x}"


def say(app: AppTest, **what: Any) -> None:
    """Says one thing to the server and runs the page."""
    app.session_state["bd_carrier"] = {"said": {"number": next(_numbers), **what}}
    app.run()


def visitor_of(app: AppTest) -> Any:
    return app.session_state["bd_visitor"]


def send_photos(app: AppTest, *photos: bytes, first: int = 1, shown: str = "") -> None:
    """Offers photos, sends the pieces that are asked for, and waits until all were looked at."""
    kept = {key_of(first + place): photo for place, photo in enumerate(photos)}
    say(app, offer=[{"key": key, "size": len(kept[key])} for key in kept], shown=shown)
    arrivals = visitor_of(app).arrivals
    deadline = time.monotonic() + 60
    while arrivals.busy:
        assert time.monotonic() < deadline
        wanted = arrivals.wanted()
        if wanted is None:
            time.sleep(0.02)
            say(app, look=1)
            continue
        at = wanted["at"]
        part = base64.b64encode(kept[wanted["key"]][at : at + PIECE_BYTES]).decode()
        say(app, piece={"key": wanted["key"], "at": at, "data": part})


def faces_offered(app: AppTest) -> list[str]:
    """What the faces that can be chosen are called."""
    return [one.label for one in visitor_of(app).choices()]


def problems(app: AppTest) -> list[str]:
    """What the note beside the page says of photos that were not taken in."""
    return [text for _, text in visitor_of(app).arrivals.problems]
