"""Motion-blurred faces: what PSNR and SSIM say of them, and what a face recogniser says.

Importing this package loads nothing heavy; import the modules you need:
``blurdash.photo``, ``blurdash.face``, ``blurdash.kernel``, ``blurdash.blur``,
``blurdash.distance``, ``blurdash.quality``, ``blurdash.embed``, ``blurdash.readout``.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
