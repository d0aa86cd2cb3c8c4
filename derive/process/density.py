"""Stationary densities on the line (theory 6.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.equations.in_coordinates import CoordinateSDE
from derive.expressions.derivatives import smooth
from derive.expressions.vanishing import vanishes
from derive.process.quadrature import Antiderivative
from derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from derive.vocabulary.symbols import du, t

#: the line is covered by centre +- e^s with s up to REACH; far enough for the slope of log density to have settled
REACH = 60
STEP = 1 / 32
#: log density times distance must fall at least this fast in log distance for its mass to count as finite
SLOPE = 1e-6
#: summands smaller than this, relative to the peak, are left out of the sum (in logarithms)
DEPTH = 45


@dataclass(frozen=True)
class Density:
    """A stationary density on the line, up to its normalisation (theory 6.7): p = exp(exponent)/spread, dimensionless.

    Args:
        exponent: int 2 drift/V; an integral from 0 where it has no closed form, evaluated by quadrature.
        spread: V, the squared diffusion.
        state: the variable of both.
        drift: needed where the exponent has no closed form.
    """

    exponent: sp.Expr
    spread: sp.Expr
    state: sp.Symbol
    drift: sp.Expr | None = None

    @property
    def closed_form(self) -> bool:
        """Whether the exponent is known in closed form."""
        return not self.exponent.has(sp.Integral)

    @property
    def unnormalised(self) -> sp.Expr:
        """p up to a factor."""
        return sp.exp(self.exponent) / self.spread

    @property
    def shape(self) -> sp.Expr:
        """p without the factors that do not depend on the state, e^{c log b} written as b^c."""
        if not self.closed_form:
            return self.unnormalised
        powers, rest = sp.S.One, sp.S.Zero
        for term in sp.Add.make_args(sp.expand(self.exponent)):
            logs = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.log)]
            if len(logs) == 1 and not (term / logs[0]).has(self.state):
                powers *= sp.factor(logs[0].args[0]) ** (term / logs[0])
            else:
                rest += term
        whole = sp.powsimp(powers / sp.factor(self.spread)) * sp.exp(sp.factor(rest))
        return sp.Mul(*[f for f in sp.Mul.make_args(whole) if f.has(self.state)])

    @property
    def parameters(self) -> set[sp.Symbol]:
        """Symbols that need values before it can be normalised."""
        return self.unnormalised.free_symbols - {self.state}  # pyright: ignore[reportReturnType]

    def normalised(self, values: dict[str, float]) -> Callable[[float], float]:
        """The density as a function of a number, normalised by quadrature to about 10 digits.

        The trapezoidal rule in the logarithm of the distance to the mode, which sees narrow peaks and power tails alike;
        the integrand is analytic there and decays at both ends, so the rule converges geometrically.

        Args:
            values: a number for the name of each parameter.

        Raises:
            BadInput: a parameter without a value.
            Refusal: "not-integrable" when the mass is infinite, in a tail or at a point where V = 0.
            NoClosedForm: V = 0 at the point 0, from which the exponent would have to be integrated.
        """
        import mpmath as mp

        missing = sorted(s.name for s in self.parameters if s.name not in values)
        if missing:
            raise BadInput("density", ", ".join(missing), "a number for every parameter")
        log_p = self._logarithm(values)
        centre = self._mode(log_p)
        mass = sum((_half_mass(lambda y, s=side: log_p(centre + s * y), mp) for side in (-1, 1)), mp.mpf(0))
        return lambda y: float(mp.exp(log_p(mp.mpf(y))) / mass)

    def _logarithm(self, values: dict[str, float]) -> Callable[[Any], Any]:
        import mpmath as mp

        # exact: with a rounded parameter 1 - b^2 would not vanish where it should
        put = {s: sp.Rational(*float(values[s.name]).as_integer_ratio()) for s in self.parameters}
        spread = _precise(sp.lambdify(self.state, self.spread.xreplace(put), "mpmath"))
        if self.closed_form:
            exponent = sp.lambdify(self.state, self.exponent.xreplace(put), "mpmath")
        else:
            exponent = self._by_quadrature(put, spread)

        def log_p(y: Any) -> Any:
            height = mp.mpmathify(exponent(y))
            if height == -mp.inf:
                return height
            v = spread(y)
            if v <= 0:
                return mp.inf
            # each side of a point where V = 0 has its own constant of integration, so an imaginary one is dropped
            return mp.re(height) - mp.log(v)

        return log_p

    def _by_quadrature(self, put: dict[sp.Symbol, sp.Expr], spread: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The exponent from its slope 2 drift/V."""
        import mpmath as mp

        if spread(mp.mpf(0)) <= 0:
            raise NoClosedForm("the exponent has no closed form, and V = 0 at the point from which it would be integrated")
        drift = sp.lambdify(self.state, self.drift.xreplace(put), "mpmath")  # pyright: ignore[reportOptionalMemberAccess]

        def slope(y: Any) -> Any:
            moved, v = 2 * mp.re(drift(y)), spread(y)
            return moved / v if v > 0 else moved * mp.inf

        return Antiderivative(slope, mp.mpf(0))

    def _mode(self, log_p: Callable[[Any], Any]) -> Any:
        import mpmath as mp

        grid = [mp.mpf(0)] + [s * mp.exp(mp.mpf(k) / 4) for s in (-1, 1) for k in range(-80, 41)]
        grid.sort()
        heights = [log_p(y) for y in grid]
        best = max(range(len(grid)), key=lambda n: heights[n])
        if best in (0, len(grid) - 1) or heights[best] == mp.inf:
            return grid[best]
        low, high = grid[best - 1], grid[best + 1]
        for _ in range(120):  # ternary search: the bracket shrinks by a factor 2/3 per round
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (low, right) if log_p(left) > log_p(right) else (left, high)
        return (low + high) / 2


def _half_mass(log_p: Callable[[Any], Any], mp: Any) -> Any:
    """int_0^oo exp(log_p(y)) dy in y = e^s, with the exact remainders of power laws at both ends."""

    def scaled(s: Any) -> Any:
        return log_p(mp.exp(s)) + s

    def slope(s: float) -> Any:
        return (scaled(mp.mpf(s + 1)) - scaled(mp.mpf(s - 1))) / 2

    ends = {side: scaled(mp.mpf(side * REACH)) for side in (-1, 1)}
    if mp.inf in ends.values() or not (
        (ends[1] == -mp.inf or slope(REACH) < -SLOPE) and (ends[-1] == -mp.inf or slope(-REACH) > SLOPE)
    ):
        raise Refusal("not-integrable", "infinite mass: no stationary law has such a density")
    heights = [scaled(mp.mpf(n) * STEP) for n in range(round(-REACH / STEP), round(REACH / STEP) + 1)]
    peak = max(heights)
    total = sum((mp.exp(h) for h in heights if h > peak - DEPTH), mp.mpf(0)) * STEP
    # the end point itself has weight 1/2 in the trapezoidal rule
    remainders = [mp.exp(h) * (1 / abs(slope(s * REACH)) - STEP / 2) for s, h in ends.items() if h > peak - DEPTH]
    return total + sum(remainders, mp.mpf(0))


def _precise(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A variance such as 1 - b^2 with enough digits that it does not cancel; 0 where even 250 digits leave nothing of it."""
    import mpmath as mp

    def value(y: Any) -> Any:
        before = mp.mpf(mp.re(function(y)))
        for digits in (30, 80, 250):
            with mp.workdps(digits):
                now = mp.re(mp.mpmathify(function(y)))
            if now and abs(now - before) <= abs(now) * 1e-12:
                return +now
            before = now
        return mp.mpf(0)

    return value


def refuse_time(equation: CoordinateSDE) -> None:
    """Raise a Refusal ("time-dependent") when drift or covariance depends on t or on the slope of a free schedule."""
    if {t, du} & (equation.drift.free_symbols | equation.covariance.free_symbols):
        raise Refusal("time-dependent", "the coefficients depend on time, so there is no stationary law")


def density(equation: CoordinateSDE) -> Density:
    """p ~ (1/V) exp(int 2 drift/V) for a 1-D equation with V = covariance > 0 free of time (theory 6.7).

    A free schedule u is read as a constant.

    Raises:
        NoClosedForm: not 1-D.
        Refusal: "no-noise" when V = 0; "time-dependent" when the step size follows a schedule in t.
    """
    if equation.dim != 1:
        raise NoClosedForm("the density formula holds on the line")
    x, spread = equation.state[0], equation.covariance[0, 0]
    if spread == 0:
        raise Refusal("no-noise", "without noise the stationary law is a point mass at the fixed points of the drift")
    refuse_time(equation)
    slope = sp.together(2 * equation.drift[0] / spread)
    exponent = _primitive(slope, x)
    if exponent is None:
        y = sp.Dummy("y", real=True)
        exponent = sp.Integral(slope.xreplace({x: y}), (y, 0, x))
    return Density(exponent, spread, x, equation.drift[0])


def _primitive(slope: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """An antiderivative in closed form, checked by differentiation; None where SymPy would search for long, or is wrong."""
    constant = not sp.fraction(slope)[1].has(x) and not slope.has(sp.Abs, sp.sign, sp.Max, sp.Min, sp.erf, sp.hyper)
    if not (slope.is_rational_function(x) or constant):
        return None
    try:
        found = sp.integrate(slope, x)
    except NotImplementedError:
        return None
    if found.has(sp.Integral):
        return None
    return found if vanishes(smooth(sp.diff(found, x)) - slope) else None
