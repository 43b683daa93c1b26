"""Ballots: one vote each, every bound held, and nothing but numbers kept."""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurdash.errors import BlurdashError, SettingError
from blurdash.ui.server.rates import Limit, Rate
from blurdash.ui.vote.ballots import (
    CODE_LENGTH,
    CODE_LETTERS,
    Ballot,
    Ballots,
    Cast,
    Crowd,
    Tally,
    ballots,
)

HOUR = 3600.0
UNHURRIED = Limit(1e9, 1e9)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> Ballots:
    return Ballots(clock=clock)


# Votes


def test_a_vote_counts_for_the_picture_it_names(room: Ballots) -> None:
    ballot = room.open_ballot()
    assert room.counts(ballot) == (0, 0)
    for voter, choice in (("ann0", 0), ("bob0", 1), ("cyd0", 1)):
        assert room.cast(ballot.code, voter, choice) is Cast.COUNTED
    assert room.counts(ballot) == (1, 2)


@given(st.lists(st.tuples(st.sampled_from(["v-01", "v-02", "v-03", "v-04"]), st.integers(0, 1))))
def test_the_last_vote_of_each_voter_is_what_counts(votes: list[tuple[str, int]]) -> None:
    room = Ballots(voter_limit=UNHURRIED)
    ballot = room.open_ballot()
    for voter, choice in votes:
        assert room.cast(ballot.code, voter, choice) is Cast.COUNTED
    last = Counter(dict(votes).values())
    assert room.counts(ballot) == (last[0], last[1])


def test_ballots_do_not_mix(room: Ballots) -> None:
    one, other = room.open_ballot(), room.open_ballot()
    room.cast(one.code, "phone", 0)
    room.cast(other.code, "phone", 1)
    assert (room.counts(one), room.counts(other)) == ((1, 0), (0, 1))


def test_a_code_is_read_in_capitals_or_not(room: Ballots) -> None:
    ballot = room.open_ballot()
    assert room.cast(ballot.code.lower(), "phone", 1) is Cast.COUNTED


@pytest.mark.parametrize(
    "code", ["", "CCCCC", "CCCCCCC", "ccc ccc", "<b>", "CCC\0CC", "ﬀﬀﬀ", None, 7, b"CCCCCC", ["C"]]
)
def test_an_odd_code_is_as_unknown_as_a_wrong_one(room: Ballots, code: object) -> None:
    room.open_ballot()
    assert room.cast(code, "phone", 0) is Cast.UNKNOWN
    assert room.public_tally(code) is None


@pytest.mark.parametrize("choice", [2, -1, True, False, 0.0, 1.0, "0", None, [0], {"a": 0}, 10**99])
def test_only_the_numbers_0_and_1_are_votes(room: Ballots, choice: object) -> None:
    ballot = room.open_ballot()
    assert room.cast(ballot.code, "phone", choice) is Cast.INVALID
    assert room.counts(ballot) == (0, 0)


@pytest.mark.parametrize(
    "voter", ["", "abc", "a" * 41, "<script>", "a b c d", "name\n", "näme", None, 7, ["abcd"]]
)
def test_a_voter_is_a_short_plain_word(room: Ballots, voter: object) -> None:
    ballot = room.open_ballot()
    assert room.cast(ballot.code, voter, 0) is Cast.INVALID
    assert room.counts(ballot) == (0, 0)


@pytest.mark.parametrize("round_number", ["1", 1.0, True, [1]])
def test_a_round_is_a_number(room: Ballots, round_number: object) -> None:
    ballot = room.open_ballot()
    assert room.cast(ballot.code, "phone", 0, round_number) is Cast.INVALID


# Rounds


def test_a_closed_round_takes_no_vote_and_keeps_those_it_has(room: Ballots) -> None:
    ballot = room.open_ballot()
    room.cast(ballot.code, "phone", 1)
    assert room.close(ballot) == Tally(1, False, (0, 1))
    assert room.cast(ballot.code, "other", 0) is Cast.CLOSED
    assert room.reopen(ballot) == Tally(1, True, (0, 1))
    assert room.cast(ballot.code, "other", 0) is Cast.COUNTED


def test_phones_see_counts_only_once_the_host_reveals_them(room: Ballots) -> None:
    ballot = room.open_ballot()
    room.cast(ballot.code, "phone", 1)
    assert room.public_tally(ballot.code) == Tally(1, True, None)
    room.close(ballot)
    assert room.public_tally(ballot.code) == Tally(1, False, None)
    room.reveal(ballot)
    assert room.public_tally(ballot.code) == Tally(1, False, (0, 1))
    room.reopen(ballot)
    assert room.public_tally(ballot.code) == Tally(1, True, None)
    room.reveal(ballot)
    room.new_round(ballot)
    assert room.public_tally(ballot.code) == Tally(2, True, None)


def test_in_a_new_round_everybody_votes_again(room: Ballots) -> None:
    ballot = room.open_ballot()
    room.cast(ballot.code, "phone", 1)
    room.close(ballot)
    assert room.new_round(ballot) == Tally(2, True, (0, 0))
    assert room.cast(ballot.code, "phone", 0) is Cast.COUNTED
    assert room.counts(ballot) == (1, 0)


def test_a_vote_on_the_round_before_does_not_count_for_this_one(room: Ballots) -> None:
    ballot = room.open_ballot()
    room.new_round(ballot)
    assert room.cast(ballot.code, "phone", 0, 1) is Cast.ROUND_OVER
    assert room.cast(ballot.code, "phone", 0, 3) is Cast.ROUND_OVER
    assert room.counts(ballot) == (0, 0)
    assert room.cast(ballot.code, "phone", 0, 2) is Cast.COUNTED


def test_only_the_host_opens_closes_and_counts(room: Ballots) -> None:
    ballot = room.open_ballot()
    thief = Ballot(ballot.code, "guess")
    for asked in (room.tally, room.counts, room.close, room.reveal, room.reopen, room.new_round):
        assert asked(thief) is None
    room.end(thief)
    assert room.public_tally(ballot.code) == Tally(1, True, None)
    assert ballot.host_token not in repr(ballot)


def test_an_ended_ballot_is_gone(room: Ballots) -> None:
    ballot = room.open_ballot()
    room.end(ballot)
    room.end(ballot)
    assert room.cast(ballot.code, "phone", 0) is Cast.UNKNOWN
    assert room.tally(ballot) is None
    assert len(room) == 0


# Codes


def test_codes_are_of_letters_that_are_not_taken_for_another() -> None:
    assert not set(CODE_LETTERS) & set("AEIOU" + "01LSBZ")
    assert len(set(CODE_LETTERS)) == len(CODE_LETTERS)
    assert len(CODE_LETTERS) ** CODE_LENGTH > 1e8


def test_codes_are_spread_over_all_letters_and_never_twice() -> None:
    room = Ballots(kept=3_000)
    codes = [room.open_ballot().code for _ in range(3_000)]
    assert len(set(codes)) == len(codes)
    assert {len(code) for code in codes} == {CODE_LENGTH}
    for place in range(CODE_LENGTH):
        seen = Counter(code[place] for code in codes)
        assert set(seen) == set(CODE_LETTERS)
        assert max(seen.values()) < 2 * 3_000 / len(CODE_LETTERS)


# Bounds


def test_a_ballot_holds_so_many_voters_and_no_more(clock: Clock) -> None:
    room = Ballots(voters_kept=3, clock=clock)
    ballot = room.open_ballot()
    for number in range(3):
        assert room.cast(ballot.code, f"phone-{number}", 0) is Cast.COUNTED
    assert room.cast(ballot.code, "phone-3", 1) is Cast.FULL
    assert room.cast(ballot.code, "phone-2", 1) is Cast.COUNTED, "who is in may change their mind"
    assert room.counts(ballot) == (2, 1)


def test_a_ballot_with_votes_or_of_an_earlier_host_never_makes_room(clock: Clock) -> None:
    room = Ballots(kept=3, clock=clock)
    voted, early, late = (room.open_ballot(f"192.0.2.{n}", since=float(n)) for n in (3, 1, 2))
    room.cast(voted.code, "phone", 1)
    # A host who came after all of them is refused.
    with pytest.raises(BlurdashError, match="3 votes are open on this server already"):
        room.open_ballot("192.0.2.9", since=9.0)
    assert room.counts(late) == (0, 0)
    # One who was there before the last takes its place, and nobody else's.
    room.open_ballot("192.0.2.8", since=1.5)
    assert room.counts(late) is None
    assert room.counts(early) == (0, 0)
    assert room.counts(voted) == (0, 1)


def test_a_ballot_in_use_stays_also_in_a_new_round_without_votes(clock: Clock) -> None:
    room = Ballots(clock=clock)
    host = room.open_ballot("room", since=10.0)
    for since in (11.0, 12.0, 13.0):
        room.open_ballot("room", since=since)
    room.cast(host.code, "phone", 1)
    room.new_round(host)
    room.open_ballot("room", since=1.0)  # a stranger who was there before
    assert room.counts(host) == (0, 0)


def test_strangers_of_one_address_only_push_each_other_out(clock: Clock) -> None:
    room = Ballots(kept=8, clock=clock)
    host = room.open_ballot("198.51.100.1", since=0.0)
    refused = 0
    for number in range(66):
        try:
            room.open_ballot("198.51.100.1", since=1.0 + number)
        except BlurdashError:
            refused += 1
    assert refused == 66 - 3
    assert room.counts(host) == (0, 0)
    # Another address finds room, and takes it from the one that holds most.
    others = [room.open_ballot(f"192.0.2.{n}", since=0.5) for n in range(6)]
    assert [room.counts(one) for one in (host, *others)] == [(0, 0)] * 7


def test_a_ballot_without_votes_is_not_kept_for_a_host_who_left(clock: Clock) -> None:
    room = Ballots(clock=clock)
    left, voted, there = (room.open_ballot() for _ in range(3))
    room.cast(voted.code, "phone", 0)
    for _ in range(11):
        clock.now += 60
        room.tally(there)
    assert room.counts(left) is None
    assert room.counts(voted) == (1, 0)
    assert room.counts(there) == (0, 0)


def vote_of(room: Ballots, ballot: Ballot, address: str, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        assert room.cast(ballot.code, f"{address}-{number}", 1, address=address) is Cast.COUNTED


def test_the_host_is_told_of_a_machine_and_can_leave_it_out(room: Ballots, clock: Clock) -> None:
    ballot = room.open_ballot()
    vote_of(room, ballot, "room", 50)  # all at once: fifty of a room
    room.cast(ballot.code, "host", 0)
    assert room.crowd(ballot) is None
    for number in range(401):
        clock.now += 0.25  # four a second, so never too fast
        vote_of(room, ballot, "machine", 1, first=number)
        assert (room.crowd(ballot) is not None) == (number + 1 > 400)
    assert room.crowd(ballot) == Crowd(401, left_out=False)
    assert room.counts(ballot) == (1, 451)
    room.leave_out(ballot, left_out=True)
    assert room.crowd(ballot) == Crowd(401, left_out=True)
    assert room.counts(ballot) == (1, 50)
    room.leave_out(ballot, left_out=False)
    assert room.counts(ballot) == (1, 451)
    room.new_round(ballot)
    assert room.crowd(ballot) is None


def test_votes_that_come_too_fast_are_a_machine_s(room: Ballots, clock: Clock) -> None:
    ballot = room.open_ballot()
    for number in range(51):
        clock.now += 0.19
        vote_of(room, ballot, "fast", 1, first=number)
    assert room.crowd(ballot) == Crowd(51, left_out=False)


def test_one_address_does_not_fill_a_ballot(clock: Clock) -> None:
    room = Ballots(clock=clock)
    ballot = room.open_ballot()
    vote_of(room, ballot, "machine", 1_000)
    assert room.cast(ballot.code, "machine-x", 1, address="machine") is Cast.FULL
    assert room.cast(ballot.code, "a-phone", 0, address="room") is Cast.COUNTED


def test_refused_addresses_leave_nothing(clock: Clock) -> None:
    room = Ballots(voters_kept=2, clock=clock)
    ballot = room.open_ballot()
    for number in range(100):
        room.cast(ballot.code, f"phone-{number}", 1, address=f"192.0.2.{number}")
    assert len(room._states[ballot.code].origins) == 2


def test_no_address_is_kept(room: Ballots) -> None:
    ballot = room.open_ballot()
    room.cast(ballot.code, "phone", 1, address="198.51.100.7")
    assert "198.51.100.7" not in repr(room._states)


def test_an_idle_ballot_is_forgotten(clock: Clock) -> None:
    room = Ballots(idle_seconds=6 * HOUR, clock=clock)
    left, used = room.open_ballot(), room.open_ballot()
    for ballot in (left, used):
        room.cast(ballot.code, "a-phone", 1)
    clock.now += 5.9 * HOUR
    assert room.cast(used.code, "phone", 0) is Cast.COUNTED
    assert room.public_tally(left.code) is not None
    clock.now += 0.2 * HOUR
    assert room.cast(left.code, "phone", 0) is Cast.UNKNOWN
    assert room.tally(left) is None
    assert len(room) == 1
    assert room.counts(used) == (1, 1)


def test_voting_for_one_ballot_does_not_hide_an_idle_one_behind_it(clock: Clock) -> None:
    room = Ballots(idle_seconds=HOUR, clock=clock)
    used, left = room.open_ballot(), room.open_ballot()
    for ballot in (left, used):
        room.cast(ballot.code, "a-phone", 1)
    clock.now += 0.9 * HOUR
    room.cast(used.code, "phone", 0)
    clock.now += 0.2 * HOUR
    assert room.public_tally(left.code) is None
    assert len(room) == 1


def test_a_voter_may_change_their_mind_but_not_hammer(room: Ballots, clock: Clock) -> None:
    ballot = room.open_ballot()
    outcomes = [room.cast(ballot.code, "phone", number % 2) for number in range(5)]
    assert outcomes == [Cast.COUNTED] * 3 + [Cast.TOO_FAST] * 2
    assert room.counts(ballot) == (1, 0), "a refused vote changes nothing"
    clock.now += 1
    assert room.cast(ballot.code, "phone", 1) is Cast.COUNTED
    assert room.cast(ballot.code, "phone", 0) is Cast.TOO_FAST
    assert room.counts(ballot) == (0, 1)


def test_memory_is_bounded_however_many_vote() -> None:
    room = Ballots(kept=4, voters_kept=500)
    tracemalloc.start()
    try:
        for _ in range(12):
            with contextlib.suppress(BlurdashError):
                ballot = room.open_ballot()
            for number in range(600):
                room.cast(ballot.code, f"{number:040}", number % 2)
        # Other threads of this process (a page's pool, say) allocate as well: only ours counts.
        ours = [tracemalloc.Filter(True, file) for file in (inspect.getfile(Ballots), __file__)]
        used = sum(one.size for one in tracemalloc.take_snapshot().filter_traces(ours).traces)
    finally:
        tracemalloc.stop()
    assert len(room) == 4
    assert used < 4 * 500 * 600, f"{used / 2000:.0f} bytes a voter"


# Rates


def test_an_address_has_a_burst_and_then_so_many_per_second(clock: Clock) -> None:
    rate = Rate(Limit(120, 20), Limit(1e6, 1e6), clock=clock)
    assert [rate.wait("a") for _ in range(120)] == [0] * 120
    assert rate.wait("a") == pytest.approx(1 / 20)
    assert rate.wait("b") == 0, "another address is not held up"
    allowed = 0
    for _ in range(1_000):
        clock.now += 0.01
        allowed += rate.wait("a") == 0
    assert allowed == pytest.approx(10 * 20, abs=1)
    clock.now += 1e6
    assert sum(rate.wait("a") == 0 for _ in range(500)) == 120, "rest saves up one burst, not more"


def test_the_wait_that_is_named_is_long_enough(clock: Clock) -> None:
    rate = Rate(Limit(1, 0.5), Limit(1e6, 1e6), clock=clock)
    assert rate.wait("a") == 0
    wait = rate.wait("a")
    clock.now += wait - 1e-3
    assert rate.wait("a") > 0
    clock.now += 2e-3
    assert rate.wait("a") == 0


def test_many_addresses_together_are_bounded_too(clock: Clock) -> None:
    rate = Rate(Limit(10, 1), Limit(100, 50), clock=clock)
    assert sum(rate.wait(f"address {number}") == 0 for number in range(1_000)) == 100
    clock.now += 1
    assert sum(rate.wait(f"address {number}") == 0 for number in range(1_000)) == 50


def test_one_refused_address_uses_nothing_of_what_all_share(clock: Clock) -> None:
    rate = Rate(Limit(10, 1), Limit(100, 1), clock=clock)
    for _ in range(10_000):
        rate.wait("flood")
    assert sum(rate.wait(f"other {number}") == 0 for number in range(100)) == 90


def test_so_many_addresses_are_remembered_and_no_more(clock: Clock) -> None:
    rate = Rate(Limit(2, 1), Limit(1e6, 1e6), kept=100, clock=clock)
    for number in range(10_000):
        rate.wait(f"address {number}")
        rate.wait("busy")
    assert len(rate) == 100
    assert rate.wait("busy") > 0, "who asks all the time is not forgotten"


def test_a_clock_that_stands_or_goes_back_gives_nothing_away(clock: Clock) -> None:
    rate = Rate(Limit(3, 1), Limit(1e6, 1e6), clock=clock)
    allowed = 0
    for step in (0, -5, 0, -1, 0, 0):
        clock.now += step
        allowed += rate.wait("a") == 0
    assert allowed == 3


@pytest.mark.parametrize("limit", [(0, 1), (0.5, 1), (1, 0), (1, -1), (float("nan"), 1)])
def test_a_limit_that_lets_nothing_through_is_refused(limit: tuple[float, float]) -> None:
    with pytest.raises(SettingError, match="at once"):
        Limit(*limit)


# Threads


def in_threads(work: list[threading.Thread]) -> None:
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(30)
    assert not any(thread.is_alive() for thread in work)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads give way to each other far more often than usual, so that races show."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_votes_from_many_threads_are_all_counted_and_bounds_hold() -> None:
    room = Ballots(voters_kept=1_000, voter_limit=UNHURRIED)
    ballot = room.open_ballot()
    outcomes: list[Counter[Cast]] = [Counter() for _ in range(8)]

    def vote(worker: int) -> None:
        for number in range(200):
            outcomes[worker][room.cast(ballot.code, f"{worker}-{number:04}", worker % 2)] += 1
            room.counts(ballot)

    in_threads([threading.Thread(target=vote, args=[worker]) for worker in range(8)])
    total = sum(outcomes, Counter())
    assert total == {Cast.COUNTED: 1_000, Cast.FULL: 600}
    assert room.counts(ballot) == tuple(
        sum(outcomes[worker][Cast.COUNTED] for worker in range(side, 8, 2)) for side in (0, 1)
    )


@pytest.mark.usefixtures("hasty_threads")
def test_a_rate_holds_over_threads() -> None:
    rate = Rate(Limit(500, 1e-9), Limit(700, 1e-9))
    allowed: list[int] = []

    def ask(worker: int) -> None:
        allowed.append(sum(rate.wait(f"address {worker % 2}") == 0 for _ in range(400)))

    in_threads([threading.Thread(target=ask, args=[worker]) for worker in range(8)])
    assert sum(allowed) == 700


def test_the_process_has_one_set_of_ballots() -> None:
    assert ballots() is ballots()
