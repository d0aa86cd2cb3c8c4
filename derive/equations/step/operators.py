"""One-step operators of an update rule with memory, and the generator that matches them.

A step z' = z + F(z, xi; tau) of the state z, with randomness xi and time tau, acts on test functions by

    E phi(z + F) - phi(z) = tau A_1 phi + tau^2 A_2 phi + O(tau^3),

where A_k collects the coefficients E F^alpha / alpha! of d^alpha, expanded in s = sqrt(tau) before the expectation is taken. A
diffusion with the generator L_0 + tau L_1 acts in the same way if

    L_0 = A_1,    L_1 = A_2 - A_1^2/2.

L_0 alone has weak order 1; L_0 + tau L_1 has weak order 2 if it contains no derivative above the second. If the expansion also
has odd powers of s, the generator is L_0 + s L_half + s^2 L_1 + s^3 L_rest with L_half = A_(3/2) and
L_rest = A_(5/2) - (L_0 L_half + L_half L_0)/2; each half order belongs to the model of the order below. Source: Li, Tai, E 2017
(arXiv 1511.06251) for methods without memory; the expansion is the same for any chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement, product
from typing import Any, final

import sympy as sp
from sympy.core.function import AppliedUndef

from sdescent.derive.equations.step.increments import series_of
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.vanishing import vanishes_in_letters
from sdescent.derive.expressions.written import formula, refusal
from sdescent.derive.vocabulary.errors import Refusal

#: the multi-index of a derivative, with an entry for each letter of the state
Index = tuple[int, ...]


@final
@dataclass(frozen=True)
class Operator:
    """A differential operator sum_alpha a_alpha(z) d^alpha."""

    state: tuple[sp.Symbol, ...]  # the letters z
    terms: Mapping[Index, sp.Expr]  # the nonzero coefficients a_alpha, by alpha

    def __call__(self, phi: sp.Expr) -> sp.Expr:
        """The operator applied to a function of the state."""
        return sp.Add(*[a * self._derivative(phi, index) for index, a in self.terms.items()])

    def __add__(self, other: Operator) -> Operator:
        terms = dict(self.terms)
        for index, a in other.terms.items():
            terms[index] = terms.get(index, sp.S.Zero) + a
        return _operator(self.state, terms)

    def __rmul__(self, factor: sp.Expr | int) -> Operator:
        return _operator(self.state, {index: factor * a for index, a in self.terms.items()})

    def __sub__(self, other: Operator) -> Operator:
        return self + (-1) * other

    def __matmul__(self, other: Operator) -> Operator:
        """The composition in which `self` acts last: d^alpha (b d^beta) by Leibniz' rule."""
        terms: dict[Index, sp.Expr] = {}
        for alpha, a in self.terms.items():
            for beta, b in other.terms.items():
                for gamma in _below(alpha):
                    weight = sp.prod([sp.binomial(n, m) for n, m in zip(alpha, gamma, strict=True)])
                    rest = tuple(n - m for n, m in zip(alpha, gamma, strict=True))
                    index = tuple(m + n for m, n in zip(rest, beta, strict=True))
                    terms[index] = terms.get(index, sp.S.Zero) + weight * a * self._derivative(b, gamma)
        return _operator(self.state, terms)

    def drift(self) -> sp.Matrix:
        """The column of the coefficients of the first derivatives."""
        return sp.Matrix([self.terms.get(_unit(self.state, i), sp.S.Zero) for i in range(len(self.state))])

    def covariance(self) -> sp.Matrix:
        """The matrix C of the second-order part (1/2) sum C_ab d_a d_b."""
        size = len(self.state)

        def entry(i: int, j: int) -> sp.Expr:
            index = tuple(m + n for m, n in zip(_unit(self.state, i), _unit(self.state, j), strict=True))
            return self.terms.get(index, sp.S.Zero) * (2 if i == j else 1)

        return sp.Matrix(size, size, entry)

    def _derivative(self, a: sp.Expr, index: Index) -> sp.Expr:
        for letter, n in zip(self.state, index, strict=True):
            if n:
                a = sp.diff(a, letter, n)
        return a


@final
@dataclass(frozen=True)
class OneStep:
    """An update rule in a regime, expanded in the time of a step.

    Raises:
        Refusal: "no-diffusion" (from `L0`, or if a part of F does not shrink), "no-second-order-sde" (from `L1`), with the term
            in the way.

    Example:
        >>> x, Z = sp.symbols("x Z", real=True)
        >>> gaussian = lambda series: series.map(lambda a: sp.expand(a).subs({Z**2: sp.Symbol("sigma") ** 2, Z: 0}))
        >>> sgd = OneStep((x,), {x: -(root**2) * (x + Z)}, gaussian)
        >>> sgd.L0.drift()[0], sgd.L1.drift()[0], sgd.L1.covariance()[0]
        (-x, -x/2, sigma**2)
    """

    state: tuple[sp.Symbol, ...]  # the letters z; test functions are differentiated in each of them
    #: F(z, xi; s) for each letter, as an expression or a series, where s = sqrt(tau) (`root`) and F = o(1) as s -> 0;
    #: gradients are functions of the letters of x
    increment: Mapping[sp.Symbol, sp.Expr | Series]
    expect: Callable[[Series], Series]  # the mean of a series over the randomness of a step, given z

    @cached_property
    def parts(self) -> list[Series]:
        """The increment F of each letter, as a series. Raises Refusal "no-diffusion" if a part does not shrink with the time."""
        moves = [self.increment[a] for a in self.state]
        increments = [F if isinstance(F, Series) else series_of(sp.sympify(F)) for F in moves]
        for series in increments:
            stays = [series[n] for n in range(series.low, 1) if not _zero(sp.expand(series[n]))]
            if stays:
                said = "the step does not shrink with its time: {left} stays"
                raise refusal("no-diffusion", said, formula(stays[0]), left=stays[0])
        return [Series(1, series.__getitem__, series.last) for series in increments]

    def power(self, n: int) -> Operator:
        """The operator at s^n: the sum over |alpha| <= n of the s^n terms of E F^alpha/alpha!, times d^alpha."""
        terms: dict[Index, sp.Expr] = {}
        for order in range(1, n + 1):
            for letters in combinations_with_replacement(range(len(self.state)), order):
                index = tuple(letters.count(i) for i in range(len(self.state)))
                mean = self._mean(letters)[n]
                if mean != 0:
                    terms[index] = mean / sp.prod([sp.factorial(m) for m in index])
        return _operator(self.state, terms)

    def _mean(self, letters: tuple[int, ...]) -> Series:
        """The mean of a product of increments."""
        if letters not in self._means:
            product = Series.constant(1)
            for i in letters:
                product = product * self.parts[i]
            self._means[letters] = self.expect(product)
        return self._means[letters]

    @cached_property
    def _means(self) -> dict[tuple[int, ...], Series]:
        return {}

    @cached_property
    def L0(self) -> Operator:
        """The limit A_1. Raises Refusal: "no-diffusion" if E F has a term of order s, so that the mean moves by more
        than the time of a step.
        """
        if half := self.power(1).terms:
            raise self._refusal("no-diffusion", half, "the mean of a step is of the order of the root of its time")
        return self.power(2)

    @cached_property
    def half(self) -> Operator:
        """The operator A_(3/2): the terms of the mean and covariance of a step at s^3."""
        return self._without_above(self.power(3))

    @cached_property
    def L1(self) -> Operator:
        """The operator A_2 - A_1^2/2. Raises Refusal "no-second-order-sde" if a derivative above the second remains,
        here or in `half`.
        """
        _ = self.half
        return self._without_above(self.power(4) - sp.Rational(1, 2) * (self.L0 @ self.L0))

    @cached_property
    def rest(self) -> Operator:
        """The operator A_(5/2) - (L_0 L_half + L_half L_0)/2. Raises Refusal: as `L1`."""
        mixed = self.L0 @ self.half + self.half @ self.L0 if self.half.terms else Operator(self.state, {})
        return self._without_above(self.power(5) - sp.Rational(1, 2) * mixed)

    def _without_above(self, operator: Operator) -> Operator:
        if left := {index: a for index, a in operator.terms.items() if sum(index) > 2}:
            raise self._refusal("no-second-order-sde", left, "a derivative above the second is left")
        return operator

    def _refusal(self, kind: str, terms: Mapping[Index, sp.Expr], why: str) -> Refusal:
        index, a = max(terms.items(), key=lambda item: sum(item[0]))
        powers = zip(self.state, index, strict=True)
        beside = " ".join(f"d_{letter}" + (f"^{n}" if n > 1 else "") for letter, n in powers if n)
        a = sp.factor(a)
        return refusal(kind, f"{why}: {{left}} beside {beside}", f"{formula(a)} {beside}", left=a)


def _operator(state: tuple[sp.Symbol, ...], terms: Mapping[Index, Any]) -> Operator:
    kept = {index: sp.expand(a) for index, a in terms.items()}
    return Operator(state, {index: a for index, a in kept.items() if not _zero(a)})


def _zero(a: sp.Expr) -> bool:
    """Whether an expression vanishes if unknown functions and their derivatives are independent letters."""
    return vanishes_in_letters(a, sp.Derivative, AppliedUndef)


def _unit(state: Sequence[sp.Symbol], i: int) -> Index:
    return tuple(int(m == i) for m in range(len(state)))


def _below(index: Index) -> Iterator[Index]:
    """Every multi-index that is at most `index` in each entry."""
    return (below[::-1] for below in product(*(range(n + 1) for n in index[::-1])))
