"""Names in theorems of one's own, as terms of the kernel; `derive/theorems/bounds/language/letters.py` has the letters of a file.

A letter of the memory keeps its name. Names that only the proof uses end in `_q`; no letter of a file may do so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sdescent.derive.proof.language.terms import Term, dot, mat, norm, opnorm, tr, vec, x

eta, u, N, d = x("eta"), x("u"), x("N"), x("d")
f, fstar, f0, fT, Af = x("f"), x("fstar"), x("f0_q"), x("fT_q"), x("Af_q")
#: ||x_0 - x*||^2
D0 = x("D0_q")
GRADIENT, MESSAGE, DISTANCE, BENT = "g", "bv", "e_q", "cv"
#: the clients' gradients at x*, whose mean is 0
STAR = "gstar_dev_q"
g, b, e = vec(GRADIENT), vec(MESSAGE), vec(DISTANCE)
G = norm(g)
H, S = mat("H"), mat("S")
#: the vector of length 1 whose multiples are lengths
ONE = "one_q"
#: the factor min(1, c/G) of a gradient clipped to the length c
clip = x("clip")
#: the 1-norm of the gradient, in theorems about a majority of signs
G1 = x("G1")
#: E||Z||^2 of one client's noise
NOISE = x("Zsq")
Q, CURVATURE = tr(S), opnorm(H)
#: vectors with different names in a file and in the kernel
VECTOR_WORDS: Mapping[str, str] = {MESSAGE: "b", DISTANCE: "x - xstar"}
#: name -> LaTeX
LATEX = {
    "fstar": "f^{*}", "f0_q": "f(x_0)", "fT_q": "f(x_K)", "Af_q": r"\Delta f", "g": r"\nabla f", "bv": "b",
    "e_q": "(x-x^{*})", "cv": r"\Lambda H\Lambda\nabla f",
    "H": r"\nabla^2 f", "eta": r"\eta", "Zsq": r"\mathbb{E}\|Z\|^2", "kap": r"\kappa", "eps": r"\varepsilon",
}  # fmt: skip


@dataclass(frozen=True)
class VectorSum:
    """A combination of vectors with constant coefficients, such as x - xstar + a*m.

    Args:
        text: its text in the file.
        parts: the kernel's names of the vectors -> their coefficients.
    """

    text: str
    parts: Mapping[str, Term]


def inner(v: str, w: str) -> Term:
    """<v, w>, written ||v||^2 if v and w are the same vector."""
    return norm(vec(v)) ** 2 if v == w else dot(vec(v), vec(w))
