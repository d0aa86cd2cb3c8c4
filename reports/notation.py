r"""Notation: every symbol that a report prints is a macro that a paper can redefine, and a row of the notation table.

A part begins with `\input{parts/macros}`, where each macro is a \providecommand: a paper that has defined \sdEta already
keeps its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, final

import sympy as sp

from derive.printer import Printer
from reports.tex import escape

_DIGITS = dict(
    zip("0123456789", ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"], strict=True)
)

#: name -> (how it is set, what it means: scalar or vector, norm or elementwise, units)
MEANING: dict[str, tuple[str, str]] = {
    "eta": (r"\eta", "step size, a number > 0"),
    "N": ("N", "number of clients"),
    "d": ("d", "dimension of the parameter vector"),
    "t": ("t", "time; step n of the method is at time n times the step size"),
    "u": ("u", "step-size schedule, a deterministic function of time"),
    "du": (r"\dot{u}", "time derivative of the schedule"),
    "g": ("g", "gradient of the loss at the current state, a vector; an index picks a coordinate"),
    "v": ("v", "a client's message before compression, gradient plus noise, a vector"),
    "x": ("x", "state of the method, a vector"),
    "H": ("H", "Hessian of the loss at the current state, a matrix"),
    "b": ("b", "mean of a compressed message, averaged over clients, a vector"),
    "S": ("S", "covariance of a compressed message, averaged over clients, a matrix"),
    "sigma": (r"\sigma", "noise scale: the noise is this times the standardised law, elementwise"),
    "sigma0": (r"\sigma_0", "noise scale at zero gradient (affine variance)"),
    "sigma1": (r"\sigma_1", "growth of the noise scale with the Euclidean norm of the gradient (affine variance)"),
    "nu": (r"\nu", "degrees of freedom of Student's t"),
    "alpha": (r"\alpha", "stability index of a stable law"),
    "mu2": (r"\mu_2", "variance of the standardised noise law"),
    "p": ("p", "probability that a Bernoulli sparsifier keeps a coordinate; exponent of a power schedule"),
    "k": ("k", "number of coordinates that Rand-k and Top-k keep"),
    "s": ("s", "number of levels of QSGD"),
    "step": (r"\Delta", "spacing of a fixed grid"),
    "lambda": (r"\lambda", "curvature of a one-dimensional quadratic"),
    "h1": ("h_1", "first eigenvalue of a diagonal Hessian"),
    "h2": ("h_2", "second eigenvalue of a diagonal Hessian"),
    "h3": ("h_3", "third eigenvalue of a diagonal Hessian"),
    "h": ("h", "eigenvalue of a Hessian"),
    "meansign": ("r", "mean of the sign of a coordinate of the message, elementwise"),
    "meansize": ("a", "mean of the absolute value of a coordinate of the message, elementwise"),
    "meansquare": ("c", "mean of a coordinate of the message times its absolute value, elementwise"),
    "y": ("y", "argument of a function of one variable"),
    "L1": ("L_1", "second smoothness constant"),
    "sigma2": (r"\sigma_2", "noise scale of the second client"),
    "sigma3": (r"\sigma_3", "noise scale of the third client"),
    "x1": ("x_1", "first coordinate of the state"),
}


#: vectors and matrices; a symbol of the user's that is called like one is set in another face
VECTORS = ("g", "v", "x", "H", "b", "S", "meansign", "meansize", "meansquare")

#: what formulas contain besides symbols: pattern in the TeX, how it is set, what it means
WRITTEN = (
    (r"\\delta_\{ij\}", r"\delta_{ij}", r"1 where $i=j$, else 0"),
    (r"\\Lambda", r"\Lambda", r"diagonal matrix of the ratios $b_j/g_j$ of mean step and gradient"),
    (r"\\omega", r"\omega", r"compression ratio: $\mathbb{E}\|C(v)-v\|_2^2\le\omega\|v\|_2^2$"),
    (r"\\mathrm\{clip\}", r"\operatorname{clip}", r"$\max(-1,\min(1,\cdot))$, elementwise"),
    (r"\\mathrm\{rank\}", r"\operatorname{rank}_j", r"number of coordinates that are larger, or equal and earlier"),
    (r"(?<![A-Za-z])p\\?(left)?\(", r"p(\cdot)", r"density of the standardised noise law"),
    (r"(?<![A-Za-z}])F[_(]", r"F", r"distribution function of the standardised noise law"),
    (
        r"R_\{?[0-9m]",
        r"R_m(y)",
        r"$\mathbb{E}[Z^m\operatorname{sign}(y+Z)]$ for the standardised noise $Z$; $R_0=2F-1$",
    ),
    (r"\}_\{[0-9]\}F_\{", r"{}_2F_1", r"hypergeometric function"),
    (r"\\Gamma\\?(left)?\(", r"\Gamma(\cdot)", r"gamma function"),
    (r"\\operatorname\{Li\}", r"\operatorname{Li}_2", r"dilogarithm"),
    (r"\\operatorname\{erf\}", r"\operatorname{erf}", r"error function"),
    (r"\]_\{?k", r"[\cdot]_k", r"the vector whose coordinate $k$ is $\cdot$"),
    (r"\(B\\,|B\\,\\mathrm", r"B,\ W", r"a root of the covariance, $BB^{\top}=S$; a standard Brownian motion"),
    (r"\\mathcal\{L\}", r"\mathcal{L}", r"generator of the equation"),
    (r"J_\{jk\}", r"J", r"Jacobian of the mean step in the gradient"),
)


def macro(name: str) -> str:
    r"""The command of a symbol: eta -> \sdEta, sigma0 -> \sdSigmaZero; S -> \sdBigS, since s is \sdS."""
    words = "".join(_DIGITS.get(c, c) for c in name)
    return "\\sd" + ("Big" if words[:1].isupper() else "") + words[:1].upper() + words[1:]


def own_macro(name: str) -> str:
    r"""The command of a symbol of the user's, \sdOwn..: different for names that differ in any character."""
    return "\\sdOwn" + "".join(_DIGITS.get(c) or ("Sub" if c == "_" else c if c.islower() else "Up" + c) for c in name)


@final
class Notation:
    """Prints mathematics with macros, and knows which symbols a document used.

    Args:
        own: what symbols of the user's mean, by name.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = dict(own or {})
        self._used: set[str] = set()

    def __call__(self, expr: Any, names: Mapping[sp.Expr, str] | None = None) -> str:
        """An expression as LaTeX without dollar signs."""
        return Printer(self.commands(), names).doprint(expr)

    def commands(self) -> dict[str, str]:
        """The macro of every symbol."""
        vectors = {f"{n}_j": macro(n) for n in VECTORS}  # apart from symbols of the user's that are called like them
        return {n: macro(n) for n in MEANING} | vectors | {n: own_macro(n) for n in self._own}

    def describe(self, meanings: Mapping[str, str]) -> None:
        """Say what symbols of the user's mean."""
        self._own |= meanings

    def read(self, tex: str) -> None:
        """Count what a part of the document contains as used.

        Raises:
            KeyError: the macro of a symbol without a meaning: say what it is in `MEANING`.
        """
        known = {macro(n) for n in MEANING} | {own_macro(n) for n in self._own}
        found = set(re.findall(r"\\sd[A-Z][A-Za-z]*", tex))
        if not found <= known:
            raise KeyError(f"no meaning for {', '.join(sorted(found - known))}")
        self._used |= found | {pattern for pattern, _, _ in WRITTEN if re.search(pattern, tex)}

    def macros(self) -> str:
        r"""One \providecommand for each symbol."""
        every = {macro(n): shown for n, (shown, _) in MEANING.items()} | {own_macro(n): _face(n) for n in self._own}
        return "".join(rf"\providecommand{{{command}}}{{{shown}}}" + "\n" for command, shown in sorted(every.items()))

    def groups(self) -> dict[str, list[tuple[str, str]]]:
        """Heading -> [(mathematics, meaning as TeX)] of everything used: vectors, numbers, functions and other signs."""
        symbols = {n: (macro(n), escape(text)) for n, (_, text) in MEANING.items() if macro(n) in self._used}
        vectors = [row for n, row in symbols.items() if n in VECTORS]
        numbers = [row for n, row in symbols.items() if n not in VECTORS]
        own = [(own_macro(n), escape(text)) for n, text in self._own.items() if own_macro(n) in self._used]
        written = [(shown, text) for pattern, shown, text in WRITTEN if pattern in self._used]
        named = {"vectors and matrices": vectors, "numbers": numbers + own, "functions and other signs": written}
        return {title: rows for title, rows in named.items() if rows}


def _face(name: str) -> str:
    plain = sp.latex(sp.Symbol(name))
    return rf"\mathsf{{{plain}}}" if plain in [MEANING[n][0] for n in VECTORS] else plain
