"""Stationary densities on the line (theory 6.7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath as mp
import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.process.integrals import Antiderivative, finite_mass
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.derivatives import smooth
from sdescent.derive.expressions.latex_printer import Printer
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.noise import StableDensity, StableSignMean
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import du, t

#: the message about a density of infinite mass
INFINITE = "infinite mass: no stationary law has such a density"
#: the points centre +- e^s with |s| <= REACH cover the line, far enough for the slope of the log density to settle
REACH = 60
STEP = 1 / 32
#: the mass counts as finite only if log(density * distance) falls at least this fast in the log distance
SLOPE = 1e-6
#: working digits if the support ends, and the distance to an end within which a peak counts as a rise to that end
DIGITS = 60
NEAR = 1e-6
#: functions that cannot be evaluated to many digits
NUMERIC = (StableSignMean, StableDensity)
#: summands below e^-DEPTH times the peak are left out of the sum
DEPTH = 45


@dataclass(frozen=True)
class Density:
    """A stationary density on the line, up to its normalisation (theory 6.7): p = exp(exponent)/spread, dimensionless.

    The formula exists even if its mass is infinite and it is the density of no law. `condition` states when the mass is finite
    and is printed beside p. `shape` does not include the condition: insert numbers with `normalised`, which refuses if the
    condition fails, or into `piecewise`, which is then nan.

    Args:
        exponent: int 2 drift/V; an integral from 0, evaluated by quadrature, if it has no closed form.
        spread: V, the squared diffusion.
        state: the variable of both.
        drift: the drift, needed if the exponent has no closed form.
        support: expressions that are all positive where the formula holds; p = 0 elsewhere. Empty for the whole line.
        conditions: inequalities between parameters under which the equation is stated.
    """

    exponent: sp.Expr
    spread: sp.Expr
    state: sp.Symbol
    drift: sp.Expr | None = None
    support: tuple[sp.Expr, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def finite(self) -> sp.Basic | None:
        """The inequalities under which the mass is finite; None if only `normalised` can decide this, for given numbers."""
        if not self.closed_form or self.support not in ((), (self.state,)):
            return None
        return finite_mass(self.exponent, self.spread, self.state, bool(self.support))

    @property
    def condition(self) -> sp.Basic | None:
        """The condition, `finite` and `conditions`, under which p is the density of a stationary law; None if `finite` is None."""
        return None if self.finite is None else sp.And(self.finite, *(sp.Gt(c.left, c.right) for c in self.conditions))

    @property
    def piecewise(self) -> sp.Expr:
        """The `shape` where `condition` holds, nan elsewhere. Raises NoClosedForm if `condition` is not known."""
        if self.condition is None:
            raise NoClosedForm("whether the mass is finite is decided for numbers only: use `normalised`")
        return sp.Piecewise((self.shape, self.condition), (sp.nan, True))

    def require(self) -> "Density":
        """The density itself, if its mass may be finite for some values of the symbols.

        Raises Refusal: "not-integrable" if its mass is infinite for all values.
        """
        if self.finite == sp.false:
            raise Refusal("not-integrable", INFINITE + " for any values; the drift must pull back")
        return self

    def __str__(self) -> str:
        return f"p ~ {self.shape}\n{self._told(str)}"

    def _repr_latex_(self) -> str:
        latex = Printer().doprint
        return rf"$\displaystyle p\propto {latex(self.shape)}\quad\text{{{self._told(lambda e: f'${latex(e)}$')}}}$"

    def _told(self, show: Callable[[sp.Basic], str]) -> str:
        """The condition under which p is the density of a law, in words."""
        if self.condition is None:
            return "where its mass is finite, which normalised(values) decides"
        if self.finite == sp.false:
            return "of infinite mass: no stationary law has it"
        return "for all values of its symbols" if self.condition == sp.true else f"where {show(self.condition)}"

    @property
    def closed_form(self) -> bool:
        """Whether the exponent is known in closed form."""
        return not self.exponent.has(sp.Integral)

    @property
    def unnormalised(self) -> sp.Expr:
        """The density p up to a constant factor."""
        return sp.exp(self.exponent) / self.spread

    @property
    def shape(self) -> sp.Expr:
        """The density p without factors that are free of the state, and with e^{c log b} written as b^c."""
        if not self.closed_form:
            return self.unnormalised
        powers, rest = sp.S.One, sp.S.Zero
        for term in sp.Add.make_args(sp.expand(self.exponent)):
            logs = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.log)]
            if len(logs) == 1 and not (term / logs[0]).has(self.state):
                powers *= self._upright(logs[0].args[0]) ** (term / logs[0])
            else:
                rest += term
        spread = self._upright(sp.numer(sp.together(self.spread))) if self.support else sp.factor(self.spread)
        whole = sp.powsimp(powers / spread) * sp.exp(sp.factor(rest))
        return sp.Mul(*[f for f in sp.Mul.make_args(whole) if f.has(self.state)])

    def _upright(self, base: sp.Expr) -> sp.Expr:
        """`base` factored; if the support ends, expanded, without factors free of the state, and with the sign positive at 0."""
        if not self.support:
            return sp.factor(base)
        base = sp.Mul(*[f for f in sp.Mul.make_args(sp.factor(base)) if f.has(self.state)]).expand()
        return -base if base.xreplace({self.state: sp.S.Zero}).is_negative else base

    @property
    def parameters(self) -> set[sp.Symbol]:
        """The symbols that need values before the density can be normalised."""
        others = {s for e in self.support for s in e.free_symbols}
        others |= {s for c in self.conditions for e in (c.left, c.right) for s in e.free_symbols}
        return (self.unnormalised.free_symbols | others) - {self.state}  # pyright: ignore[reportReturnType]

    def normalised(self, values: dict[str, float]) -> Callable[[float], float]:
        """The density as a function of a number, normalised by quadrature to about 10 digits.

        The trapezoidal rule is applied in the logarithm of the distance to the mode, which resolves narrow peaks and power tails
        alike; towards an end of the support also in the logarithm of the distance to the end. In this variable the integrand is
        analytic and decays at both ends, so the rule converges geometrically.

        Args:
            values: a number for the name of each parameter.

        Raises:
            BadInput: a parameter without a value.
            Refusal: "not-integrable" if the mass is infinite, in a tail or at a point where V = 0; "condition-fails" if one of
                `conditions` does not hold.
            NoClosedForm: V = 0 at 0, the point from which the exponent would have to be integrated.
        """
        missing = sorted(s.name for s in self.parameters if s.name not in values)
        if missing:
            raise BadInput("density", ", ".join(missing), "a number for every parameter")
        # as rationals: with rounded values 1 - b^2 would not vanish where it should
        put = {s: sp.Rational(*float(values[s.name]).as_integer_ratio()) for s in self.parameters}
        for c in self.conditions:
            if not (c.left - c.right).xreplace(put).is_positive:
                raise Refusal("condition-fails", f"p is stated for ${c}$, which fails at these numbers; choose others")
        if self.finite is not None and self.finite.xreplace(put) == sp.false:
            remedy = f"; choose values with {self.finite}" if self.finite.free_symbols else ""
            raise Refusal("not-integrable", INFINITE + remedy)
        with mp.workdps(DIGITS if self.support else mp.mp.dps):
            log_p = self._logarithm(put)
            centre = self._mode(log_p)
            ends = self._ends(put, centre)
            near = None not in ends and min(abs(centre - e) for e in ends) < NEAR
            if near and log_p((ends[0] + ends[1]) / 2) < log_p(centre):
                centre = (ends[0] + ends[1]) / 2  # p rises to an end and has no peak inside
            mass = mp.mpf(0)
            for side, end in zip((-1, 1), ends, strict=True):
                mass += _half_mass(_along(log_p, centre, side, end))
        return lambda y: float(mp.exp(log_p(mp.mpf(y))) / mass)

    def _ends(self, put: Mapping[Any, sp.Expr], centre: Any) -> tuple[Any, Any]:
        """The left and right ends of the support around a point inside it; None for a side without an end."""
        inside = self._inside(put)
        ends = []
        for side in (-1, 1):
            grid = (mp.exp(mp.mpf(k) / 4) for k in range(-80, 4 * REACH))
            low, high = mp.mpf(0), next((r for r in grid if not inside(centre + side * r)), None)
            if high is not None:
                for _ in range(4 * mp.mp.dps):  # each round halves the bracket
                    middle = (low + high) / 2
                    low, high = (middle, high) if inside(centre + side * middle) else (low, middle)
            ends.append(None if high is None else centre + side * high)
        return ends[0], ends[1]

    def _inside(self, put: Mapping[Any, sp.Expr]) -> Callable[[Any], bool]:
        """Whether a point is in the support."""
        functions = [sp.lambdify(self.state, e.xreplace(put), "mpmath") for e in self.support]
        return lambda y: all(f(y) > 0 for f in functions)

    def _logarithm(self, put: Mapping[Any, sp.Expr]) -> Callable[[Any], Any]:
        inside = self._inside(put)
        spread = _precise(sp.lambdify(self.state, self.spread.xreplace(put), "mpmath"))
        if self.closed_form:
            exponent = sp.lambdify(self.state, self.exponent.xreplace(put), "mpmath")
        else:
            exponent = self._by_quadrature(put, spread)

        def log_p(y: Any) -> Any:
            if not inside(y):
                return -mp.inf
            height = mp.mpmathify(exponent(y))
            if height == -mp.inf:
                return height
            v = spread(y)
            if v <= 0:
                return mp.inf
            # each side of a point where V = 0 has its own constant of integration, so its imaginary part is dropped
            return mp.re(height) - mp.log(v)

        return log_p

    def _by_quadrature(self, put: Mapping[Any, sp.Expr], spread: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The exponent from its slope 2 drift/V, in u with y = u, or y = R |u|/(1 + |u|) towards an end of the support at R."""
        if spread(mp.mpf(0)) <= 0:
            what = "the exponent has no closed form, and V = 0 at the point from which it would be integrated"
            raise NoClosedForm(what)
        drift = sp.lambdify(self.state, self.drift.xreplace(put), "mpmath")  # pyright: ignore[reportOptionalMemberAccess]
        ends = self._ends(put, mp.mpf(0))

        def slope(u: Any) -> Any:
            end = ends[int(u >= 0)]
            y = u if end is None else end * abs(u) / (1 + abs(u))
            moved, v = 2 * mp.re(drift(y)), spread(y)
            stretched = 1 if end is None else abs(end) / (1 + abs(u)) ** 2
            return moved / v * stretched if v > 0 else moved * mp.inf

        integral = Antiderivative(slope)

        def exponent(y: Any) -> Any:
            end = ends[int(y >= 0)]
            return integral(y if end is None else mp.sign(y) * (y / end) / (1 - y / end))

        return exponent

    def _mode(self, log_p: Callable[[Any], Any]) -> Any:
        grid = [mp.mpf(0)] + [s * mp.exp(mp.mpf(k) / 4) for s in (-1, 1) for k in range(-80, 41)]
        grid.sort()
        heights = [log_p(y) for y in grid]
        best = max(range(len(grid)), key=lambda n: heights[n])
        if best in (0, len(grid) - 1) or heights[best] == mp.inf:
            return grid[best]
        low, high = grid[best - 1], grid[best + 1]
        for _ in range(120):  # ternary search: each round shrinks the bracket by a factor 2/3
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (low, right) if log_p(left) > log_p(right) else (left, high)
        return (low + high) / 2


def _along(log_p: Callable[[Any], Any], centre: Any, side: int, end: Any) -> Callable[[Any], Any]:
    """The function log(p dy/ds) on one side of the centre: y = centre +- e^s, or centre +- R/(1 + e^-s) to an end at distance R."""
    if end is None:
        return lambda s: log_p(centre + side * mp.exp(s)) + s
    reach = abs(end - centre)

    def scaled(s: Any) -> Any:
        near, far = 1 / (1 + mp.exp(-s)), 1 / (1 + mp.exp(s))
        place = centre + side * reach * near if s < 0 else end - side * reach * far
        return log_p(place) + mp.log(reach * near * far)

    return scaled


def _half_mass(scaled: Callable[[Any], Any]) -> Any:
    """The integral of exp(scaled(s)) ds over the line, with the exact remainders of power laws at both ends."""

    def slope(s: float) -> Any:
        return (scaled(mp.mpf(s + 1)) - scaled(mp.mpf(s - 1))) / 2

    ends = {side: scaled(mp.mpf(side * REACH)) for side in (-1, 1)}
    if mp.inf in ends.values() or not all(h == -mp.inf or s * slope(s * REACH) < -SLOPE for s, h in ends.items()):
        raise Refusal("not-integrable", INFINITE)
    heights = [scaled(mp.mpf(n) * STEP) for n in range(round(-REACH / STEP), round(REACH / STEP) + 1)]
    peak = max(heights)
    total = sum((mp.exp(h) for h in heights if h > peak - DEPTH), mp.mpf(0)) * STEP
    # the end point itself has weight 1/2 in the trapezoidal rule
    remainders = [mp.exp(h) * (1 / abs(slope(s * REACH)) - STEP / 2) for s, h in ends.items() if h > peak - DEPTH]
    return total + sum(remainders, mp.mpf(0))


def _precise(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A variance such as 1 - b^2, with enough digits to survive cancellation; 0 if it cancels even with 250 digits."""

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
    """Raise a Refusal ("time-dependent") if drift or covariance depends on t or on the slope of a free schedule."""
    if {t, du} & (equation.drift.free_symbols | equation.covariance.free_symbols):
        raise Refusal("time-dependent", "the coefficients depend on time, so there is no stationary law")


def density(equation: CoordinateSDE) -> Density:
    """The density p ~ (1/V) exp(int 2 drift/V) of a 1-D equation with V = covariance > 0 free of time (theory 6.7).

    A free schedule u is a constant. Raises NoClosedForm if the equation is not 1-D, or contains the cdf of a stable
    law; Refusal "no-noise" if V = 0, "time-dependent" if the step size follows a schedule in t.
    """
    if equation.dim != 1:
        raise NoClosedForm("the density formula holds in one dimension only")
    x, spread = equation.state[0], equation.covariance[0, 0]
    if spread == 0:
        raise Refusal("no-noise", "without noise the stationary law is a point mass at the fixed points of the drift")
    refuse_time(equation)
    drift, spread, support = _within(equation.drift[0], spread)
    slope = sp.together(2 * drift / spread)
    if slope.has(*NUMERIC):
        limits = "and p is not computed by quadrature for such a law"
        raise NoClosedForm(f"the distribution function of a stable law has no closed form, {limits}")
    exponent = _primitive(slope, x)
    if exponent is None:
        y = sp.Dummy("y", real=True)
        exponent = sp.Integral(slope.xreplace({x: y}), (y, 0, x))
    return Density(exponent, spread, x, drift, support)


def _within(drift: sp.Expr, spread: sp.Expr) -> tuple[sp.Expr, sp.Expr, tuple[sp.Expr, ...]]:
    """Drift and V inside the support, and the expressions positive there, if V vanishes where a clipped value in it is clipped.

    An example is the sign of a gradient with bounded noise: beyond the reach of the noise the step is certain, and leads back.
    """
    for clip in spread.atoms(sp.Max):
        low, inner = clip.args if clip.args[0].is_number else clip.args[::-1]
        if len(clip.args) != 2 or not (low.is_number and isinstance(inner, sp.Min) and len(inner.args) == 2):
            continue
        high, value = inner.args if inner.args[0].is_number else inner.args[::-1]
        if high.is_number and all(vanishes(spread.xreplace({clip: end})) for end in (low, high)):
            put = {clip: value}
            return drift.xreplace(put), sp.factor(spread.xreplace(put)), (value - low, high - value)
    return drift, spread, ()


def _primitive(slope: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """An antiderivative in closed form, checked by differentiation; None if SymPy would search too long, finds none or errs."""
    constant = not sp.fraction(slope)[1].has(x) and not slope.has(sp.Abs, sp.sign, sp.Max, sp.Min, sp.erf, sp.hyper)
    if not (slope.is_rational_function(x) or constant):
        return None
    try:
        primitive = sp.integrate(slope, x)
    except NotImplementedError:
        return None
    if primitive.has(sp.Integral):
        return None
    return primitive if vanishes(smooth(sp.diff(primitive, x)) - slope) else None
