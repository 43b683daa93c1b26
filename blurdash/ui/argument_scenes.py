"""What each scene of the Argument page says and shows, from what is known of the face."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blurdash.argument import LEAST_SAID, BlurEquivalent
from blurdash.maps import occlusion_map, squared_error_map, ssim_map
from blurdash.ui.argument_face import QUICK
from blurdash.ui.argument_often import how_often
from blurdash.ui.argument_panels import (
    PIXEL_FORMULAS,
    audit_table,
    error_maps,
    measure_table,
    occlusion_maps,
    room_row,
    side_of,
)
from blurdash.ui.argument_sceptic import sceptic
from blurdash.ui.argument_search import SEARCHES
from blurdash.ui.argument_told import CLAIM, Parts, Told, listed, word
from blurdash.ui.readouts import equivalent_of

__all__ = ["SCENE_PARTS"]

OCCLUSION_GRID = 12


def _two_pictures(told: Told) -> Parts:
    if not told.story.revealed:
        return Parts(
            "Which of these two pictures looks sharper?",
            _ballot(told),
            told.waits or told.box.waits,
            told.message,
        )
    heads = told.story.pictures()
    names = [name for name in _names(told.values) if name != "l2"]
    table = measure_table(*(told.values or (None, None)), names=names, heads=heads)
    table["rows"].insert(0, room_row(told.box.counts(), heads))
    panels = [
        table,
        {"kind": "notes", "title": "What happened", "lines": _what_happened(told)},
        *_crowd(told),
        {"kind": "buttons", "buttons": [_button("round", "Vote again", "A new round")]},
    ]
    return Parts(_verdict_of_scene(told), panels, told.waits, told.message)


def _ballot(told: Told) -> list[dict[str, Any]]:
    """The vote, before anybody knows which picture is which."""
    qr, link = told.box.phones()
    total = sum(told.box.counts())
    return [
        {
            "kind": "vote",
            "answers": ["A looks sharper", "B looks sharper"],
            "total": f"{total} vote{'' if total == 1 else 's'}" if total else "no votes yet",
            "reveal": _button("reveal", "Show the numbers", "Ends the vote, says which is which"),
        },
        {
            "kind": "notes",
            "title": "What to do",
            "lines": [
                "Look at A and B, and vote before any number is shown: press a picture, or the "
                "button beneath it. The count stays hidden until then."
            ],
        },
        {
            "kind": "notes",
            "title": "What is the same",
            "lines": ["Both come from one photo. One thing was done to A, another to B."],
        },
        {"kind": "phones", "qr": qr, "link": link},
        *_crowd(told),
        {
            "kind": "buttons",
            "buttons": [_button("phones", "Vote by phone", "A QR code for everybody in the room")],
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
    story = told.story
    far = math.hypot(story.values["x"], story.values["y"])
    done = {
        "sharp": f"the photo itself, moved by {far:.3g} px of 1024",
        "blurred": f"blurred over {int(story.values['degree'])} px",
    }
    first, second = (done[which] for which in story.pictures())
    lines = [f"A is {first}. B is {second}."]
    pair = told.sharp_and_blurred()
    if pair is not None and all(pair[1][name] > pair[0][name] for name in ("psnr", "ssim")):
        sharp, blurred = pair
        lines.append(
            f"PSNR gives the blurred one the better mark by {blurred['psnr'] - sharp['psnr']:.2f} "
            f"dB, SSIM by {blurred['ssim'] - sharp['ssim']:.4f}."
        )
    return lines


def _verdict_of_scene(told: Told) -> str:
    """Who prefers which, once the numbers are shown."""
    pair = told.sharp_and_blurred()
    if pair is None:
        return "One is sharp and moved, the other is blurred."
    sharp, blurred = _sides(pair)
    place = dict(zip(told.story.pictures(), "AB", strict=True))
    parts = [
        f"{listed(names)} prefer{'' if len(names) > 1 else 's'} {place[which]}, the {which} one"
        for which, names in (("blurred", blurred), ("sharp", sharp))
        if names
    ]
    return f"{'; '.join(parts)}." if parts else "No measure tells these two apart."


def _pixels(told: Told) -> Parts:
    pair = told.sharp_and_blurred()
    sharp, blurred = _sides(pair) if pair else ([], [])
    pixel = [name for name in blurred if name != "the embedding"]
    kept = [name for name in sharp if name != "the embedding"]
    if pixel:
        see = (
            f"{listed(pixel)} prefer{'' if len(pixel) > 1 else 's'} the blurred picture: an edge "
            "that moved counts as an edge that is wrong"
            + (f"; {listed(kept)} does not." if kept else ".")
        )
    else:
        see = "Here PSNR and SSIM agree with the eye: move the sharp picture further, or blur less."
    panels = [_numbers(told, pair), _maps(told, similarities=True), _searches(told)]
    found = told.story.note
    panels.append(
        {"kind": "notes", "lines": [found]}
        if found
        else {"kind": "notes", "small": True, "lines": PIXEL_FORMULAS}
    )
    return Parts(see, panels, told.waits, told.message)


def _embedding(told: Told) -> Parts:
    pair = told.sharp_and_blurred()
    panels = [_numbers(told, pair)]
    see = "The embedding is asked how close each picture is to the clean face."
    if pair is not None:
        first, second = (values["cosine_similarity"] for values in pair)
        side = side_of(first, second, "cosine_similarity")
        see = (
            f"To the recogniser the sharp picture is the closer one: {first:.4f} against "
            f"{second:.4f}."
            if side == 0
            else f"Here the recogniser prefers the blurred picture, {second:.4f} against "
            f"{first:.4f}: so small a blur changes the embedding less than this shift does."
        )
    if told.story.note:
        panels.append({"kind": "notes", "lines": [told.story.note]})
    elif pair is not None:
        panels += _where_it_fails(told, pair[0]["cosine_similarity"])
    panels += [_maps(told, similarities=False), _searches(told)]
    return Parts(see, panels, told.waits, told.message)


def _where_it_fails(told: Told, value: float) -> list[dict[str, Any]]:
    """Below which blur the embedding takes the blurred picture for the closer one, too."""
    found = equivalent_of(value, told.curve(), "cosine_similarity")
    if found is None:
        return []
    line = _fails_below(found)
    return [{"kind": "notes", "title": "Where it fails", "fails": True, "lines": [line]}]


def _fails_below(found: BlurEquivalent) -> str:
    """Against which blurs the embedding takes the blurred picture for the closer one."""
    if found.extent is None:
        return (
            f"For no blur of this face up to {found.last:g} px does the embedding prefer the sharp "
            "picture at this shift."
            if found.side == "beyond"
            else "Against every blur of this face the embedding prefers the sharp picture."
        )
    low, high = (f"{max(end, LEAST_SAID):.0f}" for end in found.extent)
    beside = "" if low == high else f", and now and then up to {high} px"
    return (
        f"With a blur below {low} px the embedding, too, prefers the blurred picture{beside}. "
        "Move Degree and see."
    )


def _angle(told: Told) -> Parts:
    story = told.story
    blurs = [
        (int(story.values["degree_a"]), story.values["angle_a"]),
        (int(story.values["degree_b"]), story.values["angle_b"]),
    ]
    see = "The same length of blur costs more of the face at one angle than at another."
    panels: list[dict[str, Any]] = []
    if told.values is not None:
        panels.append(measure_table(*told.values, names=_names(told.values)))
        first, second = (values["cosine_similarity"] for values in told.values)
        (long, at), (short, there) = blurs
        if long != short and (first > second) == (long > short) and first != second:
            more, less = max(long, short), min(long, short)
            see = (
                f"A longer blur can leave more of the face: {more} px at "
                f"{at if long > short else there:g}° against {less} px at "
                f"{there if long > short else at:g}°, {max(first, second):.4f} against "
                f"{min(first, second):.4f}."
            )
    panels.append(audit_table(told.kernel, blurs))
    busy = story.finding == "angle"
    label = "Searching …" if busy else SEARCHES["angle"]
    hint = "Looks for a longer blur that the recogniser calls closer than a shorter one"
    panels.append({"kind": "buttons", "buttons": [_button("angle", label, hint, busy=busy)]})
    if story.note:
        panels.append({"kind": "notes", "lines": [story.note]})
    return Parts(see, panels, told.waits, told.message)


def _numbers(told: Told, pair: Any) -> dict[str, Any]:
    """The table of a sharp and a blurred picture."""
    left, right = pair or (None, None)
    return measure_table(
        left,
        right,
        names=_names(pair),
        heads=("sharp", "blurred"),
        curve=told.curve() if pair else {},
        alike=str(told.story.twin["metric"]) if told.story.twin else "",
    )


def _names(pair: Sequence[Mapping[str, float]] | None) -> list[str]:
    """What is measured of both pictures; what will be, while they are not known."""
    return [name for name in QUICK if all(name in values for values in pair or ())]


def _maps(told: Told, *, similarities: bool) -> dict[str, Any]:
    """Where the numbers come from: kept from the last rest while a hand moves."""
    waiting = [{"title": "Squared error", "note": "", "pictures": [None, None]}]
    if told.face is None or not told.at_rest or told.story.twin is not None:
        return {"kind": "maps", "keep": True, "rows": waiting}
    face, story, kernel = told.face, told.story, told.kernel
    key = (story.sharp(), story.blurred(kernel))

    def pixels() -> list[dict[str, Any]]:
        known = face.evidence
        pictures = [known.picture(change) for change in key]
        reference = known.prepared.reference
        errors = [squared_error_map(reference, one) for one in pictures]
        similar = [ssim_map(reference, one) for one in pictures] if similarities else None
        return error_maps(errors, similar)

    def occlusion() -> dict[str, Any]:
        known = face.evidence
        reference = known.prepared.reference
        return occlusion_maps(
            [
                occlusion_map(
                    reference,
                    face.face,
                    face.embedder,
                    test=known.picture(one),
                    grid=OCCLUSION_GRID,
                )
                for one in key
            ]
        )

    answer = told.ask(f"maps {similarities}", key, pixels)
    if answer is None or answer.value is None:
        return {"kind": "maps", "keep": True, "rows": waiting}
    rows = list(answer.value)
    if not similarities:
        seen = told.ask("occlusion", key, occlusion)
        empty = {"title": "Occlusion", "note": "", "pictures": [None, None]}
        rows.append(seen.value if seen and seen.value else empty)
    return {"kind": "maps", "rows": rows}


def _searches(told: Told) -> dict[str, Any]:
    """Buttons that look for a telling pair of this face."""
    hints = {
        "twins-psnr": "A blur and a shift of this face with the same PSNR",
        "twins-ssim": "A blur and a shift of this face with the same SSIM",
        "disagreement": "The pair on which recogniser and pixel measures differ most",
        "mildest": "The least blur for which every pixel measure is wrong",
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


def _sides(pair: Sequence[Mapping[str, float]]) -> tuple[list[str], list[str]]:
    """Who prefers the sharp picture, and who the blurred one, in words."""
    sides: tuple[list[str], list[str]] = ([], [])
    for name in CLAIM:
        side = side_of(pair[0][name], pair[1][name], name)
        if side is not None:
            sides[side].append(word(name))
    return sides


SCENE_PARTS: dict[str, Callable[[Told], Parts]] = {
    "two-pictures": _two_pictures,
    "pixels": _pixels,
    "embedding": _embedding,
    "angle": _angle,
    "sceptic": sceptic,
    "how-often": how_often,
}
