"""The ballots of the Argument page: who voted for which of two pictures, and how often one may.

Everything is in this process's memory and nothing else: a vote is 0 (left) or 1 (right) beside a
random word that a phone made up for this one ballot. There are no names and no addresses in it: of
the address only a word remains that means nothing outside of the ballot, so that the host can be
told where one address casts more votes than a room does, and can leave them out.
It is a show of hands, not an election: whoever clears a phone's storage can vote again.

Everything that strangers can make grow is bounded: ballots, those of one address, voters of a
ballot, and the addresses that a rate remembers. A ballot that has votes, or whose host was there
first, never makes room for another. Every method may be called from any thread.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

from blurdash.errors import BlurdashError
from blurdash.ui.server.rates import Bucket, Clock, Limit
from blurdash.values import is_whole

__all__ = [
    "CODE_LENGTH",
    "CODE_LETTERS",
    "Ballot",
    "Ballots",
    "Cast",
    "Crowd",
    "Tally",
    "ballots",
]

# Neither vowels, so that no code is a word, nor what is taken for another on a projector:
# 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
CODE_LETTERS = "23456789CDFGHJKMNPQRTVWX"
CODE_LENGTH = 6
BALLOTS_KEPT = 64
BALLOTS_OF_AN_ADDRESS = 4
VOTERS_KEPT = 4_000
VOTERS_OF_AN_ADDRESS = 1_000
IDLE_SECONDS = 6 * 3600.0
# A ballot that nobody has voted in is left alone by a host who has left.
IDLE_SECONDS_WITHOUT_VOTES = 600.0
# A room behind one router is one address, and 300 phones are a large room; beyond this, or faster
# than this for so long, the host is told.
CROWD_VOTES = 400
CROWD_PER_SECOND = 5
CROWD_SECONDS = 10

_VOTER = re.compile(r"[A-Za-z0-9_-]{4,40}")


# Somebody who changes their mind does so two or three times, not two or three times a second.
VOTER_LIMIT = Limit(burst=3, per_second=1)


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


@dataclass(frozen=True)
class Crowd:
    """Votes of one address that are more, or came faster, than a room's.

    Attributes:
        votes: How many they are, of all such addresses.
        left_out: Whether they are left out of the counts.
    """

    votes: int
    left_out: bool


@dataclass(slots=True)
class _Voter:
    choice: int
    bucket: Bucket
    origin: str


@dataclass(slots=True)
class _Origin:
    """What came from one address.

    Attributes:
        voters: How many voters.
        last: When the last of them came, as many as are too many in so short a time.
        is_fast: Whether they ever came that fast.
    """

    voters: int = 0
    last: collections.deque[float] = field(
        default_factory=lambda: collections.deque(maxlen=CROWD_PER_SECOND * CROWD_SECONDS + 1)
    )
    is_fast: bool = False

    def add(self, now: float) -> None:
        self.voters += 1
        self.last.append(now)
        if len(self.last) == self.last.maxlen and now - self.last[0] <= CROWD_SECONDS:
            self.is_fast = True

    @property
    def is_crowd(self) -> bool:
        return self.is_fast or self.voters > CROWD_VOTES


@dataclass
class _State:
    """A ballot's memory."""

    ballot: Ballot
    touched: float
    address: str | None = None
    since: float = 0.0
    round_number: int = 1
    is_open: bool = True
    is_revealed: bool = False
    voters: dict[str, _Voter] = field(default_factory=dict)
    origins: dict[str, _Origin] = field(default_factory=dict)
    was_used: bool = False  # somebody has voted, in this round or an earlier one
    leaves_crowds_out: bool = False
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def origin_of(self, address: str) -> str:
        """A word for an address that means nothing outside of this ballot."""
        return hashlib.blake2b(address.encode(), digest_size=8, key=self.salt).hexdigest()

    def crowds(self) -> set[str]:
        return {name for name, origin in self.origins.items() if origin.is_crowd}

    def counted(self) -> list[_Voter]:
        out = self.crowds() if self.leaves_crowds_out else set()
        return [voter for voter in self.voters.values() if voter.origin not in out]

    def tally(self, *, with_counts: bool = True) -> Tally:
        counted = self.counted()
        right = sum(voter.choice for voter in counted)
        counts = (len(counted) - right, right) if with_counts else None
        return Tally(self.round_number, self.is_open, counts)


class Ballots:
    """Every ballot of this server.

    A ballot is forgotten when neither its host nor a voter has touched it for ``idle_seconds``, or
    for ten minutes where it has no vote. Where there are ``kept``, or four of one address, another
    takes the place of one without a vote whose host came later, of the address that holds most;
    else it is refused. A forgotten ballot's host is told None, and opens another.

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

    def open_ballot(self, address: str | None = None, since: float | None = None) -> Ballot:
        """Opens a ballot in its first round.

        Args:
            address: Of the host; None where it is not known.
            since: When the host came, by the clock of the ballots; None for now.

        Raises:
            BlurdashError: There is no room for another.
        """
        with self._lock:
            since = self._clock() if since is None else since
            self._forget_idle()
            self._make_room(address, since)
            code = _new_code()
            while code in self._states:
                code = _new_code()
            ballot = Ballot(code, secrets.token_urlsafe(16))
            self._states[code] = _State(ballot, self._clock(), address, since)
        return ballot

    def moment(self) -> float:
        """Returns the time by the clock of the ballots."""
        return self._clock()

    def _make_room(self, address: str | None, since: float) -> None:
        """Forgets a ballot without a vote whose host came later, where another has no room."""
        held = collections.Counter(one.address or "" for one in self._states.values())
        states, what = list(self._states.values()), f"{self._kept} votes"
        if address and held[address] >= BALLOTS_OF_AN_ADDRESS:
            states = [one for one in states if one.address == address]
            what = f"{BALLOTS_OF_AN_ADDRESS} votes of this address"
        elif len(states) < self._kept:
            return
        free = [one for one in states if not one.was_used and one.since > since]
        if not free:
            raise BlurdashError(
                f"{what} are open on this server already",
                hint="end one, or try again in some minutes",
            )
        gone = max(free, key=lambda one: (held[one.address or ""], one.since))
        del self._states[gone.ballot.code]

    def cast(
        self,
        code: object,
        voter: object,
        choice: object,
        round_number: object = None,
        *,
        address: str = "",
    ) -> Cast:
        """Counts a vote; a later one of the same voter in the same round replaces the earlier one.

        Takes anything, because strangers send it: what is not of the wanted type and form is
        ``Cast.INVALID``, and an odd code is as unknown as a wrong one.

        Args:
            code: The ballot's code, in capitals or not.
            voter: 4 to 40 letters, digits, ``-`` and ``_``, that the voter's phone made up.
            choice: 0 for the left picture, 1 for the right one.
            round_number: The round that the voter saw; None for whichever it is.
            address: Where it comes from; empty for the host's own page.
        """
        if (
            not isinstance(voter, str)
            or not _VOTER.fullmatch(voter)
            or not is_whole(choice)
            or choice not in (0, 1)
            or not (round_number is None or is_whole(round_number))
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
            return self._count(state, voter, int(choice == 1), state.origin_of(address))

    def _count(self, state: _State, voter: str, choice: int, name: str) -> Cast:
        now = self._clock()
        known = state.voters.get(voter)
        if known is None:
            origin = state.origins.get(name) or _Origin()
            if len(state.voters) >= self._voters_kept or origin.voters >= VOTERS_OF_AN_ADDRESS:
                return Cast.FULL
            state.origins[name] = origin
            origin.add(now)
            bucket = Bucket(self._voter_limit.burst, now)
            known = state.voters[voter] = _Voter(choice, bucket, name)
            state.was_used = True
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

    def crowd(self, ballot: Ballot) -> Crowd | None:
        """Returns what is to be said of votes of one address; None where there is nothing."""
        with self._lock:
            state = self._of_host(ballot)
            crowds = state.crowds() if state else set()
            if state is None or not crowds:
                return None
            votes = sum(state.origins[name].voters for name in crowds)
            return Crowd(votes, state.leaves_crowds_out)

    def leave_out(self, ballot: Ballot, *, left_out: bool) -> None:
        """Leaves the votes of such addresses out of the counts, or counts them again."""
        with self._lock:
            state = self._of_host(ballot)
            if state is not None:
                state.leaves_crowds_out = left_out

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
            state.origins.clear()
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
        now = self._clock()
        for code, state in list(self._states.items()):
            without_votes = min(self._idle_seconds, IDLE_SECONDS_WITHOUT_VOTES)
            if now - state.touched > self._idle_seconds or (
                not state.was_used and now - state.touched > without_votes
            ):
                del self._states[code]
            elif now - state.touched <= without_votes:
                break  # what follows was touched later


@functools.cache
def ballots() -> Ballots:
    """Returns the ballots of this process, which the pages and the phones share."""
    return Ballots()


def _new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
