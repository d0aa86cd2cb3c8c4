"""The definitions of the theorems, computed again by the engine: b, Tr S, .. of a theorem must be those of the method.

Each function returns its disagreements in words, or an empty list if the engine agrees. In addition, every definition is evaluated
in the models of `sdescent.derive.theorems.entry.instances`.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import state_symbols
from sdescent.derive.equations.sde import lam
from sdescent.derive.expressions.coordinates import frozen, g
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Bernoulli, Identity, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Affine, Gaussian, Scaled, StudentT
from sdescent.derive.methods.optimisers.clipping import NormalisedSGD, NormClipped
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.theorems.entry.instances import INSTANCES, LAWS, SCALES, Meaning, samples
from sdescent.derive.vocabulary.symbols import parameter, u


def unbiased() -> list[str]:
    """Disagreements with b = g and, by total variance, S_jj = mean of (E (C_j - v_j)^2 + Var Z_j), for unbiased compressors.

    They are checked for every compressor whose moments have a closed form after the noise (identity, Bernoulli, Rand-k), with two
    clients of different scales, and with affine noise.
    """
    wrong = []
    for compressor in (Identity(), Bernoulli("p"), RandK("k")):
        for noise in (Scaled(Gaussian(), SCALES), Scaled(StudentT(5), SCALES), Affine()):
            method = DSGD(noise) if isinstance(compressor, Identity) else DCSGD(compressor, noise)
            silent = DSGD() if isinstance(compressor, Identity) else DCSGD(compressor)
            form, error = sde(method).form, sde(silent).form
            name = f"{type(compressor).__name__} with {type(noise).__name__}"
            if form is None or error is None:
                wrong.append(f"{name} has no moments in closed form")
                continue
            if not vanishes(form.mean - g):
                wrong.append(f"the mean of {name} is not the gradient")
            noises = [sp.sympify(s**2 * method.noise.law.variance) for s in method.noise.scales]
            parts = [error.variance.xreplace({g**2: g**2 + s}) + s for s in noises]
            if not vanishes(frozen(form.variance - sp.Add(*parts) / len(parts))[0]):
                wrong.append(f"the covariance of {name} is not that of total variance")
    return wrong


def signs() -> list[str]:
    """Disagreements for DSignSGD with b_j = mean of R(g_j/sigma_k), diagonal S, S_jj = 1 - mean of R(g_j/sigma_k)^2, Lam g = b."""
    wrong = []
    for law in LAWS:
        method = DSignSGD(Scaled(law, SCALES))
        form = sde(method).form
        if form is None:
            wrong.append(f"DSignSGD with {law} has no moments in closed form")
            continue
        means = [law.sign_mean(g / s) for s in method.noise.scales]
        if not vanishes(form.mean - sp.Add(*means) / 2):
            wrong.append(f"the mean of the sign with {law}")
        if not vanishes(lam(form.mean) * g - form.mean):
            wrong.append(f"Lam g of the sign with {law} is not its mean")
        if form.rank or not vanishes(form.variance - 1 + sp.Add(*[m**2 for m in means]) / 2):
            wrong.append(f"the covariance of the sign with {law}")
    return wrong


def silent_signs() -> list[str]:
    """Disagreements with b_j = sign(g_j), for signs without noise."""
    mean = sde(DSignSGD()).moments.mean
    return [] if mean == sp.sign(g) else ["the mean of the sign without noise is not the sign of the gradient"]


def normalised() -> list[str]:
    """Disagreements with the length eta u of a step of normalised SGD in two coordinates, the radius of 6.3-direction."""
    drift = sde(NormalisedSGD(schedule=Free()), "first-order", None, 2).expanded.drift
    return [] if vanishes(drift.dot(drift) - u**2) else ["the step of normalised SGD is not as long as its rate"]


def clipped() -> list[str]:
    """Disagreements with the length eta u min(||G||, c) of a step of norm-clipped SGD in two coordinates."""
    equation = sde(NormClipped(schedule=Free()), "first-order", None, 2).expanded
    size = sp.Min(sp.sqrt(sp.Add(*[e**2 for e in equation.gradient])), parameter("c"))
    ok = vanishes(equation.drift.dot(equation.drift) - u**2 * size**2)
    return [] if ok else ["the step of norm-clipped SGD has another length"]


def descent() -> list[str]:
    """Disagreements with the step x - eta u f'(x) of gradient descent: the mean of DSGD without noise is the gradient."""
    method: Method = DSGD(schedule=Free())
    return [] if sde(method).moments.mean == g else ["the step of DSGD is not the gradient"]


def separable() -> list[str]:
    """Disagreements for sum_j f_j(x_j), any f_j, with the gradient (f_j'(x_j)) and the diagonal Hessian with entries f_j''(x_j)."""
    function = sp.Function("phi")
    state = state_symbols(3)
    value, wrong = SeparableSum(function(place)).value(state), []
    for i, s in enumerate(state):
        if sp.diff(value, s) != sp.diff(function(s), s):
            wrong.append("the gradient of a separable loss is not that of its parts")
        if any(sp.diff(value, s, r) != (sp.diff(function(s), s, 2) if i == n else 0) for n, r in enumerate(state)):
            wrong.append("the Hessian of a separable loss is not diagonal with the curvatures of its parts")
    return wrong


def logistic_regression() -> list[str]:
    """Disagreements of the Hessian minus l2 I with the mean of p(1 - p) a a', which is PSD.

    There are two samples in two dimensions, with labels 1 and -1.
    """
    loss, hessian, rows, chances = samples()
    gap = hessian - loss.l2 * sp.eye(2)
    for k, chance in enumerate(chances):
        gap -= chance * (1 - chance) * rows.row(k).T * rows.row(k) / 2
    ok = all(vanishes(e) for e in gap)
    return [] if ok else ["the data's part of the Hessian of logistic regression is another one"]


GROUPS: dict[str, Callable[[], list[str]]] = {
    "unbiased": unbiased, "signs": signs, "silent signs": silent_signs, "normalised": normalised,
    "norm-clipped": clipped, "silent norm-clipped": clipped, "descent": descent, "separable": separable,
    "logistic regression": logistic_regression,
}  # fmt: skip


@lru_cache
def _once(name: str) -> list[str]:
    return GROUPS[name]() if name in GROUPS else []


@lru_cache
def _instances(name: str) -> list[Meaning]:
    return INSTANCES[name]()


@lru_cache
def _agrees(name: str, relation: Relation) -> bool:
    try:
        return all(instance.holds(relation) for instance in _instances(name))
    except ArithmeticError:  # it has no value at any of the points that were tried
        return False


def forget() -> None:
    """Forget the engine's answers, so that the engine computes them again."""
    for answers in (_once, _instances, _agrees):
        answers.cache_clear()


def disagreements(names: tuple[str, ...], definitions: Mapping[str, Relation]) -> list[str]:
    """Disagreements in the facts of the groups, computed once per process, or else of the definitions in the groups' models."""
    facts = [line for name in names for line in _once(name)]
    if facts:
        return facts
    return [
        f"{title} does not hold for what the engine has ({name})"
        for name in names
        for title, relation in definitions.items()
        if not _agrees(name, relation)
    ]
