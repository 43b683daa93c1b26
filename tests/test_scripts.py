"""What the page's scripts compute and when they ask, without a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurdash.kernel import KERNELS, audit_kernel
from blurdash.ui.components.scripts import script
from blurdash.ui.components.sliders import EXPLORE_SLIDERS
from tests.node import answer_of

# Time that passes when a test says so.
CLOCK = """
let now = 0, waiting = [];
globalThis.setTimeout = (run, wait) => waiting.push({ run, at: now + wait });
globalThis.clearTimeout = (id) => { if (id) waiting[id - 1].run = null; };
const pass = (ms) => {
  const end = now + ms;
  for (;;) {
    const next = waiting.filter(({ run, at }) => run && at <= end).sort((a, b) => a.at - b.at)[0];
    if (!next) break;
    const { run } = next;
    [now, next.run] = [next.at, null];
    run();
  }
  now = end;
};
"""


def run(imports: str, code: str) -> Any:
    """What some code answers that imports scripts of the page."""
    return answer_of(script("test.js", {"test.js": f"{imports}\n{code}"}))


def kernel_numbers() -> bytes:
    """Every kernel to compare: name, degree, angle, size, audit, count, taps; all float64."""
    cases = [("study", d, a) for d in range(101) for a in (*range(-180, 181, 45), -17.3, 10, 88)]
    cases += [("line", d, a) for d in range(0, 101, 6) for a in (-180, -77, 12.5, 45)]
    parts = []
    for name, degree, angle in cases:
        kernel = KERNELS[name].make(degree, angle)
        rows, columns = np.nonzero(kernel)
        half = kernel.shape[0] // 2
        taps = np.stack([columns - half, rows - half, kernel[rows, columns]], axis=1)
        head = [name == "study", degree, angle, kernel.shape[0], *audit_kernel(kernel), len(rows)]
        parts += [np.array(head, np.float64), taps.astype(np.float64).ravel()]
    return np.concatenate(parts).tobytes()


def test_kernels_and_their_audits_equal_pythons(tmp_path: Path):
    file = tmp_path / "kernels"
    file.write_bytes(kernel_numbers())
    result = run(
        'import { KERNELS, audit } from "./pictures/kernels.js";',
        """
        const { readFileSync } = await import("node:fs");
        const bytes = readFileSync(PATH);
        const numbers = new Float64Array(new Uint8Array(bytes).buffer);
        const worst = { weight: 0, audit: 0, count: 0 };
        for (let at = 0; at < numbers.length; ) {
          const [study, degree, angle, size] = numbers.subarray(at, at + 4);
          const wanted = numbers.subarray(at + 4, at + 8);
          const count = numbers[at + 8];
          const kernel = KERNELS[study ? "study" : "line"].make(degree, angle);
          if (kernel.size !== size) throw new Error(`size at ${degree} ${angle}: ${kernel.size}`);
          const found = new Map();
          const key = (taps, i) => `${taps[i]},${taps[i + 1]}`;
          for (let i = 0; i < kernel.taps.length; i += 3) {
            found.set(key(kernel.taps, i), kernel.taps[i + 2]);
          }
          for (let i = at + 9; i < at + 9 + 3 * count; i += 3) {
            const error = Math.abs(numbers[i + 2] - (found.get(key(numbers, i)) ?? 0));
            worst.weight = Math.max(worst.weight, error);
            found.delete(key(numbers, i));
          }
          for (const left of found.values()) worst.weight = Math.max(worst.weight, left);
          const { mass, offset, length, direction } = audit(kernel);
          [mass, offset, length, direction].forEach((value, i) => {
            if (Number.isNaN(value) && Number.isNaN(wanted[i])) return;
            let error = Math.abs(value - wanted[i]);
            if (i === 3) error = Math.min(error, 180 - error);
            worst.audit = Math.max(worst.audit, Number.isNaN(error) ? 1 : error);
          });
          worst.count += 1;
          at += 9 + 3 * count;
        }
        answer(worst);
        """.replace("PATH", repr(str(file))),
    )
    assert result["count"] >= 1280
    assert result["weight"] < 1e-9
    assert result["audit"] < 1e-6


def test_browser_draws_the_kernels_whose_rows_say_so():
    found = run(
        'import { KERNELS } from "./pictures/kernels.js";',
        "answer(Object.entries(KERNELS).map(([name, { make }]) => [name, Boolean(make)]));",
    )
    assert found == [[name, row.drawn_in_browser] for name, row in KERNELS.items()]


def test_positions_stay_inside_of_their_ranges():
    found = run(
        'import { moved } from "./widgets/slider.js";\nimport { ROWS } from "./rows.js";',
        """
        const at = { degree: 30, angle: 45, shift_x: 8, shift_y: 0.5 };
        const move = (change) => moved(ROWS.sliders.explore, at, change);
        const changes = [{ degree: 101 }, { angle: "-200", shift_x: -33 }, { shift_y: 0.1 + 0.2 }];
        answer([...changes.map(move), at]);
        """,
    )
    at = {"degree": 30, "angle": 45, "shift_x": 8, "shift_y": 0.5}
    low = EXPLORE_SLIDERS["angle"].low
    assert found == [
        {**at, "degree": 100}, {**at, "angle": low, "shift_x": -32}, {**at, "shift_y": 0.3}, at
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        (" 0 ", 0),
        ("100", 100),
        ("1e1", 10),
        *((odd, None) for odd in ("101", "-1", "1.5", "", "ten", "NaN", "Infinity")),
    ],
)
def test_a_field_takes_whole_degrees(text, value):
    found = entered(0, text)
    if value is None:
        assert found["problem"] == "Degree: a whole number from 0 to 100"
    else:
        assert found == {"value": value, "problem": ""}


@pytest.mark.parametrize(("text", "value"), [("−2,5", -2.5), ("0.25", 0.25), ("32.5", None)])
def test_a_field_takes_shifts_as_people_write_them(text, value):
    found = entered(2, text)
    assert found["problem"] == ("" if value is not None else "Shift x: a number from -32 to 32")
    assert value is None or found["value"] == value


def entered(place: int, text: str) -> Any:
    return run(
        'import { entered } from "./widgets/slider.js";\nimport { ROWS } from "./rows.js";',
        f"answer(entered(ROWS.sliders.explore[{place}], {text!r}));",
    )


def test_a_track_is_filled_from_where_nothing_is_done_and_keys_move_by_a_page():
    found = run(
        'import { filled, stepOf } from "./widgets/slider.js";',
        """
        const row = { min: -32, max: 32, page: 4 };
        answer([filled(row, 16, 0), filled(row, -16, 0), filled(row, 16, -32),
          stepOf(row, "PageUp"), stepOf(row, "PageDown"), stepOf(row, "a")]);
        """,
    )
    assert found == [[50, 75], [25, 50], [0, 75], 4, -4, 0]


SETTLER = """
const told = [];
const hand = { at: "30", seen: "0", moves: false };
const settler = new Settler({ place: () => hand.at, told: () => hand.seen, busy: () => hand.moves,
  tell: (place) => told.push([now, place]) });
"""


def settled(code: str) -> Any:
    return run('import { Settler } from "./widgets/settler.js";', CLOCK + SETTLER + code)


def test_rest_is_told_once_the_hand_has_rested():
    code = "settler.soon(); pass(300); settler.soon(); pass(349); const early = [...told];"
    code += " pass(1); hand.seen = hand.at; pass(10_000); answer([early, told]);"
    assert settled(code) == [[], [[650, "30"]]]


def test_rest_is_told_again_until_the_server_knows():
    code = "settler.soon(); pass(2400); hand.seen = hand.at; pass(10_000); answer(told);"
    assert settled(code) == [[350, "30"], [2350, "30"]]


def test_rest_waits_for_the_numbers_and_tells_the_last_place():
    code = "hand.moves = true; settler.soon(); pass(1000); hand.at = '50'; hand.moves = false;"
    code += " pass(350); settler.dispose(); pass(10_000); answer(told);"
    assert settled(code) == [[1050, "50"]]


def test_a_hand_that_goes_back_while_its_rest_was_told_tells_again():
    code = "settler.soon(); pass(350); hand.at = '0'; hand.moves = true; settler.soon(); pass(400);"
    code += " hand.seen = '30'; hand.moves = false; pass(10_000); answer(told.slice(0, 2));"
    assert settled(code) == [[350, "30"], [1050, "0"]]


def test_what_is_known_already_is_not_told():
    assert settled("hand.seen = hand.at; settler.soon(); pass(10_000); answer(told);") == []


def test_a_page_with_numbers_of_its_own_waits_longer():
    code = "hand.alone = true; settler.hand.alone = () => hand.alone; settler.soon(); pass(1999);"
    code += " const early = [...told]; pass(1); answer([early, told]);"
    assert settled(code) == [[], [[2000, "30"]]]


def test_who_does_not_hear_is_taken_for_lost():
    code = "const lost = []; settler.hand.lost = () => lost.push(now); settler.soon(); pass(9000);"
    code += " const before = [...lost]; hand.at = '31'; settler.soon(); pass(400);"
    code += " answer([before, lost.length]);"
    assert settled(code) == [[4350, 6350, 8350], 3]  # another place is told anew


OWN_CURVES = """
import { bus } from "./bus.js";
import { curveProgress } from "./widgets/curve_csv.js";
import { OwnCurves } from "./widgets/own_curve.js";
"""
MEASURED = """
const asked = [];
let resting = true;
bus.scene = "key";
bus.networks = new Map([["/network", new ArrayBuffer(1)]]);
bus.reader = { key: "key", network: "/network", plan: {} };
bus.measurer = { face: "me", measure: async ({ degree, used_angle }) => {
  asked.push([degree, used_angle]);
  const psnr = degree ? 40 - degree / 4 : Infinity;
  return { psnr, ssim: 1 - degree / 200, cosine_similarity: 1, l1: 0, l2: 0 };
} };
let grown = 0;
const curves = new OwnCurves(() => resting, () => { grown += 1; });
const of = (angle) => {
  const wanted = { key: "key", face: "me", kernel: "study", angle };
  curves.want(wanted);
  return curves.known(wanted);
};
const turns = async (count) => { for (let i = 0; i < count; i++) await null; };
"""


def growing(code: str) -> Any:
    text = script("test.js", {"test.js": OWN_CURVES + CLOCK + MEASURED + code})
    return answer_of(text)


def test_a_curve_of_ones_own_grows_from_coarse_to_fine_while_the_hand_rests():
    code = """
    const none = of(20);
    await turns(20_000);
    const whole = of(20);
    resting = false;
    of(30);
    await turns(2000);
    const still = asked.length;
    resting = true;
    pass(100);
    await turns(20_000);
    answer([none.degrees, asked.slice(0, 6).map(([d]) => d), whole.degrees.length,
      curveProgress(whole).text, whole.values[0].includes("inf"), still, of(30).degrees.length,
      asked.length, grown]);
    """
    assert growing(code) == [[], [0, 50, 100, 25, 75, 10], 101, "CSV", True, 101, 101, 202, 8]


def test_a_curve_says_how_much_of_it_there_is_whoever_measures_the_rest():
    code = """import { curveProgress } from "./widgets/curve_csv.js";
    const upTo = (n) => ({ degrees: [...Array(n).keys()] });
    answer([0, 1, 5, 100, 101].map((n) => curveProgress(upTo(n)).text));
    """
    told = ["", "", "CSV, 5 of 101", "CSV, 100 of 101", "CSV"]
    assert answer_of(script("test.js", {"test.js": code})) == told


def test_a_tab_that_nobody_sees_measures_no_curve():
    code = """
    globalThis.document = { hidden: true };
    of(20);
    await turns(2000);
    const unseen = asked.length;
    document.hidden = false;
    pass(100);
    await turns(20_000);
    answer([unseen, of(20).degrees.length]);
    """
    assert growing(code) == [0, 101]


def test_a_curve_that_is_wanted_no_more_is_left_and_taken_up_again():
    code = """
    of(20);
    await turns(60);
    const some = asked.length;
    of(30);
    bus.measurer = { ...bus.measurer, face: "you" };  // another face is shown meanwhile
    await turns(20_000);
    const left = asked.length;
    bus.measurer = { ...bus.measurer, face: "me" };
    of(20);
    pass(100);
    await turns(20_000);
    const drawn = asked.find(([degree]) => degree === 1);
    answer([some > 3 && some < 60, left <= some + 1, of(20).degrees.length, drawn[1] !== 20]);
    """
    assert growing(code) == [True, True, 101, True]


ASKER = """
const asked = [], lost = [];
const asker = new Asker((number) => asked.push([now, number]), () => lost.push(now));
"""


def asking(code: str) -> Any:
    return run('import { Asker } from "./widgets/asker.js";', CLOCK + ASKER + code)


def test_one_question_is_under_way_and_the_last_wish_wins():
    code = "for (let i = 0; i < 5; i++) asker.want(); pass(100); asker.want(); pass(100);"
    code += " const before = asked.length; asker.answered(1, false); pass(100);"
    code += " answer([before, asked]);"
    assert asking(code) == [1, [[16, 1], [216, 2]]]


def test_an_answer_that_was_lost_is_asked_for_again():
    code = "asker.want(); pass(4100); answer([asked, lost]);"
    assert asking(code) == [[[16, 1], [4032, 2]], [4016]]


def test_nothing_is_asked_after_the_right_answer():
    code = "asker.want(); pass(100); asker.answered(1, true); pass(10_000);"
    assert asking(code + " answer([asked, asker.busy]);") == [[[16, 1]], False]


@pytest.mark.parametrize(
    ("after", "start", "taken"), [(10, 3, {"degree": 71}), (10, 4, None), (6000, 3, None)]
)
def test_a_part_that_is_mounted_anew_starts_where_the_hand_was(after, start, taken):
    text = script(
        "test.js",
        {
            "test.js": f"""import {{ leaveHand, takeHand }} from "./widgets/hand.js";
            let now = 0;
            performance.now = () => now;
            leaveHand("argument", 3, {{ degree: 71 }});
            now = {after};
            const other = takeHand("explore", 3);
            answer([takeHand("argument", {start}), takeHand("argument", {start}), other]);"""
        },
    )
    assert answer_of(f"globalThis.window = globalThis;\n{text}") == [taken, None, None]


CLIENT = """
import { bus } from "./bus.js";
import { CoreClient } from "./wasm/client.js";
"""
FAKE_WORKERS = """
const workers = [];
const ended = [];
let touch = false;
let broken = () => false;
globalThis.matchMedia = () => ({ matches: touch });
Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: 4 } });
globalThis.Worker = class {
  constructor() { this.n = workers.push(this) - 1; this.asked = []; this.given = 0; }
  postMessage(asked) {
    if (broken(this, asked)) queueMicrotask(() => this.onerror({ message: "broken" }));
    else if (asked.ask === "change") this.queue(asked);
    else if (asked.ask === "give") {
      this.given++;
      queueMicrotask(() => this.tell(asked, { rgba: `picture of ${asked.of}` }));
    } else queueMicrotask(() => this.tell(asked, { right: true }));
  }
  queue(asked) {  // as worker.js does: of what is not begun the newest of each lane stays
    const over = this.asked.slice(1).find(({ lane }) => lane === asked.lane);
    if (over) this.tell(over, { overtaken: true });
    this.asked = [...this.asked.filter((one) => one !== over), asked];
  }
  tell({ number }, said) { this.onmessage({ data: { number, ...said } }); }
  finish() { const made = this.asked.shift(); this.tell(made, { values: { of: made.degree } }); }
  terminate() { ended.push(this.n); }
};
const turns = async () => { for (let i = 0; i < 200; i++) await null; };
const found = [];
const change = async (client, degree) => {
  const one = await client.change({ degree });
  found.push([degree, one && one.values.of]);
};
const opened = async () => {
  const client = new CoreClient();
  client.setPicture(new Uint8ClampedArray(4), 1);
  change(client, 1);
  await turns();
  workers[0].finish();
  await turns();
  return client;
};
"""


def with_workers(code: str) -> Any:
    text = script("test.js", {"test.js": CLIENT + FAKE_WORKERS + code})
    return answer_of(text)


def test_two_workers_follow_a_hand_and_nothing_late_is_told():
    code = """
    const client = await opened();
    change(client, 2);
    change(client, 3);
    change(client, 4);  // waits
    await turns();
    const inHand = workers.map(({ asked }) => asked.map(({ degree }) => degree));
    const hands = [workers.length, client.hands, inHand];
    workers[1].finish();
    await turns();
    workers[0].finish();  // what was asked first comes last
    await turns();
    workers[1].finish();
    await turns();
    answer([hands, found, bus.notHere ?? ""]);
    """
    hands, found, not_here = with_workers(code)
    assert hands == [2, 2, [[2], [3]]]
    assert found == [[1, 1], [3, 3], [2, None], [4, 4]]
    assert not_here == ""


def test_a_picture_overtakes_none_of_another_lane():
    code = """
    const client = await opened();
    const lanes = [];
    const tell = (lane) => (one) => lanes.push([lane, one?.values.of ?? null]);
    for (const lane of [0, 1]) client.change({ degree: 7 + lane }, null, lane).then(tell(lane));
    await turns();
    workers[1].finish();
    await turns();
    workers[0].finish();
    await turns();
    answer(lanes);
    """
    assert with_workers(code) == [[1, 8], [0, 7]]


def test_a_phone_has_one_worker_and_the_latest_request_wins():
    code = """
    touch = true;
    const client = await opened();
    for (const degree of [2, 3, 4]) change(client, degree);
    await turns();
    const queued = workers[0].asked.map(({ degree }) => degree);
    workers[0].finish();
    workers[0].finish();  // without waiting for the page
    await turns();
    answer([workers.length, client.hands, queued, found]);
    """
    assert with_workers(code) == [1, 1, [2, 4], [[1, 1], [3, None], [2, 2], [4, 4]]]


def test_a_picture_is_given_where_it_is_still_wanted():
    code = """
    touch = true;
    const client = await opened();
    const pictures = [];
    for (const wanted of [true, false]) {
      const one = client.change({ degree: 9 }, null, 0, () => wanted);
      await turns();
      workers[0].finish();
      const { values, picture } = await one;
      pictures.push(values.of, picture && /^picture of \\d+$/.test(await picture));
    }
    answer([pictures, workers[0].given]);
    """
    assert with_workers(code) == [[9, True, 9, None], 1]


def test_a_worker_that_fails_at_giving_a_picture_is_given_up():
    code = """
    touch = true;
    broken = (worker, asked) => asked.ask === "give";
    const client = await opened();
    const one = client.change({ degree: 9 }, null, 0, () => true);
    await turns();
    workers[0].finish();
    const { values, picture } = await one;
    answer([values.of, await picture, bus.notHere]);
    """
    assert with_workers(code) == [9, None, "broken"]


def test_what_waits_for_idle_time_is_done_after_the_picture_was_given():
    code = """
    touch = true;
    const client = await opened();
    client.change({ degree: 2 }, null, 0, () => true);
    const idle = client.changeInIdleTime({ degree: 3 }, null);
    await turns();
    workers[0].finish();
    await turns();
    workers[0].finish();
    answer([(await idle).values.of, workers[0].given]);
    """
    assert with_workers(code) == [3, 1]


def test_a_worker_alone_is_told_what_is_next_only_of_the_same_picture():
    code = """
    touch = true;
    const client = await opened();
    change(client, 2);
    await turns();
    client.setPicture(new Uint8ClampedArray(4), 1);
    change(client, 3);
    await turns();
    const queued = workers[0].asked.map(({ degree }) => degree);
    workers[0].finish();
    await turns();
    workers[0].finish();
    await turns();
    answer([queued, found]);
    """
    assert with_workers(code) == [[2], [[1, 1], [2, 2], [3, 3]]]


def test_where_there_is_no_memory_for_a_second_worker_one_does_all():
    code = """
    broken = (worker, asked) => worker.n === 1 && asked.ask === "picture";
    const client = await opened();
    change(client, 2);
    change(client, 3);
    await turns();
    workers[0].finish();
    await turns();
    workers[0].finish();
    await turns();
    answer([found, client.hands, bus.notHere ?? "", ended]);
    """
    assert with_workers(code) == [[[1, 1], [2, 2], [3, 3]], 1, "", [1]]


def test_without_any_worker_the_page_gives_up_and_says_why():
    code = """
    broken = () => true;
    const client = new CoreClient();
    client.setPicture(new Uint8ClampedArray(4), 1);
    change(client, 1);
    await turns();
    answer([found, bus.notHere]);
    """
    assert with_workers(code) == [[[1, None]], "broken"]


def test_one_worker_is_enough_where_the_pages_frames_come_late():
    code = """import { Pace } from "./wasm/pace.js";
let now = 0;
const next = [];
Object.defineProperty(globalThis, "performance", { value: { now: () => now } });
globalThis.requestAnimationFrame = (frame) => next.push(frame);
let pace = new Pace();
const drag = (frames, lasts) => {
  for (let i = 0; i < frames; i++) { pace.follow(); now += lasts; next.shift()?.(now); }
  return pace.keepsUp();
};
const dragged = [[30, 16.7], [3, 50], [30, 16.7], [12, 33.4], [30, 16.7], [90, 16.7]];
const kept = dragged.map((of) => drag(...of));
now += 1000;
next.shift()?.(now);
const asked = next.length;
pace = new Pace(); // on a screen of 30 a second
answer([...kept, asked, drag(60, 33.4), drag(12, 66.8)]);
"""
    # In time; a hiccup; in time; late for long; for a while one worker; both again; nobody asks.
    wanted = [True, True, True, False, False, True, 0, True, False]
    assert answer_of(script("test.js", {"test.js": code})) == wanted
