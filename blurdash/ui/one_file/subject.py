"""The face of a page in one file, with its recogniser: what every number in the file is of."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from blurdash import defaults
from blurdash.circumstances import Circumstances
from blurdash.kernel import KERNELS
from blurdash.reference import references_in
from blurdash.ui.server.known_face import Answer, KnownFace
from blurdash.ui.server.references import SHIPPED
from blurdash.ui.visitor.view import View

if TYPE_CHECKING:
    from blurdash.embed import Embedder
    from blurdash.face import Face
    from blurdash.reference import Reference

__all__ = ["NETWORK", "Subject", "kernels_of_a_file", "shipped_references"]

NETWORK = "in this file"  # where the network is


def kernels_of_a_file() -> tuple[str, ...]:
    """Returns the kernels that a page draws without a server.

    Example:
        >>> kernels_of_a_file()
        ('study', 'line')
    """
    return tuple(name for name, row in KERNELS.items() if row.drawn_in_browser)


@dataclass
class Subject:
    """A face under one recogniser and one kernel.

    Attributes:
        label: What the face is called in the file; never a file's name.
        face: The face.
        embedder: A loaded recogniser.
        kernel: A key of ``KERNELS``.
        found: What its scenes asked for so far: of this face, by whatever was asked.
    """

    label: str
    face: Face
    embedder: Embedder
    kernel: str
    found: dict[Any, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepares the face when it is first asked for."""
        self.known = KnownFace(self.face, self.embedder, self.kernel, defaults.CROP)

    def with_kernel(self, kernel: str) -> Subject:
        """Returns the same face under another kernel; itself where it is the same.

        Args:
            kernel: A key of ``KERNELS``.
        """
        return self if kernel == self.kernel else replace(self, kernel=kernel)

    @property
    def view(self) -> View:
        """Where Explore opens."""
        return View(
            kernel=self.kernel, recogniser=self.embedder.name, protocol=self.embedder.protocol
        )

    @property
    def key(self) -> str:
        """What a number belongs to besides the position of the sliders."""
        names = (self.label, self.embedder.name, self.embedder.protocol, self.kernel)
        return "|".join((*names, defaults.CROP))

    @property
    def under(self) -> Circumstances:
        """What numbers of other faces have to be measured under."""
        name, protocol = self.embedder.name, self.embedder.protocol
        sha256 = self.embedder.weights_sha256
        return Circumstances(name, protocol, defaults.CROP, self.kernel, None, sha256)

    @property
    def reference(self) -> Reference | None:
        """Other faces under this very recogniser; None where none are shipped."""
        return next((one for one in shipped_references() if one.fits(self.under)), None)

    @property
    def any_reference(self) -> Reference | None:
        """The same for what needs no recogniser: of this kernel, whatever embedded it."""
        found = (one for one in shipped_references() if one.under.kernel == self.kernel)
        return self.reference or next(found, None)


@functools.cache
def shipped_references() -> tuple[Reference, ...]:
    """Returns what a file may say of other faces.

    Not what this machine measured or its host named: a file would carry that away.
    """
    return tuple(references_in(SHIPPED, "shipped")[0])
