"""Theory 6.7: stationary variances on quadratics, from the moment equations of the engine's own SDEs."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derive.derivation import sde
from derive.equations.in_coordinates import CoordinateSDE
from derive.methods.distributed import DSGD
from derive.methods.losses import Quadratic
from derive.methods.noise import Gaussian
from derive.process.generator import generator
from derive.proof.kernel.rules import Fact
from derive.proof.language.context import Context
from derive.proof.language.terms import Relation, Term, num, plus, xs
from derive.theorems.entry.from_sde import scalar
from derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from derive.vocabulary.choices import Model

eta, N, sigma, lam, v = xs("eta N sigma lam v")
NAMES = {"lam": r"\lambda", "v": r"\mathbb{E}x^2"}
CONTEXT = Context(dict.fromkeys(["eta", "N", "sigma", "lam", "v"], "const"))


def rate_of_moment(own: CoordinateSDE, power: sp.Expr, letters: Mapping[sp.Expr, Term]) -> Term:
    """d/dt of the mean of a product of coordinates, E L of it: the engine's generator, with letters for the means of such products.

    Raises:
        ValueError: the mean of another product is needed.
    """
    value = sp.Poly(sp.expand(generator(own, power)), *own.state)
    known = {sp.Poly(product, *own.state).monoms()[0]: letter for product, letter in letters.items()}
    parts = []
    for powers, coefficient in value.terms():
        if any(powers) and powers not in known:
            raise ValueError(f"the moment of {power} has no closed equation")
        rate = scalar(sp.expand(coefficient), num(1))
        parts.append(rate * known[powers] if any(powers) else rate)
    return plus(*parts)


def rate_of_second_moment(model: Model) -> Term:
    """d/dt E x^2 = E L x^2 on f = lambda x^2/2, with v for E x^2: read off the engine's generator."""
    own = sde(DSGD(Gaussian()), model, Quadratic(("lam",)), 1).expanded
    return rate_of_moment(own, own.state[0] ** 2, {own.state[0] ** 2: v})


FACTORS: dict[Model, Term] = {"first-order": num(2), "corrected": 2 - eta * lam, "second-order": 2 + eta * lam}
WORDS = {
    "first-order": r"2N\lambda",
    "corrected": r"N\lambda(2-\eta\lambda)",
    "second-order": r"N\lambda(2+\eta\lambda)",
}


def derivation(model: Model):
    def prove(w: Derivation) -> Fact:
        base = w.combine("the rate of decay", num(0).lt(lam * FACTORS[model]), [(1, ["lambda > 0", "stable"], ())])
        unit = w.kernel.inverse(lam * FACTORS[model], base)
        share = 1 / (lam * FACTORS[model])
        return w.combine("solve", v.eq(eta * sigma**2 / N * share), (), [(share, "stationary"), (-v, unit)])

    return prove


def entry(model: Model) -> Theorem:
    def read() -> dict[str, Relation]:
        return {"stationary": num(0).eq(rate_of_second_moment(model))}

    return Theorem(
        id=f"6.7-{model}",
        title=f"Stationary variance on a quadratic, {model} model",
        source="theory 6.7 and 5.4",
        statement=rf"On $f=\lambda x^2/2$ a stationary second moment, one with $\mathbb{{E}}\,\mathcal{{L}}x^2=0$, is $\mathbb{{E}}x^2=\frac{{\eta\sigma^2}}{{{WORDS[model]}}}$.",
        context=CONTEXT,
        assumptions={"lambda > 0": lam.gt(0), "stable": num(0).lt(FACTORS[model])},
        definitions=read(),
        read=read,
        point={eta: 0, N: 1, sigma: 1, lam: 1, v: 0},
        names=NAMES,
        prove=derivation(model),
        evidence=(Evidence("stationary moments", {"noise": "gaussian", "model": model}),),
    )


ENTRIES = tuple(entry(model) for model in FACTORS)
