"""Scaling rules: the changes of constants with the batch size that leave an SDE, or its stationary law, the same.

A batch of k B in place of B divides the covariance of the noise by k. A rule multiplies each constant, each memory
letter and the time by its own power of k, so that all summands of a sum change alike and arguments of functions stay.
The exponents solve a linear system over the rationals: the answer is its whole solution space, or the term that makes
it unsolvable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy as sp

from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.equations.rule_equation import RuleEquation, in_one_coordinate
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, Hvp, Node, Third, g
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.vanishing import solved
from sdescent.derive.expressions.written import formula, refusal
from sdescent.derive.methods.distributed import Method, symbols_of_noise
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import N, eta, t

TIME = sp.Symbol("time")


@dataclass(frozen=True)
class Scaling:
    """The exponents of k under B -> k B.

    Args:
        exponents: the exponent of each constant, affine in the free exponents; "time" stands for the time in the equation.
        letters: the exponent of each memory letter.
        free: the exponents that may be chosen freely.
        rule_constants: the exponents of the rule's constants, such as "eta", "1 - beta", "eps".
        steps: the exponent of the number of steps to the same point of the path.
    """

    exponents: dict[str, sp.Expr]
    letters: dict[str, sp.Expr]
    free: tuple[sp.Symbol, ...]
    rule_constants: dict[str, sp.Expr]
    steps: sp.Expr


def scaling_rules(method: Method) -> Scaling:
    """The changes of a method's constants under B -> k B that leave its first-order SDE the same.

    Raises:
        Refusal: "no-scaling-rule", with the terms that cannot stay the same together; also as in `sd.sde`.

    Example:
        >>> import sdescent as sd
        >>> sd.scaling(sd.methods.RMSprop(noise=sd.noise.Gaussian(), regime="batch-equivalent")).rule_constants
        {'eta': 1/2, '1 - beta': 1, 'eps': -1/2}
    """
    return scaling(derived_rule(open_method(method), "first-order", None, None))


def open_method(method: Method) -> Method:
    """The method with symbols for all constants and for the scale of the noise: a number could not change with the batch size."""
    noise = method.noise
    if isinstance(noise, Scaled) and not any(s.free_symbols for s in map(sp.sympify, noise.scales)):
        noise = Scaled(noise.law, "sigma")
    return replace(method, constants=(), noise=noise)


def scaling(equation: RuleEquation) -> Scaling:
    """The rules under which the SDE of x and the memory stays the same.

    Raises Refusal "no-scaling-rule", with the terms in the way; NoClosedForm if the covariance has no closed form.
    """
    work = _Exponents(equation.closed())
    for a in equation.letters:
        work.equal(work.of(equation.drift[a]) + TIME, work.letter(a), f"the drift of {a}", equation.drift[a])
    for table in (equation.covariance, equation.pair):
        for (a, b), e in table.items():
            work.equal(work.of(e) + TIME, work.letter(a) + work.letter(b), f"the covariance of {a} and {b}", e)
    return work.solved()


def stationary_scaling(equation: RuleEquation, variance: sp.Expr) -> Scaling:
    """The rules under which a stationary second moment of x stays the same; apart from the time, they include those of `scaling`.

    `variance` is E x^2 on f = h x^2/2 in one dimension; h does not change. Raises Refusal: "no-scaling-rule".
    """
    work = _Exponents(equation)
    work.equal(work.of(variance), sp.S.Zero, "the stationary variance", variance)
    work.equal(TIME, sp.S.Zero, "the time", TIME)  # a stationary law has no time
    return work.solved()


def variance_at_rest(equation: RuleEquation) -> sp.Expr:
    """The stationary E x^2 on f = h x^2/2 in one dimension, for the equation linearised about its point of rest.

    The memory rests where its drift vanishes at x = g = 0, as t -> oo. At this point the drift is linearised and the
    covariance evaluated. To leading order in the time of a step, the result is the stationary variance. Raises Refusal:
    "time-dependent" for a step size or an update in t, which has no stationary law; "no-point-of-rest" if the memory
    has no unique point of rest, or if the second moments there are not unique, or there is no noise; NoClosedForm if
    the drift has no derivative at the point of rest.
    """
    timeless = Refusal("time-dependent", "a step size or an update that depends on time has no stationary law")
    if equation.method.schedule.factor.has(t):  # exp(-t) in a schedule would be mistaken for a bias correction
        raise timeless
    h = sp.Symbol("h", positive=True)
    symbols = {a: sp.Symbol(a, real=True) for a in equation.letters}
    x = symbols["x"]
    table: dict[sp.Expr, sp.Expr] = {Coordinate(a): s for a, s in symbols.items()} | {g: h * x}

    def product(node: Node, inner: sp.Expr) -> sp.Expr | None:
        return h * inner if isinstance(node, Hvp) else None

    def local(e: sp.Expr) -> sp.Expr:
        plain = in_one_coordinate(e, product, "the point of rest of {}")
        late = plain.replace(lambda d: isinstance(d, sp.exp) and d.has(t), lambda d: sp.S.Zero)
        if late.has(t):
            raise timeless
        return exchange(late, table)

    drift = [local(equation.drift[a]) for a in equation.letters]
    memory = [symbols[a] for a in equation.letters if a != "x"]
    still = [e.subs(x, 0) for e in drift]
    rest = sp.solve(still[1:], memory, dict=True) if memory else [{}]
    rest = [point for point in rest if all(e.subs(point) == 0 for e in still[:1])]
    if len(rest) != 1:
        raise Refusal("no-point-of-rest", "the memory has no unique point of rest where the gradient vanishes")
    at = {x: sp.S.Zero, **rest[0]}
    state = [symbols[a] for a in equation.letters]
    jacobian = sp.Matrix([[sp.diff(e, s).subs(at) for s in state] for e in drift])
    if jacobian.has(sp.nan, sp.zoo, sp.oo, sp.DiracDelta):
        raise NoClosedForm("the drift has no derivative at the point of rest")
    letters, size = equation.letters, len(state)
    pairs = {(i, j): (letters[i], letters[j]) for i in range(size) for j in range(i, size)}
    entries = {key: local(equation.covariance.get(pair, sp.S.Zero)).subs(at) for key, pair in pairs.items()}
    names = {(i, j): sp.Symbol(f"V{i}_{j}") for i, j in pairs}
    v = sp.Matrix(size, size, lambda i, j: names[min(i, j), max(i, j)])
    gap = jacobian * v + v * jacobian.T + sp.Matrix(size, size, lambda i, j: entries[min(i, j), max(i, j)])
    variances = solved([gap[i, j] for i, j in names], list(names.values()), 1)
    if variances is None:
        raise Refusal("no-point-of-rest", "the stationary second moments are not unique")
    if variances[0] == 0:
        said = "the first-order equation has no noise near the point of rest"
        where = ": the variance is in the terms that it leaves out" if equation.left_out else ""
        raise Refusal("no-point-of-rest", f"{said}, so it does not give the stationary variance{where}")
    return variances[0]


class _Exponents:
    """The exponent of every term as a linear form, and the equations that sums and functions impose."""

    def __init__(self, equation: RuleEquation) -> None:
        self.equation, self.method = equation, equation.method
        self.unknown: dict[str, sp.Symbol] = {}
        scales = symbols_of_noise(self.method.noise)  # such as sigma, also if it is called sigma0
        letters = [*scales, *(sp.Symbol(f"{s}0", positive=True) for s in scales)]
        self.noise: dict[sp.Symbol, sp.Expr] = dict.fromkeys(letters, -sp.Rational(1, 2))
        if NOISE in self.method.regime.rules:  # sigma0 = sigma eta^p
            shift = -self.method.regime.rules[NOISE].as_coeff_exponent(eta)[1] * self._of_name("eta")
            self.noise |= {s: e + shift for s, e in self.noise.items() if s.name.endswith("0")}
        self.equations: list[tuple[sp.Expr, str, sp.Expr]] = []

    def _of_name(self, name: str) -> sp.Symbol:
        return self.unknown.setdefault(name, sp.Symbol(name))

    def letter(self, name: str) -> sp.Expr:
        """The exponent of a letter of the state; 0 for x, which does not change."""
        return sp.S.Zero if name == "x" else self.unknown.setdefault(f"letter {name}", sp.Symbol(f"letter {name}"))

    def equal(self, one: sp.Expr, two: sp.Expr, where: str, term: sp.Expr) -> None:
        if term != 0:
            self.equations.append((sp.expand(one - two), where, term))

    def of(self, e: sp.Expr) -> sp.Expr:
        """The exponent of k in an expression; records that all summands of a sum must have the same exponent."""
        if e.is_number or e == N:
            return sp.S.Zero
        if e == t:
            return TIME
        if isinstance(e, Coordinate):
            return self.letter(e.base) if e.base in self.equation.letters else sp.S.Zero
        if e.is_Symbol:
            if e in self.noise:
                return self.noise[e]  # pyright: ignore[reportArgumentType]
            return self._of_name(e.name) if e.name in self.constants else sp.S.Zero
        if isinstance(e, sp.Add):
            first, *rest = e.args
            common = self.of(first)
            for other in rest:
                self.equal(self.of(other), common, f"the sum of {first} and {other}", e)
            return common
        if isinstance(e, sp.Mul):
            return sp.Add(*[self.of(a) for a in e.args])
        if isinstance(e, sp.Pow) and e.exp.is_number:
            return e.exp * self.of(e.base)
        if isinstance(e, (Hvp, CoordSum, sp.Abs)):
            return self.of(e.args[0])
        if isinstance(e, Third):
            return 2 * self.of(e.args[0])
        if isinstance(e, sp.sign):
            self.of(e.args[0])
            return sp.S.Zero
        if isinstance(e, sp.Sum):
            self.equal(self.of(e.args[0].subs(e.args[1][0], 1)), sp.S.Zero, "a sum over lags", e)
            return sp.S.Zero
        if isinstance(e, (sp.Function, sp.Pow)) and not isinstance(e, Node):
            for a in e.args:
                self.equal(self.of(a), sp.S.Zero, f"the argument of {e.func.__name__}", e)
            return sp.S.Zero
        raise NoClosedForm(f"the scaling of {formula(e)}")

    @property
    def constants(self) -> tuple[str, ...]:
        """The names of the constants that a rule may change: the step size and every symbol of the update and the regime."""
        return ("eta", *(name for name, _ in self.method.constants))

    def solved(self) -> Scaling:
        for name in self.constants:
            self._of_name(name)
        unknowns = [*self.unknown.values(), TIME]
        for n in range(1, len(self.equations) + 1):
            if sp.linsolve([e for e, _, _ in self.equations[:n]], unknowns) == sp.EmptySet:
                _, where, term = self.equations[n - 1]
                why = f"{where} cannot stay together with the rest, {{left}}"
                said = f"no powers of the constants undo a change of the batch size: {why}"
                raise refusal("no-scaling-rule", said, formula(term), left=term)
        (solution,) = sp.linsolve([e for e, _, _ in self.equations], unknowns) or [tuple(unknowns)]
        values = {s.name: sp.expand(e) for s, e in zip(unknowns, solution, strict=True)}
        # a free exponent needs its own name: k^wd would mean k to the value of wd
        names = {s: sp.Symbol(f"r_{s.name.replace(' ', '_')}") for s in unknowns}
        values = {name: e.xreplace(names) for name, e in values.items()}
        free = tuple(s for s in names.values() if any(s in e.free_symbols for e in values.values()))
        constants = {name: values[name] for name in self.constants}
        letters = {a: values.get(f"letter {a}", sp.S.Zero) for a in self.equation.letters if a != "x"}
        of_rule = self._rule_constants(values)
        tau = self.method.regime.power[1] * values["eta"]
        return Scaling({**constants, "time": values["time"]}, letters, free, of_rule, sp.expand(values["time"] - tau))

    def _rule_constants(self, values: Mapping[str, sp.Expr]) -> dict[str, sp.Expr]:
        """The exponents of the rule's own constants; for a constant near 1, the exponent of its distance to 1."""
        exponents = {"eta": values["eta"]}
        for name, value in self.method.substituted.items():
            if name in self.method.rule.letters or name == NOISE:
                continue
            distance = sp.expand(1 - value)
            body, label = (distance, f"1 - {name}") if value.subs(eta, 0) == 1 else (value, name)
            total = sp.S.Zero
            for factor in sp.Mul.make_args(body):
                base, power = factor.as_base_exp()
                if base.is_Symbol:
                    total += power * values.get(base.name, sp.S.Zero)
            exponents[label] = sp.expand(total)
        return exponents


def confirmed(equation: RuleEquation, scaling: Scaling, k: int = 4) -> list[tuple[str, str, str]]:
    """(coefficient, before, after) for drift and covariance at some numbers, to 12 digits, which must agree; free
    exponents are 0.
    """
    zero = dict.fromkeys(scaling.free, sp.S.Zero)
    power = {name: e.xreplace(zero) for name, e in scaling.exponents.items()}
    letters = {a: e.xreplace(zero) for a, e in scaling.letters.items()}
    values, changed = _numbers(equation, power, letters, k)
    entries = [(f"drift {a}", (a,), e) for a, e in equation.drift.items()]
    entries += [(f"covariance {a} {b}", (a, b), e) for (a, b), e in equation.covariance.items()]
    rows = []
    for what, state, e in entries:
        if e != 0:
            exponent = sp.Add(*[letters.get(a, sp.S.Zero) for a in state])
            before = sp.N(e.xreplace(values), 30)
            after = sp.N(e.xreplace(changed) * sp.Integer(k) ** power["time"] / sp.Integer(k) ** exponent, 30)
            rows.append((what, str(sp.N(before, 12)), str(sp.N(after, 12))))
    return rows


def _numbers(
    equation: RuleEquation, power: Mapping[str, sp.Expr], letters: Mapping[str, sp.Expr], k: int
) -> tuple[dict[sp.Expr, sp.Expr], dict[sp.Expr, sp.Expr]]:
    """The number for every symbol and every function of all coordinates, before and after the change."""
    work = _Exponents(equation)
    table = {work.letter(a): e for a, e in letters.items()} | {sp.Symbol(name): e for name, e in power.items()}
    values: dict[sp.Expr, sp.Expr] = {}
    changed: dict[sp.Expr, sp.Expr] = {}

    def put(part: sp.Expr, value: sp.Expr) -> None:
        values[part], changed[part] = value, value * sp.Integer(k) ** work.of(part).xreplace(table)

    expressions = [*equation.drift.values(), *equation.covariance.values()]
    for n, node in enumerate(sorted({node for e in expressions for node in e.atoms(Node)}, key=str)):
        put(node, sp.Rational(7 + 2 * n, 5))
    for n, s in enumerate(sorted({s for e in expressions for s in e.xreplace(values).free_symbols}, key=str)):
        put(s, sp.Rational(3 + 2 * n, 7 + n))
    return values, changed
