"""A sweep over a visitor's own faces, run in the background of that session."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from blurdash.errors import BlurdashError, StoppedError
from blurdash.sweep import Source, Sweep, sweep_photos
from blurdash.ui.photos import encoded

if TYPE_CHECKING:
    import pyarrow as pa

    from blurdash.embed import Embedder
    from blurdash.ui.photos import ShownFace
    from blurdash.ui.shipped import Which

__all__ = ["SweepJob"]


class SweepJob:
    """One sweep under way.

    Args:
        faces: The faces to sweep.
        sweep: The settings.
        embedder: A loaded recogniser.

        purpose: What the result is for, if not for the visitor alone; only for the portrait.

    Attributes:
        done: Rows measured so far.
        total: Rows in all.
        table: The result, once it is there.
        error: Why there is none, as one sentence; empty while it runs.
    """

    def __init__(
        self,
        faces: Sequence[ShownFace],
        sweep: Sweep,
        embedder: Embedder,
        *,
        purpose: Which | None = None,
    ) -> None:
        self.purpose = purpose
        # A canvas is such a crop itself, so the sweep takes it whole: the face of Explore.
        self._faces = {one.id for one in faces}
        self._sources = [Source(one.label, encoded(one.face.canvas)) for one in faces]
        self.done, self.total = 0, sweep.total(len(self._sources))
        self.table: pa.Table | None = None
        self.error = ""
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(sweep, embedder), daemon=True)
        self._thread.start()

    def holds(self, faces: Collection[str]) -> bool:
        """Whether any of these faces, by id, is swept."""
        return not self._faces.isdisjoint(faces)

    @property
    def running(self) -> bool:
        """Whether it is still under way."""
        return self.table is None and not self.error

    def seconds_left(self) -> float | None:
        """Returns the time left, from the rate so far; None before there is one."""
        passed = time.monotonic() - self._started
        return passed / self.done * (self.total - self.done) if self.done else None

    def cancel(self) -> None:
        """Ends it soon; what was measured is dropped."""
        self._stop.set()

    def _run(self, sweep: Sweep, embedder: Embedder) -> None:
        try:
            self.table = sweep_photos(
                self._sources,
                sweep,
                embedder,
                workers=1,  # leaves a core to those who drag sliders
                progress=self._progress,
                stop=self._stop,
            )
        except StoppedError:
            self.error = "The sweep was cancelled."
        except BlurdashError as error:
            text = str(error)
            self.error = f"{text[:1].upper()}{text[1:]}."
        except Exception as error:  # noqa: BLE001 - a silent end would leave the page waiting
            self.error = f"The sweep failed ({type(error).__name__}); try again with fewer faces."
        finally:
            self._sources = []

    def _progress(self, done: int, _total: int) -> None:
        self.done = done
