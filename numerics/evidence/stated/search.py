"""The search for instances: numbers for the constants, losses of the class, noises, and the largest allowed step size."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Noise, NoNoise, Scaled
from sdescent.derive.methods.specialise import exactly
from sdescent.derive.proof.language.terms import Term
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import BETWEEN_DRAWS
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import symbols_of
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.numerics.evidence.checks.formulas import NoNumber, Numbers, paths
from sdescent.numerics.evidence.stated.constants import Constants, largest
from sdescent.numerics.evidence.stated.instance import Instance, LossClass, NoInstance, TwoPoints, members
from sdescent.numerics.evidence.stated.one_step import moment, reached

#: dimensions and numbers of clients to try
SIZES = ((1, 1), (1, 4), (2, 4), (5, 1))
#: further pairs to try if no pair of `SIZES` has an instance
LARGER = ((2, 16), (2, 64), (10, 4), (10, 64))
#: relative margin by which a constant exceeds the quantity that it bounds
_ROOM = 1e-6


def instances(stated: Stated) -> list[Instance]:
    """Instances that satisfy the assumptions, at the largest allowed step size if there is one, or NoInstance with the reason."""
    if "gi" in stated.letters.vectors or stated.letters.numbers or set(BETWEEN_DRAWS) & set(stated.hypotheses.classes):
        words = "clients with values of their own, draws at several points, and a scalar memory"
        raise NoInstance(f"{words} have no numbers yet")
    constants, fixed = Constants(stated), stated.method.clients
    missing = ["no numbers were found that satisfy the assumptions about constants"]
    for sizes in (SIZES, LARGER):
        pairs = dict.fromkeys((stated.dim or d, int(fixed) if fixed.is_number else n) for d, n in sizes)
        suitable: list[Instance] = []
        for dim, clients in pairs:
            try:
                values = constants.feasible(dim, clients)
                suitable += [] if values is None else _with(constants, values, dim, clients)
            except (NoInstance, NoClosedForm, BadInput) as error:
                missing.append(str(error))
        if suitable:
            return suitable
    raise NoInstance(missing[-1])


def _with(constants: Constants, values: Mapping[str, float], dim: int, clients: int) -> Iterator[Instance]:
    stated, numbers = constants.stated, constants.numbers(values, dim, clients)
    count, last = 0, "no loss of the library is in the class with these constants"
    for member in members(_loss_class(stated, numbers, dim)):
        for words, noise in _noises(stated, numbers, dim):
            method = replace(stated.method, clients=clients, noise=noise)
            first = _raised(Instance(constants, member, method, dim, clients, values, None, words))
            step = _largest(first)
            if step is None:
                last = f"no step size satisfies the assumptions at the starting point on {member.name}"
                continue
            count += 1
            yield replace(first.with_step(step[0]), most=step[0] if step[1] else None)
    if not count:
        raise NoInstance(last)


def _raised(one: Instance) -> Instance:
    """The instance with constants large enough for its start, if they bound initial values (V0 <= c)."""
    setting, values, ends = one.stated.setting, dict(one.values), {t[1] for t in one.starts}
    for r in (setting.assumptions[name] for name in setting.formulas):
        limits = r.op in ("<=", "<") and r.right[0] == "x" and r.right[1] in one.constants.names
        if limits and symbols_of(r.left) & ends:
            try:
                least = float(one.at_the_start.value(r.left).ravel()[0])
            except ValueError:  # the assumption is also about the horizon
                continue
            values[r.right[1]] = max(values[r.right[1]], least * (1 + _ROOM))
    return replace(one, values=values)


def _largest(one: Instance) -> tuple[float, bool] | None:
    """The largest step size at which the assumptions hold at the start, and True; (eta, False) if fixed or unlimited; else None."""
    start, now = one.at_the_start, moment(one, np.zeros(1))

    def holds(eta: float) -> bool:
        instance = one.with_step(float(eta))
        with np.errstate(all="ignore"):
            if not instance.constants.hold(instance.base)[0] or not reached(instance, one.begin, now)[0]:
                return False
            return all(np.all(h) for h in instance.held(start.plus(instance.base.values)).values())

    if one.constants.fixed:
        return (one.eta, False) if holds(one.eta) else None
    return largest(holds, one.eta)


def _loss_class(stated: Stated, numbers: Numbers, dim: int) -> LossClass:
    def number(t: Term | None) -> float | None:
        try:
            return None if t is None else float(numbers.value(t).ravel()[0])
        except NoNumber:
            raise NoInstance("a constant of the class of losses depends on the state") from None

    low, high = stated.hypotheses.smoothness or (None, None)
    mu, bound = _first(stated, "strongly convex", "pl"), _first(stated, "bounded gradient")
    convex = bool({"convex", "strongly convex"} & set(stated.hypotheses.classes))
    return LossClass(dim, number(low), number(high) or 0.0, number(mu), convex, number(bound))


def _first(stated: Stated, *classes: str) -> Term | None:
    """The argument of the first of these classes that occurs among the assumptions."""
    terms = next((stated.hypotheses.classes[name] for name in classes if name in stated.hypotheses.classes), ())
    return terms[0] if terms else None


def _noises(stated: Stated, numbers: Numbers, dim: int) -> list[tuple[str, Noise]]:
    """The noises to use: the method's own if the file names one, else two laws for signs, or noise of the assumed variance."""
    if is_sign(stated.method) and (stated.any_noise or stated.method.noise.law.degenerate):
        return [("Gaussian", Scaled(Gaussian(), "sigma")), ("Cauchy", Scaled(Cauchy(), "sigma"))]
    if not stated.any_noise:
        return [(str(stated.table.get("noise", "none")), stated.method.noise)]
    bound = _first(stated, "variance")
    if bound is None:
        return [("none", NoNoise())]
    at = lambda size: float(numbers.plus({nm.G: paths(size)}).value(bound).ravel()[0])  # noqa: E731
    try:
        fixed, slope = at(0.0), at(1.0) - at(0.0)
        linear = abs(at(3.0) - fixed - 9 * slope) <= 1e-9 * (1 + abs(at(3.0)))
    except ValueError:
        linear, fixed, slope = False, 0.0, 0.0
    if not linear or min(fixed, slope) < 0:
        raise NoInstance("the bound on the variance is not of the form a + b G^2")
    if fixed == slope == 0:
        return [("none", NoNoise())]
    if slope == 0:
        sigma = exactly(float(np.sqrt(fixed / dim)))
        return [("two-point", Scaled(TwoPoints(), sigma)), ("Gaussian", Scaled(Gaussian(), sigma))]
    return [("Gaussian, affine", Affine(exactly(float(np.sqrt(fixed / dim))), exactly(float(np.sqrt(slope / dim)))))]
