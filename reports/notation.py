r"""Notation: every symbol that a report prints is a macro that a paper can redefine, and a row of the notation table.

A part begins with `\input{parts/macros}`, where each macro is a \providecommand: a paper that has defined \sdEta already
keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import sympy as sp

from derive.latex import Printer

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
    "p": ("p", "probability that a Bernoulli sparsifier keeps a coordinate"),
    "k": ("k", "number of coordinates that Rand-k and Top-k keep"),
    "s": ("s", "number of levels of QSGD"),
    "step": (r"\Delta", "spacing of a fixed grid"),
    "lambda": (r"\lambda", "curvature of a one-dimensional quadratic"),
    "h1": ("h_1", "first eigenvalue of a diagonal Hessian"),
    "h2": ("h_2", "second eigenvalue of a diagonal Hessian"),
    "h3": ("h_3", "third eigenvalue of a diagonal Hessian"),
    "h": ("h", "eigenvalue of a Hessian"),
    "y": ("y", "argument of a function of one variable"),
    "L1": ("L_1", "second smoothness constant"),
    "sigma2": (r"\sigma_2", "noise scale of the second client"),
    "sigma3": (r"\sigma_3", "noise scale of the third client"),
    "x1": ("x_1", "first coordinate of the state"),
}


def macro(name: str) -> str:
    r"""The command of a symbol: eta -> \sdEta, sigma0 -> \sdSigmaZero; S -> \sdBigS, since s is \sdS."""
    words = "".join(_DIGITS.get(c, c) for c in name.replace("_", ""))
    return "\\sd" + ("Big" if words[:1].isupper() else "") + words[:1].upper() + words[1:]


@final
class Notation:
    """Prints mathematics with macros and remembers which symbols were used.

    Args:
        own: commands of the user's own for some names.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = dict(own or {})
        self.used: set[str] = set()

    def set_as(self, name: str) -> str:
        """How a symbol is set when the paper says nothing else."""
        return self._own.get(name) or (MEANING[name][0] if name in MEANING else sp.latex(sp.Symbol(name)))

    def __call__(self, expr: Any, names: Mapping[sp.Expr, str] | None = None) -> str:
        """An expression as LaTeX without dollar signs."""
        wanted = {s.name for s in sp.sympify(expr).atoms(sp.Symbol)} | {"g", "v", "x", "H"}
        printer = Printer({n: macro(n) for n in wanted | set(MEANING)}, names)
        text = printer.doprint(expr)
        self.used |= {n.removesuffix("_diag") for n in printer.used}
        return text

    def use(self, *names: str) -> str:
        """Mark symbols that a template writes itself; returns the command of the last."""
        self.used |= set(names)
        return macro(names[-1])

    def macros(self) -> str:
        r"""One \providecommand for each symbol in use."""
        every = sorted(self.used | set(MEANING))
        return "".join(rf"\providecommand{{{macro(n)}}}{{{self.set_as(n)}}}" + "\n" for n in every)

    def rows(self) -> list[tuple[str, str]]:
        """(command, meaning) of every symbol used.

        Raises:
            KeyError: a symbol without a meaning: say what it is in `MEANING`.
        """
        unknown = sorted(n for n in self.used if n not in MEANING)
        if unknown:
            raise KeyError(f"no meaning for {', '.join(unknown)}")
        return [(macro(n), MEANING[n][1]) for n in MEANING if n in self.used]


def split_sum(expr: sp.Expr, notation: Notation, weight: int = 90) -> list[str]:
    """A long sum as lines of roughly `weight` characters of visible mathematics; short expressions are one line."""
    terms = [notation(term) for term in sp.Add.make_args(expr)]
    lines, line, size = [], "", 0
    for term in terms:
        visible = _visible(term)
        glue = "" if not line and not lines else ("" if term.lstrip().startswith("-") else "+")
        if line and size + visible > weight:
            lines.append(line)
            line, size = "", 0
        line += glue + term
        size += visible
    return [*lines, line]


def _visible(tex: str) -> int:
    """About how wide a formula is, in characters."""
    text = tex.replace(r"\left", "").replace(r"\right", "").replace(r"\,", "")
    count, inside = 0, False
    for ch in text:
        if ch == "\\":
            inside, count = True, count + 1
        elif inside and ch.isalpha():
            continue
        else:
            inside = False
            count += ch not in "{}^_ "
    return count
