"""A session's vote on the Argument page: opened when it is first needed, its host this session."""

from __future__ import annotations

import secrets
from typing import Any

import streamlit as st

from blurdash.errors import BlurdashError
from blurdash.ui.server.clients import address_word
from blurdash.ui.vote.ballots import Ballot, Cast, Crowd, Tally, ballots
from blurdash.ui.vote.link import phone_address, qr_data_url, reachable_from, vote_link
from blurdash.values import is_whole

__all__ = ["BallotBox", "base_for_phones"]

MOST_HANDS = 9999  # of either side

# What is said where no phone can come; whether the server listens to the network.
UNREACHABLE = {
    False: "Phones cannot reach this server: it listens on this machine only. Start it with "
    "--server.address 0.0.0.0 and open this page again.",
    True: "Phones cannot reach this server: this machine has no address in a network. Open this "
    "page under a name or address that phones know.",
}


class BallotBox:
    """The host's side of a ballot."""

    def __init__(self) -> None:
        self._ballot: Ballot | None = None
        self._voter = f"host-{secrets.token_hex(8)}"
        self._mine: int | None = None
        self._phones = False
        self._hands = (0, 0)
        self._since = ballots().moment()
        self.problem = ""  # why there is no ballot, as one sentence

    def open(self) -> None:
        """Lets phones vote."""
        self._phones = True
        self._tally()

    def cast(self, side: object) -> None:
        """Counts a vote that was given on this page."""
        if side not in (0, 1):
            return
        self._tally()
        if self._ballot is not None:
            choice = int(side == 1)
            if ballots().cast(self._ballot.code, self._voter, choice) is Cast.COUNTED:
                self._mine = choice

    def count_hands(self, counts: object) -> None:
        """Takes over a show of hands, in place of one that was counted before.

        Args:
            counts: How many chose A, and how many B; what makes no sense changes nothing.
        """
        if isinstance(counts, list | tuple) and len(counts) == len(self._hands):
            left, right = counts
            if all(is_whole(one) and 0 <= one <= MOST_HANDS for one in (left, right)):
                self._hands = int(left), int(right)

    def reveal(self) -> None:
        """Takes no more votes, and shows the counts."""
        if self._ballot is not None:
            ballots().reveal(self._ballot)

    def leave_out(self, left_out: object) -> None:
        """Leaves out, or counts again, the votes of addresses that cast more than a room does."""
        if self._ballot is not None and isinstance(left_out, bool):
            ballots().leave_out(self._ballot, left_out=left_out)

    def crowd(self) -> Crowd | None:
        """Returns what is to be said of votes that came from one address."""
        return ballots().crowd(self._ballot) if self._ballot is not None else None

    def new_round(self) -> None:
        """Starts again, without votes."""
        self._mine, self._hands = None, (0, 0)
        if self._ballot is not None:
            ballots().new_round(self._ballot)

    @property
    def waits(self) -> bool:
        """Whether votes may come in from elsewhere."""
        return self._phones

    def counts(self) -> tuple[int, int]:
        """Returns the votes for the left and the right picture."""
        voted = ballots().counts(self._ballot) if self._ballot is not None else None
        left, right = voted or (0, 0)
        return left + self._hands[0], right + self._hands[1]

    def told(self, *, revealed: bool) -> dict[str, Any]:
        """What the page is told; no counts before the reveal."""
        left, right = self.counts()
        counts = [left, right] if revealed else [0, 0]
        return {
            "revealed": revealed,
            "mine": self._mine,
            "counts": counts,
            "total": left + right,
            "hands": sum(self._hands),
        }

    def phones(self) -> tuple[str, str]:
        """Returns the page for phones: its QR code as a data URL, and what to say beside it.

        Both are empty before ``open``; the code is where no phone can reach this server.
        """
        if self.problem:
            return "", self.problem
        if not self._phones or self._ballot is None:
            return "", ""
        base = base_for_phones()
        if base is None:
            return "", UNREACHABLE[reachable_from(st.get_option("server.address"))]
        link = vote_link(base, self._ballot.code)
        return qr_data_url(link), link

    def _tally(self) -> Tally | None:
        """The ballot's state; another is opened where there is none or it was forgotten."""
        tally = ballots().tally(self._ballot) if self._ballot is not None else None
        if tally is None:
            self._ballot, self.problem = None, ""
            try:
                self._ballot = ballots().open_ballot(_own_address(), self._since)
            except BlurdashError as error:
                self.problem = f"The vote cannot be opened: {error}."
                return None
            tally = ballots().tally(self._ballot)
        return tally


def _own_address() -> str:
    """What counts as the host's address; every page of this very machine is one."""
    return address_word(st.context.ip_address or "127.0.0.1", st.context.headers)


def base_for_phones() -> str | None:
    """Returns the dashboard's address as phones in the room can open it; None where none can."""
    url = str(st.context.url or "")
    return phone_address(url, st.get_option("server.address"), st.get_option("server.baseUrlPath"))
