"""How much each address may ask for: so much at once, and then so much a second.

Addresses are strangers' to choose, so only the last that asked are remembered.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from blurdash.errors import SettingError

__all__ = ["ADDRESSES_KEPT", "Bucket", "Clock", "Limit", "Purse", "Rate"]

Clock = Callable[[], float]

ADDRESSES_KEPT = 4_096


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
                "least 1 and more than 0",
                hint="give larger numbers",
            )


@dataclass(slots=True)
class Bucket:
    """What is left of a limit: tokens that are taken at once and come back with time.

    Attributes:
        tokens: How many are left; less than 0 where some were spent on credit.
        filled: When they were counted last, s.
    """

    tokens: float
    filled: float

    def take(self, limit: Limit, now: float) -> float:
        """Takes one token; returns 0, or the seconds until there is one again."""
        self._fill(limit, now)
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / limit.per_second

    def spend(self, limit: Limit, amount: float, now: float) -> float:
        """Takes an amount, on credit where it must; returns the seconds until that is paid back."""
        self._fill(limit, now)
        self.tokens -= amount
        return max(0.0, -self.tokens / limit.per_second)

    def _fill(self, limit: Limit, now: float) -> None:
        elapsed = max(0.0, now - self.filled)
        self.tokens = min(limit.burst, self.tokens + elapsed * limit.per_second)
        self.filled = now


class _Buckets:
    """A bucket for each address, of the last that asked."""

    def __init__(self, limit: Limit, kept: int) -> None:
        self.limit, self._kept = limit, kept
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._of)

    def of(self, address: str, now: float) -> Bucket:
        """Returns the bucket of an address, a full one where it is not remembered."""
        bucket = self._of.setdefault(address, Bucket(self.limit.burst, now))
        self._of.move_to_end(address)
        while len(self._of) > self._kept:
            self._of.popitem(last=False)
        return bucket


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
        self._total = total
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets = _Buckets(each, kept)
        self._all = Bucket(total.burst, clock())

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
            bucket = self._buckets.of(address, now)
            return bucket.take(self._buckets.limit, now) or self._all.take(self._total, now)


class Purse:
    """What each address may spend: so much at once, and then so much a second.

    Args:
        limit: The share of an address.
        kept: How many addresses are remembered, the last that spent.
        clock: Seconds that only grow.

    Example:
        >>> purse = Purse(Limit(burst=10, per_second=5), clock=lambda: 0.0)
        >>> [purse.spend("192.0.2.7", 10) for _ in range(3)]
        [0.0, 2.0, 4.0]
    """

    def __init__(
        self,
        limit: Limit,
        *,
        kept: int = ADDRESSES_KEPT,
        clock: Clock = time.monotonic,
    ) -> None:
        self.limit, self._clock = limit, clock
        self._buckets = _Buckets(limit, kept)

    def spend(self, address: str, amount: float) -> float:
        """Takes an amount, on credit where it must; returns the seconds until that is paid back."""
        now = self._clock()
        return self._buckets.of(address, now).spend(self.limit, amount, now)
