"""Makes the shipped references: numbers only, of 30 faces of nobody, under two recognisers.

    python -m assets.references.make FACES [--embedder E] [--kernel K] [--weights DIR]

FACES is a folder with at least 30 face photos, of which the first 30 by name are measured. Takes
about ten minutes a reference on two cores; what an interrupted run finished is not computed again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from blurdash.embed import load_embedder
from blurdash.reference_run import ReferenceSettings, measure_reference

HERE = Path(__file__).resolve().parent
EMBEDDERS = ("dlib", "faceres")
KERNELS = ("study", "line")
WHO = "generated faces of nobody"
SOURCE = "from the sample figures of the SFHQ data set (StyleGAN2, MIT licence); numbers only"


def main() -> None:
    """Makes what was asked for, or every shipped reference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("faces")
    parser.add_argument("--embedder", choices=EMBEDDERS)
    parser.add_argument("--kernel", choices=KERNELS)
    parser.add_argument("--weights", help="of the recogniser that is named")
    parser.add_argument("--out", default=str(HERE), help="where the references go")
    arguments = parser.parse_args()
    for name in [arguments.embedder] if arguments.embedder else EMBEDDERS:
        embedder = load_embedder(name, weights=arguments.weights)
        for kernel in [arguments.kernel] if arguments.kernel else KERNELS:
            out = f"faces-{name}-{kernel}"
            done = measure_reference(
                arguments.faces,
                Path(arguments.out) / out,
                ReferenceSettings(kernel=kernel, blur="exact"),
                embedder,
                who=WHO,
                source=SOURCE,
                overwrite=True,
                command=f"python -m blurdash reference FACES --blur exact --kernel {kernel} "
                f"--embedder {name} --name {out}",
            )
            print(f"{out}: {done.reference.faces} faces")  # noqa: T201


if __name__ == "__main__":
    main()
