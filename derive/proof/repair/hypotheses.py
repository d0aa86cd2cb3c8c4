"""Repairs that add a hypothesis (a bound on a variable or product, signs, an order, an equality) or exchange < and <=."""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, times, x
from sdescent.derive.proof.language.text import said, text
from sdescent.derive.proof.refute.exact import Algebraic
from sdescent.derive.proof.repair import candidates
from sdescent.derive.proof.repair.candidates import HYPOTHESIS, NOISE, THIN, Family, Points, Single, column, failing

MOST_PRODUCTS, MOST_VARIABLES = 10, 10
LARGEST = 1000.0
#: a smaller share of the points may consist of isolated points
LEAST = 1e-3


def bounds(points: Points) -> list[Family]:
    """Families m <= c and m >= c for variables and products, and abs(v) <= c if neither repairs the claim for v."""
    families: list[Family] = []
    for m in _measured(points):
        if now() > points.stop:
            break
        of_variable = [f for sign in (1, -1) for f in _bound(points, m, sign)]
        values = column(m, points.table)[points.bad]
        if not of_variable and m[0] == "x" and values.min() < 0 < values.max():
            of_variable = _bound(points, fn("abs", m), -1)
        families += of_variable
    return families


def _measured(points: Points) -> list[Term]:
    """The variables of the claim, and products of two or three variables of one of its monomials."""
    names = [n for n in points.search.names if any(p == ("x", n) for side in points.claim[1:] for p in parts(side))]
    normal = points.normal
    products: dict[tuple[str, ...], None] = {}
    for monomial in _monomials(points.claim, normal):
        inside = [normal.key_of(a)[1] for a, _ in monomial if normal.key_of(a)[0] == "x"]
        for size in (2, 3):
            if size == 2 or len(inside) == 3:
                products |= dict.fromkeys(itertools.combinations(sorted(inside, key=names.index), size))
    return [*map(x, names[:MOST_VARIABLES]), *(times(*map(x, p)) for p in list(products)[:MOST_PRODUCTS])]


def _monomials(claim: Relation, normal: Normal) -> Iterator[Any]:
    """The monomials of r - l and of all arguments and denominators in it."""
    inner = [p[2] for side in claim[1:] for p in parts(side) if p[0] in ("f", "/")]
    for t in (claim.slack, *inner):
        yield from normal.polynomial(t)


def _bound(points: Points, m: Term, sign: int) -> list[Family]:
    op, weak, strict = (">=", m.ge, m.gt) if sign > 0 else ("<=", m.le, m.lt)

    def threshold(table: candidates.Table) -> Any:
        return np.where(failing(points.claim, table), sign * column(m, table), -np.inf)

    normal = points.normal
    # the claim itself bounds m by a number
    trivial = set(normal.polynomial(points.claim.slack)) <= {*normal.polynomial(m), ()}
    if trivial or _implied(points, m, sign):
        return []
    values = column(m, points.table)
    worst = float(np.max(np.where(points.bad, sign * values, -np.inf)))
    if abs(worst) > LARGEST or points.share((sign * values > worst + NOISE) & ~points.bad) < LEAST:
        return []
    # a claim that fails right up to the edge of the assumptions would leave only the edge
    worst, rows = points.largest(threshold)
    share = points.share((sign * values > worst + NOISE) & ~points.bad)
    name = text(m)
    return [
        Family(
            "bound", sign, _start(points, m, sign), sign * worst, lambda c: ((*points.assume, weak(c)), points.claim),
            threshold, lambda c: f"holds where {name} {op} {c}", lambda c: f"for {name} {op} {c}", "bound", True,
            (HYPOTHESIS if share >= LEAST else THIN, -share), rows=rows,
            strictly=lambda c: ((*points.assume, strict(c)), points.claim),
            strict_phrase=lambda c: f"holds where {name} {op[0]} {c}",
        )
    ]  # fmt: skip


def _start(points: Points, m: Term, sign: int) -> Fraction:
    """A bound on m that the counterexample satisfies."""
    values = [points.point[p[1]] for p in parts(m) if p[0] == "x"]
    exact = [value for value in values if not isinstance(value, Algebraic)]
    if len(exact) < len(values):
        size = float(column(m, {n: np.array([float(v)]) for n, v in points.point.items()})[0])
        return Fraction(math.floor(size) - 1 if sign > 0 else math.ceil(size) + 1)
    product = math.prod(exact, start=Fraction(1))
    return abs(product) if m[0] == "f" else product


def _implied(points: Points, m: Term, sign: int) -> bool:
    """Whether an assumption bounds m by a number on the same side; `tightened` changes that number."""
    normal = points.normal
    form = normal.polynomial(m)
    if len(form) != 1:
        return False
    (monomial,) = form
    polys = [normal.polynomial(r.slack) for r in points.assume if r.op in ("<=", "<")]
    return any(set(poly) == {monomial, ()} and poly[monomial] * sign > 0 for poly in polys)


def singles(points: Points) -> list[Single]:
    """Changes without a number that exclude all counterexamples among the points."""
    assume, claim = points.assume, points.claim
    changes: list[Single] = []
    if claim.op == "<":
        weak = Relation(("<=", *claim[1:]))
        if not failing(weak, points.table).any():
            sign = ">" if ">" in said(claim) else "<"
            changes.append(
                Single("weak", (assume, weak), f"holds with {sign}= in place of {sign}", (candidates.WEAK, 0.0), True)
            )
    for k, r in enumerate(assume):
        slack = column(r.slack, points.table)
        if r.op == "<=" and bool(np.all(np.abs(slack[points.bad]) <= NOISE)):
            strict = Relation(("<", *r[1:]))
            words = f"holds with {said(strict)} in place of {said(r)}"
            changes.append(Single("strict", points.put(k, strict), words, (HYPOTHESIS, -1.0), True))
    return changes + _signs(points) + _orders(points)


def _signs(points: Points) -> list[Single]:
    """The hypothesis that all the claim's variables that can be negative are >= 0, if no single sign suffices."""
    names = [m[1] for m in _measured(points) if m[0] == "x"]
    below = {n: points.table[n] < -NOISE for n in names}
    free = [n for n in names if bool(np.any(below[n]))]
    inside = ~np.any([below[n] for n in free], axis=0) if free else np.zeros(len(points.rows), dtype=bool)
    if len(free) < 2 or bool(np.any(points.bad & inside)) or points.share(inside) < LEAST:
        return []
    if any(not bool(np.any(points.bad & ~below[n])) for n in free):
        return []
    signs = tuple(x(n).ge(0) for n in free)
    words = "holds where " + ", ".join(map(said, signs))
    return [Single("signs", ((*points.assume, *signs), points.claim), words, (HYPOTHESIS, -points.share(inside)))]


def _orders(points: Points) -> list[Single]:
    """The hypotheses a <= b or a == b for two variables; for an identity also v == 0 and v == 1."""
    changes: list[Single] = []
    names, table = [m[1] for m in _measured(points) if m[0] == "x"], points.table
    normal = points.normal
    claim_key = normal.key(points.claim)
    monomials = set(normal.polynomial(points.claim.slack))

    def single(kind: str, r: Relation, rank: tuple[float, float]) -> None:
        if normal.key(r) != claim_key and not (kind == "equal" and monomials <= {*normal.polynomial(r.slack), ()}):
            changes.append(Single(kind, ((*points.assume, r), points.claim), f"holds where {said(r)}", rank))

    for a, b in itertools.permutations(names, 2):
        gap = table[b] - table[a]
        inside = (gap > NOISE) & ~points.bad
        if not bool(np.any(points.bad & (gap > NOISE))) and points.share(inside) >= LEAST:
            strict = bool(np.any(points.bad & (np.abs(gap) <= NOISE)))
            single("order", x(a).lt(x(b)) if strict else x(a).le(x(b)), (HYPOTHESIS, -points.share(inside)))
    values = [Relation(("==", x(a), x(b))) for a, b in itertools.combinations(names, 2)]
    if points.claim.op == "==":
        values += [x(a).eq(num(c)) for a in names for c in (1, 0)]
    for n, r in enumerate(values):
        if _holds_on(points, r):
            single("equal", r, (THIN, float(n)))
    return changes


def _holds_on(points: Points, r: Relation) -> bool:
    """Whether some points with the left variable set to the right side satisfy the assumptions, and all of these the claim."""
    if r.left[1] not in points.free:
        return False
    rows = points.rows.copy()
    rows[:, points.free.index(r.left[1])] = column(r.right, points.table)
    return points.hold(rows)
