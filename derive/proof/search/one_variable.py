"""Proofs of phi(x) >= 0 in one real variable, searched for. Untrusted: what it finds, `derive.proof.kernel.one_variable` checks.

The signs of phi and of phi' at a few dozen points, as balls, say which of these to try on an interval:
the sign of phi where phi is a polynomial with nonnegative coefficients, or a product of signs;
phi cleared of denominators and of exponentials that all its monomials share;
phi >= 0 at one end (or in the limit), and phi' of one sign, by the same search: at a zero of order k at an end, k such steps;
a split at a zero of phi or of phi', or before or after a stretch of constant sign of phi';
balls over bounded intervals, halved until they lie above 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from flint import arb, ctx, fmpq, fmpq_poly

from derive.proof.kernel.one_variable import Checker, IntervalGoal, check_ball, without_tanh
from derive.proof.kernel.one_variable_forms import Forms
from derive.proof.language.context import ProofError
from derive.proof.language.normal import ONE, Frozen, Monomial, Polynomial, added, freeze, multiplied, scaled
from derive.proof.language.terms import Term, fn, num, substitute
from derive.proof.search.clock import now

Tree = list[Any]
#: functions that a derivative removes, where their factor is a number
_PRIMITIVES = frozenset({"log", "atan", "erf"})
MAX_STEPS = 14
MAX_HALVINGS = 9
MAX_MONOMIALS = 120


class _OutOfTime(Exception):
    pass


def find(
    term: Term, variable: str, low: Fraction | None, high: Fraction | None, strict: bool, seconds: float = 1.0
) -> dict[str, Any] | None:
    """The fields of a proof of 0 <= term (0 < term when strict) on [low, high], all but `at` of those that FORMAT.md lists.

    None where the search finds none in its time. With strict and a finite low the proof may leave out low itself: see `needs_open`.

    Raises:
        ProofError: the term is none of one variable.
    """
    Forms(variable).read(term)
    deadline = now() + seconds
    domain: list[tuple[Term, int]] = []
    # a second round has the domain that the first one came upon known from the start
    for _ in range(2):
        search = _TreeSearch(variable, low, high, deadline)
        try:
            found = search.run(term, strict, domain)
        except (_OutOfTime, RecursionError, ProofError, OverflowError):
            return None
        if found is None:
            return None
        ends = [None if end is None else str(end) for end in (low, high)]
        fields = {"variable": variable, "term": term, "strict": strict, "low": ends[0], "high": ends[1], **found}
        try:
            check_ball(fields)
        except ProofError:
            domain = [(q, sign) for q, sign, _ in found["domain"]]
            continue
        return fields
    return None


class _TreeSearch:
    def __init__(self, variable: str, low: Fraction | None, high: Fraction | None, deadline: float) -> None:
        self.forms = Forms(variable)
        self.low, self.high = low, high
        self.deadline = deadline
        self.domain: list[tuple[Term, int, Tree]] = []
        self.failed: dict[Any, int] = {}
        self.signs: dict[Frozen, dict[Fraction, int]] = {}
        self.x = self.forms.variable

    def run(self, term: Term, strict: bool, domain: list[tuple[Term, int]]) -> dict[str, Any] | None:
        for q, _ in domain:
            self._show(self.forms.polynomial(q))
        if not self._require(self.forms.read(term), roots=True):
            return None
        phi = self.forms.read(term)
        tree = self.prove(IntervalGoal(phi, self.low, self.high, strict, strict and self.low is not None), MAX_STEPS)
        return None if tree is None else {"proof": tree, "domain": [list(entry) for entry in self.domain]}

    # the domain

    def _require(self, poly: Polynomial, roots: bool = False) -> bool:
        """Whether the domain of a function is shown; it is extended on the way."""
        for a in sorted({a for monomial in poly for a, _ in monomial}):
            key = self.forms.key_of(a)
            if key[0] not in ("inv", "f"):
                continue
            inner = dict(key[-1])
            if not self._require(inner, roots):
                return False
            if self.forms.constant(inner) or self.forms.sign(inner) != 0:
                continue
            needed = key[0] == "inv" or key[1] == "log"
            if (needed or (roots and key[1] == "sqrt")) and not self._show(inner) and needed:
                return False
        return True

    def _show(self, q: Polynomial) -> bool:
        """Adds Q with its sign on the whole interval to the domain."""
        if self.forms.constant(q) or self.forms.sign(q):
            return True
        sign = next((s for _, s in self.samples(q, self.low, self.high) if s), 0)
        if not sign:
            return False
        tree = self.prove(IntervalGoal(scaled(q, Fraction(sign)), self.low, self.high, True), MAX_STEPS)
        if tree is None:
            return False
        self.domain.append((self.forms.term(q), sign, tree))
        self.forms.learn(q, sign)
        return True

    # signs at points

    def sign_at(self, phi: Polynomial, at: Fraction, known: dict[Fraction, int] | None = None) -> int:
        """The sign of phi at a point; 0 where it is exactly 0 or not decided at 256 bits."""
        known = self.signs.setdefault(freeze(phi), {}) if known is None else known
        if at not in known:
            known[at] = self._sign_at(phi, at)
        return known[at]

    def _sign_at(self, phi: Polynomial, at: Fraction) -> int:
        if now() > self.deadline:
            raise _OutOfTime
        for bits in (60, 256):
            with ctx.workprec(bits):
                value = self.forms.ball(phi, arb(_fmpq(at)))
                if value > 0 or value < 0:
                    return 1 if value > 0 else -1
        return 0

    def zero_at(self, phi: Polynomial, at: Fraction) -> bool:
        """Whether phi is exactly 0 at a point."""
        return self.sign_at(phi, at) == 0 and not self.forms.at(phi, num(at))

    def samples(self, phi: Polynomial, low: Fraction | None, high: Fraction | None) -> list[tuple[Fraction, int]]:
        """The signs at the points of `_points`."""
        known = self.signs.setdefault(freeze(phi), {})
        return [(p, self.sign_at(phi, p, known)) for p in _points(low, high)]

    # the search

    def prove(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """A tree for a goal, or None. `steps` bounds how often it is changed on the way down."""
        if now() > self.deadline:
            raise _OutOfTime
        leaf = self._leaf(goal)
        if leaf is not None:
            return leaf
        key = (freeze(goal.phi), goal.low, goal.high, goal.strict, goal.half_open)
        if steps <= 0 or self.failed.get(key, -1) >= steps or len(goal.phi) > MAX_MONOMIALS or not goal.phi:
            return None
        signs = self.samples(goal.phi, goal.low, goal.high)
        closed = goal.strict and not goal.half_open
        if any(s < 0 for _, s in signs) or (closed and any(s == 0 and self.zero_at(goal.phi, p) for p, s in signs)):
            return None
        self.failed[key] = steps
        for attempt in (
            self._simpler,
            self._roots,
            self._groups,
            self._monotone,
            self._cover,
            self._split,
            self._bounded,
            self._other_forms,
        ):
            tree = attempt(goal, steps)
            if tree is not None:
                del self.failed[key]
                return tree
        return None

    def _leaf(self, goal: IntervalGoal) -> Tree | None:
        for tree in (["coeffs"], ["exp"], ["sqrt"]):
            if _accepted(self.forms, goal, tree):
                return tree
        if goal.low is not None and goal.high is not None and _accepted(self.forms, goal, ["eval", 40]):
            return ["eval", 64]
        return None

    # other forms of the same claim

    def _simpler(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """One change that only makes things simpler, where there is one."""
        kinds = {self._kind(a) for m in goal.phi for a, _ in m if not self.forms.constant({((a, 1),): Fraction(1)})}
        if not kinds & (_PRIMITIVES | {"sqrt"}) and any(self._has_tanh(m) for m in goal.phi):
            return self._without_tanh(goal, steps)
        common = self._common(goal.phi)
        for a, n in common:
            kind = self._kind(a)
            atom = self.forms.atom(a)
            if kind == "inv":
                return self._times(goal, self.forms.term(dict(self.forms.key_of(a)[1])), steps)
            if kind == "exp":
                return self._times(goal, fn("exp", -self.forms.atom(a)[2]), steps)
            if kind in ("x", "sqrt") or self.forms.constant({((a, 1),): Fraction(1)}):
                return self._product(goal, atom, a, n, steps)
        content = self._content(goal.phi)
        if content is not None:
            return self._factor(goal, *content, steps)
        if not kinds & _PRIMITIVES:
            return self._clear(goal, steps)
        return None

    def _without_tanh(self, goal: IntervalGoal, steps: int) -> Tree | None:
        phi = self.forms.polynomial(without_tanh(self.forms.term(goal.phi)))
        return _wrap(self.prove(_with(goal, phi), steps - 1), lambda t: ["tanh", t])

    def _content(self, phi: Polynomial) -> tuple[Polynomial, Polynomial] | None:
        """(g, psi) with phi = g psi, g the common polynomial factor in x of what stands at the other atoms; None where it is 1."""
        (((x, _),),) = self.forms.polynomial(self.x)
        groups: dict[Monomial, dict[int, Fraction]] = {}
        for monomial, c in phi.items():
            groups.setdefault(tuple(f for f in monomial if f[0] != x), {})[dict(monomial).get(x, 0)] = c
        if len(groups) < 2:
            return None
        polys = {
            rest: fmpq_poly([_fmpq(g.get(k, Fraction(0))) for k in range(max(g) + 1)]) for rest, g in groups.items()
        }
        common = fmpq_poly([0])
        for poly in polys.values():
            common = common.gcd(poly)
        if common.degree() < 1:
            return None
        g = {((x, k),) if k else ONE: _fraction(c) for k, c in enumerate(common.coeffs()) if c}
        psi: Polynomial = {}
        for rest, poly in polys.items():
            for k, c in enumerate((poly // common).coeffs()):
                if c:
                    psi[_sorted([*rest, *([(x, k)] if k else [])])] = _fraction(c)
        return g, psi

    def _factor(self, goal: IntervalGoal, g: Polynomial, psi: Polynomial, steps: int) -> Tree | None:
        signs = {s for _, s in self.samples(g, goal.low, goal.high)}
        if not {1, -1} - signs or not self._require(psi):
            return None
        if -1 in signs:
            g, psi = scaled(g, Fraction(-1)), scaled(psi, Fraction(-1))
        first = self.prove(_with(goal, g), steps - 1)
        second = None if first is None else self.prove(_with(goal, psi), steps - 1)
        return None if second is None else ["product", [[self.forms.term(g), first], [self.forms.term(psi), second]]]

    def _clear(self, goal: IntervalGoal, steps: int) -> Tree | None:
        for monomial in goal.phi:
            for a, _ in monomial:
                if self._kind(a) == "inv":
                    return self._times(goal, self.forms.term(dict(self.forms.key_of(a)[1])), steps)
        return None

    def _other_forms(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """Cleared of denominators where it was not yet; each of the exponentials made a number in turn."""
        tree = self._clear(goal, steps)
        if tree is None and any(self._has_tanh(m) for m in goal.phi):
            tree = self._without_tanh(goal, steps)
        if tree is not None:
            return tree
        atoms = sorted(
            {a for monomial in goal.phi for a, _ in monomial if not self.forms.constant({((a, 1),): Fraction(1)})}
        )
        factors = [fn("exp", -self.forms.atom(a)[2]) for a in atoms if self._kind(a) == "exp"]
        factors += [self.forms.atom(a) for a in atoms if self._kind(a) == "sqrt"]
        for factor in factors:
            tree = self._times(goal, factor, steps)
            if tree is not None:
                return tree
        return None

    def _roots(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """phi = A + B sqrt(Q) with signs of A and B: a sum where both are >= 0, else times A - B sqrt(Q) (or its negative)."""
        atoms = sorted({a for monomial in goal.phi for a, _ in monomial})
        if any(self._kind(a) in _PRIMITIVES | {"exp"} and self.forms.depends({((a, 1),): Fraction(1)}) for a in atoms):
            return None
        for a in atoms:
            if self._kind(a) != "sqrt" or self.forms.constant({((a, 1),): Fraction(1)}):
                continue
            rest = {m: c for m, c in goal.phi.items() if a not in dict(m)}
            root = {m: c for m, c in goal.phi.items() if a in dict(m)}
            if not rest or not root:
                continue
            signs = [{s for _, s in self.samples(part, goal.low, goal.high)} for part in (rest, root)]
            if -1 not in signs[0] | signs[1]:
                return self._sum(goal, [rest, root], steps)
            if (
                (-1 in signs[0] and -1 in signs[1])
                or (1 in signs[0] and -1 in signs[0])
                or (1 in signs[1] and -1 in signs[1])
            ):
                continue
            other = rest if -1 in signs[0] else root
            conjugate = {m: -c if m in other else c for m, c in goal.phi.items()}
            tree = self._times(goal, self.forms.term(conjugate), steps)
            if tree is not None:
                return tree
        return None

    def _groups(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """A sum whose members, each a polynomial in x times other atoms, have no negative sample."""
        (((x, _),),) = self.forms.polynomial(self.x)
        groups: dict[Monomial, Polynomial] = {}
        for monomial, c in goal.phi.items():
            groups.setdefault(tuple(f for f in monomial if f[0] != x), {})[monomial] = c
        if len(groups) < 2 or any(s < 0 for phi in groups.values() for _, s in self.samples(phi, goal.low, goal.high)):
            return None
        return self._sum(goal, list(groups.values()), steps)

    def _bounded(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """phi = A + B T = (A + B c) + B (T - c) for an atom T = atan, erf, tanh or exp(-..) and its value or limit c at an end.

        For unbounded intervals: over bounded ones balls do it.
        """
        if (goal.low is None) == (goal.high is None):
            return None
        for a in sorted({a for monomial in goal.phi for a, n in monomial if n == 1}):
            atom = {((a, 1),): Fraction(1)}
            if self._kind(a) not in ("atan", "erf", "tanh", "exp") or self.forms.constant(atom):
                continue
            if any(dict(m).get(a, 0) > 1 for m in goal.phi):
                continue
            factor = {tuple(f for f in m if f[0] != a): c for m, c in goal.phi.items() if a in dict(m)}
            signs = {s for _, s in self.samples(factor, goal.low, goal.high)}
            if {1, -1} <= signs:
                continue
            rest = {m: c for m, c in goal.phi.items() if a not in dict(m)}
            for bound in self._bounds(atom, goal):
                over = added([atom, scaled(bound, Fraction(-1))])
                sign = Fraction(-1 if -1 in signs else 1)
                over, outer = scaled(over, sign), scaled(factor, sign)
                if any(s < 0 for _, s in self.samples(over, goal.low, goal.high)):
                    continue
                under = self.forms.reduced(added([rest, multiplied(factor, bound)]))
                if any(s < 0 for _, s in self.samples(under, goal.low, goal.high)):
                    continue
                tree = self._sum_with_product(goal, under, outer, over, steps)
                if tree is not None:
                    return tree
        return None

    def _bounds(self, atom: Polynomial, goal: IntervalGoal) -> list[Polynomial]:
        """The values of an atom at the ends, by limits where infinite."""
        end = goal.high if goal.low is None else goal.low
        found = [] if end is None else [self.forms.at(atom, num(end))]
        try:
            if goal.high is None:
                found.append(self.forms.limit(atom))
            else:
                forms = Forms(self.x[1])
                mirrored = forms.limit(forms.polynomial(substitute(self.forms.term(atom), self.x[1], -self.x)))
                found.append(self.forms.polynomial(forms.term(mirrored)))
        except ProofError:
            pass
        return found

    def _sum_with_product(
        self, goal: IntervalGoal, under: Polynomial, outer: Polynomial, over: Polynomial, steps: int
    ) -> Tree | None:
        if not all(self._require(phi) for phi in (under, outer, over)):
            return None
        trees = [self.prove(IntervalGoal(phi, goal.low, goal.high, False), steps - 2) for phi in (outer, over)]
        first = None if None in trees else self.prove(_with(goal, under), steps - 1)
        if first is None:
            return None
        members = [[self.forms.term(phi), tree] for phi, tree in zip((outer, over), trees, strict=True)]
        product = self.forms.term(self.forms.reduced(multiplied(outer, over)))
        return ["sum", [[self.forms.term(under), first], [product, ["product", members]]]]

    def _sum(self, goal: IntervalGoal, members: list[Polynomial], steps: int) -> Tree | None:
        if not all(self._require(phi) for phi in members):
            return None
        trees: list[Any] = []
        strict = goal.strict
        for phi in members:
            tree = self.prove(_with(goal, phi), steps - 1) if strict else None
            strict = strict and tree is None
            tree = tree or self.prove(IntervalGoal(phi, goal.low, goal.high, False), steps - 1)
            if tree is None:
                return None
            trees.append([self.forms.term(phi), tree])
        return None if strict else ["sum", trees]

    def _times(self, goal: IntervalGoal, m: Term, steps: int) -> Tree | None:
        q = self.forms.polynomial(m)
        sign = next((s for _, s in self.samples(q, goal.low, goal.high) if s), 0)
        if not sign or not self._require(q):
            return None
        if sign < 0:
            m, q = -1 * m, scaled(q, Fraction(-1))
        positive = self.prove(IntervalGoal(q, goal.low, goal.high, True), steps - 1)
        if positive is None:
            return None
        tree = self.prove(_with(goal, self.forms.cleared(q, goal.phi)), steps - 1)
        return _wrap(tree, lambda t: ["times", m, positive, t])

    def _product(self, goal: IntervalGoal, atom: Term, a: int, n: int, steps: int) -> Tree | None:
        """phi = a^n psi for an atom a of one sign."""
        rest = {tuple((b, k - n if b == a else k) for b, k in m if b != a or k > n): c for m, c in goal.phi.items()}
        samples = self.samples({((a, 1),): Fraction(1)}, goal.low, goal.high)
        if n % 2 and any(s < 0 for _, s in samples):
            if any(s > 0 for _, s in samples):
                return None
            atom, rest = -1 * atom, scaled(rest, Fraction(-1))
        members: list[Any] = []
        for _ in range(n):
            tree = self.prove(_with(goal, self.forms.polynomial(atom)), steps - 1)
            if tree is None:
                return None
            members.append([atom, tree])
        if not self._require(rest):
            return None
        tree = self.prove(_with(goal, rest), steps - 1)
        return _wrap(tree, lambda t: ["product", [*members, [self.forms.term(rest), t]]])

    def _common(self, phi: Polynomial) -> Monomial:
        """The atoms with their powers that every monomial has."""
        powers: dict[int, int] | None = None
        for monomial in phi:
            mine = dict(monomial)
            powers = mine if powers is None else {a: min(n, mine[a]) for a, n in powers.items() if a in mine}
        return tuple(sorted((powers or {}).items()))

    def _kind(self, a: int) -> str:
        key = self.forms.key_of(a)
        return key[1] if key[0] == "f" else key[0]

    def _has_tanh(self, monomial: Monomial) -> bool:
        for a, _ in monomial:
            key = self.forms.key_of(a)
            if self._kind(a) == "tanh" or (key[0] in ("inv", "f") and any(self._has_tanh(m) for m, _ in key[-1])):
                return True
        return False

    # signs of derivatives

    def _monotone(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """phi' of one sign on the whole interval, by its samples."""
        try:
            slope = self.forms.derivative(goal.phi)
        except ProofError:
            return None
        if self.forms.constant(goal.phi):
            return None
        signs = {s for _, s in self.samples(slope, goal.low, goal.high)}
        if -1 not in signs:
            tree = self._from(goal, goal.low, slope, "up", steps)
            if tree is not None:
                return tree
        if 1 not in signs:
            return self._from(goal, goal.high, scaled(slope, Fraction(-1)), "down", steps)
        return None

    def _from(self, goal: IntervalGoal, end: Fraction | None, slope: Polynomial, name: str, steps: int) -> Tree | None:
        if end is None:
            other = goal.high if name == "up" else goal.low
            if other is None or not self._limit(goal):
                return None
            return _wrap(self.prove(IntervalGoal(slope, goal.low, goal.high, goal.strict), steps - 1), lambda t: ["limit", t])
        value = self.forms.at(goal.phi, num(end))
        if self.forms.decided(value, goal.strict):
            return _wrap(self.prove(IntervalGoal(slope, goal.low, goal.high, False), steps - 1), lambda t: [name, t])
        if name == "up" and goal.half_open and self.forms.decided(value, False):
            return _wrap(self.prove(_with(goal, slope), steps - 1), lambda t: ["up_open", t])
        return None

    def _limit(self, goal: IntervalGoal) -> bool:
        try:
            if goal.high is None:
                return self.forms.decided(self.forms.limit(goal.phi), False)
            forms = Forms(self.x[1])
            return forms.decided(
                forms.limit(forms.polynomial(substitute(self.forms.term(goal.phi), self.x[1], -self.x))), False
            )
        except ProofError:
            return False

    # intervals

    def _cover(self, goal: IntervalGoal, steps: int) -> Tree | None:
        """Balls over halves of halves of a bounded interval at whose ends phi is not 0."""
        if (
            goal.low is None
            or goal.high is None
            or self.zero_at(goal.phi, goal.low)
            or self.zero_at(goal.phi, goal.high)
        ):
            return None
        budget = [160]
        return self._halved(goal, goal.low, goal.high, MAX_HALVINGS, budget)

    def _halved(self, goal: IntervalGoal, low: Fraction, high: Fraction, depth: int, budget: list[int]) -> Tree | None:
        if now() > self.deadline:
            raise _OutOfTime
        budget[0] -= 1
        if _accepted(self.forms, IntervalGoal(goal.phi, low, high, goal.strict), ["eval", 40]):
            return ["eval", 64]
        middle = (low + high) / 2
        if depth == 0 or budget[0] < 0 or self.sign_at(goal.phi, middle) <= 0:
            return None
        left = self._halved(goal, low, middle, depth - 1, budget)
        right = None if left is None else self._halved(goal, middle, high, depth - 1, budget)
        return None if right is None else ["split", str(middle), left, right]

    def _split(self, goal: IntervalGoal, steps: int) -> Tree | None:
        if self._even(goal):
            return _wrap(
                self.prove(IntervalGoal(goal.phi, Fraction(0), goal.high, goal.strict), steps - 1), lambda t: ["even", t]
            )
        for c in self._cuts(goal):
            left = self.prove(IntervalGoal(goal.phi, goal.low, c, goal.strict, goal.half_open), steps - 2)
            right = None if left is None else self.prove(IntervalGoal(goal.phi, c, goal.high, goal.strict), steps - 2)
            if right is not None:
                return ["split", str(c), left, right]
        return None

    def _even(self, goal: IntervalGoal) -> bool:
        if goal.low != (None if goal.high is None else -goal.high):
            return False
        return self.forms.at(goal.phi, -self.x) == goal.phi

    def _cuts(self, goal: IntervalGoal) -> Iterable[Fraction]:
        """Where to split: zeros of phi, zeros of phi', the ends of the first and the last stretch of one sign of phi'."""
        signs = self.samples(goal.phi, goal.low, goal.high)
        inner = [(p, s) for p, s in signs if p not in (goal.low, goal.high)]
        cuts = [p for p, s in inner if s == 0 and self.zero_at(goal.phi, p)]
        cuts += self._rational_roots(goal)
        if cuts:
            return cuts[:2]
        try:
            slope = self.forms.derivative(goal.phi)
        except ProofError:
            return []
        slopes = self.samples(slope, goal.low, goal.high)
        cuts = [p for p, s in slopes if s == 0 and p not in (goal.low, goal.high) and self.zero_at(slope, p)][:1]
        runs = [p for (p, s), (_, t) in pairwise(slopes) if s and t and s != t]
        ends = [q for (_, s), (q, t) in pairwise(slopes) if s and t and s != t]
        if goal.high is None and ends:
            cuts.append(ends[-1])
        if goal.low is None and runs:
            cuts.append(runs[0])
        if goal.low is not None and runs and runs[0] != goal.low:
            cuts.append(runs[0])
        if goal.high is not None and ends and ends[-1] != goal.high:
            cuts.append(ends[-1])
        if not cuts:
            cuts = [_middle(goal.low, goal.high)]
        return [c for k, c in enumerate(cuts) if c not in cuts[:k] and c not in (goal.low, goal.high)][:3]

    def _rational_roots(self, goal: IntervalGoal) -> list[Fraction]:
        found = self.forms.coefficients(goal.phi)
        if not found or not all(set(c) <= {ONE} for c in found):
            return []
        values = [c.get(ONE, Fraction(0)) for c in found]
        _, factors = fmpq_poly([_fmpq(v) for v in values]).factor()
        roots = [-f[0] / f[1] for f, _ in factors if f.degree() == 1]
        inside = [_fraction(r) for r in roots]
        return sorted(r for r in inside if (goal.low is None or goal.low < r) and (goal.high is None or r < goal.high))


def _with(goal: IntervalGoal, phi: Polynomial) -> IntervalGoal:
    return IntervalGoal(phi, goal.low, goal.high, goal.strict, goal.half_open)


def _wrap(tree: Tree | None, make: Callable[[Tree], Tree]) -> Tree | None:
    return None if tree is None else make(tree)


def _accepted(forms: Forms, goal: IntervalGoal, tree: Tree) -> bool:
    try:
        Checker(forms).check(goal, tree)
    except ProofError:
        return False
    return True


def _sorted(factors: list[tuple[int, int]]) -> Monomial:
    return tuple(sorted(factors))


def _fmpq(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _middle(low: Fraction | None, high: Fraction | None) -> Fraction:
    if low is None and high is None:
        return Fraction(0)
    if low is None or high is None:
        end = (high or Fraction(0)) if low is None else low
        return end + (1 if low is not None else -1) * max(Fraction(1), abs(end))
    return (low + high) / 2


@lru_cache(maxsize=1000)
def _points(low: Fraction | None, high: Fraction | None) -> tuple[Fraction, ...]:
    """Points of [low, high] in order, the ends among them, denser towards finite ends, far out towards infinite ones."""
    # a whole number is the same key as its fraction, so what is kept for one must serve for the other
    low, high = (None if end is None else Fraction(end) for end in (low, high))
    powers = [Fraction(2) ** k for k in range(-8, 9)]
    whole = [Fraction(k) for k in range(-3, 4)]
    if low is None and high is None:
        points = [*whole, *powers, *[-p for p in powers]]
    elif high is None and low is not None:
        points = [low, *whole, *[low + p for p in powers]]
    elif low is None and high is not None:
        points = [high, *whole, *[high - p for p in powers]]
    else:
        assert low is not None and high is not None
        width = high - low
        points = [low + width * Fraction(k, 12) for k in range(13)]
        points += [low + width * p for p in powers[:5]] + [high - width * p for p in powers[:5]]
        points += whole
    return tuple(sorted({p for p in points if (low is None or low <= p) and (high is None or p <= high)}))


def disprove(
    term: Term, variable: str, low: Fraction | None, high: Fraction | None, strict: bool, seconds: float = 1.0
) -> Fraction | None:
    """A rational in [low, high] where term < 0 (with strict: or = 0 exactly), by a ball of at most 2000 bits; None if none is seen.

    Points that lie dense, then, around the least values found, ever closer ones; then towards the ends and far out.
    """
    forms = Forms(variable)
    phi = forms.read(term)
    deadline = now() + seconds
    points = list(_points(low, high))
    if _false_at(forms, phi, points, strict, deadline) is None:
        points = _nearest(forms, phi, points, deadline)
    points += _extreme(low, high)
    found = _false_at(forms, phi, points, strict, deadline)
    if found is None:
        return None
    simpler = [found.limit_denominator(10**k) for k in range(13)]
    inside = [p for p in simpler if (low is None or low <= p) and (high is None or p <= high)]
    return next((p for p in inside if _false_at(forms, phi, [p], strict, deadline) is not None), found)


def _false_at(forms: Forms, phi: Polynomial, points: list[Fraction], strict: bool, deadline: float) -> Fraction | None:
    for bits in (64, 400, 2000):
        for p in points:
            if now() > deadline:
                return None
            with ctx.workprec(bits):
                value = forms.ball(phi, arb(_fmpq(p)))
            if value.is_finite() and value < 0:
                return p
            if strict and bits == 400 and not value > 0 and not forms.at(phi, num(p)):
                return p
    return None


def _nearest(forms: Forms, phi: Polynomial, points: list[Fraction], deadline: float) -> list[Fraction]:
    """Points around the three lowest local minima of a grid, closer and closer."""

    def value(p: Fraction) -> float:
        with ctx.workprec(200):
            ball = forms.ball(phi, arb(_fmpq(p)))
        return float(ball.mid()) if ball.is_finite() else float("inf")

    values = [value(p) for p in points]
    lowest = [k for k in range(len(points)) if values[k] == min(values[max(k - 1, 0) : k + 2])]
    found: list[Fraction] = []
    for k in sorted(lowest, key=lambda k: values[k])[:4]:
        left, right = points[max(k - 1, 0)], points[min(k + 1, len(points) - 1)]
        for _ in range(60):
            if now() > deadline:
                return found
            first, second = (2 * left + right) / 3, (left + 2 * right) / 3
            first, second = first.limit_denominator(10**12), second.limit_denominator(10**12)
            left, right = (left, second) if value(first) <= value(second) else (first, right)
            found += [first, second]
    return found[::-1]


def _extreme(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    far = [Fraction(2) ** k for k in (10, 12, 16, 24, 40, 100, 300)]
    near = [1 / p for p in far]
    points = [p for p in (*far, *near, *[-p for p in far], *[-p for p in near])]
    points += [] if low is None else [low + p for p in (*near, *far)]
    points += [] if high is None else [high - p for p in (*near, *far)]
    return [p for p in points if (low is None or low <= p) and (high is None or p <= high)]


def in_logarithm(term: Term, variable: str) -> Term:
    """The term with exp(x) for x, and x for log(exp(x)): a claim on (0, oo) as one on the whole line.

    A ball of it, taken at log(t), and the law exp_log (exp(log(t)) = t for 0 < t) give the claim at t.
    """
    inner = Term(in_logarithm(a, variable) if isinstance(a, Term) else a for a in term)
    if term == ("x", variable):
        return fn("exp", term)
    if inner[:2] == ("f", "log") and inner[2] == fn("exp", Term(("x", variable))):
        return Term(("x", variable))
    return inner
