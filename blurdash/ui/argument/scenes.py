"""What each scene of the Argument page says and shows, from what is known of the face."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from blurdash.blur import Change
from blurdash.distance import EMBEDDING
from blurdash.kernel import audit_kernel
from blurdash.maps import occlusion_map, squared_error_map, ssim_map
from blurdash.measures import ARGUMENT_MEASURES, QUICK
from blurdash.search import PIXEL_RIVALS
from blurdash.sentences import (
    Blur,
    angle_sentence,
    embedding_sentence,
    fails_below,
    pixels_sentence,
    preferences_sentence,
    shown_rows,
    vote_sentences,
)
from blurdash.twins import twin_pictures
from blurdash.ui.argument.often import how_often
from blurdash.ui.argument.panels import (
    PIXEL_FORMULAS,
    audit_table,
    error_maps,
    measure_table,
    occlusion_maps,
)
from blurdash.ui.argument.sceptic_scene import sceptic
from blurdash.ui.argument.searches import SEARCHES, TWINS
from blurdash.ui.argument.told import Parts, Told
from blurdash.ui.components.rows import VOTE
from blurdash.ui.visitor.readings import equivalent_of
from blurdash.words import listed

if TYPE_CHECKING:
    from blurdash.canvas import Picture
    from blurdash.readout import PreparedFace
    from blurdash.ui.server.known_face import KnownFace

__all__ = ["SCENE_PARTS"]

OCCLUSION_GRID = 12
WHY_LINES = (
    "This scene draws exact lines whatever the page's kernel is: length and direction, and "
    "nothing else, differ."
)
MISSING = "The recogniser is missing: it has no number for these two pictures."


def _two_pictures(told: Told) -> Parts:
    if not told.story.revealed:
        return Parts(
            "Which picture looks sharper?",
            _ballot(told),
            told.waits or told.box.waits,
            told.message,
        )
    heads = told.story.pictures()
    names = _names(told.values, VOTE)
    panels = [
        measure_table(*(told.values or (None, None)), names=names, heads=heads),
        {
            "kind": "notes",
            "about": "done",
            "title": "What happened",
            "lines": _what_happened(told),
        },
        *_crowd(told),
        {"kind": "buttons", "buttons": [_button("round", "Vote again", "A new round")]},
    ]
    return Parts(_verdict_of_scene(told), panels, told.waits, told.message)


def _ballot(told: Told) -> list[dict[str, Any]]:
    """The vote, before anybody knows which picture is which."""
    qr, link = told.box.phones()
    total = sum(told.box.counts())
    said = "nobody has voted yet"
    if total:
        said = f"{total} {'has' if total == 1 else 'have'} voted"
    return [
        {"kind": "vote", "answers": ["A looks sharper", "B looks sharper"], "total": said},
        {
            "kind": "ways",
            "phones": _button("phones", "Vote by phone", "A QR code for everybody in the room"),
            "qr": qr,
            "link": link,
        },
        {
            "kind": "notes",
            "title": "What is the same",
            "lines": [
                "Both come from one photo. One thing was done to A, another to B. Which is which "
                "was drawn by lot, and stays so to the end."
            ],
        },
        *_crowd(told),
        {
            "kind": "notes",
            "small": True,
            "lines": [
                "Votes are counted in this room only. No count by side is shown before the next "
                "press."
            ],
        },
    ]


def _crowd(told: Told) -> list[dict[str, Any]]:
    """Where one address casts more votes than a room does: that it does, and what one may do."""
    crowd = told.box.crowd()
    if crowd is None:
        return []
    out = crowd.left_out
    what = f"{crowd.votes} votes came from one address, more or faster than a room votes"
    line = (
        f"{what}; they are left out."
        if out
        else f"{what}: a large room behind one router, or a machine."
    )
    button = _button(
        "crowd",
        "Count them" if out else "Leave them out",
        "Counts them again" if out else "Counts all votes but these",
    )
    return [
        {"kind": "notes", "title": "Many votes of one address", "lines": [line]},
        {"kind": "buttons", "buttons": [{**button, "argument": not out}]},
    ]


def _what_happened(told: Told) -> list[str]:
    """Which picture is which, what was done to it, and by how much the pixel measures differ."""
    return vote_sentences(told.rows(), *told.done(), told.story.hung())


def _verdict_of_scene(told: Told) -> str:
    """Who prefers which, once the numbers are shown."""
    rows = told.rows()
    if not rows:
        return "One is sharp and moved, the other is blurred."
    place = dict(zip(told.story.hung(), "AB", strict=True))
    names = [f"{place[which]}, the {which} one" for which in ("sharp", "blurred")]
    return preferences_sentence(rows, names)


def _pixels(told: Told) -> Parts:
    pair = told.sharp_and_blurred()
    see = pixels_sentence(told.rows(), *told.done())
    panels = [_numbers(told, pair), _maps(told, similarities=True), _searches(told)]
    if told.story.note:
        panels.append(_found(told))
    else:
        panels.append({"kind": "notes", "small": True, "lines": PIXEL_FORMULAS})
    return Parts(see, panels, told.waits, told.message)


def _embedding(told: Told) -> Parts:
    pair = told.sharp_and_blurred()
    panels = [_numbers(told, pair)]
    see = "The embedding is asked how close each picture is to the clean face."
    if told.pixels is not None:
        see = MISSING
    row = told.rows().get(EMBEDDING)
    if row is not None:
        see = embedding_sentence(row, *told.done())
    if told.story.note:
        panels.append(_found(told))
    elif pair is not None and told.face is not None:
        panels += _where_it_fails(told, pair[0][EMBEDDING])
    panels += [_maps(told, similarities=False), _searches(told)]
    return Parts(see, panels, told.waits, told.message)


def _found(told: Told) -> dict[str, Any]:
    """What a search has found, and what the rows say of it."""
    rows = told.rows(_names(told.sharp_and_blurred()))
    lines = [told.story.note]
    if rows:
        lines.append(preferences_sentence(rows, ("the sharp one", "the blurred one")))
    return {"kind": "notes", "about": "found", "lines": lines}


def _where_it_fails(told: Told, value: float) -> list[dict[str, Any]]:
    """Below which blur the embedding takes the blurred picture for the closer one, too."""
    found = equivalent_of(value, told.curve(), EMBEDDING)
    if found is None:
        return []
    line = fails_below(found)
    return [
        {
            "kind": "notes",
            "about": "fails",
            "title": "Where it fails",
            "fails": True,
            "lines": [line],
        }
    ]


def _angle(told: Told) -> Parts:
    story = told.story
    blurs = [
        (int(story.values["degree_a"]), story.values["angle_a"]),
        (int(story.values["degree_b"]), story.values["angle_b"]),
    ]
    # By the taps that are used: of a blur of 1 px the study draws the angle itself.
    audits = [audit_kernel(Change(*blur, told.kernel).taps()) for blur in blurs]
    first, second = (
        Blur(*blur, f"{audit.length:.1f}") for blur, audit in zip(blurs, audits, strict=True)
    )
    row, panels = None, []
    if told.values is not None:
        left, right = told.values
        panels.append(measure_table(left, right, names=_names(told.values)))
        row = shown_rows(left, right, (EMBEDDING,)).get(EMBEDDING)
    see = angle_sentence(row, (first, second)) if told.pixels is None else MISSING
    panels.append(audit_table(told.kernel, audits))
    panels.append({"kind": "notes", "small": True, "lines": [WHY_LINES]})
    busy = story.finding == "angle"
    label = "Searching …" if busy else SEARCHES["angle"]
    hint = "Looks for a longer blur that the recogniser calls closer than a shorter one"
    panels.append({"kind": "buttons", "buttons": [_button("angle", label, hint, busy=busy)]})
    if story.note:
        panels.append({"kind": "notes", "about": "found", "lines": [story.note]})
    return Parts(see, panels, told.waits, told.message)


def _take_home(told: Told) -> Parts:
    pair = told.sharp_and_blurred()
    see = preferences_sentence(told.rows(), ("the sharp picture", "the blurred one"))
    return Parts(see, [_numbers(told, pair)], told.waits, told.message)


def _numbers(told: Told, pair: Any) -> dict[str, Any]:
    """The table of a sharp and a blurred picture."""
    left, right = pair or (None, None)
    return measure_table(
        left,
        right,
        names=_names(pair),
        heads=("sharp", "blurred"),
        curve=told.curve() if pair else {},
        alike=told.alike,
    )


def _names(pair: Sequence[Mapping[str, float]] | None, wanted: Sequence[str] = QUICK) -> list[str]:
    """What is measured of both pictures; what will be, while they are not known."""
    return [name for name in wanted if all(name in values for values in pair or ())]


def _maps(told: Told, *, similarities: bool) -> dict[str, Any]:
    """Where the numbers come from: kept from the last rest while a hand moves."""
    waiting = [{"title": "Squared error", "note": "", "pictures": [None, None]}]
    known_face, face = told.known, told.face
    if known_face is None or not told.at_rest:
        return {"kind": "maps", "keep": True, "rows": waiting}
    key, drawn = _drawn_pictures(told)

    def pixels() -> list[dict[str, Any]]:
        known = known_face.prepared
        pictures = drawn(known)
        reference = known.reference
        errors = [squared_error_map(reference, one) for one in pictures]
        similar = [ssim_map(reference, one) for one in pictures] if similarities else None
        return error_maps(errors, similar)

    def occlusion(face: KnownFace) -> dict[str, Any]:
        known = face.prepared
        reference = known.reference
        return occlusion_maps(
            [
                occlusion_map(
                    reference,
                    face.face,
                    face.embedder,
                    test=one,
                    grid=OCCLUSION_GRID,
                )
                for one in drawn(known)
            ]
        )

    answer = told.ask(f"maps {similarities}", key, pixels)
    if answer is None or answer.value is None:
        return {"kind": "maps", "keep": True, "rows": waiting}
    rows = list(answer.value)
    if not similarities and face is not None:
        seen = told.ask("occlusion", key, lambda: occlusion(face))
        empty = {"title": "Occlusion", "note": "", "pictures": [None, None]}
        rows.append(seen.value if seen and seen.value else empty)
    return {"kind": "maps", "rows": rows}


def _drawn_pictures(told: Told) -> tuple[Hashable, Callable[[PreparedFace], list[Picture]]]:
    """What the pictures on screen depend on, and how they are made: of twins, theirs."""
    twin: dict[str, Any] | None = told.story.twin
    if twin is not None:
        length, angle, moved = twin["length"], twin["angle"], (twin["x"], twin["y"])
        key = (length, angle, moved)
        return key, lambda known: [*twin_pictures(known, length, angle, moved)[::-1]]
    changes = (told.story.sharp(), told.story.blurred(told.kernel))
    return changes, lambda known: [known.changed(change) for change in changes]


def _searches(told: Told) -> dict[str, Any]:
    """Buttons that look for a telling pair of this face."""
    hints = {
        **{
            name: f"A blur and a shift of this face with the same {SEARCHES[name].split()[0]}"
            for name in SEARCHES
            if name.startswith(TWINS)
        },
        "disagreement": "The pair on which recogniser and pixel measures differ most",
        "mildest": "The least blur for which "
        + listed([ARGUMENT_MEASURES[name].label for name in PIXEL_RIVALS])
        + " are all wrong",
    }
    finding = told.story.finding
    return {
        "kind": "buttons",
        "limit": round(told.story.limit, 1),
        "buttons": [
            _button(
                name,
                "Searching …" if finding == name else SEARCHES[name],
                hint,
                busy=bool(finding) or told.face is None,
            )
            for name, hint in hints.items()
        ],
    }


def _button(act: str, label: str, hint: str, *, busy: bool = False) -> dict[str, Any]:
    return {"act": act, "label": label, "hint": hint, "busy": busy}


SCENE_PARTS: dict[str, Callable[[Told], Parts]] = {
    "two-pictures": _two_pictures,
    "pixels": _pixels,
    "embedding": _embedding,
    "angle": _angle,
    "sceptic": sceptic,
    "how-often": how_often,
    "take-home": _take_home,
}
