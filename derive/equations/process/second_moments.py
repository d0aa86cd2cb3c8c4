"""Second moments: stationary ones of an equation, with their conditions, and exact ones of an affine update rule itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import sympy as sp

from sdescent.derive.equations.process.generator import quadratic_mean
from sdescent.derive.equations.rule_equation import in_one_coordinate
from sdescent.derive.equations.step.covariance import Condition, existence
from sdescent.derive.equations.step.increments import Expanded, SeriesAlgebra, root
from sdescent.derive.equations.step.mean_over_step import Expectation
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, Hvp, Node, g, hvp
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.vanishing import solved
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.rules.update import evaluate
from sdescent.derive.methods.specialise import exactly, specialise, symbol_names
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal, unknown_name
from sdescent.derive.vocabulary.symbols import eta

if TYPE_CHECKING:
    import numpy as np

#: the remedy if no values of the symbols help
LEADING_BACK = "the drift must pull back more strongly than the noise grows"


@final
@dataclass(frozen=True, repr=False)
class StationaryMoments:
    """The stationary V = E xx' of a model or a method on a quadratic, with the condition under which the law exists.

    V is the fixed point of a linear equation for the second moments v: dv/dt = system v + constant, or v' - v = system v +
    constant, where v' holds after a step. A fixed point exists even if no law has these moments; V then has a negative "variance".
    A stationary law has the moments V, and E xx' converges to V from every start, iff `condition` holds. V is dimensionless.

    V is printed with its condition. An index gives an entry: `found[0]` or `found[0, 1]`. Entries and `matrix` do not carry the
    condition: insert numbers with `at` or `subs`, which refuse if it fails, or into `piecewise`, which is then nan.

    Args:
        matrix: V in the symbols of the method, dim x dim, in the order of the state; the formula of the fixed point alone.
        system: the matrix of the linear equation; row and column (i, j), i <= j, are numbered as in `pairs`.
        method: the method whose moments these are; None for an equation that was not derived from a method.
        conditions: inequalities for the noise to have the moments in V (nu > 2), or under which the equation is stated.
    """

    matrix: sp.Matrix
    system: sp.Matrix
    method: Method | None
    conditions: tuple[Condition, ...] = ()

    def __getitem__(self, index: Any) -> Any:
        return self.matrix[index]

    @staticmethod
    def pairs(dim: int) -> list[tuple[int, int]]:
        """The pairs (i, j) with i <= j, in the order of the rows of `system`."""
        return [(i, j) for i in range(dim) for j in range(i, dim)]

    @cached_property
    def margins(self) -> tuple[sp.Expr, ...]:
        """The expressions that must be positive for V to exist, without those that are positive for all values of the symbols.

        V exists iff every eigenvalue of `system` has a negative real part (an equation in continuous time), or every eigenvalue
        of 1 + `system` lies inside the unit circle (the method). Apart from a term A V + V A', both maps take covariances to
        covariances (they are resolvent-positive). The rightmost eigenvalue, or the one of largest modulus, is therefore real
        and has a positive semidefinite eigenvector (Damm 2004, Rational Matrix Equations in Stochastic Control, section 3.2).
        Hence V exists iff det(s - system) has no root s >= 0, and this holds iff all its coefficients are positive: positive
        coefficients exclude such a root, and roots with negative real parts give positive coefficients. The same holds for
        each factor of the determinant. The diagonal of the eigenvector is nonzero, so entries on which no diagonal entry
        depends do not matter. The determinant is a product over the groups of entries that depend on each other.
        """
        margins: list[sp.Expr] = []
        for group in _groups(self.system, [n for n, (i, j) in enumerate(self.pairs(self.matrix.rows)) if i == j]):
            block = self.system.extract(group, group)
            margins += [e for e in map(sign_part, _characteristic(block)) if e not in margins]
        return tuple(e for e in margins if not e.is_positive)

    @cached_property
    def condition(self) -> sp.Basic:
        """The `margins` > 0, solved for eta if possible, and `conditions` except for weak orders; true if V always exists."""
        moments = [sp.Gt(c.left, c.right) for c in self.conditions if not c.of_order]
        return sp.And(*_sharpest([below(m) for m in self.margins]), *moments)

    @cached_property
    def piecewise(self) -> sp.Matrix:
        """The matrix V where `condition` holds, nan elsewhere: a formula that cannot lose its condition."""
        return self.matrix.applyfunc(lambda e: sp.Piecewise((e, self.condition), (sp.nan, True)))

    def __repr__(self) -> str:
        return f"StationaryMoments({self.matrix}, condition={self.condition})"

    def __str__(self) -> str:
        beside = {sp.true: "for all values of its symbols", sp.false: "which no stationary law has"}
        return f"{self.matrix}\n{beside.get(self.condition, f'where {self.condition}')}"

    def _repr_latex_(self) -> str:
        latex = Printer().doprint
        beside = {sp.true: "", sp.false: r"\quad\text{(which no stationary law has)}"}
        where = beside[c] if (c := self.condition) in beside else rf"\quad\text{{where }}{latex(c)}"
        return rf"$\displaystyle {latex(self.matrix)}{where}$"

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether V exists at the numbers `values` (see `at`), decided exactly. Raises BadInput: as `at`."""
        try:
            self._check(values)
        except Refusal:
            return False
        return True

    def at(self, values: Mapping[str, Any]) -> np.ndarray:
        """The matrix V in numbers, with shape (dim, dim).

        Args:
            values: a dimensionless number for the name of each symbol: eta, N, scales, curvatures.

        Raises:
            BadInput: a symbol without a number, or with a number outside its domain.
            Refusal: "no-stationary-law" if `margins` are not all positive; "no-drift" or "infinite-variance" if the noise lacks a
                moment; "condition-fails" if another of `conditions` does not hold.
        """
        import numpy as np

        return np.array(self.matrix.xreplace(self._check(values)).evalf(20).tolist(), dtype=float)

    def subs(self, values: Mapping[str, Any]) -> StationaryMoments:
        """The moments with numbers for some of the symbols.

        Args:
            values: a number for the name of each symbol to replace; the others stay symbols.

        Raises:
            BadInput: a name that is not one of the symbols, or a number outside its domain.
            Refusal: as `at`, if `condition` fails for all values of the remaining symbols.
        """
        names = sorted(s.name for s in self._symbols)
        foreign = [name for name in values if name not in names]
        if foreign:
            raise unknown_name("values", foreign[0], names, "the symbols of the formula: " + ", ".join(names))
        put: dict[sp.Basic, sp.Expr] = {s: exactly(values[s.name]) for s in self._symbols if s.name in values}
        method = None if self.method is None else specialise(self.method, {s.name: v for s, v in put.items()})  # pyright: ignore[reportAttributeAccessIssue]
        self._require_domain(put)
        self._require_conditions(put)
        failing = [m for m in self.margins if m.xreplace(put).is_nonpositive]
        if failing:
            raise self._refusal(failing, put)
        conditions = tuple(Condition(c.left.xreplace(put), c.right.xreplace(put), c.purpose) for c in self.conditions)
        return StationaryMoments(self.matrix.xreplace(put), self.system.xreplace(put), method, conditions)

    def require(self) -> StationaryMoments:
        """The moments themselves, if a stationary law can have them.

        Raises Refusal: "no-stationary-law" if the known signs show that no values of the symbols satisfy `condition`.
        """
        failing = [m for m in self.margins if m.is_nonpositive]
        if failing:
            raise self._refusal(failing, {})
        return self

    def _check(self, values: Mapping[str, Any]) -> dict[sp.Basic, sp.Expr]:
        put = self._numbers(values)
        self._require_conditions(put)
        failing = [m for m in self.margins if not m.xreplace(put).is_positive]
        if failing:
            raise self._refusal(failing, put)
        return put

    def _require_conditions(self, put: Mapping[sp.Basic, sp.Expr]) -> None:
        for c in self.conditions:
            if not c.of_order and (c.left - c.right).xreplace(put).is_nonpositive:
                said = f"V is stated for ${c.left} > {c.right}$, which fails at these numbers; choose others"
                raise Refusal("condition-fails", said)

    def _refusal(self, failing: list[sp.Expr], put: Mapping[sp.Basic, sp.Expr]) -> Refusal:
        """The refusal at the numbers `put`: the condition that fails, and numbers at which it holds."""
        within = sorted({s for m in failing for s in m.free_symbols if s in put}, key=str)
        at = " at " + ", ".join(f"{s} = {float(put[s]):.6g}" for s in within) if within else ""
        needed = " and ".join(str(need) for m in failing if m.free_symbols and (need := below(m)) != sp.false)
        others = {s: v for s, v in put.items() if s != eta}
        in_eta = [sp.Poly(m, eta) for m in (margin.xreplace(others) for margin in self.margins) if m.has(eta)]
        ends = [r for polynomial in in_eta for r in polynomial.nroots(n=20) if r.is_real and r > 0]
        small = min(ends) / 2 if ends else None
        if small is not None and all(m.xreplace({**others, eta: small}).is_positive for m in self.margins):
            remedy = f"it does for eta < {float(min(ends)):.6g}"
        elif needed:
            remedy = f"choose values with {needed}"
        else:
            remedy = LEADING_BACK
        why = f"that requires {needed}, without which E xx' does not converge" if needed else "E xx' does not converge"
        return Refusal("no-stationary-law", f"no stationary law has finite second moments{at}: {why}; {remedy}")

    @property
    def _symbols(self) -> set[sp.Basic]:
        symbols = {s for e in (self.matrix, *self.margins) for s in e.free_symbols}
        return symbols | {s for c in self.conditions for e in (c.left, c.right) for s in e.free_symbols}

    def _numbers(self, values: Mapping[str, Any]) -> dict[sp.Basic, sp.Expr]:
        symbols = self._symbols
        missing = sorted(s.name for s in symbols if s.name not in values)  # pyright: ignore[reportAttributeAccessIssue]
        if missing:
            raise BadInput("values", "none for " + ", ".join(missing), "a number for every symbol")
        put: dict[sp.Basic, sp.Expr] = {s: exactly(values[s.name]) for s in symbols}  # pyright: ignore[reportAttributeAccessIssue]
        names = {s.name: v for s, v in put.items()}  # pyright: ignore[reportAttributeAccessIssue]
        if self.method is not None:
            existence(specialise(self.method, names), self.matrix.rows)
        self._require_domain(put)
        return put

    def _require_domain(self, put: Mapping[sp.Basic, sp.Expr]) -> None:
        checked: set[str] = set()
        if self.method is not None:  # its noise and compressor have checked their own symbols
            checked = symbol_names(self.method.noise) | symbol_names(self.method.compressor)
        for s, value in put.items():
            if s.name in checked:  # pyright: ignore[reportAttributeAccessIssue]
                continue
            if (s.is_positive and value <= 0) or (s.is_nonnegative and value < 0):  # pyright: ignore[reportOperatorIssue]
                raise BadInput(str(s), value, "a number > 0" if s.is_positive else "a number >= 0")


def below(margin: sp.Expr) -> sp.Basic:
    """The inequality margin > 0, as eta < bound if margin is linear in eta with coefficients of known sign."""
    if margin.is_polynomial(eta) and sp.degree(margin, eta) == 1:
        slope, start = sp.Poly(margin, eta).all_coeffs()
        if slope.is_negative and start.is_positive:
            return sp.Lt(eta, sp.factor(-start / slope))
    if not margin.is_polynomial(eta):
        return sp.Gt(margin, 0)
    return sp.Gt(sp.Add(*[sp.factor(c) * eta**n for (n,), c in sp.Poly(margin, eta).terms()]), 0)


def _sharpest(inequalities: list[sp.Basic]) -> list[sp.Basic]:
    """The inequalities, except the bounds eta < b that another bound implies for all values of the symbols."""
    kept: list[sp.Basic] = []
    for n, one in enumerate(inequalities):
        others = [e for e in (*kept, *inequalities[n + 1 :]) if isinstance(one, sp.Lt) and isinstance(e, sp.Lt)]
        if not any(sign_part(one.rhs - e.rhs).is_nonnegative for e in others):
            kept.append(one)
    return kept


def _characteristic(block: sp.Matrix) -> list[sp.Expr]:
    """The coefficients of the monic factors of det(s - block), without the leading ones."""
    if block.rows == 1:
        return [-block[0, 0]]
    s = sp.Dummy("s")
    coefficients: list[sp.Expr] = []
    whole = sp.Add(*[c * s**n for n, c in enumerate(reversed(block.charpoly().all_coeffs()))])
    for factor, _ in sp.factor_list(sp.numer(sp.together(whole)))[1]:
        if factor.has(s):
            leading, *rest = sp.Poly(factor, s).all_coeffs()
            coefficients += [c / leading for c in rest]
    return coefficients


def sign_part(expr: sp.Expr) -> sp.Expr:
    """An expression with the sign of `expr` for all values of its symbols: if possible a polynomial, without positive factors."""
    above, under = sp.fraction(sp.factor(sp.together(expr)))
    kept = [f for f in (*_factors(above), *_factors(under, True)) if not f.is_positive]
    return sp.expand(sp.Mul(*kept)) if kept else sp.S.One


def _factors(expr: sp.Expr, divides: bool = False) -> list[sp.Expr]:
    """The factors that determine the sign of expr, expanded so that SymPy sees sums of positive terms; a divisor is nonzero."""
    factors = []
    for f in sp.Mul.make_args(expr):
        if f.is_Pow and f.exp.is_Integer:
            if f.exp.is_even and (divides or f.base.is_nonzero):
                continue
            f = f.base if f.exp.is_odd else f
        elif f.is_number:
            f = sp.sign(f)
        factors.append(sp.expand(f))
    return factors


def _groups(system: sp.Matrix, diagonal: list[int]) -> list[list[int]]:
    """The indices on which the diagonal depends, in groups whose members all depend on each other (strongly connected)."""
    needed, waiting = set[int](), set(diagonal)
    while waiting:
        needed |= waiting
        waiting = {m for n in waiting for m in range(system.cols) if system[n, m] != 0} - needed
    return sorted(sorted(group) for group in system.strongly_connected_components() if group[0] in needed)


class _AsItIs(Expanded):
    """The rule at its actual step size, without the expansion of a regime."""

    def __init__(self, method: Method) -> None:
        self.method, self.step, self.factors = method, eta, {}

    def in_root(self, expr: sp.Expr) -> sp.Expr:
        return sp.sympify(expr)


class _OnQuadratic(SeriesAlgebra):
    """The rule on a quadratic, where g(y) = g + H (y - x)."""

    def letter(self, name: str) -> Series:
        if name in ("k", "t"):
            raise Refusal("time-dependent", f"the update depends on {name}: its moments have no fixed point")
        return super().letter(name)

    def _moved(self, point: Series) -> Series:
        return Series.constant(hvp(point[0] - Coordinate("x")))


def one_step(method: Method) -> tuple[dict[str, sp.Expr], Expectation]:
    """The next value of each letter at coordinate j of a quadratic, in random letters, and the expectation over them."""
    expanded = _AsItIs(method)
    after = evaluate(method.rule, _OnQuadratic(expanded))
    factor = method.regime.rules.get(NOISE, sp.S.One)
    scales = [sp.sympify(s).xreplace(expanded.named) * factor for s in method.noise.scales]
    return {a: e[0] for a, e in after.items()}, Expectation(method, sp.S.One, root, scales, 0)


def second_moments_of_rule(method: Method, h: object = None) -> StationaryMoments:
    """The stationary second moments E zz' of an update rule, z = (x, memory), in one dimension on f = h x^2/2.

    V = E zz' solves V = E z+ z+', where z+ is the state after a step and E z = 0. These equations are linear if the rule is affine
    in the state and the squared messages are quadratic in it. The memory has the rule's own units in every regime.

    Args:
        h: the curvature: a number, a symbol or its text, or None for the symbol h1.

    Raises:
        NoClosedForm: the rule is not affine, the mean does not stay 0, or a moment is not unique or has no closed form.
        Refusal: "time-dependent" for bias correction and schedules in t; "no-stationary-law" if no values of the symbols
            give a stationary law.
    """
    state, means, squares = moments_of_step(method, h)
    size = len(state)
    unknown = {(i, j): sp.Symbol(f"V{i + 1}_{j + 1}", real=True) for i, j in StationaryMoments.pairs(size)}
    told = "the update is not affine in the state"
    equations = [sp.expand(quadratic_mean(squares[key], state, unknown, told, False) - v) for key, v in unknown.items()]
    if any(m.subs(dict.fromkeys(state, 0)) != 0 for m in means):
        raise NoClosedForm("second moments about 0 if the mean does not stay 0")
    variables = list(unknown.values())
    solution = solved(equations, variables)
    if solution is None:
        raise NoClosedForm("the stationary second moments are not unique")
    moments = dict(zip(variables, solution, strict=True))
    matrix = sp.Matrix(size, size, lambda i, j: moments[unknown[min(i, j), max(i, j)]])
    return StationaryMoments(matrix, sp.Matrix(equations).jacobian(variables), method, existence(method)).require()


def moments_of_step(
    method: Method, h: object = None
) -> tuple[list[sp.Symbol], list[sp.Expr], dict[tuple[int, int], sp.Expr]]:
    """The state z = (x1, m1, ..), and E z' and E z'_i z'_j, i <= j, of the next state z' given z, in 1-D on f = h x^2/2.

    Args, Raises: as in `second_moments_of_rule`.
    """
    (curvature,) = Quadratic(h).vectors(1)["h"]
    after, expect = one_step(method)
    letters = list(after)
    symbols = {a: sp.Symbol(f"{a}1", real=True) for a in letters}
    table = {Coordinate(a): s for a, s in symbols.items()} | {g: curvature * symbols["x"]}
    local = [_local(after[a], curvature) for a in letters]

    def mean(e: sp.Expr) -> sp.Expr:
        return sp.expand(exchange(_local(expect(e), curvature), table))

    squares = {(i, j): mean(local[i] * local[j]) for i, j in StationaryMoments.pairs(len(letters))}
    return list(symbols.values()), [mean(e) for e in local], squares


def _local(e: sp.Expr, h: sp.Expr) -> sp.Expr:
    def value(node: Node, inner: sp.Expr) -> sp.Expr | None:
        return h * inner if isinstance(node, Hvp) else inner if isinstance(node, CoordSum) else None

    return in_one_coordinate(e, value, "second moments of an update with {}, a function of all coordinates")
