"""Sanity check 5: matching the loss change of one step forces c = 1/2 in the family -g + c eta H g of drifts."""

from __future__ import annotations

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import gradient_symbols, hessian_symbols
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.process.generator import matching
from sdescent.derive.sanity.check import SanityCheck, Working, equal, tex
from sdescent.derive.vocabulary.symbols import eta


def matching_identity(dim: int = 2) -> SanityCheck:
    """c = 1/2, and the corrected model is that member of the family (theory 2)."""
    work = Working()
    found = matching(dim)
    work.show(
        r"\tfrac1\eta\,\mathbb{E}[f(x_{n+1}) - f(x_n)] = "
        r"-\|g\|^2 + \tfrac{\eta}{2}\left(g^\top H g + \tfrac1N \mathrm{Tr}(HS)\right) + O(\eta^2)",
        "second-order Taylor expansion of one step with an unbiased compressor and a constant step size",
    )
    work.show(
        r"\mathcal{L}_c f = -\|g\|^2 + c\,\eta\, g^\top H g + \tfrac{\eta}{2N} \mathrm{Tr}(HS)",
        "the generator on f of a model that adds a multiple of the Hessian times the gradient to its drift",
    )
    unique = len(found.alpha) == 1
    alpha = found.alpha[0] if unique else sp.nan
    work.claim(
        "c", "c", alpha, sp.Rational(1, 2),
        f"equal for all gradients, Hessians and covariances in dimension {dim}: the coefficients leave one solution",
    )
    symbol = sp.Symbol("alpha")
    work.fact(
        "identity", rf"\mathcal{{L}}_{{{tex(alpha)}}} f = \tfrac1\eta\,\mathbb{{E}}[f(x_{{n+1}}) - f(x_n)] + O(\eta^2)", found.step,
        unique and sp.expand(found.family.subs(symbol, alpha) - found.step) == 0, "put back",
    )
    g, hessian = sp.Matrix(gradient_symbols(dim)), hessian_symbols(dim)
    drift = sde(DSGD(Gaussian()), "corrected", dim=dim).expanded.drift
    member = -g + alpha * eta * hessian * g
    work.fact(
        "member", rf"\mu_{{\text{{corrected}}}} = -g + {tex(alpha)}\,\eta H g", drift,
        unique and all(equal(drift[i], member[i]) for i in range(dim)), "the corrected model is that member",
    )
    return work.finish(
        "matching-identity",
        "The matching identity",
        r"\text{With the drift } -g + c\,\eta Hg: \quad \mathcal{L} f = \tfrac1\eta\,\mathbb{E}[f(x_{n+1}) - f(x_n)] + O(\eta^2) "
        r"\text{ for all } g, H, S \iff c = \tfrac12",
    )
