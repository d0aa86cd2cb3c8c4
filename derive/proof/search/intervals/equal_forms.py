"""Search steps that rewrite phi: as a sum, as a product, or multiplied by a positive factor."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import fmpq_poly

from sdescent.derive.proof.kernel.one_variable import IntervalGoal, without_tanh
from sdescent.derive.proof.language.normal import ONE, Monomial, Polynomial, scaled
from sdescent.derive.proof.language.terms import Term, fn
from sdescent.derive.proof.search.intervals.tree_search import Tree, TreeSearch, wrapped
from sdescent.derive.proof.search.ring import fraction, rational

#: functions that differentiation removes if their coefficient is a number
PRIMITIVES = frozenset({"log", "atan", "erf"})


def simplified(search: TreeSearch, goal: IntervalGoal, steps: int) -> Tree | None:
    """The first rewriting that is sure to simplify phi: dividing out a common factor or clearing a denominator."""
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
    """The factorisation phi = g psi, where the polynomial g in x divides the coefficient of every product of other atoms.

    The result (g, psi) is None if g is constant or there is only one such product.
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
    g = {((x, k),) if k else ONE: fraction(c) for k, c in enumerate(common.coeffs()) if c}
    psi: Polynomial = {}
    for rest, poly in polys.items():
        for k, c in enumerate((poly // common).coeffs()):
            if c:
                psi[tuple(sorted((*rest, (x, k)))) if k else rest] = fraction(c)
    return g, psi


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
    members: list[Any] = []
    for _ in range(n):
        tree = search.prove(replace(goal, phi=search.forms.polynomial(atom)), steps - 1)
        if tree is None:
            return None
        members.append([atom, tree])
    if not search.require(rest):
        return None
    tree = search.prove(replace(goal, phi=rest), steps - 1)
    return wrapped(tree, lambda t: ["product", [*members, [search.forms.term(rest), t]]])


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
