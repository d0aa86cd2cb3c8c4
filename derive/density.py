"""Stationary densities on the line (theory 6.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.errors import BadInput, NoClosedForm, Refusal
from derive.expanded import CoordinateSDE
from derive.symbols import du, t

#: the line is covered by centre +- e^s with s up to REACH; far enough for the slope of log density to have settled
REACH = 60
STEP = 1 / 32
#: log density times distance must fall at least this fast in log distance for its mass to count as finite
SLOPE = 1e-6
#: relative to the peak, what is left out of the sum (in logarithms)
DEPTH = 45


@dataclass(frozen=True)
class Density:
    """A stationary density on the line, up to its normalisation (theory 6.7): p = exp(exponent)/spread, dimensionless.

    Args:
        exponent: int 2 drift/V.
        spread: V, the squared diffusion.
        state: the variable of both.
    """

    exponent: sp.Expr
    spread: sp.Expr
    state: sp.Symbol

    @property
    def unnormalised(self) -> sp.Expr:
        """p up to a factor."""
        return sp.exp(self.exponent) / self.spread

    @property
    def shape(self) -> sp.Expr:
        """p without the factors that do not depend on the state, e^{c log b} written as b^c."""
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

        put = {s: sp.Float(values[s.name], 30) for s in self.parameters}
        exponent = sp.lambdify(self.state, self.exponent.xreplace(put), "mpmath")
        spread = sp.lambdify(self.state, self.spread.xreplace(put), "mpmath")

        def log_p(y: Any) -> Any:
            v = spread(y)
            if mp.re(v) <= 0:
                return mp.inf
            # each side of a point where V = 0 has its own constant of integration, so an imaginary one is dropped
            return mp.re(mp.mpmathify(exponent(y))) - mp.log(mp.re(v))

        return log_p

    def _mode(self, log_p: Callable[[Any], Any]) -> Any:
        import mpmath as mp

        grid = [mp.mpf(0)] + [s * mp.exp(mp.mpf(k) / 4) for s in (-1, 1) for k in range(-80, 41)]
        grid.sort()
        heights = [log_p(y) for y in grid]
        best = max(range(len(grid)), key=lambda n: heights[n])
        if best in (0, len(grid) - 1) or heights[best] == mp.inf:
            return grid[best]
        low, high = grid[best - 1], grid[best + 1]
        for _ in range(120):  # ternary search: the bracket shrinks by 2/3 a round
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (low, right) if log_p(left) > log_p(right) else (left, high)
        return (low + high) / 2


def _half_mass(log_p: Callable[[Any], Any], mp: Any) -> Any:
    """int_0^oo exp(log_p(y)) dy in y = e^s, with the exact remainders of power laws at both ends."""

    def scaled(s: Any) -> Any:
        return log_p(mp.exp(s)) + s

    def slope(s: float) -> Any:
        return (scaled(mp.mpf(s + 1)) - scaled(mp.mpf(s - 1))) / 2

    if not (slope(REACH) < -SLOPE and slope(-REACH) > SLOPE):
        raise Refusal("not-integrable", "the stationary measure has infinite mass: there is no stationary law")
    heights = [scaled(mp.mpf(n) * STEP) for n in range(round(-REACH / STEP), round(REACH / STEP) + 1)]
    peak = max(heights)
    total = sum((mp.exp(h) for h in heights if h > peak - DEPTH), mp.mpf(0)) * STEP
    ends = ((heights[0], abs(slope(-REACH))), (heights[-1], abs(slope(REACH))))
    # the end point itself has weight 1/2 in the trapezoidal rule
    return total + sum((mp.exp(h) * (1 / c - STEP / 2) for h, c in ends if h > peak - DEPTH), mp.mpf(0))


def refuse_time(equation: CoordinateSDE) -> None:
    """Raise a Refusal ("time-dependent") when drift or covariance depends on t or on the slope of a free schedule."""
    if {t, du} & (equation.drift.free_symbols | equation.covariance.free_symbols):
        raise Refusal("time-dependent", "the coefficients depend on time, so there is no stationary law")


def density(equation: CoordinateSDE) -> Density:
    """p ~ (1/V) exp(int 2 drift/V) for a 1-D equation with V = covariance > 0 free of time (theory 6.7).

    A free schedule u is read as a constant.

    Raises:
        NoClosedForm: not 1-D, or the integral in the exponent has no closed form.
        Refusal: "no-noise" when V = 0; "time-dependent" when the step size follows a schedule in t.
    """
    if equation.dim != 1:
        raise NoClosedForm("the density formula holds on the line")
    x, spread = equation.state[0], equation.covariance[0, 0]
    if spread == 0:
        raise Refusal("no-noise", "without noise the stationary law is a point mass at the fixed points of the drift")
    refuse_time(equation)
    exponent = sp.integrate(sp.together(2 * equation.drift[0] / spread), x)
    if exponent.has(sp.Integral):
        raise NoClosedForm("the exponent of the stationary density has no closed form")
    return Density(exponent, spread, x)
