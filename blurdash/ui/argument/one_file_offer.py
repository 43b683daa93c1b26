"""The story as one file, offered in the last scene; the browser's own button presses this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import streamlit as st

from blurdash import defaults
from blurdash.embed import EMBEDDERS, FALLBACK_EMBEDDER
from blurdash.errors import BlurdashError
from blurdash.kernel import KERNELS
from blurdash.ui.server import recogniser
from blurdash.ui.server.live import in_turn

if TYPE_CHECKING:
    from blurdash.embed import Embedder
    from blurdash.face import Face
    from blurdash.ui.argument.story import Story

__all__ = ["Made", "MakeFile", "offer_file"]


class Made(Protocol):
    """What a maker of files returns."""

    @property
    def text(self) -> str:
        """The file."""


class MakeFile(Protocol):
    """What makes a page in one file, as ``blurdash.page_file.page_file`` does."""

    def __call__(
        self,
        face: Face | None,
        embedder: Embedder,
        *,
        scene: str,
        kernels: Sequence[str],
        sliders: Mapping[str, float],
        swapped: bool,
    ) -> Made:
        """Returns the file."""


def offer_file(make_file: MakeFile, story: Story, kernel: str, name: str) -> None:
    """Draws the download of the story with the built-in portrait, where its sliders are now.

    Conventions:
        Another face is in a file only where its photo was given for it by name, on the command
        line; weights that were fetched neither. Then dlib's network comes along.

    Args:
        make_file: Makes it; asked for only once somebody wants the file.
        story: Where the story is.
        kernel: A key of ``KERNELS``.
        name: Key of the recogniser in use.
    """
    st.download_button(
        "Save as one file",
        data=_maker(make_file, story, kernel, name),
        file_name="blurdash.html",
        mime="text/html",
        on_click="ignore",
        key="bd_one_file",
    )


def _maker(make_file: MakeFile, story: Story, kernel: str, name: str) -> Callable[[], bytes]:
    """What makes the file when it is asked for: it runs without this visitor's session."""
    row = EMBEDDERS.get(name)
    within = name if row is not None and not row.download_mb else FALLBACK_EMBEDDER
    first = kernel if KERNELS[kernel].drawn_in_browser else defaults.KERNEL
    others = [one for one, row in KERNELS.items() if row.drawn_in_browser and one != first]
    scene, sliders, swapped = story.scene, dict(story.values), story.swapped

    def made() -> bytes:
        loading = recogniser.request(within, defaults.PROTOCOL)
        loading.done.wait()
        if loading.embedder is None:
            raise BlurdashError(loading.error, hint="try again in a moment")
        embedder = loading.embedder
        return in_turn(
            lambda: make_file(
                None,
                embedder,
                scene=scene,
                kernels=(first, *others),
                sliders=sliders,
                swapped=swapped,
            ).text.encode(),
        )

    return made
