"""Sanity check 3: second moments of the corrected model and of the method, on a quadratic with affine variance."""

from __future__ import annotations

import sympy as sp

from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD, DSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine
from sdescent.derive.process.stationary import continuous_rate, discrete_second_moments, discrete_step, second_moments
from sdescent.derive.sanity.check import SanityCheck, Working, equal, tex
from sdescent.derive.sanity.quadratic import LAMBDA, decay_rate, thresholds
from sdescent.derive.vocabulary.symbols import N, eta, parameter


def compressed_affine() -> Method:
    """DCSGD with the Bernoulli(p) sparsifier and affine variance sigma0^2 + sigma1^2 ||g||^2."""
    return DCSGD(Bernoulli("p"), Affine("sigma0", "sigma1"))


def quadratic_second_moments() -> SanityCheck:
    """Corrected dV/dt - (V_{n+1} - V_n)/eta = (eta/2)[H,[H,V]] (theory 5.3)."""
    work = Working()
    method, dim = compressed_affine(), 2
    v = sp.Matrix(dim, dim, lambda i, j: sp.Symbol(f"V_{min(i, j) + 1}{max(i, j) + 1}", real=True))
    h = Quadratic().vectors(dim)["h"]
    continuous = continuous_rate(method, v, "corrected")
    discrete = (discrete_step(method, v) - v) / eta
    gap = (continuous - discrete).applyfunc(sp.expand)
    hessian = sp.diag(*h)
    inner = hessian * v - v * hessian
    double = eta / 2 * (hessian * inner - inner * hessian)
    work.show(
        r"V = \mathbb{E}\,xx^\top,\qquad f = \tfrac12 x^\top H x,\qquad H = \mathrm{diag}(\lambda_1, \lambda_2)",
        "the moments that are compared; Bernoulli sparsifier, affine noise variance",
    )
    for i, j in ((0, 0), (1, 1), (0, 1)):
        entry = f"{i + 1}{j + 1}"
        work.claim(
            f"gap {entry}",
            rf"\dot V_{{{entry}}} - (V_{{n+1}} - V_n)_{{{entry}}}/\eta",
            gap[i, j],
            sp.factor(double[i, j]),
            "rate of the corrected model minus that of the method at equal V: an entry of the double commutator",
        )
    work.claim(
        "entry", r"\left(\tfrac{\eta}{2}[H,[H,V]]\right)_{12}", double[0, 1], eta / 2 * (h[0] - h[1]) ** 2 * v[0, 1],
        "the double commutator by matrix products, in the eigenbasis of H",
    )
    closed = not any(continuous[i, i].has(v[0, 1]) or discrete[i, i].has(v[0, 1]) for i in range(dim))
    work.fact(
        "closed", r"\partial \dot V_{ii}/\partial V_{12} = 0", closed, closed,
        "H is diagonal and C acts by coordinates, so the diagonal of V closes",
    )
    loss_gap = sum((h[i] * gap[i, i] / 2 for i in range(dim)), sp.S.Zero)
    work.claim("loss gap", r"\tfrac12 \mathrm{Tr}\,H(\dot V - \Delta V/\eta)", loss_gap, sp.S.Zero,
               "hence the rates of the expected loss agree at equal V")
    stationary = second_moments(method, dim, "corrected").matrix, discrete_second_moments(method, dim).matrix
    for i in range(dim):
        work.fact(
            f"stationary {i + 1}{i + 1}", rf"V^{{\infty,\text{{corrected}}}}_{{{i + 1}{i + 1}}} = "
            rf"V^{{\infty,\text{{method}}}}_{{{i + 1}{i + 1}}}", stationary[1][i, i],
            equal(stationary[0][i, i], stationary[1][i, i]) and not vanishes(stationary[1][i, i]),
            "both stationary second moments, solved exactly, agree",
        )
    p = parameter("p")
    claims = {model: sp.factor(2 * N * p / LAMBDA / sp.expand(N * p * strength)) for model, strength in _strengths().items()}
    thresholds(work, method, claims, dict.fromkeys(claims, "one dimension: where the rate of the second moment changes sign"))
    _one_step(work)
    return work.finish(
        "quadratic-second-moments",
        "Quadratic with affine variance and compression: second moments",
        r"\text{With } V=\mathbb{E}\,xx^\top:\quad "
        r"\dot V_{\text{corrected}} - \frac{V_{n+1}-V_n}{\eta} = \frac{\eta}{2}[H,[H,V]],\qquad "
        r"\text{entry } ij:\ \frac{\eta}{2}(\lambda_i-\lambda_j)^2 V_{ij}",
    )


def _strengths() -> dict[str, sp.Expr]:
    """A of the rate 2 lambda - eta lambda^2 A of E x^2: a step multiplies it by 1 - 2 eta lambda + eta^2 lambda^2 (1 + A_1/N)."""
    spread = ((1 + parameter("sigma1") ** 2) / parameter("p") - 1) / N
    return {"discrete": 1 + spread, "first-order": spread, "second-order": spread - 1, "corrected": 1 + spread}


def _one_step(work: Working) -> None:
    half = {eta: 1 / (2 * LAMBDA)}
    v = sp.Matrix([[sp.Symbol("V", positive=True)]])
    model = sp.exp(-decay_rate("corrected") * eta).subs(half)
    method = sp.cancel(discrete_step(DSGD(), v, LAMBDA)[0] / v[0]).subs(half)
    work.fact(
        "one step", rf"\eta\lambda = \tfrac12:\quad {tex(model)} \approx {float(model):.2f} \neq {tex(method)}",
        (model, method),
        equal(model, sp.exp(-sp.Rational(3, 4))) and equal(method, sp.Rational(1, 4)),
        "the path in between differs: the factor of the loss after one step without noise, model against method",
    )
