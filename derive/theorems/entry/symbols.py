"""The symbols that theorems about methods share: terms, kinds, LaTeX, assumed signs, and contexts made of the symbols.

A method runs for K steps; its SDE runs on the interval [0, T].
"""

from collections.abc import Mapping
from typing import Any

from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, mat, norm, opnorm, under, vec, xs

eta, N, d, L0, L1, eps, T, K, fstar, f, f0, fT, u, kap = xs("eta N d L0 L1 eps T K fstar f f0 fT u kap")
omega, s0, s1, q, v, m2, A1, D0 = xs("omega s0 s1 q v m2 A1 D0")
Af, c, tau, r = xs("Af c tau r")
g, H, S = vec("g"), mat("H"), mat("S")
G, CURVATURE = norm(g), opnorm(H)

#: name -> kind, which says what its value depends on; Af is the change of f in a step, V and Q are other functions of the state
KINDS: Mapping[str, str] = {
    **dict.fromkeys(["eta", "N", "d", "L0", "L1", "eps", "T", "K", "fstar", "f0", "kap", "A1", "D0", "c", "tau", "r", "M", "z", "ratio", "mu", "beta", "theta", "V0", "Q0", "U2"], "const"),
    **dict.fromkeys(["u"], "time"), **dict.fromkeys(["f", "Af", "B", "V", "AV", "Q", "AQ"], "random"), **dict.fromkeys(["fT", "VK", "QK"], "rv"),
    **dict.fromkeys(["omega", "s0", "s1", "sigma"], "detclient"), **dict.fromkeys(["q", "v", "m2"], "client"),
    **dict.fromkeys(["y", "b"], "coord"),
}  # fmt: skip
NAMES: Mapping[str, str] = {
    "L0": "L_0", "L1": "L_1", "eps": r"\varepsilon", "fstar": "f^{*}", "f0": "f(x_0)", "fT": "f(X_T)", "kap": r"\kappa", "mu": r"\mu",
    "omega": r"\omega_k", "s0": r"\sigma_{0,k}^2", "s1": r"\sigma_{1,k}^2", "q": "q_k", "v": r"\operatorname{Tr}\Sigma_k",
    "m2": r"\mathbb{E}\|v_k\|^2", "A1": "A_1", "D0": "D_0", "g": r"\nabla f", "H": r"\nabla^2 f",
}  # fmt: skip
_FLAGS = {"H": ("symmetric",), "S": ("psd",)}
_SIGNS: Mapping[str, Relation] = {
    "eta >= 0": eta.ge(0), "N > 0": N.gt(0), "d >= 0": d.ge(0), "L0 >= 0": L0.ge(0), "L1 >= 0": L1.ge(0), "omega_k >= 0": omega.ge(0),
    "s0_k >= 0": s0.ge(0), "s1_k >= 0": s1.ge(0),
}  # fmt: skip


def signs(*names: str) -> dict[str, Relation]:
    """The assumptions on signs with these names, or all of them if no name is given."""
    return {name: _SIGNS[name] for name in names or _SIGNS}


def mean(t: Term) -> Term:
    """The mean over clients, (1/N) times the sum."""
    return under("C", t) / N


def context(
    names: str, potentials: Mapping[str, Mapping[str, Any]], vectors: tuple[str, ...] = ("g",), matrices: str = "H S",
    functions: Mapping[str, Mapping[str, Any]] | None = None, more: Mapping[str, str] | None = None,
) -> Context:  # fmt: skip
    """A context of these symbols. Time is discrete if K is among them; d is the dimension if there are functions of coordinates.

    Args:
        names: names in `KINDS`, separated by spaces.
        more: further names -> their kinds.
    """
    symbols = {**{name: KINDS[name] for name in names.split()}, **(more or {})}
    steps = "K" in symbols
    return Context(
        symbols, vectors, {name: _FLAGS[name] for name in matrices.split()}, functions or {}, horizon="K" if steps else "T",
        dimension="d" if functions else None, clients="N" if "N" in symbols else None, potentials=potentials, steps=steps,
    )  # fmt: skip
