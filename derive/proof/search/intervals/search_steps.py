"""Search steps that rewrite phi, use the sign of its derivative, or split the interval."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import fmpq_poly

from sdescent.derive.proof.kernel.one_variable import IntervalGoal, without_tanh
from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import ONE, Monomial, Polynomial, scaled
from sdescent.derive.proof.language.terms import Term, fn, num, substitute
from sdescent.derive.proof.search.intervals.extrema import middle_of
from sdescent.derive.proof.search.intervals.tree_search import Tree, TreeSearch, accepted, wrapped
from sdescent.derive.proof.search.ring import fraction, rational

#: functions that differentiation removes if their coefficient is a number
PRIMITIVES = frozenset({"log", "atan", "erf"})


def simplified(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by the first rewriting that is sure to simplify phi, such as dividing out a common factor."""
    kinds = {kind_of(search, a) for m in goal.phi for a, _ in m if not is_constant(search, a)}
    if not kinds & (PRIMITIVES | {"sqrt"}) and any(has_tanh(search, m) for m in goal.phi):
        return with_exponentials(search, goal, steps)
    for a, n in common_atoms(goal.phi):
        kind = kind_of(search, a)
        atom = search.forms.atom(a)
        if kind == "inv":
            return multiplied_by(search, goal, search.forms.term(dict(search.forms.key_of(a)[1])), steps)
        if kind == "exp":
            return multiplied_by(search, goal, fn("exp", -atom[2]), steps)
        if kind in ("x", "sqrt") or is_constant(search, a):
            return product_of_atom(search, goal, atom, a, n, steps)
    content = common_polynomial(search, goal.phi)
    if content is not None:
        return factored(search, goal, *content, steps)
    if not kinds & PRIMITIVES:
        return cleared(search, goal, steps)
    return None


def with_exponentials(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    phi = search.forms.polynomial(without_tanh(search.forms.term(goal.phi)))
    return wrapped(search.prove(replace(goal, phi=phi), steps - 1), lambda t: ["tanh", t])


def groups_of(search: TreeSearch, phi: Polynomial) -> tuple[int, dict[Monomial, Polynomial]]:
    """The atom x, and the monomials grouped by their factors other than powers of x."""
    (((x, _),),) = search.forms.polynomial(search.x)
    groups: dict[Monomial, Polynomial] = {}
    for monomial, c in phi.items():
        groups.setdefault(tuple(f for f in monomial if f[0] != x), {})[monomial] = c
    return x, groups


def common_polynomial(search: TreeSearch, phi: Polynomial) -> tuple[Polynomial, Polynomial] | None:
    """The pair (g, psi) with phi = g psi, g the gcd of the coefficients of several products of other atoms; None if g
    is constant.
    """
    x, groups = groups_of(search, phi)
    if len(groups) < 2:
        return None
    polys: dict[Monomial, fmpq_poly] = {}
    for rest, group in groups.items():
        powers = {dict(monomial).get(x, 0): c for monomial, c in group.items()}
        polys[rest] = fmpq_poly([rational(powers.get(k, Fraction(0))) for k in range(max(powers) + 1)])
    common = fmpq_poly([0])
    for poly in polys.values():
        common = common.gcd(poly)
    if common.degree() < 1:
        return None
    psi: Polynomial = {}
    for rest, poly in polys.items():
        for k, c in enumerate((poly // common).coeffs()):
            if c:
                psi[tuple(sorted((*rest, (x, k)))) if k else rest] = fraction(c)
    return {((x, k),) if k else ONE: fraction(c) for k, c in enumerate(common.coeffs()) if c}, psi


def factored(search: TreeSearch, goal: IntervalGoal, g: Polynomial, psi: Polynomial, steps: int) -> Tree | None:
    signs = {s for _, s in search.samples(g, goal.low, goal.high)}
    if not {1, -1} - signs or not search.require(psi):
        return None
    if -1 in signs:
        g, psi = scaled(g, Fraction(-1)), scaled(psi, Fraction(-1))
    first = search.prove(replace(goal, phi=g), steps - 1)
    second = None if first is None else search.prove(replace(goal, phi=psi), steps - 1)
    return None if second is None else ["product", [[search.forms.term(g), first], [search.forms.term(psi), second]]]


def cleared(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    a = next((a for monomial in goal.phi for a, _ in monomial if kind_of(search, a) == "inv"), None)
    return None if a is None else multiplied_by(search, goal, search.forms.term(dict(search.forms.key_of(a)[1])), steps)


def other_forms(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof of phi cleared of denominators, else divided by one of its exponentials or multiplied by one of its roots."""
    tree = cleared(search, goal, steps)
    if tree is None and any(has_tanh(search, m) for m in goal.phi):
        tree = with_exponentials(search, goal, steps)
    if tree is not None:
        return tree
    atoms = sorted({a for monomial in goal.phi for a, _ in monomial if not is_constant(search, a)})
    factors = [fn("exp", -search.forms.atom(a)[2]) for a in atoms if kind_of(search, a) == "exp"]
    factors += [search.forms.atom(a) for a in atoms if kind_of(search, a) == "sqrt"]
    trees = (multiplied_by(search, goal, factor, steps) for factor in factors)
    return next((tree for tree in trees if tree is not None), None)


def conjugate(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof of phi = A + B sqrt(Q): as a sum if A and B have no negative sample, else multiplied by +-(A - B sqrt(Q))."""
    atoms = sorted({a for monomial in goal.phi for a, _ in monomial})
    curved = [a for a in atoms if kind_of(search, a) in PRIMITIVES | {"exp"}]
    if any(search.forms.depends({((a, 1),): Fraction(1)}) for a in curved):
        return None
    for a in atoms:
        if kind_of(search, a) != "sqrt" or is_constant(search, a):
            continue
        rest = {m: c for m, c in goal.phi.items() if a not in dict(m)}
        root = {m: c for m, c in goal.phi.items() if a in dict(m)}
        if not rest or not root:
            continue
        signs = [{s for _, s in search.samples(part, goal.low, goal.high)} for part in (rest, root)]
        if -1 not in signs[0] | signs[1]:
            return sum_of(search, goal, [rest, root], steps)
        if all(-1 in s for s in signs) or any({1, -1} <= s for s in signs):
            continue
        other = rest if -1 in signs[0] else root
        conjugate = {m: -c if m in other else c for m, c in goal.phi.items()}
        tree = multiplied_by(search, goal, search.forms.term(conjugate), steps)
        if tree is not None:
            return tree
    return None


def grouped(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof of phi as a sum of polynomials in x times other atoms, if none of the summands has a negative sample."""
    _, groups = groups_of(search, goal.phi)
    if len(groups) < 2 or any(s < 0 for phi in groups.values() for _, s in search.samples(phi, goal.low, goal.high)):
        return None
    return sum_of(search, goal, list(groups.values()), steps)


def sum_of(search: TreeSearch, goal: IntervalGoal, members: list[Polynomial], steps: int) -> Tree | None:
    if not all(search.require(phi) for phi in members):
        return None
    trees: list[Any] = []
    strict = goal.strict
    for phi in members:
        tree = search.prove(replace(goal, phi=phi), steps - 1) if strict else None
        strict = strict and tree is None
        tree = tree or search.prove(IntervalGoal(phi, goal.low, goal.high, False), steps - 1)
        if tree is None:
            return None
        trees.append([search.forms.term(phi), tree])
    return None if strict else ["sum", trees]


def multiplied_by(search: TreeSearch, goal: IntervalGoal, m: Term, steps: int) -> Tree | None:
    q = search.forms.polynomial(m)
    sign = next((s for _, s in search.samples(q, goal.low, goal.high) if s), 0)
    if not sign or not search.require(q):
        return None
    if sign < 0:
        m, q = -1 * m, scaled(q, Fraction(-1))
    positive = search.prove(IntervalGoal(q, goal.low, goal.high, True), steps - 1)
    if positive is None:
        return None
    tree = search.prove(replace(goal, phi=search.forms.cleared(q, goal.phi)), steps - 1)
    return wrapped(tree, lambda t: ["times", m, positive, t])


def product_of_atom(search: TreeSearch, goal: IntervalGoal, atom: Term, a: int, n: int, steps: int) -> Tree | None:
    """A proof of phi = a^n psi for an atom a of constant sign."""
    rest = {tuple((b, k - n if b == a else k) for b, k in m if b != a or k > n): c for m, c in goal.phi.items()}
    samples = search.samples({((a, 1),): Fraction(1)}, goal.low, goal.high)
    if n % 2 and any(s < 0 for _, s in samples):
        if any(s > 0 for _, s in samples):
            return None
        atom, rest = -1 * atom, scaled(rest, Fraction(-1))
    positive = search.prove(replace(goal, phi=search.forms.polynomial(atom)), steps - 1)
    if positive is None or not search.require(rest):
        return None
    tree = search.prove(replace(goal, phi=rest), steps - 1)
    return wrapped(tree, lambda t: ["product", [*[[atom, positive]] * n, [search.forms.term(rest), t]]])


def common_atoms(phi: Polynomial) -> Monomial:
    """The atoms that all monomials share, with their least powers."""
    powers = [dict(monomial) for monomial in phi]
    return tuple((a, min(p[a] for p in powers)) for a in sorted(set.intersection(*map(set, powers)))) if powers else ()


def is_constant(search: TreeSearch, a: int) -> bool:
    return search.forms.constant({((a, 1),): Fraction(1)})


def kind_of(search: TreeSearch, a: int) -> str:
    key = search.forms.key_of(a)
    return key[1] if key[0] == "f" else key[0]


def has_tanh(search: TreeSearch, monomial: Monomial) -> bool:
    for a, _ in monomial:
        key = search.forms.key_of(a)
        if kind_of(search, a) == "tanh" or (key[0] in ("inv", "f") and any(has_tanh(search, m) for m, _ in key[-1])):
            return True
    return False


MAX_HALVINGS = 9
#: bisections around a minimum, which leave 2^-66 of the gap between two samples, and the bits of the ball over that bracket
MAX_BISECTIONS = 66
BRACKET_BITS = 160


def slope_of(search: TreeSearch, phi: Polynomial) -> Polynomial | None:
    """The derivative phi', or None if the kernel cannot differentiate phi."""
    try:
        return search.forms.derivative(phi)
    except ProofError:
        return None


def monotone(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by phi >= 0 at an end, if the samples of phi' have one sign on the whole interval."""
    slope = slope_of(search, goal.phi)
    if slope is None or search.forms.constant(goal.phi):
        return None
    signs = {s for _, s in search.samples(slope, goal.low, goal.high)}
    if -1 not in signs:
        tree = from_end(search, goal, goal.low, slope, "up", steps)
        if tree is not None:
            return tree
    if 1 not in signs:
        return from_end(search, goal, goal.high, scaled(slope, Fraction(-1)), "down", steps)
    return None


def from_end(
    search: TreeSearch, goal: IntervalGoal, end: Fraction | None, slope: Polynomial, name: str, steps: int
) -> Tree | None:
    if end is None:
        other = goal.high if name == "up" else goal.low
        if other is None or not limit_nonnegative(search, goal):
            return None
        slope_goal = IntervalGoal(slope, goal.low, goal.high, goal.strict)
        return wrapped(search.prove(slope_goal, steps - 1), lambda t: ["limit", t])
    value = search.forms.at(goal.phi, num(end))
    if search.forms.decided(value, goal.strict):
        return wrapped(search.prove(IntervalGoal(slope, goal.low, goal.high, False), steps - 1), lambda t: [name, t])
    if name == "up" and goal.half_open and search.forms.decided(value, False):
        return wrapped(search.prove(replace(goal, phi=slope), steps - 1), lambda t: ["up_open", t])
    return None


def limit_nonnegative(search: TreeSearch, goal: IntervalGoal) -> bool:
    try:
        if goal.high is None:
            return search.forms.decided(search.forms.limit(goal.phi), False)
        forms = Forms(search.x[1])
        turned = forms.polynomial(substitute(search.forms.term(goal.phi), search.x[1], -search.x))
        return forms.decided(forms.limit(turned), False)
    except ProofError:
        return False


def covered(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by balls over a bounded interval, halved repeatedly; phi must not vanish at its ends."""
    if goal.low is None or goal.high is None or any(search.zero_at(goal.phi, end) for end in (goal.low, goal.high)):
        return None
    return halved(search, goal, goal.low, goal.high, MAX_HALVINGS, [160])


def halved(
    search: TreeSearch, goal: IntervalGoal, low: Fraction, high: Fraction, depth: int, budget: list[int]
) -> Tree | None:
    if now() > search.deadline:
        raise OutOfTime
    budget[0] -= 1
    if accepted(search.forms, IntervalGoal(goal.phi, low, high, goal.strict), ["eval", 40]):
        return ["eval", 64]
    middle = (low + high) / 2
    if depth == 0 or budget[0] < 0 or search.sign_at(goal.phi, middle) <= 0:
        return None
    left = halved(search, goal, low, middle, depth - 1, budget)
    right = None if left is None else halved(search, goal, middle, high, depth - 1, budget)
    return None if right is None else ["split", str(middle), left, right]


def bracketed(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """A proof by a ball over a narrow bracket of a minimum, where phi' changes sign from - to +, and proofs on both sides of it.

    Over a bracket of width w the ball is too wide by a multiple of w: only a narrow one shows that a small minimum is above 0.
    """
    slope = slope_of(search, goal.phi)
    if slope is None:
        return None
    changes = [(p, q) for (p, s), (q, t) in pairwise(search.samples(slope, goal.low, goal.high)) if s < 0 < t]
    if not changes or search.forms.constant(goal.phi):
        return None
    low, high = changes[0]
    for k in range(1, MAX_BISECTIONS + 1):
        middle = (low + high) / 2
        sign = search.sign_at(slope, middle)
        if not sign:
            return None
        low, high = (middle, high) if sign < 0 else (low, middle)
        tree = ["eval", BRACKET_BITS]
        if k % 6 == 0 and accepted(search.forms, IntervalGoal(goal.phi, low, high, goal.strict), tree):
            right = search.prove(replace(goal, low=high, half_open=False), steps - 2)
            left = None if right is None else search.prove(replace(goal, high=low), steps - 2)
            return None if left is None else ["split", str(low), left, ["split", str(high), tree, right]]
    return None


def split_at_zeros(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    if is_even(search, goal):
        half = replace(goal, low=Fraction(0), half_open=False)
        return wrapped(search.prove(half, steps - 1), lambda t: ["even", t])
    for c in cutpoints_of(search, goal):
        left = search.prove(replace(goal, high=c), steps - 2)
        right = None if left is None else search.prove(replace(goal, low=c, half_open=False), steps - 2)
        if right is not None:
            return ["split", str(c), left, right]
    return None


def is_even(search: TreeSearch, goal: IntervalGoal) -> bool:
    if goal.low != (None if goal.high is None else -goal.high):
        return False
    return search.forms.at(goal.phi, -search.x) == goal.phi


def cutpoints_of(search: TreeSearch, goal: IntervalGoal) -> Iterable[Fraction]:
    """Points at which to split: zeros of phi, zeros of phi', and the ends of its first and last stretches of constant sign."""
    inner = [(p, s) for p, s in search.samples(goal.phi, goal.low, goal.high) if p not in (goal.low, goal.high)]
    cuts = [p for p, s in inner if s == 0 and search.zero_at(goal.phi, p)]
    cuts += rational_roots(search, goal)
    if cuts:
        return cuts[:2]
    slope = slope_of(search, goal.phi)
    if slope is None:
        return []
    slopes = search.samples(slope, goal.low, goal.high)
    cuts = [p for p, s in slopes if s == 0 and p not in (goal.low, goal.high) and search.zero_at(slope, p)][:1]
    runs = [p for (p, s), (_, t) in pairwise(slopes) if s and t and s != t]
    ends = [q for (_, s), (q, t) in pairwise(slopes) if s and t and s != t]
    if runs:
        cuts += [ends[-1], runs[0]] if goal.high is None else [runs[0], ends[-1]]
    return [c for c in dict.fromkeys(cuts) if c not in (goal.low, goal.high)][:3] or [middle_of(goal.low, goal.high)]


def rational_roots(search: TreeSearch, goal: IntervalGoal) -> list[Fraction]:
    coefficients = search.forms.coefficients(goal.phi)
    if not coefficients or not all(set(c) <= {ONE} for c in coefficients):
        return []
    _, factors = fmpq_poly([rational(c.get(ONE, Fraction(0))) for c in coefficients]).factor()
    roots = [fraction(-f[0] / f[1]) for f, _ in factors if f.degree() == 1]
    return sorted(r for r in roots if (goal.low is None or goal.low < r) and (goal.high is None or r < goal.high))


#: in the order in which they are tried
STEPS = (simplified, conjugate, grouped, monotone, covered, bracketed, split_at_zeros, other_forms)
