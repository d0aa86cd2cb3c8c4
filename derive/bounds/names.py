"""The names that theorems of one's own are about, as terms of the kernel and as their letters in a file.

| in a file | meaning |
|---|---|
| `eta`, `u`, `N`, `d` | step size, schedule, clients, dimension |
| `f`, `fstar`, `G` | loss at the state, its greatest lower bound, norm of its gradient |
| `Q` | trace of the covariance of one client's message, given the state |
| `clip` | min(1, c/G), where the method clips its gradient to the length c, without noise |
| `g`, `b`, `x - xstar`, memory letters | vectors: gradient, mean message, distance to a minimiser; in `||v||` and `<v, w>` |
| `change` | E V(x_(n+1)) - V(x_n) given the past for the method, L V for an SDE; there also `LV` |
| `EVT`, `V0`, `K` or `T` | the mean of V at the horizon, V at the start, the horizon |
| `sum(t)`, `Esum(t)`, `int(t)`, `Eint(t)` | sum over the steps or integral over time of t, and its mean |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.proof.language.terms import Term, dot, mat, norm, opnorm, tr, vec, x

eta, u, N, d = x("eta"), x("u"), x("N"), x("d")
f, fstar, f0, fT, Af = x("f"), x("fstar"), x("f0"), x("fT"), x("Af")
GRADIENT, MESSAGE, DISTANCE, BENT = "g", "bv", "ev", "cv"
g, b, e = vec(GRADIENT), vec(MESSAGE), vec(DISTANCE)
G = norm(g)
H, S = mat("H"), mat("S")
#: min(1, c/G) of a gradient that is clipped to the length c
clip = x("clip")
Q, CURVATURE = tr(S), opnorm(H)
#: names in LaTeX
LATEX = {
    "fstar": "f^{*}", "f0": "f(x_0)", "fT": "f(x_K)", "Af": r"\Delta f", "g": r"\nabla f", "bv": "b",
    "ev": "(x-x^{*})", "cv": r"\Lambda H\Lambda\nabla f",
    "H": r"\nabla^2 f", "eta": r"\eta", "Zsq": r"\mathbb{E}\|Z\|^2", "kap": r"\kappa", "eps": r"\varepsilon",
}  # fmt: skip


@dataclass(frozen=True)
class VectorSum:
    """A combination of vectors with constant coefficients, a vector of its own: x - xstar + a*m.

    Args:
        text: as it stands in the file.
        parts: the kernel's names of the vectors -> their coefficients.
    """

    text: str
    parts: Mapping[str, Term]


def memory(letter: str) -> str:
    """The kernel's name of the vector of a memory letter."""
    return f"{letter}v"


def inner(v: str, w: str) -> Term:
    """<v, w>, a square of a norm where they are one."""
    return norm(vec(v)) ** 2 if v == w else dot(vec(v), vec(w))
