"""The settings that the command line and the pages start from, in one place."""

from __future__ import annotations

__all__ = ["ANGLE", "CROP", "DEGREE", "DEGREES", "FACES", "KERNEL", "PROTOCOL", "SEED"]

DEGREE = 30
ANGLE = 45.0
KERNEL = "study"
PROTOCOL = "native"
CROP = "fixed"
FACES = 30
DEGREES = range(101)
SEED = 0
