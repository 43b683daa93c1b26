"""``python -m blurdash``."""

from __future__ import annotations

import sys

from blurdash.cli import main

if __name__ == "__main__":
    sys.exit(main())
