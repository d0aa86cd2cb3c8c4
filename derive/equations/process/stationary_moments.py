"""Stationary second moments with the condition under which they are those of a stationary law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import sympy as sp

from sdescent.derive.equations.step.covariance import Condition, existence
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.specialise import exactly, specialise, symbol_names
from sdescent.derive.vocabulary.errors import BadInput, Refusal, unknown_name
from sdescent.derive.vocabulary.symbols import eta

if TYPE_CHECKING:
    import numpy as np


#: the remedy where no values of the symbols help
LEADING_BACK = "the drift must pull back more strongly than the noise grows"


@final
@dataclass(frozen=True, repr=False)
class StationaryMoments:
    """V = E xx' of the stationary law of a model or of a method on a quadratic, and the condition under which it exists.

    The fixed point of a linear equation for the second moments v, dv/dt = system v + constant or v' - v = system v + constant.
    The equation also has a fixed point where no law has these moments, and V then has a negative "variance". V is that of a
    stationary law, to which E xx' converges from every start, iff `condition` holds. Dimensionless.

    V is printed with its condition. Indices give an entry: `found[0]` or `found[0, 1]`. Such a formula, and `matrix`, no longer
    carry the condition: put numbers in by `at` or `subs`, which refuse where it fails, or into `piecewise`, which is nan there.

    Args:
        matrix: V in the symbols of the method, dim x dim, in the order of the state; the formula alone, as a fixed point.
        system: the matrix of the linear equation; row and column (i, j), i <= j, are numbered as in `pairs`.
        method: the method whose moments these are; None for an equation that was not derived from one.
        conditions: under which the noise has the moments in V (nu > 2), or under which the equation is stated.
    """

    matrix: sp.Matrix
    system: sp.Matrix
    method: Method | None
    conditions: tuple[Condition, ...] = ()

    def __getitem__(self, index: Any) -> Any:
        return self.matrix[index]

    @staticmethod
    def pairs(dim: int) -> list[tuple[int, int]]:
        """(i, j) with i <= j, in the order of the rows of `system`."""
        return [(i, j) for i in range(dim) for j in range(i, dim)]

    @cached_property
    def margins(self) -> tuple[sp.Expr, ...]:
        """Expressions that are all positive exactly where V exists, without those that are positive for all values of the symbols.

        V exists iff every eigenvalue of `system` has a negative real part (an equation in continuous time), or every eigenvalue
        of 1 + `system` lies within the unit circle (the method). Both maps of covariances keep covariances apart from a term
        A V + V A' (resolvent-positive), so the eigenvalue furthest to the right, or of the largest modulus, is real, with a
        positive semidefinite eigenvector (Damm 2004, Rational Matrix Equations in Stochastic Control, section 3.2). Hence both
        say that det(s - system) has no root s >= 0, which they say iff all its coefficients are positive: positive
        coefficients leave no such root, and roots with negative real parts give positive ones. The same holds for factors of it.
        The eigenvector has a diagonal that is not 0, so entries on which no diagonal entry depends play no part; and the
        determinant is a product over the groups of entries that depend on each other.
        """
        margins: list[sp.Expr] = []
        for group in _groups(self.system, [n for n, (i, j) in enumerate(self.pairs(self.matrix.rows)) if i == j]):
            block = self.system.extract(group, group)
            margins += [e for e in map(sign_part, _characteristic(block)) if e not in margins]
        return tuple(e for e in margins if not e.is_positive)

    @cached_property
    def condition(self) -> sp.Basic:
        """`margins` > 0 as inequalities, solved for eta where possible, and those of `conditions`; true where V always exists."""
        moments = [sp.Gt(c.left, c.right) for c in self.conditions if not c.of_order]
        return sp.And(*_sharpest([below(m) for m in self.margins]), *moments)

    @cached_property
    def piecewise(self) -> sp.Matrix:
        """V where `condition` holds, nan elsewhere: a formula that cannot be separated from its condition."""
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
        """Whether V exists at these numbers (see `at`); decided exactly.

        Raises:
            BadInput: as `at`.
        """
        try:
            self._check(values)
        except Refusal:
            return False
        return True

    def at(self, values: Mapping[str, Any]) -> np.ndarray:
        """V in numbers, (dim, dim).

        Args:
            values: a number for the name of each symbol: eta, N, scales, curvatures; dimensionless.

        Raises:
            BadInput: a symbol without a number, or with one outside its domain.
            Refusal: "no-stationary-law" where `margins` fail; "infinite-variance" where the noise has no variance;
                "condition-fails" where another of `conditions` does not hold.
        """
        import numpy as np

        put = self._check(values)
        return np.array(self.matrix.xreplace(put).evalf(20).tolist(), dtype=float)

    def subs(self, values: Mapping[str, Any]) -> StationaryMoments:
        """The same with numbers for some of the symbols.

        Args:
            values: a number by the name of a symbol; others stay symbols.

        Raises:
            BadInput: a name that is not one of the symbols, or a number outside its domain.
            Refusal: as `at`, where `condition` fails whatever the other symbols are.
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
        """Itself, if a stationary law can have these moments.

        Raises:
            Refusal: "no-stationary-law" where no values of the symbols satisfy `condition`, as far as its signs are known.
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
                raise Refusal(
                    "condition-fails",
                    f"V is stated for ${c.left} > {c.right}$, which fails at these numbers; choose others",
                )

    def _refusal(self, failing: list[sp.Expr], put: Mapping[sp.Basic, sp.Expr]) -> Refusal:
        """The refusal at these numbers: the condition that fails, and numbers at which it holds."""
        within = sorted({s for m in failing for s in m.free_symbols if s in put}, key=str)
        at = " at " + ", ".join(f"{s} = {float(put[s]):.6g}" for s in within) if within else ""
        needed = " and ".join(str(need) for m in failing if m.free_symbols and (need := below(m)) != sp.false)
        others = {s: v for s, v in put.items() if s != eta}
        ends = [r for m in self.margins for r in _positive_roots(m.xreplace(others))]
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
        if self.method is not None:  # whose noise and compressor have checked theirs
            checked = symbol_names(self.method.noise) | symbol_names(self.method.compressor)
        for s, value in put.items():
            if s.name in checked:  # pyright: ignore[reportAttributeAccessIssue]
                continue
            if (s.is_positive and value <= 0) or (s.is_nonnegative and value < 0):  # pyright: ignore[reportOperatorIssue]
                raise BadInput(str(s), value, "a number > 0" if s.is_positive else "a number >= 0")


def below(margin: sp.Expr) -> sp.Basic:
    """margin > 0, as eta < bound where margin is linear in eta and the signs of its coefficients are known."""
    if margin.is_polynomial(eta) and sp.degree(margin, eta) == 1:
        slope, start = sp.Poly(margin, eta).all_coeffs()
        if slope.is_negative and start.is_positive:
            return sp.Lt(eta, sp.factor(-start / slope))
    if not margin.is_polynomial(eta):
        return sp.Gt(margin, 0)
    return sp.Gt(sp.Add(*[sp.factor(c) * eta**n for (n,), c in sp.Poly(margin, eta).terms()]), 0)


def _sharpest(inequalities: list[sp.Basic]) -> list[sp.Basic]:
    """Without bounds eta < b that another one implies for all values of the symbols."""
    kept: list[sp.Basic] = []
    for n, one in enumerate(inequalities):
        others = [*kept, *inequalities[n + 1 :]]
        if not any(
            isinstance(one, sp.Lt) and isinstance(e, sp.Lt) and sign_part(one.rhs - e.rhs).is_nonnegative
            for e in others
        ):
            kept.append(one)
    return kept


def _characteristic(block: sp.Matrix) -> list[sp.Expr]:
    """The coefficients of the factors of det(s - block), but for their leading ones, which are 1."""
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
    """An expression with the sign of `expr` for all values of its symbols: a polynomial if possible, without positive factors."""
    above, under = sp.fraction(sp.factor(sp.together(expr)))
    kept = [f for f in (*_factors(above), *_factors(under, True)) if not f.is_positive]
    return sp.expand(sp.Mul(*kept)) if kept else sp.S.One


def _factors(expr: sp.Expr, divides: bool = False) -> list[sp.Expr]:
    """Factors of the sign of expr, which is not 0 where it divides; a sum of positive summands is seen to be so if expanded."""
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
    """The indices on which the diagonal depends, in groups whose members depend on each other (strongly connected)."""
    needed, waiting = set[int](), set(diagonal)
    while waiting:
        needed |= waiting
        waiting = {m for n in waiting for m in range(system.cols) if system[n, m] != 0} - needed
    return sorted(sorted(group) for group in system.strongly_connected_components() if group[0] in needed)


def _positive_roots(margin: sp.Expr) -> list[sp.Expr]:
    """Where a polynomial in eta with numbers as coefficients changes its sign, eta > 0."""
    if not margin.has(eta):
        return []
    return [r for r in sp.Poly(margin, eta).nroots(n=20) if r.is_real and r > 0]
