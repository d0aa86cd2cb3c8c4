"""The increments of x and of each memory letter under an update rule, as power series in s = sqrt(tau).

tau is the time of a step. A regime makes constants functions of s. Gradients at another point are expanded about the start of the
step, g(x + D) = g + H D + (1/2) f'''(D, D) + .. All the rest is arithmetic on series.
"""

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

import sympy as sp

from sdescent.derive.equations.step.draws import MASK, MESSAGE, NORMAL, RAW, SENT, letter, spoken
from sdescent.derive.equations.step.mean_over_step import random_letters
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, Hvp, coord_sum, fourth, g, hvp, third
from sdescent.derive.expressions.derivatives import gathered
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.distributed import Method, symbols_of_noise
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.rules.update import Draw, Operators, evaluate
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.formulas.expressions import MEANING
from sdescent.derive.vocabulary.symbols import eta, t

#: the square root of the time tau of a step
root = sp.Dummy("s", positive=True)  # a dummy, since a parameter of the rule may be called s
#: functions with a kink at 0, expanded by the first coefficient of their argument
_HOMOGENEOUS = ("sign", "abs")


class Expanded:
    """The increments of a method's rule in its regime, which gives the constants and the time of a step.

    If the gradient of the loss is linear, gradients far from x are known too.
    """

    def __init__(self, method: Method, loss: Loss | None = None, dim: int | None = None) -> None:
        self.method, self.loss, self.dim = method, loss, dim
        c, power = method.regime.power
        #: eta = (tau/c)^(1/p), a multiple of a power of s
        self.step = (c ** (-1 / power) * root ** (2 / power)) if power != 2 else root / sp.sqrt(c)
        #: the factor of a memory letter: the value in the rule is the factor times the letter of the state
        self.factors: dict[str, sp.Expr] = {}
        for name in method.rule.letters[1:]:
            if (formula := method.regime.rules.get(name)) is not None:
                letter_of_rule = sp.Symbol(name, positive=True)
                factor = formula.coeff(letter_of_rule)
                if sp.expand(formula - letter_of_rule * factor) != 0 or factor.has(letter_of_rule):
                    raise BadInput("regime", f"{name} = {formula}", f"a factor times {name}, its rescaled value")
                self.factors[name] = self.in_root(method.values[name].coeff(letter_of_rule))

    def in_root(self, expr: sp.Expr) -> sp.Expr:
        """An expression in eta, rewritten in s."""
        return sp.powsimp(sp.expand(sp.sympify(expr).subs(eta, self.step)))

    @cached_property
    def scales(self) -> tuple[sp.Expr, ...]:
        """The noise scale of each client, in s; a scale that the regime makes large is a letter times a power of s."""
        rules, named = self.method.regime.rules, self.named
        factor = self.in_root(rules.get(NOISE, sp.S.One))
        if not (factor / factor.subs(root, 1) / root ** factor.as_coeff_exponent(root)[1]).equals(1):
            raise BadInput("regime", f"noise = {rules[NOISE]}", "a multiple of a power of eta")
        scales = [self.in_root(sp.sympify(s).xreplace(named)) for s in self.method.noise.scales]
        return tuple(scales) if factor == 1 else tuple(self._large(s, factor) for s in scales)

    @property
    def named(self) -> dict[sp.Symbol, sp.Expr]:
        """The symbols of the noise that the regime replaces, with their replacements."""
        symbols = {s.name for s in symbols_of_noise(self.method.noise)}
        return {sp.Symbol(name, positive=True): e for name, e in self.method.regime.rules.items() if name in symbols}

    def _large(self, scale: sp.Expr, factor: sp.Expr) -> sp.Expr:
        """The scale times the factor; a symbol sigma becomes sigma0 if that name is free."""
        base = sp.Symbol(f"{scale}0", positive=True)
        if scale.is_Symbol and not any(e.has(base) for e in (*self.method.values.values(), *self.method.noise.scales)):
            return base * factor
        return scale * factor

    @cached_property
    def growth(self) -> int:
        """The exponent n of a noise of order s^-n. Raises Refusal "no-diffusion" if n is negative, differs between
        clients or is no integer.
        """
        orders = {-s.as_coeff_exponent(root)[1] if s.has(root) else sp.S.Zero for s in self.scales if s != 0}
        orders = orders or {sp.S.Zero}
        n = max(orders)
        if len(orders) > 1 or not (n.is_Integer and n >= 0):
            powers = ", ".join(f"s^{-m}" for m in orders)
            needed = "it has to be of one order for all clients, a whole power, and not vanish"
            said = f"the noise is of the orders {powers} in the root s of the time of a step: {needed}"
            raise Refusal("no-diffusion", said)
        return int(n)

    @cached_property
    def linear(self) -> bool:
        """Whether the gradient is known to be a linear function of x."""
        return self.loss is not None and self.dim is not None and self.loss.linear_gradient(self.dim)

    @cached_property
    def increments(self) -> dict[str, Series]:
        """The increment F of each letter of the state, z' = z + F."""
        out = {}
        for name, after in evaluate(self.method.rule, SeriesAlgebra(self)).items():
            if name in self.factors:
                after = after / series_of(self.factors[name])
            out[name] = after - Series.constant(Coordinate(name))
        return out

    @cached_property
    def fast(self) -> tuple[str, ...]:
        """The memory letters that change by O(1) in a step, or that are pulled back at the order of the root of its time."""

        def forgets(name: str) -> bool:
            change = self.increments[name]
            pulled = Coordinate(name) in change[1].atoms(Coordinate) and not random_letters(change[1])
            return pulled or any(gathered(change[n]) != 0 for n in range(change.low, 1))

        return tuple(filter(forgets, self.method.rule.letters[1:]))


def series_of(expr: sp.Expr) -> Series:
    """The series of an expression in s, through sums, products, powers and smooth functions."""
    if not expr.has(root):
        return Series.constant(expr)
    if expr == root:
        return Series.monomial(1, 1)
    if isinstance(expr, (sp.Add, sp.Mul)):
        return reduce(operator.add if isinstance(expr, sp.Add) else operator.mul, map(series_of, expr.args))
    if isinstance(expr, sp.Pow) and not expr.exp.has(root):
        if expr.base == root and expr.exp.is_Integer:
            return Series.monomial(1, int(expr.exp))
        return series_of(expr.base).power(expr.exp)
    if isinstance(expr, sp.Function) and len(expr.args) == 1:
        return series_of(expr.args[0]).applied(expr.func)  # pyright: ignore[reportArgumentType]
    raise BadInput("regime", expr, "sums, products, powers and functions of eta")


class SeriesAlgebra(Operators):
    """The operations of `sdescent.derive.methods.rules.update.Algebra` on series in s."""

    def __init__(self, expanded: Expanded) -> None:
        self.expanded, self.method = expanded, expanded.method
        method = self.method
        self.values = {name: expanded.in_root(value) for name, value in method.values.items()}
        self.eta = series_of(expanded.in_root(eta)) * Series.constant(method.schedule.factor)
        self.mask = method.compressor.mask(sp.Symbol("d", positive=True))
        scales = {a for s in method.noise.scales for a in sp.sympify(s).atoms(Coordinate)}
        #: whether the law of the noise is the same at every point
        self.additive = not scales or method.noise.law.degenerate

    def number(self, value: Fraction) -> Series:
        return Series.constant(sp.Rational(value.numerator, value.denominator))

    def letter(self, name: str) -> Series:
        if name == "eta":
            return self.eta
        if name == "k":
            return Series.monomial(t, -2) + Series.constant(1)
        if name in self.method.rule.letters:
            plain = Series.constant(Coordinate(name))
            return plain * series_of(self.expanded.factors[name]) if name in self.expanded.factors else plain
        constants = {"pi": sp.pi, "t": t, "N": self.method.clients}
        return Series.constant(constants[name]) if name in constants else series_of(self.values[name])

    def power(self, base: Series, exponent: int) -> Series:
        return base.power(sp.Integer(exponent))

    def raised(self, base: Series, exponent: Series) -> Series:
        if exponent.low == -2 and base.low == base.last == 0 and not random_letters(base[0]):
            return self._forgotten(base[0], exponent[-2])
        if exponent.low == exponent.last == 0 and not random_letters(exponent[0]):
            return base.power(exponent[0])
        # a^b = exp(b log a): the bias correction 1 - beta^k with k = t/tau + 1
        return (exponent * base.applied(sp.log)).applied(sp.exp)

    def _forgotten(self, value: sp.Expr, growth: sp.Expr) -> Series:
        """The limit of b^(a k) for constants b and a, where k counts steps: 0 at every positive time if 0 < b < 1 and a > 0."""
        small = (value.is_number and abs(value) < 1) or str(value) in self.method.rule.fractions
        if small and (growth / t).is_positive:
            return Series.constant(0)
        limit = "it is 0 for a constant between 0 and 1 (name it under fractions) to a positive multiple of k"
        raise NoClosedForm(f"{value} to a power that grows with the number of steps as {growth}: {limit}")

    def function(self, name: str, arguments: Sequence[Series]) -> Series:
        inner = arguments[0]
        if name == "norm":
            square = (inner * inner).map(lambda a: coord_sum(gathered(a)) if a != 0 else sp.S.Zero)
            return square.power(sp.Rational(1, 2))
        if name == "hess":
            return inner.map(lambda a: hvp(a))
        if name == "sqrt":
            return inner.power(sp.Rational(1, 2))
        if name in _HOMOGENEOUS:
            return self._homogeneous(MEANING[name], inner)
        if name in ("min", "max"):
            extremum = inner
            for other in arguments[1:]:
                extremum = self._extremum(MEANING[name], extremum, other)
            return extremum
        return inner.applied(MEANING[name])

    def _homogeneous(self, function: Callable[[sp.Expr], sp.Expr], inner: Series) -> Series:
        """The sign or absolute value of a series: by its first coefficient, then by the slope away from the kink."""
        head = inner.first()
        if head is None:
            return Series.constant(0)
        n, a = head
        if function is sp.sign and inner.last is not None and inner.last > n and random_letters(a):
            # the mean of the sign is smooth in s, although the sign itself is not
            return Series.constant(sp.sign(sp.Add(*[inner[m] * root ** (m - n) for m in range(n, inner.last + 1)])))
        if function is sp.Abs and inner.last == n and not random_letters(a):
            return Series.monomial(sp.Abs(a), n)  # not a sgn(a), which SymPy does not know to be nonnegative
        sign = Series(0, lambda m: sp.sign(a) if m == 0 else self._no_jump(inner, n, m), 0 if inner.last == n else None)
        return sign if function is sp.sign else inner * sign

    @staticmethod
    def _no_jump(inner: Series, n: int, m: int) -> sp.Expr:
        """A later coefficient of the sign, which is 0; NoClosedForm if the first coefficient is random and so may lie
        near the kink.
        """
        if random_letters(inner[n]) and any(gathered(inner[n + r]) != 0 for r in range(1, m + 1)):
            raise NoClosedForm(f"the sign of {formula(spoken(inner[n]))} and smaller terms, beyond the leading order")
        return sp.S.Zero

    def _extremum(self, function: Callable[..., Any], one: Series, two: Series) -> Series:
        if one.last is not None and two.last is not None and one.low == two.low == one.last == two.last:
            return Series.monomial(function(one[one.low], two[two.low]), one.low)
        gap = (one - two).first()
        if gap is None:
            return one
        if random_letters(gap[1]):
            raise NoClosedForm("a minimum or maximum of random terms of different orders in the step's time")
        sign = sp.sign(gap[1]) * (1 if function is MEANING["max"] else -1)
        half = Series.constant(sp.Rational(1, 2))
        return half * (one + two) + half * Series.constant(sign) * (one - two)

    def drawn(self, draw: Draw, argument: Series | None, client: Any) -> Series:
        if draw.kind == NORMAL:
            return Series.constant(letter(NORMAL, draw.number))
        if draw.kind == "C":
            sent = self.mask is not None and self.mask.moment(2) == 1 and argument
            return sent or Series.constant(letter(SENT, draw.number))
        kind = RAW if draw.kind == "raw" else MESSAGE
        if self.method.noise.law.degenerate and self.mask is not None and self.mask.moment(2) == 1:
            message = Series.constant(g)
        else:
            growth = self.expanded.growth * (1 if kind == RAW else self.method.compressor.growth)
            message = Series.monomial(letter(kind, draw.number), -growth)
        if argument is None:
            return message
        moved = self._moved(argument)
        if self.mask is None or not self.additive:
            mixed = "the compressed gradient at another point: the compressor is not a product with a random mask"
            varying = "the gradient at another point where the noise depends on the gradient"
            raise NoClosedForm(mixed if self.mask is None else varying)
        if kind == RAW or self.mask.moment(2) == 1:
            return message + moved
        return message + Series.constant(letter(MASK, draw.number)) * moved

    def _moved(self, point: Series) -> Series:
        """The change of the gradient g(y) - g(x), where y is the point."""
        away = point - Series.constant(Coordinate("x"))
        if away.low < 1:
            start = [n for n in range(away.low, 1) if gathered(away[n]) != 0]
            if start and self.expanded.linear:
                return away.map(lambda a: hvp(gathered(a)))
            if start:
                far = formula(spoken(gathered(away[start[0]])))
                where = "at a point whose distance from x does not shrink with the step"
                raise NoClosedForm(f"a gradient is taken {where}, which is known for quadratic losses: {far}")
            away = Series(1, away.__getitem__, away.last)

        def coefficient(n: int) -> sp.Expr:
            total = hvp(gathered(away[n]))
            for m in range(1, n):
                total += third(away[m], away[n - m]) / 2
            triples = [(a, b, n - a - b) for a in range(1, n) for b in range(1, n - a)]
            triples = [parts for parts in triples if all(away[m] != 0 for m in parts)]
            if any(len(set(parts)) > 1 for parts in triples) or (n > 3 and away[1] != 0):
                raise NoClosedForm("this order of the expansion needs derivatives of the loss that are not implemented")
            return total + sp.Add(*[fourth(away[a]) / 6 for a, _, _ in triples])

        return Series(1, coefficient)

    def mean(self, of: Callable[[Any], Series]) -> Series:
        return of("client").map(_linear)


def _linear(a: sp.Expr) -> sp.Expr:
    """The mean over clients of one client's value: a letter that enters linearly stands for the clients' mean."""
    for term in sp.Add.make_args(gathered(a)):
        if random_letters(term) and not _is_linear(term):
            what = f"the mean over clients of {formula(spoken(term))}"
            raise NoClosedForm(f"{what}, which is not linear in one client's message")
    return a


def _is_linear(term: sp.Expr) -> bool:
    """Whether an expression is linear in random letters, including inside Hessian products and sums over coordinates."""
    if isinstance(term, Coordinate):
        return True
    if isinstance(term, (sp.Add, Hvp, CoordSum)):
        parts = term.args if isinstance(term, sp.Add) else term.args[:1]
        return all(_is_linear(part) for part in parts if random_letters(part))
    random = [factor for factor in sp.Mul.make_args(term) if random_letters(factor)]
    return len(random) == 1 and random[0] != term and _is_linear(random[0])
