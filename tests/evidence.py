"""The README's table of the claim, as the shipped references give it.

    python -m tests.evidence

prints it, to be put into the README.
"""

from __future__ import annotations

from blurdash.embed import EMBEDDERS
from blurdash.flips import FlipCell, RankFlips
from blurdash.reference import load_reference
from blurdash.ui.server.references import SHIPPED

__all__ = ["CELLS", "evidence"]

# Shift and degree: where the claim holds, where it begins to, and where it fails.
CELLS = (
    *((16.0, 50), (16.0, 30), (16.0, 20), (8.0, 30), (8.0, 20)),
    *((4.0, 50), (4.0, 10), (16.0, 10), (8.0, 5)),
)
KERNEL = "study"


def evidence() -> str:
    """Returns the table as Markdown."""
    shipped = {
        name: load_reference(path).flips()
        for name in EMBEDDERS
        if (path := SHIPPED / f"faces-{name}-{KERNEL}").is_dir()
    }
    heads = [f"cosine, `{name}`" for name in shipped]
    lines = [
        f"| sharp, moved by | against a blur of | PSNR | SSIM | {' | '.join(heads)} |",
        f"|{'---|' * (4 + len(heads))}",
    ]
    for shift, degree in CELLS:
        first: RankFlips = next(iter(shipped.values()))
        cells = [first.cell(name, shift, degree) for name in ("psnr", "ssim")]
        cells += [flips.cell("cosine_similarity", shift, degree) for flips in shipped.values()]
        lines.append(f"| {shift:g} px | {degree} px | {' | '.join(map(told, cells))} |")
    return "\n".join(lines)


def told(cell: FlipCell) -> str:
    """A count with its Wilson interval."""
    return f"{cell.prefer_sharp} ({100 * cell.low:.0f}–{100 * cell.high:.0f} %)"


if __name__ == "__main__":
    print(evidence())
