"""The ballots of the Argument page: who voted for which of two pictures, and how often one may.

Everything is in this process's memory and nothing else: a vote is 0 (left) or 1 (right) beside a
random word that a phone made up for this one ballot. There are no names and no addresses in it.
It is a show of hands, not an election: whoever clears a phone's storage can vote again.

Everything that strangers can make grow is bounded: ballots, voters of a ballot, and the addresses
that a rate remembers. Every method may be called from any thread.
"""

from __future__ import annotations

import functools
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from blurdash.errors import SettingError

__all__ = [
    "CODE_LENGTH",
    "CODE_LETTERS",
    "Ballot",
    "Ballots",
    "Cast",
    "Limit",
    "Rate",
    "Tally",
    "ballots",
]

Clock = Callable[[], float]

# Neither vowels, so that no code is a word, nor what is taken for another on a projector:
# 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
CODE_LETTERS = "23456789CDFGHJKMNPQRTVWX"
CODE_LENGTH = 6
BALLOTS_KEPT = 64
VOTERS_KEPT = 2_000
IDLE_SECONDS = 6 * 3600.0
ADDRESSES_KEPT = 4_096

_VOTER = re.compile(r"[A-Za-z0-9_-]{4,40}")


@dataclass(frozen=True)
class Limit:
    """A rate: so many at once, and then so many per second.

    Attributes:
        burst: How many may come at once, at least 1.
        per_second: How many per second after that, more than 0.
    """

    burst: float
    per_second: float

    def __post_init__(self) -> None:
        if not (self.burst >= 1 and self.per_second > 0):
            raise SettingError(
                f"a rate of {self.burst} at once and {self.per_second} per second came, wanted at "
                "least 1 and more than 0"
            )


# Somebody who changes their mind does so two or three times, not two or three times a second.
VOTER_LIMIT = Limit(burst=3, per_second=1)


@dataclass(slots=True)
class _Bucket:
    """What is left of a limit: tokens that are taken at once and come back with time."""

    tokens: float
    filled: float

    def take(self, limit: Limit, now: float) -> float:
        """Takes one token; returns 0, or the seconds until there is one again."""
        elapsed = max(0.0, now - self.filled)
        self.tokens = min(limit.burst, self.tokens + elapsed * limit.per_second)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / limit.per_second


class Rate:
    """Bounds how often each address, and all of them together, may ask for something.

    Args:
        each: The limit of one address.
        total: The limit of all addresses together: it bounds what the server spends on them even
            when somebody has many addresses.
        kept: How many addresses are remembered, the last that asked.
        clock: Seconds that only grow.

    Example:
        >>> rate = Rate(Limit(2, 1), Limit(100, 100), clock=lambda: 0.0)
        >>> [rate.wait("192.0.2.7") for _ in range(3)]
        [0.0, 0.0, 1.0]
    """

    def __init__(
        self,
        each: Limit,
        total: Limit,
        *,
        kept: int = ADDRESSES_KEPT,
        clock: Clock = time.monotonic,
    ) -> None:
        self._each = each
        self._total = total
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(total.burst, clock())

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, address: str) -> float:
        """Counts one request of an address.

        Args:
            address: Any word that stands for who asks; what counts as one address is the caller's
                to say.

        Returns:
            0 where it may go on, else the seconds after which it may ask again. A refused request
            costs nothing of what all addresses share.
        """
        now = self._clock()
        with self._lock:
            bucket = self._buckets.get(address)
            if bucket is None:
                bucket = self._buckets[address] = _Bucket(self._each.burst, now)
            self._buckets.move_to_end(address)
            while len(self._buckets) > self._kept:
                self._buckets.popitem(last=False)
            return bucket.take(self._each, now) or self._all.take(self._total, now)


class Cast(StrEnum):
    """What became of a vote."""

    COUNTED = "counted"
    UNKNOWN = "unknown"
    CLOSED = "closed"
    ROUND_OVER = "round"
    FULL = "full"
    TOO_FAST = "slow"
    INVALID = "invalid"


@dataclass(frozen=True)
class Ballot:
    """What the host holds of a ballot.

    Attributes:
        code: The word in the phones' address; whoever has it can vote.
        host_token: What only the host has; without it no round is opened, closed or counted.
    """

    code: str
    host_token: str = field(repr=False)


@dataclass(frozen=True)
class Tally:
    """A ballot as it stands.

    Attributes:
        round_number: From 1; every new pair of pictures is another round.
        is_open: Whether votes are taken.
        counts: Votes for the left and the right picture; None where they are not to be seen yet.
    """

    round_number: int
    is_open: bool
    counts: tuple[int, int] | None


@dataclass
class _Voter:
    choice: int
    bucket: _Bucket


@dataclass
class _State:
    """A ballot's memory."""

    ballot: Ballot
    touched: float
    round_number: int = 1
    is_open: bool = True
    is_revealed: bool = False
    voters: dict[str, _Voter] = field(default_factory=dict)

    def tally(self, *, with_counts: bool = True) -> Tally:
        right = sum(voter.choice for voter in self.voters.values())
        counts = (len(self.voters) - right, right) if with_counts else None
        return Tally(self.round_number, self.is_open, counts)


class Ballots:
    """Every ballot of this server.

    A ballot is forgotten when neither its host nor a voter has touched it for ``idle_seconds``, or
    when ``kept`` newer ones are there: the one that was left alone for longest goes first. The
    host's methods then return None, and the host opens another.

    Args:
        kept: How many ballots there are at most.
        voters_kept: How many voters one ballot has at most.
        idle_seconds: After how many seconds an untouched ballot is forgotten.
        voter_limit: How often one voter may vote.
        clock: Seconds that only grow.

    Example:
        >>> room = Ballots()
        >>> ballot = room.open_ballot()
        >>> room.cast(ballot.code, "a-phone", 1)
        <Cast.COUNTED: 'counted'>
        >>> room.cast(ballot.code, "a-phone", 0)  # a change of mind replaces the vote
        <Cast.COUNTED: 'counted'>
        >>> room.counts(ballot)
        (1, 0)
    """

    def __init__(
        self,
        *,
        kept: int = BALLOTS_KEPT,
        voters_kept: int = VOTERS_KEPT,
        idle_seconds: float = IDLE_SECONDS,
        voter_limit: Limit = VOTER_LIMIT,
        clock: Clock = time.monotonic,
    ) -> None:
        self._kept = kept
        self._voters_kept = voters_kept
        self._idle_seconds = idle_seconds
        self._voter_limit = voter_limit
        self._clock = clock
        self._lock = threading.Lock()
        self._states: OrderedDict[str, _State] = OrderedDict()  # the longest untouched first

    def __len__(self) -> int:
        return len(self._states)

    def open_ballot(self) -> Ballot:
        """Opens a ballot in its first round."""
        with self._lock:
            self._forget_idle()
            while len(self._states) >= self._kept:
                self._states.popitem(last=False)
            code = _new_code()
            while code in self._states:
                code = _new_code()
            ballot = Ballot(code, secrets.token_urlsafe(16))
            self._states[code] = _State(ballot, self._clock())
        return ballot

    def cast(
        self, code: object, voter: object, choice: object, round_number: object = None
    ) -> Cast:
        """Counts a vote; a later one of the same voter in the same round replaces the earlier one.

        Takes anything, because strangers send it: what is not of the wanted type and form is
        ``Cast.INVALID``, and an odd code is as unknown as a wrong one.

        Args:
            code: The ballot's code, in capitals or not.
            voter: 4 to 40 letters, digits, ``-`` and ``_``, that the voter's phone made up.
            choice: 0 for the left picture, 1 for the right one.
            round_number: The round that the voter saw; None for whichever it is.
        """
        if (
            not isinstance(voter, str)
            or not _VOTER.fullmatch(voter)
            or not _is_number(choice)
            or choice not in (0, 1)
            or not (round_number is None or _is_number(round_number))
        ):
            return Cast.INVALID
        with self._lock:
            state = self._found(code)
            if state is None:
                return Cast.UNKNOWN
            if not state.is_open:
                return Cast.CLOSED
            if round_number not in (None, state.round_number):
                return Cast.ROUND_OVER
            return self._count(state, voter, int(choice == 1))

    def _count(self, state: _State, voter: str, choice: int) -> Cast:
        now = self._clock()
        known = state.voters.get(voter)
        if known is None:
            if len(state.voters) >= self._voters_kept:
                return Cast.FULL
            known = state.voters[voter] = _Voter(choice, _Bucket(self._voter_limit.burst, now))
        if known.bucket.take(self._voter_limit, now):
            return Cast.TOO_FAST
        known.choice = choice
        self._touch(state)
        return Cast.COUNTED

    def public_tally(self, code: object) -> Tally | None:
        """Returns what a phone may know: no counts before the host has revealed them.

        Asking does not keep a ballot alive. None where there is no such ballot.
        """
        with self._lock:
            state = self._found(code)
            return state.tally(with_counts=state.is_revealed) if state else None

    def tally(self, ballot: Ballot) -> Tally | None:
        """Returns the ballot as its host sees it, with counts; None where it is gone."""
        with self._lock:
            state = self._of_host(ballot)
            return state.tally() if state else None

    def counts(self, ballot: Ballot) -> tuple[int, int] | None:
        """Returns the votes for the left and the right picture; None where the ballot is gone."""
        tally = self.tally(ballot)
        return tally.counts if tally else None

    def close(self, ballot: Ballot) -> Tally | None:
        """Takes no more votes in this round; None where the ballot is gone."""
        return self._change(ballot, is_open=False, is_revealed=False)

    def reveal(self, ballot: Ballot) -> Tally | None:
        """Takes no more votes in this round and lets the phones see the counts."""
        return self._change(ballot, is_open=False, is_revealed=True)

    def reopen(self, ballot: Ballot) -> Tally | None:
        """Takes votes again in the same round, its votes kept; the phones see no counts."""
        return self._change(ballot, is_open=True, is_revealed=False)

    def new_round(self, ballot: Ballot) -> Tally | None:
        """Starts another round without votes, for other pictures; None where the ballot is gone."""
        with self._lock:
            state = self._of_host(ballot)
            if state is None:
                return None
            state.round_number += 1
            state.is_open, state.is_revealed = True, False
            state.voters.clear()
            return state.tally()

    def end(self, ballot: Ballot) -> None:
        """Forgets the ballot; phones are told that there is none."""
        with self._lock:
            if self._of_host(ballot) is not None:
                del self._states[ballot.code]

    def _change(self, ballot: Ballot, *, is_open: bool, is_revealed: bool) -> Tally | None:
        with self._lock:
            state = self._of_host(ballot)
            if state is None:
                return None
            state.is_open, state.is_revealed = is_open, is_revealed
            return state.tally()

    def _of_host(self, ballot: Ballot) -> _State | None:
        """Returns the ballot's state and keeps it alive, where the token is the host's."""
        state = self._found(ballot.code)
        if state is None or not secrets.compare_digest(state.ballot.host_token, ballot.host_token):
            return None
        self._touch(state)
        return state

    def _found(self, code: object) -> _State | None:
        self._forget_idle()
        if not isinstance(code, str) or len(code) != CODE_LENGTH:
            return None
        return self._states.get(code.upper())

    def _touch(self, state: _State) -> None:
        state.touched = self._clock()
        self._states.move_to_end(state.ballot.code)

    def _forget_idle(self) -> None:
        """Forgets from the front, where those are that nobody has touched for longest."""
        oldest = self._clock() - self._idle_seconds
        while self._states and next(iter(self._states.values())).touched < oldest:
            self._states.popitem(last=False)


@functools.cache
def ballots() -> Ballots:
    """Returns the ballots of this process, which the pages and the phones share."""
    return Ballots()


def _new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def _is_number(value: object) -> bool:
    """Says whether this is an int; True is 1 to Python, but nobody votes True."""
    return isinstance(value, int) and not isinstance(value, bool)
