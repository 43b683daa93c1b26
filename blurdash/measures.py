"""Every number that a pair of pictures has, and which of them the argument is about."""

from __future__ import annotations

from blurdash.distance import DISTANCES
from blurdash.quality import METRICS
from blurdash.register import REGISTERED_METRICS
from blurdash.sceptic import SCEPTIC_METRICS
from blurdash.table import Measure, in_role

__all__ = ["ARGUMENT_MEASURES", "CLAIM", "MEASURES", "QUICK"]

# Every number of a readout, in the order it is shown.
MEASURES: dict[str, Measure] = {**DISTANCES, **METRICS}

# Every number that the argument is about, in the order it is shown.
ARGUMENT_MEASURES: dict[str, Measure] = {**MEASURES, **SCEPTIC_METRICS, **REGISTERED_METRICS}

# What the argument claims something of, in the order it is said.
CLAIM = in_role(ARGUMENT_MEASURES, "claim")

# What is measured of the argument's two pictures while a hand moves.
QUICK = in_role(ARGUMENT_MEASURES, "quick")
