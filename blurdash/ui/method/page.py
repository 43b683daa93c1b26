"""The Method page: formulas, protocols, kernels, limits, and what happens to a photo."""

from __future__ import annotations

import streamlit as st

from blurdash.clean import CROPS
from blurdash.embed import EMBEDDERS, PROTOCOLS
from blurdash.kernel import KERNELS, audit_kernel
from blurdash.measures import MEASURES
from blurdash.ui.components.browser import figure
from blurdash.ui.method.figures import crops_figure, geometry_figure, kernels_figure, ways_figure
from blurdash.ui.server.recogniser import offer_own
from blurdash.words import sentence

__all__ = ["method_page"]

QUESTION = """
A motion-blurred photo and a sharp photo that is a few pixels off: which is the worse copy? To the
eye it is the blurred one. PSNR and SSIM compare pixel by pixel and often say the opposite, for
every edge of the shifted picture lies in the wrong place. The embedding of a face-recognition
network changes little under a small shift and falls with the blur. This software lets you see
both, on a face you know, and also where the claim stops being true.
"""

WAY = """
1. The face is found in the clean photo (MTCNN) and cut out upright as a **canvas** of
   1024 × 1024 pixels, framed as the FFHQ data set frames it. A square picture that already is such
   a crop is taken whole.
2. The canvas is blurred by a kernel of a **degree** (length, 0 to 100 canvas pixels) and an
   **angle**; then, if you want, shifted.
3. The recogniser embeds the clean and the changed canvas; the two embeddings are compared. PSNR
   and SSIM compare the two canvases.

A degree is also given in percent of the distance between the eyes: pixels mean nothing without the
size of the face.
"""

EMBEDDING_FORMULA = (
    r"\text{cosine similarity} = \frac{a \cdot b}{\lVert a \rVert_2 \lVert b \rVert_2}, \qquad "
    r"L_1 = \lVert a - b \rVert_1, \qquad L_2 = \lVert a - b \rVert_2"
)
QUALITY_FORMULA = (
    r"\text{PSNR} = 10 \log_{10} \frac{255^2}{\text{MSE}}, \qquad "
    r"\text{SSIM} = \operatorname{mean} \frac{(2\mu_x\mu_y + C_1)(2\sigma_{xy} + C_2)}"
    r"{(\mu_x^2 + \mu_y^2 + C_1)(\sigma_x^2 + \sigma_y^2 + C_2)}"
)
FORMULA_NOTES = r"""
PSNR is taken over all RGB values. SSIM is taken on Rec. 601 luma with an 11 × 11 Gaussian window
of σ = 1.5, $C_1 = (0.01 \cdot 255)^2$, $C_2 = (0.03 \cdot 255)^2$, as Wang et al. (2004) define it.
For embeddings of unit length (FaceNet) $L_2 = \sqrt{2 (1 - \text{cosine})}$: cosine, $L_1$ and
$L_2$ are then one readout in three units. The study's formula for the average similarity writes
1 − cosine; its code adds up the cosine itself. Both are offered, by name.
"""

EQUIVALENT_NOTES = """
*Reads as a blur of 33 px* is the degree at which this face's own curve, at this angle and with this
kernel, has the same value. Curves are not monotone: the study's stretch lets PSNR rise between
neighbouring degrees, so a value may belong to several blurs, and all of them are named: *20 or 50
px*, neighbours as *41–43 px*. Degree 1 is left out, for the study draws its angle. Below 10 px the
degrees are not told apart, and past the end it is over 100 px. A picture that is blurred and not
shifted reads as its own degree, by definition.
"""

KERNEL_NOTES = """
The **study recipe** is kept bit for bit, because the study's numbers depend on it. It does some
things that its reader does not expect: angle 0 draws a 135° diagonal and 45 a horizontal streak;
the length is degree · √2 at angle 0 and degree at 45; off the diagonal it loses a quarter of the
light, which a stretch of every single picture to 0..255 then hides; it moves the picture by about
half a pixel; and for degree 1 it draws an angle of its own. The **exact line** means what it says:
centred, unit mass, exact length, counter-clockwise from horizontal. Below, what an audit finds.
"""

LIMITS = """
- For **small blurs** the embedding, too, prefers the blurred picture to the shifted one: with the
  crop fixed, an 8-pixel shift costs more cosine than a blur of 10 pixels. Finding the face again
  in the shifted picture (crop *redetect*) takes that away.
- Very blurred **strangers** look alike to a recogniser: compare a blurred face with its own clean
  self, as here, and not with another blurred one.
- **Degree** and **angle** of the study recipe are not what they are called; see the audit.
- The numbers are those of one network on one face. Which network, protocol, crop and kernel stands
  beside them, and in the receipt that *Copy receipt* and `python -m blurdash readout --json` give.
  A colleague computes it again with `python -m blurdash verify RECEIPT.json --photo FILE`.
- A network with random weights is never shown as a recogniser.
"""

PRIVACY = """
Place, date and whatever else is not picture are removed from it, from a JPEG, PNG or WebP before
it leaves your browser, from other files by the server before anything else is done; not a pixel
is changed. It is decoded in the server's memory, for your session alone. The server writes
neither the photo nor anything made from it to disk or to a log, and neither is in the address of
the page, so a link never shows your face. It is dropped when you remove it, press *Forget my
photos* or close the tab, and is gone from the server's memory within 15 seconds after that; a
connection that is lost for less than 10 seconds keeps it. The picture on the screen is drawn by
your own browser, which also finds the numbers of Explore while you drag. Nothing is fetched from
or sent to another host, except FaceNet's weights the first time they are needed. Where the server
is started anew, the tab sends the photo again. A vote by phone is a 0 or a 1 beside a random word
that the phone makes up; the server remembers, in memory, how many votes came from one address, to
refuse floods and to tell the host. For photos of people you do not want to trust to a server, run
blurdash on your own machine.
"""


def method_page() -> None:
    """Draws the page."""
    with st.container(key="bd-method"):
        st.header("Method")
        st.markdown(QUESTION)
        st.subheader("What is computed", divider="gray")
        figure(ways_figure(), key="bd_ways")
        st.markdown(WAY)
        _formulas()
        st.subheader("Kernels", divider="gray")
        st.markdown(KERNEL_NOTES)
        figure(kernels_figure(), key="bd_kernels")
        st.caption("Every square is a tap, darkest where heaviest. Dashed: where the angle points.")
        figure(geometry_figure(), key="bd_geometry")
        _table_of_kernels()
        st.subheader("Recognisers, protocols, crops", divider="gray")
        figure(crops_figure(), key="bd_crops")
        _table_of_recognisers()
        st.markdown(
            "\n".join(
                f"- {what} **{name}**: {text}"
                for what, table in (("Protocol", PROTOCOLS), ("Crop", CROPS))
                for name, text in table.items()
            )
        )
        st.subheader("Where the claim ends", divider="gray")
        st.markdown(LIMITS)
        st.subheader("What happens to my photo", divider="gray")
        st.markdown(PRIVACY)


def _formulas() -> None:
    st.subheader("Formulas", divider="gray")
    st.markdown(
        "With the clean face $r$, the kernel $k$, the network $g$, $a = g(r)$ and $b = g(k * r)$:"
    )
    st.latex(EMBEDDING_FORMULA)
    st.latex(QUALITY_FORMULA)
    st.markdown(FORMULA_NOTES)
    st.markdown(EQUIVALENT_NOTES)
    _table_of_measures()


def _table_of_measures() -> None:
    rows = [
        {
            "Measure": row.label,
            "Unit": row.unit or "–",
            "Direction": row.direction,
            "Identical pictures": "∞" if row.identical == float("inf") else f"{row.identical:g}",
            "Definition": row.source,
        }
        for row in MEASURES.values()
    ]
    st.dataframe(rows, hide_index=True)


def _table_of_kernels() -> None:
    rows = []
    for name, row in KERNELS.items():
        for angle in (0, 30, 45, 90):
            audit = audit_kernel(row.make(50, angle))
            rows.append(
                {
                    "Kernel": name,
                    "Degree, px": 50,
                    "Angle, °": angle,
                    "Mass": round(audit.mass, 3),
                    "True length, px": round(audit.length, 1),
                    "True direction, °": round(audit.direction, 1),
                    "Offset, px": round(audit.offset, 2),
                }
            )
    st.dataframe(rows, hide_index=True)


def _table_of_recognisers() -> None:
    rows = []
    for row in EMBEDDERS.values():
        threshold = "none of its own"
        if row.threshold:
            label = MEASURES[row.threshold.measure].label
            threshold = f"{label} {row.threshold.value} ({row.threshold.source})"
        rows.append(
            {
                "Recogniser": row.label,
                "Numbers": row.dim,
                "Unit length": "yes" if row.normalised else "no",
                "Protocols": ", ".join(row.protocols),
                "Published threshold": threshold,
                "Download": f"{row.download_mb} MB, once" if row.download_mb else "none",
                "Licence of the weights": row.licence,
            }
        )
    st.dataframe(rows, hide_index=True)
    problems = offer_own()
    if problems:
        st.caption("Whoever started this server named others, which cannot be offered:")
    for problem in problems:
        st.text(sentence(problem))  # it has names of files: no markup
