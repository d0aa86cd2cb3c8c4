"""A theorem's claim at the horizon, compared with closed moments if they exist.

Moments close for squares and products of a state if the loss is quadratic and the step linear in the state. Let z be x_j with the
memory in that coordinate. The images of 1, z_a, z_a z_b under a step, or under the SDE's generator, are computed at random states.
A least-squares fit expresses them by 1, z_a, z_a z_b, further states check the fit. So E z_a z_b follows a linear equation.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any, final

import numpy as np
import scipy.linalg

from sdescent.derive.equations.process.generator import generator
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, dot, norm, vec
from sdescent.derive.theorems.bounds.horizon.gronwall_and_telescoping import Conclusion
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.vocabulary import numbers_in, symbols_of
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.theorem import Derivation
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.checks.formulas import Numbers, Verified, obeyed, paths, times
from sdescent.numerics.evidence.checks.points import needed, tightness_of
from sdescent.numerics.evidence.stated import one_step
from sdescent.numerics.evidence.stated.instance import Instance, NoInstance, State

#: number of steps up to the horizon, if the assumptions allow it, and of nodes of a time integral
STEPS, NODES = 40, 40
#: numbers of steps to try in addition to those in the assumptions; the largest one to try
FEWER_OR_MORE, MOST_STEPS = (20, 10, 5, 3, 2, 1, 100, 300, 1000), 2000
#: name of the claim about a step as an assumption
CLAIM = "the bound on a step"
#: largest relative difference that counts as rounding in the test for linearity
LINEAR = 1e-9


def at_the_horizon(stated: Stated, seconds: float = 10.0) -> Relation | None:
    """The claim at the horizon, or the consequence there of the bound on a step (true or not); None if nothing is derived."""
    if stated.integrated:
        return stated.claim
    if stated.conclude == "none" or stated.step is None:
        return None
    entry = stated.entry()
    w = Derivation(replace(entry, assumptions={**entry.assumptions, CLAIM: stated.step}), seconds)
    try:
        bound = Conclusion(w, stated.setting, seconds=seconds)
        conclude = bound.gronwall if stated.conclude == "gronwall" else bound.telescope
        return conclude(stated.weighted, w[CLAIM]).claim
    except ProofError:
        return None


def without_sampling(id: str, one: Instance, subject: str, claim: Relation, words: str) -> Verified:
    """The verdict from second moments; NoClosedForm unless f is quadratic and the sides linear in them, NoInstance, NoNumber."""
    if one.member.curvatures is None:
        raise NoClosedForm("the loss is not quadratic")
    if _local(one):
        raise NoClosedForm("an assumption holds only near the minimum, but the means are over all states")
    steps = steps_to_the_end(one, STEPS)
    means, weights = _means(one, subject, steps)
    _check_linear(one, claim, means, weights, steps)
    numbers = _numbers(one, means, weights, steps)
    _check_assumed(one, numbers)
    left, right = _sides(numbers, claim)
    good = bool(obeyed(claim.op, np.array(left), np.array(right)))
    outside: dict[str, bool | None] = {}
    if "largest" in words:
        for step, far in one_step.too_large(one).items():
            ends = _sides(_numbers(far, *_means(far, subject, steps), steps), claim)
            # a bound such as (1 - k)^K is void for k > 1
            outside[step] = None if np.isnan(ends[1]) else not bool(obeyed(claim.op, *map(np.array, ends)))
    tight = tightness_of(np.array([[left]]), np.array([[right]]))
    description = {"what": "horizon", "case": words, **one.description, "steps": steps, "value": left, "bound": right}
    verdict = Verdict.CONFIRMED if good else Verdict.VIOLATED
    note = note_of(one.stated, subject)
    return Verified(id, subject, "closed moments", verdict, tight, description, 1, int(not good), outside, (), note)


def note_of(stated: Stated, subject: str) -> str:
    """The note that a theorem about an SDE does not cover the method; empty if the theorem covers the subject."""
    return "" if stated.about == "method" or subject == "SDE" else one_step.ABOUT_THE_SDE


def _sides(numbers: Numbers, claim: Relation) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        left, right = (float(a.item()) for a in numbers.sides(claim))
    return left, right


def steps_to_the_end(one: Instance, usual: int) -> int:
    """A number of steps that satisfies the assumptions about the horizon, `usual` if possible. Raises NoInstance if all fail."""
    setting = one.stated.setting
    about = {n: r for n, r in setting.assumptions.items() if setting.horizon[1] in symbols_of(r)}
    start = {t: paths(v) for t, v in one.starts.items()}
    for steps in (usual, *numbers_in(about.values(), MOST_STEPS, Fraction(one.horizon(1))), *FEWER_OR_MORE):
        held, unknown = one.base.plus({**start, setting.horizon: paths(one.horizon(steps))}).held(about)
        open_ = [name for name in unknown if not setting.at_the_end(about[name])]
        if open_:
            raise NoInstance(f"whether the assumption {open_[0]} holds up to the horizon is not known")
        if all(np.all(h) for h in held.values()):
            return steps
    raise NoInstance(f"no number of steps up to the horizon was found for which all of these hold: {', '.join(about)}")


def _means(one: Instance, subject: str, steps: int) -> tuple[MeanSquares, np.ndarray]:
    """The moments at the times of a sum or an integral, then at the horizon, and the weights of the times."""
    if subject == "method":
        return means_of_the_method(one, steps), np.full(steps, 1.0 if one.stated.about == "method" else one.eta)
    end = steps * one.eta
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return means_of_the_sde(one, np.append((nodes + 1) * end / 2, end)), weights * end / 2


def _numbers(one: Instance, means: MeanSquares, weights: np.ndarray, steps: int) -> Numbers:
    """The second moments as values of the theorem's atoms, at the times and at the horizon."""
    h = np.array(one.member.curvatures)
    vectors: dict[str, dict[str, Any]] = {nm.DISTANCE: {"x": 1.0}, nm.GRADIENT: {"x": h}}
    if one.stated.setting.mean == nm.GRADIENT:
        vectors[nm.MESSAGE] = {"x": h}
    vectors |= {letter: {letter: 1.0} for letter in means.letters if letter != "x"}
    for name, parts in one.sums.items():
        if not parts.keys() <= vectors.keys():
            continue  # contains the mean message, which is not linear in the state
        vectors[name] = {}
        for v, c in parts.items():
            for letter, e in vectors[v].items():
                vectors[name][letter] = vectors[name].get(letter, 0.0) + c * e

    def product(v: str, w: str) -> np.ndarray:
        pairs = [(a, b, c * e) for a, c in vectors[v].items() for b, e in vectors[w].items()]
        return sum((np.sum(c * means.product(a, b), axis=1) for a, b, c in pairs), np.zeros(()))

    f = np.sum(h / 2 * means.product("x", "x"), axis=1)
    values: dict[Term, np.ndarray] = {nm.f: times(f[:-1])}
    for v in vectors:
        values[norm(vec(v))] = times(np.sqrt(np.maximum(product(v, v)[:-1], 0)))
        values |= {dot(vec(v), vec(w)): times(product(v, w)[:-1]) for w in vectors}
    start = one.starts
    for key, p in one.stated.setting.potentials.items():
        path = f if key == "f" else product(*key)
        values |= {p.value: times(path[:-1]), p.end: paths(path[-1]), p.start: paths(start[p.start])}
    values |= one_step.moment(one, means.times[:-1]).values(one, times)
    values[one.stated.setting.horizon] = paths(one.horizon(steps))
    return replace(one.base.plus(values), size=(1, 1, len(weights), 1), weights=weights, mean=True)


def _check_linear(one: Instance, claim: Relation, means: MeanSquares, weights: np.ndarray, steps: int) -> None:
    """Raise NoClosedForm unless both sides are linear in the moments, which may then replace squares of random values."""
    rng = np.random.default_rng(23)
    first, second = (rng.normal(size=means.values.shape) ** 2 for _ in range(2))
    other = [replace(means, values=values) for values in (first, second, (first + second) / 2)]
    sides = [_sides(_numbers(one, several, weights, steps), claim) for several in other]
    for a, b, c in zip(*sides, strict=True):
        if not abs((a + b) / 2 - c) <= LINEAR * (1 + abs(a) + abs(b)):
            raise NoClosedForm("one side of the claim is not linear in the second moments")


def _check_assumed(one: Instance, numbers: Numbers) -> None:
    """Check the assumptions about the start and the horizon. Raises NoInstance if one fails, NoNumber if a part has no value."""
    setting = one.stated.setting
    for name in sorted(setting.formulas):
        if setting.at_the_end(r := setting.assumptions[name]) and not obeyed(r.op, *map(np.array, _sides(numbers, r))):
            raise NoInstance(f"the assumption {name} does not hold on the instance")


def _local(one: Instance) -> bool:
    """Whether the assumptions fail at some distant state."""
    far: Mapping[str, np.ndarray] = {letter: 1e3 * a for letter, a in one_step.states(one, 100, 5).items()}
    with np.errstate(all="ignore"):
        return not all(np.all(h) for h in one.held(one.numbers(far)).values())


def horizon(id: str, chosen: list[Instance], subject: str, claim: Relation) -> list[Verified]:
    """The tightest instances of the theorem at the horizon, at the largest step size and well inside, or NoInstance."""
    groups: dict[str, list[Verified]] = {}
    missing = ""
    for one in chosen:
        for words, instance in one_step.steps_of(one).items():
            try:
                groups.setdefault(words, []).append(without_sampling(id, instance, subject, claim, words))
            except (NoClosedForm, ValueError) as error:
                missing = f"{instance.member.name}: {error}"
    results = [_merged(several) for several in groups.values() if several]
    if not results:
        raise NoInstance(missing)
    return results


def _merged(results: list[Verified]) -> Verified:
    """One result for several instances: a violated one if there is one, else the tightest."""
    worst = min(results, key=lambda v: (v.verdict is not Verdict.VIOLATED, v.tightness or 0.0))
    count, failing = len(results), sum(v.failing for v in results)
    instance = {**worst.instance, "cases": count}
    return replace(worst, instance=instance, count=count, failing=failing, outside=needed(results))


# --- second moments of a state, for a quadratic loss and a step linear in the state

#: largest relative error of a fit that counts as exact
CLOSED = 1e-7


@final
@dataclass(frozen=True)
class MeanSquares:
    """Means of the letters, x first, and of products of two, (S, d, monomials) in the order of `monomials`, at the times (S,)."""

    letters: tuple[str, ...]
    times: np.ndarray
    values: np.ndarray

    def product(self, a: str, b: str) -> np.ndarray:
        """The moments E z_a z_b for each coordinate, (S, d)."""
        pairs = _pairs(self.letters)
        return self.values[:, :, 1 + len(self.letters) + pairs.index((a, b) if (a, b) in pairs else (b, a))]


def _pairs(letters: Sequence[str]) -> list[tuple[str, str]]:
    return list(itertools.combinations_with_replacement(letters, 2))


def monomials(state: State, letters: Sequence[str]) -> np.ndarray:
    """The monomials 1, z_a, z_a z_b of a state, (monomials, d, ..)."""
    products = [state[a] * state[b] for a, b in _pairs(letters)]
    return np.stack([np.ones_like(state["x"]), *[state[a] for a in letters], *products])


def means_of_the_method(one: Instance, steps: int) -> MeanSquares:
    """The second moments of the method after 0, .., `steps` steps, quadratic loss. Raises NoClosedForm if they do not close."""
    letters = one.method.rule.letters
    times = one.eta * np.arange(steps + 1)
    clock = one_step.moment(one, times)
    now, means, matrices = _begin(one, letters), [], {}
    for n in range(steps):
        means.append(now)
        key = float(clock.u[n]), n if one.method.rule.uses("k") else 0
        if key not in matrices:
            at = one_step.Moment(times[n : n + 1], clock.u[n : n + 1], clock.n[n : n + 1])
            matrices[key] = _images(one, letters, partial(_step, one, letters, at))
        now = np.einsum("jmk,jk->jm", matrices[key], now)
    return MeanSquares(letters, times, np.stack([*means, now]))


def _step(one: Instance, letters: Sequence[str], now: one_step.Moment, state: State) -> np.ndarray:
    following, chances = one_step.after(one, state, now)
    return np.sum(chances * monomials(following, letters), axis=3)


def means_of_the_sde(one: Instance, times: np.ndarray) -> MeanSquares:
    """The second moments of the SDE at these times, quadratic loss. Raises NoClosedForm if they do not close or h follows time."""
    named = one_step.equation(one).coordinates(one.dim)
    if any(s.name not in one.all_values and s not in named.state for d in named.drift for s in d.free_symbols):
        raise NoClosedForm("the schedule changes with time")
    place = list(named.state)
    powers = [[one_step.lowered_at(one, generator(named, s**power), place) for s in place] for power in (1, 2)]
    rates = [[lambda *z: jnp.zeros_like(z[0])] * one.dim, *powers]

    def images(state: State) -> np.ndarray:
        at = [jnp.asarray(row) for row in state["x"]]
        return np.array([[np.broadcast_to(np.asarray(rate(*at)), at[0].shape) for rate in row] for row in rates])

    rate, begin = _images(one, ("x",), images), _begin(one, ("x",))
    values = [[scipy.linalg.expm(t * rate[j]) @ begin[j] for j in range(one.dim)] for t in times.tolist()]
    return MeanSquares(("x",), times, np.array(values))


def _begin(one: Instance, letters: Sequence[str]) -> np.ndarray:
    """The monomials of the initial state, (d, monomials)."""
    return monomials(one.begin, letters)[:, :, 0].T


def _images(one: Instance, letters: Sequence[str], of: Any) -> np.ndarray:
    """The matrix that maps the monomials to their images, for each coordinate, (d, monomials, monomials)."""
    count, states = 1 + len(letters) + len(_pairs(letters)), one_step.states(one, 400, 3)
    state = {a: states[a][:, : 4 * count] / max(1.0, one.member.unit) for a in letters}
    before, image = monomials(state, letters), of(state)
    half = 3 * count
    matrices = []
    for j in range(one.dim):
        matrix, *_ = np.linalg.lstsq(before[:, j, :half].T, image[:, j, :half].T, rcond=None)
        size = 1 + np.abs(image[:, j].T) + np.sum(np.abs(before[:, j].T), axis=1, keepdims=True)
        if not np.all(np.abs(before[:, j].T @ matrix - image[:, j].T) <= CLOSED * size):
            raise NoClosedForm("the equations for the mean squares contain other means: they do not close")
        matrices.append(matrix.T)
    return np.stack(matrices)
