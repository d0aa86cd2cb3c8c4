"""Theory 6.6 for steps: sums of the schedules (1+n)^-p for p = 1/2 and 1, and the rates of D(C)SGD itself that follow from them.

Each term of a sum is compared with a difference at the same n, and the differences telescope. If the squares of a schedule are
summable, there is a bound without a step condition, uniform in the horizon.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under, xs
from sdescent.derive.theorems.discrete import averaged as av
from sdescent.derive.theorems.discrete import descent as ds
from sdescent.derive.theorems.discrete.descent import SMOOTH
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.symbols import D0, L0, Af, G, K, N, eps, eta, f, f0, fstar, fT, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.noise_bound import A

t, y, U2 = xs("t y U2")
NEXT, TIME = 1 + t, {"t >= 0": t.ge(0)}
#: the variable of proofs about functions of one variable
Y: Mapping[str, str] = {"y": "const"}
CONTEXT = Context({"t": "clock", "K": "const", **Y}, horizon="K", steps=True)
root, log = partial(fn, "sqrt"), partial(fn, "log")
ROOTS = (2 * root(K + 1) - 2).le(under("I", 1 / root(NEXT)))
BELOW, ABOVE = log(K + 1).le(under("I", 1 / NEXT)), under("I", 1 / NEXT).le(log(2 * K + 1))
SQUARES = under("I", (1 / NEXT) ** 2).le(2)


def inverse(w: Derivation) -> tuple[Fact, Fact, Fact]:
    """The facts 1 + t > 0, (1 + t)/(1 + t) = 1 and 1/(1 + t) > 0."""
    positive = w.combine("1 + t > 0", NEXT.gt(0), [1, "t >= 0"])
    return (positive, *w.inverse(NEXT, positive))


def summed(w: Derivation, claim: Relation, primitive: Term, pointwise: Fact, above: bool) -> Fact:
    """A bound on a sum, from an upper or lower bound on its term by a difference of the primitive."""
    whole = w.step("sum over the steps", w.kernel.monotone("I", pointwise))
    ends = w.step("the sum telescopes", w.kernel.summation("t", primitive))
    return w.combine("the sum", claim, [whole], [(1 if above else -1, ends)])


def roots(w: Derivation) -> Fact:
    """2 sqrt(K + 1) - 2 <= sum (1 + n)^(-1/2), from 2 (b - a) <= 1/a for b^2 = a^2 + 1, which holds since (b - a)^2 >= 0."""
    k, a, b = w.kernel, root(NEXT), root(NEXT + 1)
    first = w.combine("1 <= 1 + t", num(1).le(NEXT), ["t >= 0"])
    second = w.combine("0 <= 2 + t", num(0).le(NEXT + 1), ["t >= 0", 2])
    weak = w.combine("0 <= 1 + t", num(0).le(NEXT), ["t >= 0", 1])
    least = k.function("monotone:sqrt", [num(1), NEXT], [w.number(1), first])
    squares = [k.function("sqrt_square", [at], [fact]) for at, fact in ((NEXT, weak), (NEXT + 1, second))]
    positive = w.combine("sqrt(1 + t) > 0", a.gt(0), [1, least])
    unit = k.inverse(a, positive)
    term = w.combine(
        "one term", (2 * b - 2 * a).le(1 / a), [(1, [], b - a)], [(-1, unit), (-1, squares[0]), squares[1]], [positive]
    )
    return summed(w, ROOTS, 2 * a, term, False)


def harmonic_below(w: Derivation) -> Fact:
    """log(K + 1) <= sum 1/(1 + n), from log(2 + t) - log(1 + t) <= log(1 + z) <= z at z = 1/(1 + t)."""
    k, z = w.kernel, 1 / NEXT
    positive, unit, small = inverse(w)
    size = w.step("log(1 + z) <= z", w.prover.analysis(y - log(1 + y), "y", z, 0, premises=[small]))
    above = w.combine("1 + z > 0", (1 + z).gt(0), [1, small])
    product = k.function("log_mul", [NEXT, 1 + z], [positive, above])
    two = w.combine("2 + t > 0", (NEXT + 1).gt(0), [1, positive])
    same = w.combine("2 + t = (1 + t)(1 + z)", (NEXT + 1).le(NEXT * (1 + z)), (), [(-1, unit)])
    larger = k.function("monotone:log", [NEXT + 1, NEXT * (1 + z)], [two, same])
    term = w.combine("one term", (log(NEXT + 1) - log(NEXT)).le(z), [larger, size], [product])
    return summed(w, BELOW, log(NEXT), term, False)


def harmonic_above(w: Derivation) -> Fact:
    """sum 1/(1 + n) <= log(2K + 1), from 2z <= log(1 + z) - log(1 - z) at z = 1/(2t + 2)."""
    k, double = w.kernel, 2 * NEXT
    z = 1 / double
    positive, unit, small = inverse(w)
    half = w.combine("z <= 1/2", z.le(num("1/2")), [("1/2", ["t >= 0", small])], [("1/2", unit)])
    weak = w.combine("z >= 0", num(0).le(z), [("1/2", small)])
    size = w.step(
        "2z <= log(1 + z) - log(1 - z)",
        w.prover.analysis(log(1 + y) - log(1 - y) - 2 * y, "y", z, 0, Fraction(1, 2), premises=[weak, half]),
    )
    wide = w.combine("2t + 2 > 0", double.gt(0), [(2, positive)])
    one = w.combine("1 + z > 0", (1 + z).gt(0), [weak, 1])
    other = w.combine("1 - z > 0", (1 - z).gt(0), [half, ("1/2", [])])
    over, under_ = (
        k.function("log_mul", [double, factor], [wide, fact]) for factor, fact in ((1 + z, one), (1 - z, other))
    )
    product = w.combine("a positive product", (double * (1 + z)).gt(0), [[wide, one]])
    least = w.combine("2t + 1 > 0", (double - 1).gt(0), [(2, "t >= 0"), 1])
    high = w.combine("(2t + 2)(1 + z) = 2t + 3", (double * (1 + z)).le(double + 1), (), [unit])
    low = w.combine("(2t + 2)(1 - z) = 2t + 1", (double - 1).le(double * (1 - z)), (), [unit])
    up = k.function("monotone:log", [double * (1 + z), double + 1], [product, high])
    down = k.function("monotone:log", [double - 1, double * (1 - z)], [least, low])
    term = w.combine(
        "one term", (1 / NEXT).le(log(double + 1) - log(double - 1)), [up, down, size], [(-1, over), under_]
    )
    return summed(w, ABOVE, log(2 * t + 1), term, True)


def squares(w: Derivation) -> Fact:
    """sum (1 + n)^-2 <= 2, from (1 + t)^-2 <= 2/(2t + 1) - 2/(2t + 3)."""
    _, unit, _ = inverse(w)
    least = w.combine("2t + 1 > 0", (2 * t + 1).gt(0), [(2, "t >= 0"), 1])
    most = w.combine("2t + 3 > 0", (2 * t + 3).gt(0), [least, 2])
    (one, low), (two, high) = w.inverse(2 * t + 1, least), w.inverse(2 * t + 3, most)
    i, j, z = 1 / (2 * t + 1), 1 / (2 * t + 3), 1 / NEXT
    # 2i - 2j = 4ij, and 4ij - z^2 = ij z^2 (4(1+t)^2 - (2t+1)(2t+3)) = ij z^2
    gap = w.combine("the difference", (2 * i - 2 * j).eq(4 * i * j), (), [(-2 * i, two), (2 * j, one)])
    term = w.combine(
        "one term", (z**2).le(2 * i - 2 * j), [(1, [low, high], z)],
        [(-1, gap), (4 * i * j * (1 + NEXT * z), unit), (-(z**2), one), (-(z**2) * (2 * t + 1) * i, two)],
    )  # fmt: skip
    count = w.kernel.monotone("I", w.number(1))  # 0 <= K
    below = w.combine("2K + 1 > 0", (2 * K + 1).gt(0), [(2, count), 1])
    _, last = w.inverse(2 * K + 1, below)
    whole = w.step("sum over the steps", w.kernel.monotone("I", term))
    telescoped = w.step("the sum telescopes", w.kernel.summation("t", -2 / (2 * t + 1)))
    return w.combine("the sum", SQUARES, [whole, (2, last)], [telescoped])


@dataclass(frozen=True)
class Schedule:
    """u_n and u_n^2 as functions of n, with bounds on their sums.

    Args:
        value, square: u and u^2 as functions of t.
        low, high: bounds on the sums, low <= sum u and sum u^2 <= high.
        squared: proves square = value^2.
        below, above: prove low <= sum u and sum u^2 <= high.
        positive: proves 0 < low for K >= 1.
    """

    value: Term
    square: Term
    low: Term
    high: Term
    squared: Callable[[Derivation], Fact]
    below: Callable[[Derivation], Fact]
    above: Callable[[Derivation], Fact]
    positive: Callable[[Derivation], Fact]


def root_squared(w: Derivation) -> Fact:
    """(1/sqrt(1 + t))^2 = 1/(1 + t)."""
    i, z = 1 / root(NEXT), 1 / NEXT
    positive, unit, _ = inverse(w)
    weak = w.combine("0 <= 1 + t", num(0).le(NEXT), [positive])
    square = w.kernel.function("sqrt_square", [NEXT], [weak])
    strict = w.kernel.function("monotone:sqrt", [num(0), NEXT], [w.number(0), positive])
    inverse_of_root = w.kernel.inverse(root(NEXT), strict)
    equalities = [(-(i**2), unit), (-z * i**2, square), (z * (1 + i * root(NEXT)), inverse_of_root)]
    return w.combine("the square", (i**2).eq(z), (), equalities)


def beyond_one(w: Derivation, increasing: str, start: Fact) -> Fact:
    """An increasing function is larger at K + 1 than at 1, for K >= 1; `start` is the fact that 1 is in its domain."""
    more = w.combine("1 < K + 1", num(1).lt(K + 1), ["K >= 1", 1])
    return w.kernel.function(f"monotone:{increasing}", [num(1), K + 1], [start, more])


def root_positive(w: Derivation) -> Fact:
    """0 < 2 sqrt(K + 1) - 2 for K >= 1."""
    larger = beyond_one(w, "sqrt", w.number(1))
    return w.combine("the sum of the schedule is positive", num(0).lt(2 * root(K + 1) - 2), [(2, larger)])


def log_positive(w: Derivation) -> Fact:
    """0 < log(K + 1) for K >= 1."""
    return beyond_one(w, "log", w.kernel.certify(num(0).lt(1), (), sum=[(Fraction(1), (), ())]))


ROOT = Schedule(
    1 / root(NEXT), 1 / NEXT, 2 * root(K + 1) - 2, log(2 * K + 1), root_squared, roots, harmonic_above, root_positive
)
HARMONIC = Schedule(
    1 / NEXT, (1 / NEXT) ** 2, log(K + 1), num(2), lambda w: w.kernel.certify(((1 / NEXT) ** 2).eq((1 / NEXT) ** 2)),
    harmonic_below, squares, log_positive,
)  # fmt: skip


def rate_bound(s: Schedule) -> Relation:
    """E sum u G^2/sum u <= (f(x_0) - f* + eta^2 L D_0 high/(2N))/((1 - eps) eta low)."""
    top = f0 - fstar + eta**2 * L0 * D0 / (2 * N) * s.high
    return (under("EI", u * G**2) / under("I", u)).le(top / (1 - eps) / eta / s.low)


def rate(s: Schedule) -> Callable[[Derivation], Fact]:
    """A proof of the bound of 6.2-scheduled-method with low in place of sum u and high in place of sum u^2."""

    def prove(w: Derivation) -> Fact:
        k, phi1, floor = w.kernel, under("I", u), eta**2 * L0 * D0 / (2 * N)
        first, schedule_squared = ds.scheduled(w, SMOOTH), s.squared(w)
        square = w.combine(
            "the square of the schedule", (u**2).eq(s.square), (), [(u + s.value, "schedule"), schedule_squared]
        )
        total, squared = (w.step("the sum of the schedule", k.monotone("I", fact)) for fact in (w["schedule"], square))
        _, per = w.inverse(N, "N > 0")
        noise = ub.floor_is_nonnegative(w, per)
        most = w.combine(
            "the noise", ds.floor_of_the_sum(SMOOTH).le(floor * s.high), [("1/2", ["L0 >= 0", noise, per, s.above(w)], eta)], [(floor, squared)]
        )  # fmt: skip
        least = w.combine("the sum of the schedule from below", s.low.le(phi1), [s.below(w)], [(-1, total)])
        (_, one), (_, over) = w.inverse(1 - eps, "eps < 1"), w.inverse(eta, "eta > 0")
        (whole, two), (unit, three) = w.inverse(phi1, "sum u > 0"), w.inverse(s.low, s.positive(w))
        term = w.combine("no negative term", num(0).le(u * G**2), [(1, "u >= 0", G)])
        right = first.claim.right
        weak = w.combine("the bound is not negative", num(0).le(right), [[two, k.monotone("EI", term)], first])
        before = f0 - fstar + ds.floor_of_the_sum(SMOOTH)
        return w.combine(
            "the rate", rate_bound(s),
            [first, [weak, three, least], [one, over, three, most]],
            [(before / (1 - eps) / eta / s.low, whole), (-right, unit)],
        )  # fmt: skip

    return prove


#: constants of the theorem about summable squares
GROWTH, FLOOR = eta**2 * L0**2 * A, eta**2 * L0 * D0 / (2 * N)
SUMMABLE = (eta * under("EI", u * G**2)).le(fn("exp", GROWTH * U2) * (f0 + FLOOR * U2))
LEAST: dict[str, Relation] = {
    "f >= 0": f.ge(0), "f(x_0) >= 0": f0.ge(0), "f(x_K) >= 0": fT.ge(0), "G^2 <= 2 L f": (G**2).le(2 * L0 * f),
}  # fmt: skip


def summable(w: Derivation) -> Fact:
    """eta E sum u G^2 <= exp(GROWTH U_2) (f(x_0) + FLOOR U_2), by the rule for recursions such as that of E f(x_n).

    The recursion is E f(x_(n+1)) <= (1 + GROWTH u^2) E f(x_n) + FLOOR u^2 - eta u E G^2.
    """
    k, (per, size), lemma = w.kernel, ds.noise(w, u), ds.descent(w, SMOOTH)
    ratio, noise = ub.ratio_is_nonnegative(w, per), ub.floor_is_nonnegative(w, per)
    one = w.combine("A >= 0", A.ge(0), [1, [per, ratio]])
    growth, floor, drop = GROWTH * u**2, FLOOR * u**2, eta * u * G**2
    moved = w.combine(
        "one step", Af.le(growth * f + floor - drop),
        [lemma, ("1/2", ["L0 >= 0", size]), ("1/2", ["L0 >= 0", one, "G^2 <= 2 L f"], (eta, u))],
    )  # fmt: skip
    signs = [
        w.combine("the growth is not negative", growth.ge(0), [(1, one, (eta, u, L0))]),
        w.combine("the floor is not negative", floor.ge(0), [("1/2", ["L0 >= 0", noise, per], (eta, u))]),
        w.combine("the drop is not negative", drop.ge(0), [(1, ["eta >= 0", "u >= 0"], G)]),
    ]
    whole = w.step("summable growth", k.summable([(num(1), "f")], growth, floor, drop, [w["f >= 0"], moved, *signs]))
    phi2 = under("I", u**2)
    most = w.combine("the growth in total", (GROWTH * phi2).le(GROWTH * U2), [(1, [one, "sum u^2 <= U_2"], (eta, L0))])
    larger = k.function("monotone:exp", [GROWTH * phi2, GROWTH * U2], [most])
    positive, last = k.function("exp_positive", [GROWTH * U2]), k.monotone("E", w["f(x_K) >= 0"])
    start = w.combine("start and floor", num(0).le(f0 + FLOOR * phi2), ["f(x_0) >= 0", k.monotone("I", signs[1])])
    return w.combine(
        "for all horizons",
        SUMMABLE,
        [whole, last, [larger, start], ("1/2", [positive, "L0 >= 0", noise, per, "sum u^2 <= U_2"], eta)],
    )


def sum_of(id: str, title: str, claim: Relation, prove: Callable[[Derivation], Fact], remark: str = "") -> Theorem:
    """A theorem that bounds a sum."""
    return Theorem(
        id=id, title=title, source="elementary", claim=claim, remark=remark, context=CONTEXT, assumptions=TIME, point={t: 0, K: 1, y: 0},
        names={"t": "n"}, prove=prove, evidence=(Evidence("sums"),),
    )  # fmt: skip


def rated(id: str, power: str, title: str, remark: str, schedule: Schedule) -> Theorem:
    """The theorem about the rate of D(C)SGD with a schedule."""
    assumptions = {**ds.ASSUMPTIONS, **symbols.signs("d >= 0", "s0_k >= 0"), **SMOOTH.rules(), **av.ENDS}
    return Theorem(
        id=id, title=title, source="after Ghadimi and Lan 2013, with compression", claim=rate_bound(schedule), remark=remark,
        assumptions={**assumptions, **TIME, "K >= 1": K.ge(1), "schedule": u.eq(schedule.value)},
        prove=rate(schedule), evidence=(Evidence("method moments", {"power": float(Fraction(power))}),),
        **ds.common(ds.context(u, SMOOTH, t="clock", **Y), point=ds.point(t=0, y=0), names={**ds.NAMES, "t": "n"}),
    )  # fmt: skip


ENTRIES = (
    sum_of(
        "6.6-roots-method", "The sum of inverse roots", ROOTS, roots,
        r"The integral $\int_0^K(1+t)^{-1/2}\,\mathrm{d}t$ is the right side: a sum of a falling schedule is at least its integral.",
    ),
    sum_of("6.6-harmonic-method", "The harmonic sum from below", BELOW, harmonic_below),
    sum_of(
        "6.6-harmonic-above-method", "The harmonic sum from above", ABOVE, harmonic_above,
        r"The SDE has $\log(K+1)$ (6.6-logarithm); the difference is at most $\log2$.",
    ),
    sum_of(
        "6.6-squares-method", "The sum of inverse squares", SQUARES, squares,
        r"The sum tends to $\pi^2/6=1.645$; the SDE has $\int_0^\infty(1+t)^{-2}\,\mathrm{d}t=1$.",
    ),
    rated(
        "6.2-root-method", "1/2", "D(C)SGD itself, L-smooth, the rate with inverse roots as the schedule",
        r"So the mean square of the gradient falls as $\log K/\sqrt K$.", ROOT,
    ),
    rated(
        "6.2-harmonic-method", "1", "D(C)SGD itself, L-smooth, the rate with the harmonic schedule",
        r"So the mean square of the gradient falls as $1/\log K$.", HARMONIC,
    ),
    Theorem(
        id="6.2-summable-method", title="D(C)SGD itself, L-smooth, summable squares of the schedule",
        source="Robbins and Siegmund 1971, with compression", claim=SUMMABLE,
        remark=(
            r"The right side does not depend on $K$. With $\sum u_n^2=U_2<\infty$: almost surely $\sum u_nG_n^2<\infty$, and $f(x_n)$ converges "
            r"(Robbins and Siegmund); where moreover $\sum u_n=\infty$, $\liminf G_n=0$."
        ),
        assumptions={
            **ds.ASSUMPTIONS, **symbols.signs("eta >= 0", "d >= 0", "s0_k >= 0", "s1_k >= 0"), "u >= 0": u.ge(0), **LEAST,
            "sum u^2 <= U_2": under("I", u**2).le(U2),
        },
        prove=summable, evidence=(Evidence("method moments", {"power": None}),),
        **ds.common(ds.context(u, SMOOTH, U2="const"), point=ds.point(U2=1), names={**ds.NAMES, "U2": "U_2"}),
    ),
)  # fmt: skip
