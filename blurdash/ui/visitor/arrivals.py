"""Photos on their way from a visitor's browser to that visitor's faces.

The browser offers photos by a random word and a size; the server asks for one piece after the
other, and the browser sends what was asked for. So a lost connection costs one piece, a server that
is new asks from the first byte on, a piece that comes twice is taken once, and no more than a few
photos of a visitor are in memory at a time. A photo that is whole is looked at in the shared pool
while the next one arrives; a run of the page never waits for either.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from blurdash.errors import BlurdashError, NoFaceError, PhotoError
from blurdash.photo import MAX_BYTES, load_photo
from blurdash.ui.components.sent import Sent
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.face import Face

__all__ = ["MOST_PHOTOS", "PIECE_BYTES", "Arrivals", "Looked", "look_at"]

MOST_PHOTOS = 12
PIECE_BYTES = 1_000_000
# While so many whole photos wait to be looked at, no other is asked for.
MOST_WAITING = 2
MOST_OFFERED = 100  # in one message; a choice of more is a mistake
MOST_PROBLEMS = 24
MOST_NUMBER = 9999  # that a photo may have had before the server forgot it
_KEY = re.compile(r"[0-9a-f]{16}")


class Looked(NamedTuple):
    """A photo that was looked at.

    Attributes:
        key: What the browser calls it.
        number: The number that it had before the server forgot it, or None.
        faces: The faces found in it; empty where there is a problem.
        problem: Why it was not taken in, as one sentence; empty otherwise.
        faceless: Whether that is because no face was found in it.
    """

    key: str
    number: int | None
    faces: list[Face]
    problem: str = ""
    faceless: bool = False


@dataclass(eq=False)
class _Photo:
    """A photo on its way."""

    key: str
    size: int
    number: int | None
    bytes: bytearray = field(default_factory=bytearray)
    whole: bool = False
    asked: bool = False
    looked: Looked | None = None


class Arrivals:
    """The photos of one visitor that are on their way.

    Every method may be called from any thread.

    Attributes:
        problems: Why photos were not taken in: pairs of the browser's word and a sentence.
        faceless: The browser's words for those of them that have no face.
        left_out: The browser's words for photos that there was no room for.
        shown: Id of the face that was shown before the server forgot this visitor.
        chosen: Whether a face of this choice was chosen to be shown.
        news: Whether photos were looked at since the page was drawn.
    """

    def __init__(self) -> None:
        self._photos: dict[str, _Photo] = {}
        self._lock = threading.Lock()
        self._of = self._done = 0
        self.problems: list[tuple[str, str]] = []
        self.faceless: list[str] = []
        self.left_out: list[str] = []
        self.shown = ""
        self.chosen = self.news = False

    def offer(self, offered: object, *, held: Mapping[str, object], shown: object = "") -> None:
        """Notes which photos the browser has; any client may offer anything.

        Args:
            offered: A list of objects with ``key``, ``size`` and perhaps ``number``.
            held: The photos that are there already, by key.
            shown: Id of the face that the browser showed last.
        """
        if not isinstance(offered, list):
            return
        with self._lock:
            if not self._photos:
                self._of = self._done = 0
                self.problems, self.faceless, self.left_out, self.chosen = [], [], [], False
            self.shown = shown if isinstance(shown, str) else ""
            for one in offered[:MOST_OFFERED]:
                photo = _offered(one)
                if photo is None or photo.key in held or photo.key in self._photos:
                    continue
                if len(self._photos) + len(held) >= MOST_PHOTOS:
                    if photo.key not in self.left_out:
                        self.left_out = [*self.left_out, photo.key][-MOST_OFFERED:]
                    continue
                self._photos[photo.key] = photo
                self._of += 1

    def take(self, piece: object) -> None:
        """Takes a piece of a photo: an object with ``key``, ``at`` and ``data`` (base64).

        What was not asked for, or came before, is left alone.
        """
        if not isinstance(piece, Mapping):
            return
        key, at, data = (piece.get(name) for name in ("key", "at", "data"))
        if not isinstance(key, str) or not isinstance(data, str):
            return
        with self._lock:
            photo = self._wanted()
            if photo is None or photo.key != key or at != len(photo.bytes):
                return
            try:
                part = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                return  # it is asked for again
            if len(part) <= min(PIECE_BYTES, photo.size - len(photo.bytes)):
                photo.bytes += part
                photo.whole = len(photo.bytes) == photo.size

    def give_up(self, key: object) -> None:
        """Notes that the browser cannot send a photo any more: it was moved or changed."""
        with self._lock:
            photo = self._photos.get(key) if isinstance(key, str) else None
            if photo is not None and not photo.asked:
                text = "It cannot be read any more: it was moved or changed; choose it again."
                photo.asked = photo.whole = True
                photo.bytes = bytearray()
                photo.looked = Looked(photo.key, photo.number, [], text)

    def wanted(self) -> dict[str, Any] | None:
        """Returns which piece the browser should send next: its ``key`` and where it begins."""
        with self._lock:
            photo = self._wanted()
            return None if photo is None else {"key": photo.key, "at": len(photo.bytes)}

    def _wanted(self) -> _Photo | None:
        """The photo that a piece is wanted of; none while enough of them wait."""
        waiting = sum(one.whole and one.looked is None for one in self._photos.values())
        if waiting >= MOST_WAITING:
            return None
        return next((one for one in self._photos.values() if not one.whole), None)

    def next_to_look_at(self, look: Callable[[bytes], list[Face]]) -> Callable[[], None] | None:
        """Returns the work of looking at a photo that is whole; None where there is none.

        Only one photo of a visitor is looked at at a time.

        Args:
            look: Finds the faces in a photo's bytes.
        """
        with self._lock:
            if any(one.asked and one.looked is None for one in self._photos.values()):
                return None
            ready = (one for one in self._photos.values() if one.whole and not one.asked)
            photo = next(ready, None)
            if photo is None:
                return None
            photo.asked = True
        return lambda: self._look(photo, look)

    def put_back(self) -> None:
        """Notes that the work that was returned last will not be done: the photo waits again."""
        with self._lock:
            for photo in self._photos.values():
                photo.asked = photo.looked is not None

    def collect(self) -> list[Looked]:
        """Returns the photos that were looked at since the last call, in the order of choice."""
        with self._lock:
            found = [one.looked for one in self._photos.values() if one.looked is not None]
            for one in found:
                del self._photos[one.key]
                self._done += 1
                self.news = True
                if one.problem:
                    self._note(one.key, one.problem)
                if one.faceless:
                    self.faceless = [*self.faceless, one.key][-MOST_PROBLEMS:]
            return found

    def say(self, key: str, problem: str) -> None:
        """Notes what else is to be said of a photo."""
        with self._lock:
            self._note(key, problem)

    def _note(self, key: str, problem: str) -> None:
        self.problems = [*self.problems, (key, problem)][-MOST_PROBLEMS:]

    def progress(self) -> dict[str, Any]:
        """Returns how far it is: photos done, photos in all, and how much of one has come."""
        with self._lock:
            coming = [one for one in self._photos.values() if one.bytes and not one.whole]
            share = len(coming[0].bytes) / coming[0].size if coming else 0.0
            return {"done": self._done, "of": self._of, "share": round(share, 3)}

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._photos)

    def forget(self) -> None:
        """Drops all that is on its way, and what was said."""
        with self._lock:
            for photo in self._photos.values():
                photo.bytes = bytearray()
            self._photos.clear()
            self._of = self._done = 0
            self.problems, self.faceless, self.left_out = [], [], []

    def say_no_more(self, key: str) -> None:
        """Drops what was said of a photo that is removed."""
        with self._lock:
            self.problems = [one for one in self.problems if one[0] != key]

    def _look(self, photo: _Photo, look: Callable[[bytes], list[Face]]) -> None:
        """Looks at a photo, in a thread of the pool; keeps only what came of it."""
        with self._lock:
            if self._photos.get(photo.key) is not photo:
                return  # it was forgotten while it stood in line
            data, photo.bytes = bytes(photo.bytes), bytearray()
        try:
            looked = Looked(photo.key, photo.number, look(data))
        except BlurdashError as error:
            faceless = isinstance(error, NoFaceError)
            looked = Looked(photo.key, photo.number, [], sentence(str(error)), faceless)
        except Exception as error:  # noqa: BLE001 - said on the page; its text may be a visitor's
            said = f"It could not be looked at ({type(error).__name__}); choose another photo."
            looked = Looked(photo.key, photo.number, [], said)
        with self._lock:
            if self._photos.get(photo.key) is photo:
                photo.looked = looked


def look_at(data: bytes, most: int) -> list[Face]:
    """Returns the faces in a photo's bytes, the largest first; takes half a second or more."""
    from blurdash.face import find_faces

    if not data:
        raise PhotoError("the file is empty", hint="choose another")
    return find_faces(load_photo(data), most=most)


def _offered(one: object) -> _Photo | None:
    """A photo that a browser offers, where that makes sense."""
    sent = Sent(one)
    key, size, number = sent.text("key"), sent.whole("size"), sent.whole("number")
    if key is None or not _KEY.fullmatch(key) or size is None or not 0 <= size <= MAX_BYTES:
        return None
    known = number is not None and 1 <= number <= MOST_NUMBER
    return _Photo(key, size, number if known else None, whole=size == 0)
