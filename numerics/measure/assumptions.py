"""Which assumptions of theorems hold at the measured points of a run, and the step size that each theorem then allows.

A theorem is about all states; a run has finitely many. So an assumption may fail, hold at the points measured, or be about
something that no data can show. Constants without a number are fitted: the least that fit all points. Such an assumption cannot
fail at these points, so it is also tested with constants fitted to every second point, at the points between.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, final

import numpy as np

from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import Context, parts
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, fn, mat, norm, opnorm, under, vec, x
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.proof.refute.counterexample import number
from sdescent.derive.proof.refute.exact import NoValue
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.vocabulary import replaced
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.numerics.measure.growth import upper_line
from sdescent.numerics.measure.points import Point
from sdescent.numerics.statistics.estimates import Record

#: values for letters that a theorem leaves free
FREE: Mapping[str, float] = {"eps": 0.5, "kap": 0.25, "c": 1.0}
#: a relation that fails by less than this share holds up to rounding
ROUNDING = 1e-6
_GRADIENT, _HESSIAN = norm(vec("g")), opnorm(mat("H"))


class Status(StrEnum):
    """What a run says about an assumption."""

    HOLDS = "holds at the points measured"
    FITTED = "holds with constants fitted to these points"
    FAILS = "fails"
    UNTESTED = "cannot be tested on data"


@final
@dataclass(frozen=True)
class Assumption(Record, null=True):
    """One assumption of a theorem along a run.

    `why` says what cannot be tested, or has the failing numbers. `first_step` is the first measured step at which it fails, with
    fitted constants for those fitted to every second point, else None. At `worst_step` the left side exceeds the right side most,
    by the share `excess` of the right side.
    """

    name: str
    text: str
    status: Status
    why: str = ""
    first_step: int | None = None
    worst_step: int | None = None
    excess: float | None = None


@final
@dataclass(frozen=True)
class Judged(Record, null=True):
    """A theorem along a run.

    Attributes:
        largest_eta: the largest eta that its step conditions allow at all measured points with these constants; None if it has no
            such condition that numbers decide.
        steps: the longest step that they allow at each point, the schedule and the normalisation of the theorem included: eta u
            for x <- x - eta u G, and eta u/K for a normalised method; () without such a condition, or if K has no number.
    """

    id: str
    assumptions: tuple[Assumption, ...]
    largest_eta: float | None
    steps: tuple[float, ...]


@final
@dataclass(frozen=True)
class Setting:
    """What the theorems' letters stand for, besides measurements.

    `method` is that of the run, with N clients; `batch` and `dim` are B and d, `omega` the compressor's stated ratio, if any,
    `rates` eta u at each measured point, `optimum` f* or None, and `constants` the user's numbers for letters.
    """

    method: Method
    batch: int
    dim: int
    omega: float | None
    eta: float
    rates: Sequence[float]
    optimum: float | None
    constants: Mapping[str, float]

    @property
    def signs(self) -> bool:
        """Whether the method sends signs; else C is unbiased, or `omega` is None."""
        return isinstance(self.method.compressor, Sign)


Atoms = Mapping[Term, Any]


def value(term: Term, atoms: Atoms) -> Any:
    """The number of a term, or its numbers at all points; an operator has one only as an atom. Raises NoValue, naming the part."""
    letters = {atom: atom if atom[0] == "x" else x(f"atom {n}") for n, atom in enumerate(atoms)}
    table = {letters[atom][1]: v for atom, v in atoms.items()}
    with np.errstate(all="ignore"):
        try:
            return number(replaced(term, letters), table)
        except KeyError as error:
            raise NoValue(error.args[0]) from None


def excess(relation: Relation, atoms: Atoms) -> np.ndarray:
    """By how much the left side exceeds the right, relative to the larger; > `ROUNDING` where the relation fails, or NoValue."""
    with np.errstate(all="ignore"):
        left, right = np.broadcast_arrays(value(relation.left, atoms), value(relation.right, atoms))
        size = np.maximum(np.abs(left), np.abs(right))
        over = np.where(size > 0, (left - right) / size, 0.0)
    if relation.op == "==":
        return np.abs(over)
    if relation.op == "!=":
        return np.where(left != right, 0.0, 1.0)
    return np.where((relation.op == "<") & (left >= right), 1.0, over)


# --- constants


def fitted(points: Sequence[Point], setting: Setting, plain: bool, letters: Mapping[str, str]) -> dict[str, float]:
    """The least constants that hold at these points: L0, L1 (0 if `plain`), s0, s1, mu and v, also under the theorem's letters."""
    loss, g, curved = _columns(points)
    trace = np.array([p.trace.value for p in points]) / setting.batch
    l0, l1 = (float(curved.max()), 0.0) if plain else upper_line(g, curved)
    s0, s1 = upper_line(g**2, trace / setting.dim)
    constants = {"L0": l0, "L1": l1, "s0": s0, "s1": s1, "v_most": float(trace.max())}
    if setting.optimum is not None:
        above = loss - setting.optimum
        constants["mu"] = float(np.min(g[above > 0] ** 2 / (2 * above[above > 0]), initial=np.inf))
    constants |= {name: v for name, v in setting.constants.items() if name in constants}
    return constants | {letter: constants[role] for letter, role in letters.items() if role in constants}


def _columns(points: Sequence[Point]) -> np.ndarray:
    """The loss, the gradient norm and the norm of the Hessian, (3, points)."""
    return np.array([(p.loss, p.gradient, p.hessian) for p in points]).T


def atoms_of(points: Sequence[Point], setting: Setting, constants: Mapping[str, float]) -> dict[Term, Any]:
    """The numbers of a theorem's terms: one for all points, or an array with one for each."""
    omega, eta, dim = setting.omega, setting.eta, setting.dim
    loss, gradient, hessian = _columns(points)
    noise = np.array([p.trace.value if p.exact else p.trace.lower for p in points]) / setting.batch
    numbers: dict[str, Any] = {
        "eta": eta, "u": np.array(setting.rates) / eta, "N": int(setting.method.clients), "d": dim, "f": loss, "fT": loss[-1],
        nm.fT[1]: loss[-1], "f0": loss[0], nm.f0[1]: loss[0], "v": noise, nm.NOISE[1]: noise, "m2": 1.0, "K": points[-1].step,
        **FREE, **constants, **setting.constants,
    }  # fmt: skip
    if setting.optimum is not None:
        numbers["fstar"] = setting.optimum
    if omega is not None:
        s0, s1 = constants["s0"], constants["s1"]
        numbers |= {"omega": omega, "A1": omega + dim * s1 * (1 + omega), "D0": dim * s0 * (1 + omega)}
        # the lower end: an estimate above omega by chance is no failure
        numbers["q"] = np.array([max(p.compression.lower, 0.0) if p.compression else 0.0 for p in points])
    atoms = {_GRADIENT: gradient, nm.G: gradient, _HESSIAN: hessian, under("I", x("u")): sum(setting.rates)}
    if setting.signs:  # one scale for all coordinates, the median; the density at 0 and R(1) of the normal law
        sigma, ratio = np.array([p.signs.scales[1] for p in points]), np.array([p.signs.ratio for p in points])
        numbers |= {"sigma": sigma, "M": 1 / math.sqrt(2 * math.pi), "ratio": ratio.max()}
        with np.errstate(divide="ignore"):
            atoms[under("C", 1 / x("sigma"))] = numbers["N"] / sigma
        atoms |= {Term(("F", "R", ("q", "1"))): math.erf(math.sqrt(0.5)), fn("abs", x("y")): ratio * sigma}
    return {x(name): v for name, v in numbers.items()} | atoms


# --- theorems


def of_catalogue(points: Sequence[Point], setting: Setting) -> Iterator[Judged]:
    """The theorems of the catalogue about the method of the run: with unbiased messages, or with signs."""
    group = "signs" if setting.signs else "unbiased"
    for id, entry in entries().items():
        if not isinstance(entry, Theorem) or group not in entry.recomputed:
            continue
        if {"beta", "theta"} & set(entry.context.symbols):
            continue  # the letters of the heavy ball, another method
        relations, letters = dict(entry.assumptions), _letters(entry.assumptions)
        plain = "L1 = 0" in relations or x("L1") not in letters
        if x("L0") in letters and "smooth" not in relations:
            relations = {"smooth": _HESSIAN.le(x("L0") if plain else x("L0") + x("L1") * _GRADIENT), **relations}
        yield judged(id, relations, entry.context, step_of(entry.context), points, setting, plain)


def of_file(stated: Stated, name: str, points: Sequence[Point], setting: Setting) -> Judged:
    """A user's theorem; letters of its classes without a number are fitted."""
    classes, letters = stated.hypotheses.classes, dict[str, str]()
    for said, names in {"smooth": ("L0", "L1"), "pl": ("mu",), "variance": ("v_most",)}.items():
        letters |= {term[1]: role for term, role in zip(classes.get(said, ()), names, strict=False) if term[0] == "x"}
    relations = dict(stated.setting.assumptions)
    if (line := stated.hypotheses.smoothness) is not None:
        relations = {"smooth": _HESSIAN.le(line[0] + line[1] * nm.G), **relations}
    plain, method = len(classes.get("smooth", ())) < 2, stated.method
    step = x("eta") if method.schedule.factor == 1 else x("eta") * x("u")
    result = judged(name, relations, stated.setting.context, step, points, setting, plain, letters)
    if method.plain and type(method.compressor) is type(setting.method.compressor):
        return result
    other = Assumption("method", f"the method is {method.name}", Status.FAILS, f"the run is of {setting.method.name}")
    return replace(result, assumptions=(other, *result.assumptions))


def step_of(context: Context) -> Term:
    """The factor eta h of the message in a step x <- x - eta h G of a theorem's method, or in its SDE for the time eta."""
    moves = next(iter(context.potentials.values()))
    factor = moves["mean"][0][0] if context.steps else x("eta") * moves["drift"][0][0]
    normal = Normal(context)
    return normal.term(normal.polynomial(-factor))


def _letters(relations: Mapping[str, Relation]) -> set[Term]:
    return {part for r in relations.values() for side in (r.left, r.right) for part in parts(side)}


def judged(
    id: str, relations: Mapping[str, Relation], context: Context, step: Term, points: Sequence[Point], setting: Setting,
    plain: bool, letters: Mapping[str, str] | None = None,
) -> Judged:  # fmt: skip
    """The verdict on each assumption, by name, of a theorem whose step multiplies the message by `step`, that of the run by eta u.

    `plain` says that it is about L-smooth losses (L1 = 0), `letters` its letters for fitted constants.
    """
    steps, printer = [p.step for p in points], Printer(context)
    everywhere, between = (
        atoms_of(points, setting, fitted(some, setting, plain, letters or {}))
        | ({x("t"): np.array(steps)} if context.steps else {})
        for some in (points, points[::2])
    )
    if step != x("eta") * x("u"):
        relations = {**relations, "step rule": (x("eta") * x("u")).eq(step)}
    measured = {_HESSIAN, x("v"), nm.NOISE, x("f"), fn("abs", x("y"))}
    free = {x(n) for n in ("L0", "L1", "s0", "s1", "mu", "ratio", *(letters or {})) if n not in setting.constants}
    results, allowed = [], np.full(len(points), np.inf)
    for name, relation in relations.items():
        text, inside = printer.relation(relation), _letters({name: relation})
        try:
            result = _verdict(name, text, excess(relation, everywhere), steps)
        except NoValue as error:
            results.append(Assumption(name, text, Status.UNTESTED, f"no number for {error}"))
            continue
        if result.status == Status.HOLDS and inside & measured and inside & free:
            over = np.broadcast_to(excess(relation, between), len(points))
            result = replace(_verdict(name, text, over[1::2], steps[1::2]), status=Status.FITTED)
        results.append(result)
        if x("eta") in {*parts(relation.left)} and relation.op in ("<=", "<"):
            allowed = np.minimum(allowed, _largest_eta(relation, everywhere))
    results += _of_the_noise(points) if setting.signs else []
    if not np.any(np.isfinite(allowed)):
        return Judged(id, tuple(results), None, ())
    try:
        longest = np.broadcast_to(value(step, {**everywhere, x("eta"): allowed}), len(points)).tolist()
    except NoValue:
        longest = ()
    return Judged(id, tuple(results), float(np.min(allowed)), tuple(longest))


def _verdict(name: str, text: str, over: np.ndarray, steps: Sequence[int]) -> Assumption:
    over = np.broadcast_to(over, len(steps))
    failing = np.flatnonzero(~(over <= ROUNDING))
    if not len(failing):
        return Assumption(name, text, Status.HOLDS)
    worst = int(np.argmax(over))
    why = f"first at step {steps[failing[0]]}, at {len(failing)} of {len(over)} points"
    return Assumption(name, text, Status.FAILS, why, steps[failing[0]], steps[worst], float(over[worst]))


def _largest_eta(relation: Relation, atoms: Atoms) -> np.ndarray:
    """The largest eta at each point for a condition that is linear in eta on its left side; inf for another condition."""
    one, right, two, other = np.broadcast_arrays(*(
        value(side, {**atoms, x("eta"): n}) for n in (1.0, 2.0) for side in (relation.left, relation.right)
    ))  # fmt: skip
    linear = (one > 0) & np.isclose(two, 2 * one, rtol=1e-9, atol=0) & np.isclose(right, other, rtol=1e-9, atol=0)
    return np.divide(right, one, out=np.full(one.shape, np.inf), where=linear)


def _of_the_noise(points: Sequence[Point]) -> list[Assumption]:
    """What theorems on signs say of the law R of the noise: it is symmetric, and has one scale for all coordinates and states."""
    steps = [p.step for p in points]
    asymmetric = np.array([0.0 if p.signs.symmetric else p.signs.asymmetric for p in points])
    low, median, high = np.array([p.signs.scales for p in points]).T
    apart = 1.0 - np.divide(low, high, out=np.ones_like(low), where=high > 0)
    moved = 1.0 - median.min() / median.max() if median.max() > 0 else 0.0
    return [
        _verdict("symmetry", "the law of the noise is symmetric in every coordinate", asymmetric, steps),
        _verdict("one scale", "sigma_j = sigma for every coordinate and state", np.maximum(apart, moved), steps),
        Assumption("unimodality", "the law of the noise is unimodal", Status.UNTESTED, "no number for its density"),
    ]
