"""Methods, losses and exact points that give values to the letters of theorems, and relations of theorems there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE, gradient_symbols, hessian_symbols, state_symbols
from sdescent.derive.equations.process.generator import generator
from sdescent.derive.expressions.coordinates import g as slot
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import LogisticRegression, Quadratic, Quartic, SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Laplace, Logistic, Scaled, StudentT, Uniform
from sdescent.derive.methods.optimisers.clipping import NormalisedSGD, NormClipped
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.language import terms
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, dot, mat, norm, num, opnorm, quad, tr, trprod, vec, x
from sdescent.derive.proof.refute.exact import NoValue, Values
from sdescent.derive.vocabulary.formulas.special import Psi
from sdescent.derive.vocabulary.symbols import N, eta, parameter, u

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": sp.sqrt, "exp": sp.exp, "log": sp.log, "atan": sp.atan, "erf": sp.erf, "tanh": sp.tanh, "abs": sp.Abs,
    "psi": Psi,
}  # fmt: skip


@dataclass(frozen=True)
class Meaning:
    """The meaning of atoms for d coordinates and N clients. Nothing is random, so an expectation equals its argument.

    Args:
        values: the values of symbols, norms, traces, ..; a tuple has an entry for each coordinate, or for each client if the symbol
            is in `clients`.
        clients: the symbols that have a value for each client.
        functions: name -> declared function.
        coordinates, count: the numbers d and N.
    """

    values: Mapping[Term, Any]
    clients: frozenset[Term] = frozenset()
    functions: Mapping[str, Callable[[sp.Expr], sp.Expr]] = field(default_factory=dict)
    coordinates: int = 1
    count: int = 1

    def value(self, t: Term, j: int = 0, k: int = 0) -> sp.Expr:
        """The value of a term at coordinate j and client k.

        Raises:
            ValueError: a part of the term has no meaning here.
        """
        if t in self.values:
            meaning = self.values[t]
            return sp.sympify(meaning[k if t in self.clients else j] if isinstance(meaning, tuple) else meaning)
        head = t[0]
        if head == "q":
            return sp.Rational(t[1])
        if head == "pi":
            return sp.pi
        if head == "S":
            return sp.Add(*[self.value(t[1], i, k) for i in range(self.coordinates)])
        if head == "C":
            return sp.Add(*[self.value(t[1], j, i) for i in range(self.count)])
        if head == "E":
            return self.value(t[1], j, k)
        if head == "^":
            return self.value(t[1], j, k) ** t[2]
        if head == "F" and t[1] in self.functions:
            return self.functions[t[1]](self.value(t[2], j, k))
        if head == "f":
            return _FUNCTIONS[t[1]](self.value(t[2], j, k))
        if head not in ("+", "*", "/"):
            raise ValueError(f"{t} has no meaning here")
        args = [self.value(a, j, k) for a in t[1:]]
        return sp.Add(*args) if head == "+" else sp.Mul(*args) if head == "*" else args[0] / args[1]

    def holds(self, relation: Relation) -> bool:
        """Whether an equation holds at every coordinate and client."""
        places = product(range(self.coordinates), range(self.count))
        return all(vanishes(self.value(relation.left, j, k) - self.value(relation.right, j, k)) for j, k in places)


Point = Mapping[Term, Fraction | int]


def value(t: Term, at: Point) -> str:
    """The value of a term at a point, as text.

    Raises:
        ProofError: an atom has no value, the value is not rational, or the point is outside the domain.
    """
    values, names = _values(at)
    try:
        number = values.value(_put(t, names))
    except NoValue:
        raise ProofError(f"no exact value of {t} at the point") from None
    if not number.is_constant():
        raise ProofError(f"the value of {t} is not rational")
    return str(number)


def holds(relation: Relation, at: Point) -> bool:
    """Whether a relation holds exactly at a point; ProofError if an atom has no value or the point is outside the domain."""
    values, names = _values(at)
    left, right = (_put(side, names) for side in (relation.left, relation.right))
    try:
        return values.holds(Relation((relation.op, left, right)))
    except NoValue:
        raise ProofError(f"no exact value of {relation} at the point") from None


def _values(at: Point) -> tuple[Values, dict[Term, Term]]:
    names = {atom: f"p{n}" for n, atom in enumerate(at)}
    return Values({names[atom]: Fraction(v) for atom, v in at.items()}), {atom: x(name) for atom, name in names.items()}


def _put(t: Term, names: Mapping[Term, Term]) -> Term:
    """A term with fresh symbols for its atoms and no operators, as if T = d = N = 1 and nothing were random or time-dependent."""
    if t in names:
        return names[t]
    if t[0] in terms.OPERATORS:
        return _put(t[1], names)
    if t[0] == "xi":
        return _put(x(t[1]), names)
    if t[0] == "dot" and t[1] == t[2]:
        return _put(norm(t[1]), names) ** 2
    if t[0] in ("q", "pi"):
        return num(t[1]) if t[0] == "q" else t
    if t[0] not in ("+", "*", "^", "/", "f"):
        raise ProofError(f"the point has no value for {t}")
    return Term(_put(a, names) if isinstance(a, Term) else a for a in t)


SCALES = ("sigma1", "sigma2")
LAWS = (Gaussian(), Cauchy(), StudentT(3), StudentT(4), Laplace(), Logistic(), Uniform())
g, b, w, H, S, D, P = vec("g"), vec("bv"), vec("w"), mat("H"), mat("S"), mat("D"), mat("P")


def names(letters: str) -> frozenset[Term]:
    return frozenset(x(name) for name in letters.split())


def unbiased() -> list[Meaning]:
    """D(C)SGD with two clients in two coordinates, where q_k is the error of the compressor given v, averaged over v."""
    gradient, models = gradient_symbols(2), []
    size = sp.Add(*[e**2 for e in gradient])
    affine = Affine(("tau1", "tau2"), ("rho1", "rho2"))
    for compressor in (Bernoulli("p"), RandK(1)):
        for noise in (Scaled(Gaussian(), SCALES), affine):
            equation = sde(DCSGD(compressor, noise), "first-order", None, 2).expanded
            error = sde(DCSGD(compressor), "first-order", None, 2).expanded
            fixed = [parameter(s) ** 2 for s in (("tau1", "tau2") if noise is affine else SCALES)]
            grown = [parameter(s) ** 2 for s in ("rho1", "rho2")] if noise is affine else [sp.S.Zero] * 2
            spread = [s0 + s1 * size for s0, s1 in zip(fixed, grown, strict=True)]
            # the covariance of the SDE is eta/N times S; the error is a sum of squares of coordinates
            unit = sp.expand(error.covariance.trace() * N / eta)
            errors = [unit.xreplace({e**2: e**2 + s for e in gradient}) for s in spread]
            ratio = compressor.omega(sp.Integer(2)).value
            total = (1 + ratio) * sp.Add(*fixed), ratio + (1 + ratio) * sp.Add(*grown)
            models.append(Meaning(
                {
                    x("N"): 2, x("d"): 2, norm(g): sp.sqrt(size), tr(S): equation.covariance.trace() * 2 / eta, x("omega"): (ratio, ratio),
                    x("s0"): tuple(fixed), x("s1"): tuple(grown), x("q"): tuple(errors), x("v"): tuple(2 * s for s in spread),
                    x("m2"): tuple(size + 2 * s for s in spread), x("A1"): total[1], x("D0"): total[0],
                },
                names("omega s0 s1 q v m2"), coordinates=2, count=2,
            ))  # fmt: skip
    return models


def signs() -> list[Meaning]:
    """DSignSGD, two clients in two coordinates: b from the drift, S from the covariance, Lam H Lam g from the corrected drift."""
    y, hessian, models = sp.Matrix(gradient_symbols(2)), hessian_symbols(2), []
    for law in LAWS:
        method = DSignSGD(Scaled(law, SCALES))
        first, corrected = (sde(method, model, None, 2).expanded for model in ("first-order", "corrected"))
        mean = -first.drift
        bent = (corrected.drift - first.drift) * 2 / eta
        models.append(Meaning(
            {
                x("N"): 2, x("d"): 2, x("y"): tuple(y), x("b"): tuple(mean), x("sigma"): tuple(parameter(s) for s in SCALES),
                norm(g): sp.sqrt(y.dot(y)), norm(b): sp.sqrt(mean.dot(mean)), dot(g, b): y.dot(mean), tr(S): first.covariance.trace() * 2 / eta,
                dot(g, vec("c")): y.dot(bent), quad(H, b): (mean.T * hessian * mean)[0],
            },
            names("sigma"), {"R": law.sign_mean}, 2, 2,
        ))  # fmt: skip
    return models


def silent_signs() -> list[Meaning]:
    """DSignSGD without noise in two coordinates, on any loss f with f* = 0; root is sqrt(f - f*)."""
    y = sp.Matrix(gradient_symbols(2))
    mean = -sde(DSignSGD(), "first-order", None, 2).expanded.drift
    root = sp.Symbol("root", positive=True)
    state = state_symbols(2)
    f = sp.Function("f")(*state)
    slopes = [sp.diff(sp.sqrt(f), s).subs({sp.diff(f, s): e}).subs(f, root**2) for s, e in zip(state, y, strict=True)]
    values = {
        x("y"): tuple(y), norm(g): sp.sqrt(y.dot(y)), dot(g, b): y.dot(mean), x("root"): root, dot(w, b): sp.Matrix(slopes).dot(mean),
    }  # fmt: skip
    return [Meaning(values, coordinates=2)]


def descent() -> list[Meaning]:
    """One step of gradient descent on the quartic, where e is eta times the schedule."""
    start, rate = sp.Symbol("x0", real=True), parameter("e")
    slope = sp.diff(Quartic().value([start]), start)
    step = sde(DSGD()).moments.mean
    moved = start - rate * (step.xreplace({slot: slope}) if step is not None else sp.nan)
    return [Meaning({x("x0"): start, x("e"): rate, x("x1"): moved, x("q"): rate * start**2})]


def linearised(equation: CoordinateSDE) -> CoordinateSDE:
    """The SDE in one dimension with the tangent of the drift at 0 in place of the drift, and with the covariance at 0."""
    (state,) = equation.state
    # the derivative from the right suffices: laws with a kink, such as Laplace, are symmetric
    y = sp.Dummy("y", positive=True)
    slope = sp.diff(equation.drift[0].xreplace({state: y}), y).subs(y, 0)
    rest = equation.covariance.xreplace({state: sp.S.Zero})
    return replace(equation, drift=sp.Matrix([slope * state]), covariance=rest)


def linear_signs() -> list[Meaning]:
    """DSignSGD with two clients, linearised at the optimum of h x^2/2, at its stationary variance, that is, where L x^2 = 0."""
    models = []
    for law in LAWS:
        equation = linearised(sde(DSignSGD(Scaled(law, SCALES)), "first-order", Quadratic(("h",)), 1).expanded)
        (state,), rate = equation.state, sp.expand(generator(equation, equation.state[0] ** 2))
        values = {
            x("N"): 2, x("eta"): eta, x("h"): parameter("h"), x("M"): law.density(sp.S.Zero),
            x("sigma"): tuple(parameter(s) for s in SCALES), x("slope"): -equation.drift[0] / state,
            x("x"): sp.sqrt(-rate.coeff(state, 0) / rate.coeff(state, 2)),
        }  # fmt: skip
        models.append(Meaning(values, names("sigma"), count=2))
    return models


def separable() -> list[Meaning]:
    """A sum of three f_j(x_j) at a point, with the norm of its Hessian from the singular values of the whole matrix."""
    summand = sp.exp(place) - place**4 / 3
    state, at = state_symbols(3), (sp.Integer(1), sp.Integer(-2), sp.Rational(1, 2))
    value, here = SeparableSum(summand).value(state), dict(zip(state_symbols(3), at, strict=True))
    slopes = sp.Matrix([sp.diff(value, s) for s in state]).xreplace(here)
    curves = [sp.diff(summand, place, 2).xreplace({place: s}) for s in at]
    largest = max(range(3), key=lambda n: float(sp.Abs(curves[n])))
    values = {
        x("slope"): tuple(sp.diff(summand, place).xreplace({place: s}) for s in at), x("curv"): tuple(curves),
        x("e"): tuple(sp.Integer(n == largest) for n in range(3)), norm(g): sp.sqrt(slopes.dot(slopes)),
        opnorm(H): sp.Max(*sp.hessian(value, state).xreplace(here).singular_values()),
    }  # fmt: skip
    return [Meaning(values, coordinates=3)]


def samples() -> tuple[LogisticRegression, sp.Matrix, sp.Matrix, list[sp.Expr]]:
    """The loss, its Hessian, the samples and the p_k of logistic regression, for two samples in two dimensions, labels 1 and -1."""
    rows, labels = sp.Matrix(2, 2, sp.symbols("a11 a12 a21 a22", real=True)), (1, -1)
    loss = LogisticRegression("l2", tuple(tuple(rows.row(k)) for k in range(2)), labels)
    state = state_symbols(2)
    chances = [1 / (1 + sp.exp(-y * rows.row(k).dot(sp.Matrix(state)))) for k, y in enumerate(labels)]
    return loss, sp.hessian(loss.value(state), state), rows, chances


def logistic_regression() -> list[Meaning]:
    """Logistic regression over two samples in two dimensions, where D is the Hessian minus l2 I."""
    (loss, hessian, rows, chances), along = samples(), sp.Matrix(sp.symbols("w1 w2", real=True))
    data, rank_one = hessian - loss.l2 * sp.eye(2), along * along.T
    values = {
        x("n"): 2, x("l2"): loss.l2, x("K0"): loss.smoothness(2).l0, x("p"): tuple(chances),
        x("size"): tuple(rows.row(k).dot(rows.row(k)) for k in range(2)), norm(w): sp.sqrt(along.dot(along)),
        quad(H, w): (along.T * hessian * along)[0], quad(D, w): (along.T * data * along)[0], tr(D): data.trace(),
        trprod(P, D): (rank_one * data).trace(), opnorm(P): sp.Add(*[e * n for e, n in rank_one.eigenvals().items()]),
    }  # fmt: skip
    return [Meaning(values, names("p size"), coordinates=2, count=2)]


def _sent(method: Method, noise: bool) -> list[Meaning]:
    """The step eta u s of the server's rule for the message m = g + Z in two coordinates, where Z = 0 without noise."""
    y, added = sp.Matrix(gradient_symbols(2)), sp.Matrix(sp.symbols("z1 z2", real=True)) if noise else sp.zeros(2, 1)
    drift, sent = sde(method, "first-order", None, 2).expanded.drift, y + added
    step = (drift / u).subs(dict(zip(y, sent, strict=True)), simultaneous=True)
    vectors = {"g": y, "zv": added, "mv": sent, "ev": -added, "sv": step}
    values: dict[Term, Any] = {norm(vec(name)): sp.sqrt(v.dot(v)) for name, v in vectors.items()}
    values |= {dot(vec(name), vec(other)): v.dot(w) for (name, v), (other, w) in permutations(vectors.items(), 2)}
    return [Meaning(values | {x("tau"): parameter("c")}, coordinates=2)]


INSTANCES: dict[str, Callable[[], list[Meaning]]] = {
    "normalised": lambda: _sent(NormalisedSGD(schedule=Free()), True), "norm-clipped": lambda: _sent(NormClipped(schedule=Free()), True),
    "silent norm-clipped": lambda: _sent(NormClipped(schedule=Free()), False),
    "unbiased": unbiased, "signs": signs, "silent signs": silent_signs, "descent": descent, "linear signs": linear_signs,
    "separable": separable, "logistic regression": logistic_regression,
}  # fmt: skip
