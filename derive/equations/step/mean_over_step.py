"""Expectation over the random letters of a step, of expressions in one or two coordinates with sums over all coordinates."""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from sdescent.derive.equations.step.draws import MESSAGE, NORMAL, RAW, Messages, kind_of, spoken
from sdescent.derive.equations.step.mean_over_noise import CoordinateFunctions, over_coincidences
from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.derivatives import gathered
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import NoClosedForm


def random_letters(expr: sp.Basic) -> set[coordinates.Coordinate]:
    """The random letters in an expression, including those inside sums and Hessian products."""
    return {c for c in expr.atoms(coordinates.Coordinate) if kind_of(c)[0]}


def random_terms(expr: sp.Expr) -> dict[tuple[sp.Expr, ...], sp.Expr]:
    """An expression multiplied out in its random factors: the coefficient, not expanded, of each product of random factors."""
    if not random_letters(expr):
        return {(): expr}
    terms: dict[tuple[sp.Expr, ...], sp.Expr] = {(): sp.S.One}
    if isinstance(expr, sp.Add):
        terms = {}
        for a in expr.args:
            for key, rest in random_terms(a).items():  # pyright: ignore[reportArgumentType]
                terms[key] = terms.get(key, sp.S.Zero) + rest
    elif isinstance(expr, sp.Mul):
        for a in expr.args:
            terms = _multiplied(terms, random_terms(a))  # pyright: ignore[reportArgumentType]
    elif isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
        for _ in range(int(expr.exp)):
            terms = _multiplied(terms, random_terms(expr.base))
    else:
        terms = {(expr,): sp.S.One}
    return terms


def _multiplied(
    one: dict[tuple[sp.Expr, ...], sp.Expr], two: dict[tuple[sp.Expr, ...], sp.Expr]
) -> dict[tuple[sp.Expr, ...], sp.Expr]:
    terms: dict[tuple[sp.Expr, ...], sp.Expr] = {}
    for left, a in one.items():
        for right, b in two.items():
            key = tuple(sorted((*left, *right), key=sp.default_sort_key))
            terms[key] = terms.get(key, sp.S.Zero) + a * b
    return terms


def noise_degree(expr: sp.Expr, growth: int) -> sp.Expr:
    """A degree r such that an expression in random letters is at most a constant times 1 + |Z|^r; `growth` is the compressor's."""
    if isinstance(expr, coordinates.Coordinate):
        return sp.Integer({MESSAGE: growth, RAW: 1}.get(kind_of(expr)[0], 0))
    if not random_letters(expr) or isinstance(expr, (sp.sign, sp.tanh, sp.atan, sp.erf)):
        return sp.S.Zero
    inner = [noise_degree(a, growth) for a in expr.args if isinstance(a, sp.Expr)]
    if isinstance(expr, sp.Mul):
        return sp.Add(*inner)
    if isinstance(expr, sp.Pow):
        return sp.Max(0, inner[0] * expr.exp)
    if isinstance(expr, (coordinates.Third, coordinates.Fourth)):
        return (2 if isinstance(expr, coordinates.Third) else 3) * max(inner)
    if isinstance(expr, (sp.Max, sp.Min)):
        return max(_above_and_below(expr, growth))
    if isinstance(expr, (sp.Add, sp.Abs, coordinates.Node)):
        return max(inner)
    raise NoClosedForm(f"the growth of {formula(spoken(expr))} in the noise")


def _above_and_below(expr: sp.Expr, growth: int) -> tuple[sp.Expr, sp.Expr]:
    """The degrees of an upper and of a lower bound, as in `noise_degree`: a maximum is bounded below by each argument."""
    if not isinstance(expr, (sp.Max, sp.Min)):
        degree = noise_degree(expr, growth)
        return degree, sp.S.Zero if expr.is_nonnegative else degree
    above, below = zip(*[_above_and_below(a, growth) for a in expr.args], strict=True)
    return (max(above), min(below)) if isinstance(expr, sp.Max) else (min(above), max(below))


def divided(expr: sp.Expr) -> bool:
    """Whether an expression divides by a random term, so that it may grow less than `noise_degree` says."""
    return any(random_letters(p.base) and not p.exp.is_positive for p in expr.atoms(sp.Pow))


class Expectation:
    """The expectation over the randomness of a step, given its state; moments and `scales` of the noise may be functions of s.

    The letter of an uncompressed message stands for s^growth times it; `dim` and `letters` are as in `Messages`.
    """

    def __init__(
        self,
        method: Method,
        dim: sp.Expr,
        root: sp.Symbol,
        scales: Sequence[sp.Expr],
        growth: int,
        letters: bool = False,
    ) -> None:
        self.method, self.root, self.growth = method, root, growth
        self.messages = Messages(method, dim, scales, letters)
        self._means: dict[Any, sp.Expr] = {}
        self._parts: dict[sp.Expr, tuple[dict[int, sp.Expr], sp.Expr]] = {}

    def series(self, of: Series, slots: tuple[str, ...] = ("j",)) -> Series:
        """The mean of a series, coefficient by coefficient, sorted again by powers of s."""
        means: dict[int, sp.Expr] = {}

        def part(m: int, n: int) -> sp.Expr:
            if m not in means:
                means[m] = self(of[m], slots)
            return self.coefficient(means[m], n)

        return Series(of.low, lambda n: sp.Add(*[part(m, n - m) for m in range(of.low, n + 1)]))

    def coefficient(self, expr: sp.Expr, n: int) -> sp.Expr:
        """The coefficient of s^n in an expression that is smooth for s >= 0."""
        if not expr.has(self.root):
            return expr if n == 0 else sp.S.Zero
        if expr not in self._parts:
            self._parts[expr] = self._by_power(expr)
        powers, rest = self._parts[expr]
        return powers.get(n, sp.S.Zero) + (_taylor(rest, self.root, n) if rest != 0 else sp.S.Zero)

    def _by_power(self, expr: sp.Expr) -> tuple[dict[int, sp.Expr], sp.Expr]:
        """The coefficient of each power of s, and the sum of the terms that are not monomials in s."""
        coefficients: dict[int, list[sp.Expr]] = {}
        rest = sp.S.Zero
        for term in sp.Add.make_args(gathered(expr)):
            # a power may hide in a denominator: nu s^2 - 2 s^2
            monomial = self._monomial(term) or self._monomial(sp.factor_terms(term))
            if monomial is None:
                rest += term
            else:
                coefficients.setdefault(monomial[1], []).append(monomial[0])
        return {n: sp.Add(*terms) for n, terms in coefficients.items()}, rest

    def _monomial(self, term: sp.Expr) -> tuple[sp.Expr, int] | None:
        """The coefficient and power of a term that is a multiple of an integer power of s; None for any other term."""
        constant, power = term.as_independent(self.root, as_Add=False)
        base, n = power.as_base_exp()
        if power == 1:
            return term, 0
        return (constant, int(n)) if base == self.root and n.is_Integer else None

    def __call__(self, expr: sp.Expr, slots: tuple[str, ...] = ("j",)) -> sp.Expr:
        """The mean of an expression in the distinct coordinates `slots`. Raises NoClosedForm, which names the part in the way."""
        if expr in (0, 1) or not random_letters(expr):
            return expr
        key = (expr, slots)
        if key not in self._means:
            parts = random_terms(expr)
            self._means[key] = sp.Add(*[constant * self._mean(factors, slots) for factors, constant in parts.items()])
        return self._means[key]

    def _mean(self, factors: tuple[sp.Expr, ...], slots: tuple[str, ...]) -> sp.Expr:
        """The mean of a product of random factors."""
        by_slot, sums, products = dict.fromkeys(slots, sp.S.One), [], []
        for factor in factors:
            if isinstance(factor, coordinates.CoordSum):
                sums.append(coordinates.to_slot(factor.args[0], "k", "j"))
            elif isinstance(factor, coordinates.Hvp):
                products.append(factor)
            elif any(random_letters(n) for n in coordinates.nodes(factor)):
                what = f"the mean of {formula(spoken(factor))}, a function of all coordinates of random vectors"
                raise NoClosedForm(what)
            else:
                holders = [s for s in slots if coordinates.depends_on(factor, s)]
                if len(holders) != 1:
                    raise NoClosedForm(f"the mean of {formula(spoken(factor))}, which mixes two coordinates")
                by_slot[holders[0]] *= coordinates.to_slot(factor, holders[0], "j")
        if products:
            if len(factors) > 1:
                raise NoClosedForm("the mean of a product of Hessian products of random vectors")
            mean = self(coordinates.to_slot(products[0].args[0], "k", "j"))
            return coordinates.to_slot(coordinates.hvp(mean), "j", products[0].slot)
        if not sums:
            randomly = [s for s, e in by_slot.items() if e != 1]
            if len(randomly) > 1:
                return self._two(by_slot)
            return sp.Mul(*[coordinates.to_slot(self._one(by_slot[s]), "j", s) for s in randomly])
        if not self.independent:
            raise NoClosedForm("the mean of a sum over coordinates that the compressor or the noise makes dependent")
        functions = CoordinateFunctions()
        return functions.value(sp.expand(over_coincidences(by_slot, sums, self._one, functions)))

    @property
    def independent(self) -> bool:
        """Whether the coordinates of a message are independent."""
        messages, mask = self.messages, self.messages.mask
        apart = messages.fixed or (mask is not None and mask.pair(1, 1) == mask.moment(1) ** 2)
        return apart and self.method.noise.dense is None

    def _one(self, phi: sp.Expr) -> sp.Expr:
        """The mean of a function at coordinate j."""
        if not random_letters(phi):
            return phi
        if phi not in self._means:
            terms = random_terms(phi).items()
            self._means[phi] = sp.Add(*[constant * self._product(factors) for factors, constant in terms])
        return self._means[phi]

    def _product(self, factors: tuple[sp.Expr, ...]) -> sp.Expr:
        """The mean of a product of random factors at coordinate j; different draws are independent."""
        by_draw: dict[tuple[bool, int], sp.Expr] = {}
        for factor in factors:
            draws = {self._source(c) for c in random_letters(factor)}
            if len(draws) > 1:
                what = f"the mean of {formula(spoken(factor))}"
                raise NoClosedForm(f"{what}, a function of several draws that is not a polynomial")
            source = draws.pop()
            by_draw[source] = by_draw.get(source, sp.S.One) * factor
        return sp.Mul(*[self._of_draw(source, phi) for source, phi in by_draw.items()])

    @staticmethod
    def _source(symbol: coordinates.Coordinate) -> tuple[bool, int]:
        kind, draw = kind_of(symbol)
        return kind == NORMAL, draw

    def _of_draw(self, source: tuple[bool, int], phi: sp.Expr) -> sp.Expr:
        symbols = sorted(random_letters(phi), key=str)
        kinds = [kind_of(s)[0] for s in symbols]
        if phi.is_polynomial(*symbols):
            powers = sp.Poly(phi, *symbols).monoms()[0]
            if source[0]:
                return phi.xreplace({symbols[0]: sp.S.One}) * (0 if powers[0] % 2 else sp.factorial2(powers[0] - 1))
            letters = [(kind, "j") for kind, n in zip(kinds, powers, strict=True) for _ in range(n)]
            return phi.xreplace(dict.fromkeys(symbols, sp.S.One)) * self._scaled(letters)
        if len(symbols) > 1:
            raise NoClosedForm(f"the mean of {formula(spoken(phi))}")
        return self._function(phi, symbols[0], kinds[0])

    def _function(self, phi: sp.Expr, symbol: coordinates.Coordinate, kind: str) -> sp.Expr:
        """The mean of a function of one letter; a parameter in (0, 1) is written as 1 - far, where far is positive."""
        n = self._grown(kind)
        inner = phi.xreplace({symbol: symbol * self.root**n}) if n else phi
        fractions = self.method.rule.fractions
        distance = {sp.Symbol(name, positive=True): sp.Dummy(name, positive=True) for name in fractions}
        inner = sp.expand(inner.xreplace({symbol: 1 - far for symbol, far in distance.items()})) if distance else inner
        mean = self.messages.function(inner, symbol, kind)
        return mean.xreplace({far: 1 - symbol for symbol, far in distance.items()})

    def _two(self, by_slot: dict[str, sp.Expr]) -> sp.Expr:
        """The mean of a product of functions at the coordinates i and j."""
        if self.independent:
            return sp.Mul(*[coordinates.to_slot(self._one(e), "j", s) for s, e in by_slot.items()])
        there = sp.expand(sp.Mul(*[coordinates.to_slot(e, "j", s) for s, e in by_slot.items()]))
        symbols = sorted(random_letters(there), key=str)
        sources = {self._source(s) for s in symbols}
        if not there.is_polynomial(*symbols) or len(sources) > 1 or self._source(symbols[0])[0]:
            raise NoClosedForm("the joint mean of functions of two dependent coordinates")
        total = sp.S.Zero
        for powers, a in sp.Poly(there, *symbols).terms():
            letters = [(kind_of(s)[0], s.slot) for s, n in zip(symbols, powers, strict=True) for _ in range(n)]
            total += a * self._scaled(letters)
        return total

    def _grown(self, kind: str) -> int:
        return {MESSAGE: self.growth * self.method.compressor.growth, RAW: self.growth}.get(kind, 0)

    def _scaled(self, letters: list[tuple[str, str]]) -> sp.Expr:
        """The moment of letters, each of which stands for s^n times a message."""
        if not letters:
            return sp.S.One
        return self.messages.moment(letters) * self.root ** sum(self._grown(kind) for kind, _ in letters)


def _taylor(expr: sp.Expr, root: sp.Symbol, n: int) -> sp.Expr:
    """The coefficient of s^n in a function that is smooth for s >= 0. Raises NoClosedForm if it is not smooth at s = 0."""
    coefficient = sp.diff(expr, root, n).subs(root, 0) / sp.factorial(n)
    if coefficient.has(sp.zoo, sp.nan, sp.oo):
        such = "such as the mean of a sign with a zero that moves off to infinity"
        raise NoClosedForm(f"a mean that is not smooth in the root of the step's time as this time falls to 0, {such}")
    return coefficient
