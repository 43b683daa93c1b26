"""Photos arrive whole and once, whatever is lost, sent twice, or not asked for."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from blurdash.errors import PhotoError
from blurdash.photo import MAX_BYTES
from blurdash.ui.visitor import arrivals as module
from blurdash.ui.visitor.arrivals import MOST_PHOTOS, Arrivals


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 10)


def key(place: int) -> str:
    return f"{place:016x}"


def offered(*photos: bytes, first: int = 0) -> list[dict[str, Any]]:
    return [{"key": key(first + n), "size": len(photo)} for n, photo in enumerate(photos)]


def piece(photo: bytes, wanted: dict[str, Any]) -> dict[str, Any]:
    part = photo[wanted["at"] : wanted["at"] + 10]
    return {**wanted, "data": base64.b64encode(part).decode()}


def look(data: bytes) -> list[Any]:
    return [data]


def looked_at(arrivals: Arrivals) -> None:
    while (work := arrivals.next_to_look_at(look)) is not None:  # type: ignore[arg-type]
        work()


def brought(arrivals: Arrivals, photos: dict[str, bytes]) -> list[Any]:
    """Answers every wish until nothing is on its way any more."""
    came = []
    while arrivals.busy:
        if wanted := arrivals.wanted():
            arrivals.take(piece(photos[wanted["key"]], wanted))
        looked_at(arrivals)
        came += arrivals.collect()
    return came


def test_twelve_photos_arrive_whole_in_order_and_are_done():
    photos = [bytes(range(n, n + 35)) for n in range(12)]
    arrivals = Arrivals()
    arrivals.offer(offered(*photos), held={})
    came = brought(arrivals, {key(n): photo for n, photo in enumerate(photos)})
    assert [one.faces for one in came] == [[photo] for photo in photos]
    assert arrivals.progress() == {"done": 12, "of": 12, "share": 0.0}
    assert arrivals.wanted() is None


def test_what_is_lost_repeated_or_shuffled_changes_nothing():
    draw = random.Random(5)
    photos = {key(n): draw.randbytes(95) for n in range(3)}
    arrivals = Arrivals()
    offer = [{"key": name, "size": 95} for name in photos]
    arrivals.offer(offer, held={})
    sent: list[dict[str, Any]] = []
    came: list[Any] = []
    while arrivals.busy:
        if wanted := arrivals.wanted():
            sent.append(piece(photos[wanted["key"]], wanted))
            if draw.random() < 0.6:  # else it is lost
                arrivals.take(sent[-1])
        for old in draw.sample(sent, min(2, len(sent))):
            arrivals.take(old)
        arrivals.offer(offer, held={one.key: one for one in came})  # again and again
        looked_at(arrivals)
        came += arrivals.collect()
    assert {one.key: one.faces[0] for one in came} == photos
    assert len(came) == 3


def test_a_new_server_asks_from_the_first_byte_and_keeps_numbers():
    photo = bytes(25)
    arrivals = Arrivals()
    arrivals.offer([{"key": key(7), "size": 25, "number": 4}], held={}, shown="face")
    assert arrivals.wanted() == {"key": key(7), "at": 0}
    [came] = brought(arrivals, {key(7): photo})
    assert (came.number, arrivals.shown) == (4, "face")


def test_of_more_than_twelve_those_not_taken_are_named_and_none_is_pushed_out():
    arrivals = Arrivals()
    held = {key(100 + n): None for n in range(5)}
    arrivals.offer(offered(*[b"x"] * 9), held=held)
    assert arrivals.left_out == [key(7), key(8)]
    came = brought(arrivals, {key(n): b"x" for n in range(9)})
    assert len(came) + len(held) == MOST_PHOTOS
    # What was left out is said until something else is chosen.
    assert arrivals.left_out
    arrivals.offer(offered(b"y", first=50), held={})
    assert arrivals.left_out == []


def test_only_a_few_photos_are_in_memory_at_a_time():
    arrivals = Arrivals()
    arrivals.offer(offered(*[bytes(10)] * 6), held={})
    taken = 0
    while (wanted := arrivals.wanted()) is not None:
        arrivals.take(piece(bytes(10), wanted))
        taken += 1
    assert taken == module.MOST_WAITING
    work = arrivals.next_to_look_at(look)  # type: ignore[arg-type]
    assert work is not None
    assert arrivals.next_to_look_at(look) is None  # type: ignore[arg-type]
    arrivals.put_back()
    assert arrivals.next_to_look_at(look) is not None  # type: ignore[arg-type]


def test_a_photo_that_cannot_be_used_is_said_and_the_others_come():
    def fails(data: bytes) -> list[Any]:
        if data == b"bad":
            raise PhotoError("the photo is damaged", "choose another")
        if data == b"odd":
            raise RuntimeError("what a visitor's photo looks like")
        return [data]

    arrivals = Arrivals()
    photos = [b"bad", b"odd", b"good", b"gone"]
    arrivals.offer(offered(*photos), held={})
    arrivals.give_up(key(3))
    while arrivals.busy:
        if wanted := arrivals.wanted():
            arrivals.take(piece(photos[int(wanted["key"], 16)], wanted))
        if work := arrivals.next_to_look_at(fails):
            work()
        arrivals.collect()
    said = dict(arrivals.problems)
    assert said[key(0)] == "The photo is damaged; choose another."
    assert "RuntimeError" in said[key(1)]
    assert "looks like" not in said[key(1)]
    assert "choose it again" in said[key(3)]
    assert key(2) not in said


def test_forgotten_while_it_stands_in_line_is_not_looked_at():
    arrivals = Arrivals()
    arrivals.offer(offered(b"x"), held={})
    arrivals.take(piece(b"x", {"key": key(0), "at": 0}))
    looked: list[bytes] = []
    work = arrivals.next_to_look_at(lambda data: looked.append(data) or [])  # type: ignore[func-returns-value]
    arrivals.forget()
    assert work is not None
    work()
    assert looked == []


def test_only_the_piece_that_was_asked_for_is_taken():
    photos = {key(n): bytes(10) for n in range(12)}
    arrivals = Arrivals()
    arrivals.offer(offered(*photos.values()), held={})
    for name, photo in photos.items():
        arrivals.take(piece(photo, {"key": name, "at": 0}))
    assert sum(one.whole for one in arrivals._photos.values()) == module.MOST_WAITING


def test_what_is_left_out_is_bounded_and_said_once():
    arrivals = Arrivals()
    for first in range(0, 5_000, 100):
        for _ in range(2):
            arrivals.offer(offered(*[b"x"] * 100, first=first), held={})
    assert len(arrivals.left_out) == len(set(arrivals.left_out)) == 100


def test_forgotten_while_it_is_looked_at_leaves_nothing():
    arrivals = Arrivals()
    arrivals.offer(offered(b"x"), held={})
    arrivals.take(piece(b"x", {"key": key(0), "at": 0}))
    work = arrivals.next_to_look_at(look)  # type: ignore[arg-type]
    arrivals.forget()
    assert work is not None
    work()
    assert arrivals.collect() == []
    assert not arrivals.busy


@pytest.mark.parametrize(
    "nonsense",
    [
        None, 5, "x", [], [None], [5], ["x"], [{}], [{"key": 5, "size": 5}],
        [{"key": "../../etc/passwd", "size": 5}], [{"key": "<script>", "size": 5}],
        [{"key": "0" * 16, "size": -1}], [{"key": "0" * 16, "size": True}],
        [{"key": "0" * 16, "size": MAX_BYTES + 1}], [{"key": "0" * 16, "size": 10**400}],
        [{"key": "0" * 16, "size": 2.5}], [{"key": "0" * 17, "size": 5}],
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_is_offered_in_vain(nonsense: object):
    arrivals = Arrivals()
    arrivals.offer(nonsense, held={})
    assert not arrivals.busy


@pytest.mark.parametrize(
    "nonsense",
    [
        None, 5, [], {}, {"key": "0" * 16}, {"key": "0" * 16, "at": 0, "data": 5},
        {"key": "0" * 16, "at": 0, "data": "no base64!"}, {"key": "0" * 16, "at": "0", "data": ""},
        {"key": "0" * 16, "at": 1, "data": "AAAA"}, {"key": ["0"], "at": 0, "data": "AAAA"},
        {"key": "0" * 16, "at": 0, "data": "A" * 4000}, {"key": "0" * 16, "at": 0, "data": "é"},
    ],
    ids=str,
)  # fmt: skip
def test_a_piece_that_is_none_is_asked_for_again(nonsense: object):
    arrivals = Arrivals()
    arrivals.offer([{"key": "0" * 16, "size": 5}], held={})
    arrivals.take(nonsense)
    arrivals.give_up(nonsense)
    assert arrivals.wanted() == {"key": "0" * 16, "at": 0}
