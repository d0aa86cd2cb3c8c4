"""Inequalities phi(x) >= 0 in one real variable, checked by following a proof tree. Trusted, as part of the kernel.

The tree is the proof, found elsewhere (`sdescent.derive.proof.search.one_variable`); this module only follows it. It reduces a
claim about an interval to signs of numbers by a few facts of calculus. For example, phi >= 0 if phi(low) >= 0 and phi' >= 0; a
polynomial in y = x - a with nonnegative coefficients is nonnegative for y >= 0; and phi > 0 on a bounded interval if an enclosure
of phi there lies above 0. FORMAT.md, section Balls, is the contract.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb
from typing import Any

from flint import arb, ctx, fmpq

from sdescent.derive.proof.kernel.one_variable_forms import UNIT, Forms
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Polynomial, added, multiplied, scaled
from sdescent.derive.proof.language.terms import Term, fn, num, substitute

MAX_BITS = 4096
MAX_DEPTH = 60
MAX_NODES = 20_000
MAX_CHARACTERS = 200


@dataclass(frozen=True)
class IntervalGoal:
    """The goal 0 <= phi on [low, high] (None: infinite); if `strict`, 0 < phi there, or on (low, high] if `half_open` as well."""

    phi: Polynomial
    low: Fraction | None
    high: Fraction | None
    strict: bool
    half_open: bool = False


class Checker:
    """Follows trees. The method for each kind of node states why it is sound, and raises ProofError if the node does not apply."""

    def __init__(self, forms: Forms) -> None:
        self.forms = forms
        self.nodes = 0

    def check(self, goal: IntervalGoal, tree: Any, depth: int = 0) -> None:
        """Raises ProofError unless the tree proves the goal."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ProofError("the proof has too many nodes or is too deep")
        if not _is_list(tree) or not tree or not isinstance(tree[0], str) or tree[0] not in KINDS:
            raise ProofError(f"not a proof by one of the kinds: {str(tree)[:80]}")
        count, rule = KINDS[tree[0]]
        if len(tree) != count + 1:
            raise ProofError(f"{tree[0]} has {count} parts")
        rule(self, goal, depth + 1, *tree[1:])

    def eval(self, goal: IntervalGoal, _depth: int, bits: Any) -> None:
        """The enclosure of phi over a ball that contains [low, high] contains every value of phi there."""
        if type(bits) is not int or not 2 <= bits <= MAX_BITS or goal.low is None or goal.high is None:
            raise ProofError("eval is on a bounded interval, at a whole number of bits")
        with ctx.workprec(bits):
            ends = [arb(fmpq(end.numerator, end.denominator)) for end in (goal.low, goal.high)]
            value = self.forms.ball(goal.phi, ends[0].union(ends[1]))
            if not value.is_finite() or not (value > 0 or (value >= 0 and not goal.strict)):
                raise ProofError("the ball is not above 0")

    def split(self, goal: IntervalGoal, depth: int, c: Any, lower: Any, upper: Any) -> None:
        """[low, high] is the union of [low, c] and [c, high]."""
        middle = rational(c)
        if (goal.low is not None and middle <= goal.low) or (goal.high is not None and middle >= goal.high):
            raise ProofError("the split is not inside the interval")
        self.check(replace(goal, high=middle), lower, depth)
        self.check(replace(goal, low=middle, half_open=False), upper, depth)

    def up(self, goal: IntervalGoal, depth: int, tree: Any) -> None:
        """phi(low) >= 0 (> 0) and phi is nondecreasing."""
        self._at_end(goal, goal.low, goal.strict)
        self.check(IntervalGoal(self.forms.derivative(goal.phi), goal.low, goal.high, False), tree, depth)

    def up_open(self, goal: IntervalGoal, depth: int, tree: Any) -> None:
        """phi(low) >= 0 and phi' > 0 on (low, high]: by the mean value theorem phi > 0 on (low, high]."""
        if not (goal.strict and goal.half_open):
            raise ProofError("up_open proves a strict claim that is not asked at the left end")
        self._at_end(goal, goal.low, False)
        self.check(replace(goal, phi=self.forms.derivative(goal.phi)), tree, depth)

    def down(self, goal: IntervalGoal, depth: int, tree: Any) -> None:
        """phi(high) >= 0 (> 0) and phi is nonincreasing."""
        self._at_end(goal, goal.high, goal.strict)
        self.check(IntervalGoal(_negative(self.forms.derivative(goal.phi)), goal.low, goal.high, False), tree, depth)

    def _at_end(self, goal: IntervalGoal, end: Fraction | None, strict: bool) -> None:
        if end is None or not self.forms.decided(self.forms.at(goal.phi, num(end)), strict):
            raise ProofError("the sign at the end of the interval is not shown")

    def limit(self, goal: IntervalGoal, depth: int, tree: Any) -> None:
        """phi is nonincreasing (decreasing) towards the infinite end with a limit >= 0 there, so phi >= 0 (> 0) on the interval.

        The limit at -oo is that of phi(-x) at +oo, found in fresh `Forms`: the signs known on [low, high] do not hold for -x.
        """
        slope = self.forms.derivative(goal.phi)
        if goal.high is None and goal.low is not None:
            good, slope = self.forms.decided(self.forms.limit(goal.phi), False), _negative(slope)
        elif goal.low is None and goal.high is not None:
            forms = Forms(self.forms.variable[1])
            mirrored = substitute(self.forms.term(goal.phi), forms.variable[1], -forms.variable)
            good = forms.decided(forms.limit(forms.polynomial(mirrored)), False)
        else:
            raise ProofError("limit is for one infinite end")
        if not good:
            raise ProofError("the limit is not shown to be >= 0")
        self.check(IntervalGoal(slope, goal.low, goal.high, goal.strict), tree, depth)

    def coeffs(self, goal: IntervalGoal, _depth: int) -> None:
        """phi = sum c_k y^k with y = x - low or y = high - x, y >= 0, all c_k >= 0 (and c_0 > 0). No end is needed for a number."""
        coefficients = self.forms.coefficients(goal.phi)
        if coefficients is None:
            raise ProofError("not a polynomial in the variable")
        ends = [(end, sign) for end, sign in ((goal.low, 1), (goal.high, -1)) if end is not None]
        if len(coefficients) <= 1:
            ends = [(Fraction(0), 1)]
        if not any(self._nonnegative(from_end(coefficients, end, sign), goal.strict) for end, sign in ends):
            raise ProofError("a coefficient is not shown to be >= 0")

    def _nonnegative(self, coefficients: list[Polynomial], strict: bool) -> bool:
        if strict and not coefficients:
            return False
        return all(self.forms.decided(self.forms.reduced(c), strict and k == 0) for k, c in enumerate(coefficients))

    def exp(self, goal: IntervalGoal, _depth: int) -> None:
        """c exp(p) > 0 for c > 0."""
        if self._single(goal.phi)[0] != "exp":
            raise ProofError("not a positive multiple of an exponential")

    def sqrt(self, goal: IntervalGoal, _depth: int) -> None:
        """c sqrt(Q) >= 0 for c > 0, and > 0 if Q is known to be positive."""
        name, argument = self._single(goal.phi)
        if name != "sqrt" or (goal.strict and not self.forms.positive(argument)):
            raise ProofError("not a positive multiple of a root")

    def _single(self, phi: Polynomial) -> tuple[str, Polynomial]:
        """(f, p) if phi = c f(p) with a rational c > 0, else ("", {})."""
        atoms = [(a, n, c) for monomial, c in phi.items() for a, n in monomial]
        if len(phi) == len(atoms) == 1 and atoms[0][1] == 1 and atoms[0][2] > 0:
            key = self.forms.key_of(atoms[0][0])
            if key[0] == "f":
                return key[1], dict(key[2])
        return "", {}

    def times(self, goal: IntervalGoal, depth: int, m: Any, positive: Any, tree: Any) -> None:
        """0 < m and 0 <= m phi (0 < m phi). If the normal form of 1/m is c mu with one monomial mu, then m mu = 1/c."""
        factor = self._new(m)
        self.check(IntervalGoal(factor, goal.low, goal.high, True), positive, depth)
        self.check(replace(goal, phi=self.forms.cleared(factor, goal.phi)), tree, depth)

    def sum(self, goal: IntervalGoal, depth: int, members: Any) -> None:
        """phi is a sum of terms >= 0; if `strict`, one of them is > 0."""
        terms = self._members(members)
        if added(phi for phi, _ in terms) != goal.phi:
            raise ProofError("the members do not add up to the whole")
        positive = not goal.strict
        for phi, tree in terms:
            if not positive:
                try:
                    self.check(replace(goal, phi=phi), tree, depth)
                except ProofError:
                    pass
                else:
                    positive = True
                    continue
            self.check(IntervalGoal(phi, goal.low, goal.high, False), tree, depth)
        if not positive:
            raise ProofError("no member of the sum is shown to be > 0")

    def product(self, goal: IntervalGoal, depth: int, members: Any) -> None:
        """phi is a product of factors >= 0 (> 0)."""
        terms = self._members(members)
        whole = UNIT
        for phi, _ in terms:
            whole = multiplied(whole, phi)
        if self.forms.reduced(whole) != goal.phi:
            raise ProofError("the members do not multiply to the whole")
        for phi, tree in terms:
            self.check(replace(goal, phi=phi), tree, depth)

    def even(self, goal: IntervalGoal, depth: int, tree: Any) -> None:
        """phi(-x) = phi(x) on [-b, b], or everywhere."""
        if goal.low != (None if goal.high is None else -goal.high) or goal.low == 0:
            raise ProofError("the interval is not symmetric")
        if self.forms.at(goal.phi, -self.forms.variable) != goal.phi:
            raise ProofError("the function is not even")
        self.check(replace(goal, low=Fraction(0), half_open=False), tree, depth)

    def tanh(self, goal: IntervalGoal, depth: int, tree: Any) -> None:
        """tanh(p) = (1 - exp(-2p))/(1 + exp(-2p)), whose denominator is positive."""
        self.check(replace(goal, phi=self.forms.polynomial(without_tanh(self.forms.term(goal.phi)))), tree, depth)

    def _new(self, value: Any) -> Polynomial:
        """The normal form of a term that the tree brings in, after a check of its domain on the whole interval of the ball."""
        phi = self.forms.read(value)
        self.forms.check_domain(phi)
        return phi

    def _members(self, members: Any) -> list[tuple[Polynomial, Any]]:
        if not _is_list(members) or not all(_is_list(m, 2) for m in members):
            raise ProofError("not a list of terms with proofs")
        return [(self._new(t), tree) for t, tree in members]


#: kind of node -> number of its parts, rule
KINDS: Mapping[str, tuple[int, Callable[..., None]]] = {
    "eval": (1, Checker.eval), "coeffs": (0, Checker.coeffs), "exp": (0, Checker.exp), "sqrt": (0, Checker.sqrt),
    "split": (3, Checker.split), "up": (1, Checker.up), "up_open": (1, Checker.up_open), "down": (1, Checker.down),
    "limit": (1, Checker.limit), "times": (3, Checker.times), "sum": (1, Checker.sum), "product": (1, Checker.product),
    "even": (1, Checker.even), "tanh": (1, Checker.tanh),
}  # fmt: skip


def check_ball(data: Mapping[str, Any]) -> None:
    """Check 0 <= term (0 < term if strict) for every value of the variable in [low, high], except low itself if `needs_open(data)`.

    Args:
        data: variable, term, strict, low, high, proof and domain, as described in FORMAT.md.

    Raises:
        ProofError: the proof does not prove the inequality, or the data are too large or misshapen.
    """
    try:
        _check(data)
    except ProofError:
        raise
    except (RecursionError, ValueError, OverflowError, ArithmeticError, TypeError) as error:
        raise ProofError(f"too large, too deep or misshapen: {type(error).__name__}") from error


def _check(data: Mapping[str, Any]) -> None:
    if set(data) != {"variable", "term", "strict", "low", "high", "proof", "domain"}:
        raise ProofError("a ball has variable, term, strict, low, high, proof and domain")
    low, high = (None if data[k] is None else rational(data[k]) for k in ("low", "high"))
    if type(data["variable"]) is not str or type(data["strict"]) is not bool or not _is_list(data["domain"]):
        raise ProofError("a field of a ball has another type")
    if low is not None and high is not None and low >= high:
        raise ProofError("the interval is empty")
    forms = Forms(data["variable"])
    checker = Checker(forms)
    for entry in data["domain"]:
        if not _is_list(entry, 3) or type(entry[1]) is not int or entry[1] not in (1, -1):
            raise ProofError("an entry of the domain is [term, 1 or -1, proof]")
        q = forms.read(entry[0])
        forms.check_domain(q)
        checker.check(IntervalGoal(scaled(q, Fraction(entry[1])), low, high, True), entry[2])
        forms.learn(q, entry[1])
    phi = forms.read(data["term"])
    forms.check_domain(phi)
    checker.check(IntervalGoal(phi, low, high, data["strict"], data["strict"] and low is not None), data["proof"])


def needs_open(data: Mapping[str, Any]) -> bool:
    """Whether the proof leaves out the left end (it contains up_open), so that low < t is needed instead of low <= t."""
    stack = [data["proof"]]
    while stack:
        tree = stack.pop()
        if _is_list(tree) and tree:
            if tree[0] == "up_open":
                return True
            stack.extend(tree)
    return False


def rational(value: Any) -> Fraction:
    """A rational in the notation of FORMAT.md, at most MAX_CHARACTERS long so that its powers stay manageable."""
    if type(value) is not str or len(value) > MAX_CHARACTERS:
        raise ProofError("an end of an interval is a short rational")
    Context(symbols={}).check(Term(("q", value)))
    return Fraction(value)


def without_tanh(t: Any) -> Any:
    """The term with (1 - exp(-2p))/(1 + exp(-2p)) in place of every tanh(p)."""
    if not isinstance(t, Term):
        return t
    inner = Term(without_tanh(a) for a in t)
    if inner[:2] != ("f", "tanh"):
        return inner
    small = fn("exp", -2 * inner[2])
    return (1 - small) / (1 + small)


def from_end(coefficients: list[Polynomial], end: Fraction, sign: int) -> list[Polynomial]:
    """The coefficients in y of sum c_k x^k at x = end + sign y: sign^j sum_k c_k binomial(k, j) end^(k - j)."""
    return [
        added(scaled(coefficients[k], sign**j * comb(k, j) * end ** (k - j)) for k in range(j, len(coefficients)))
        for j in range(len(coefficients))
    ]


def _is_list(value: Any, length: int | None = None) -> bool:
    return isinstance(value, (list, tuple)) and length in (None, len(value))


def _negative(poly: Polynomial) -> Polynomial:
    return scaled(poly, Fraction(-1))
