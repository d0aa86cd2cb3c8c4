"""Theory 4 and 8: compression ratios omega of the shipped unbiased compressors, in every dimension, for a fixed message v.

Every claim compares E||C(v) - v||^2 = sum_j Var C_j + (E C_j - v_j)^2 with omega ||v||^2. E C_j, Var C_j and omega come from
`sdescent.derive.methods.compressors`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import coord_max, coord_sum
from sdescent.derive.expressions.coordinates import v as message
from sdescent.derive.methods.compressors import QSGD, Bernoulli, FixedGrid, Identity, Natural, RandK, Ternary, Unbiased
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import parameter

v, mean, var, omega, d, p, k, s, step, low, m, top, e = xs("v mean var omega d p k s step low m top e")
CONSTANTS = dict.fromkeys(["d", "p", "k", "s", "step", "omega", "top"], "const")
CONTEXT = Context(CONSTANTS | dict.fromkeys(["v", "mean", "var", "low", "m", "e"], "detcoord"), dimension="d")
NAMES = {
    "v": "v_j", "mean": r"\mathbb{E}C_j", "var": r"\operatorname{Var}C_j", "low": r"\ell_j", "m": "m_j", "e": "e_j",
    "top": r"\|v\|_\infty", "step": r"\Delta",
}  # fmt: skip
SQUARE = under("S", v**2)
ERROR = under("S", var + (mean - v) ** 2)
SIZE = fn("abs", v)
NORM, ROOT = fn("sqrt", SQUARE), fn("sqrt", d)
EQUAL, BOUNDED = ERROR.eq(omega * SQUARE), ERROR.le(omega * SQUARE)
LARGER = (omega * v**2).lt(var + (mean - v) ** 2)
LEVEL = s * SIZE / NORM
SHORT = {NORM: r"\|v\|", SQUARE: r"\|v\|^{2}"}


@dataclass(frozen=True)
class CompressorMoments:
    """Instructions for reading the moments of a compressor for a fixed v.

    Args:
        letters: subexpressions and the letters that replace them.
        where: the condition of the case to read, if the variance is written in two cases; in the other case it is 0.
        rest: values of subexpressions in the other case; they make the formula of the first case 0 as well (1/0 = 0).
        case: the index of the case to read, if the ratio omega is written in several cases.
    """

    compressor: Unbiased
    letters: Mapping[sp.Expr, Term] = field(default_factory=dict)
    where: sp.Basic = sp.true
    rest: Mapping[sp.Expr, sp.Expr] = field(default_factory=dict)
    case: int = 0

    def read(self) -> dict[str, Relation]:
        """E C_j, Var C_j and omega from the engine, and the condition on d for this omega.

        Raises ValueError if the variance does not have the shape that `where` and `rest` describe.
        """
        moments = self.compressor.conditional_moments(dimension)
        variance = sp.piecewise_fold(moments.variance)
        if isinstance(variance, sp.Piecewise):
            (positive_part, when), *others = variance.args
            if others != [(sp.S.Zero, sp.true)] or when != self.where or positive_part.xreplace(dict(self.rest)) != 0:
                raise ValueError(f"the variance {variance} does not vanish outside {self.where}")
            variance = positive_part
        relations = {
            "mean": mean.eq(expression(moments.mean, self.letters)),
            "variance": var.eq(expression(variance, self.letters)),
        }
        try:
            ratio = self.compressor.omega(dimension).value
        except Refusal:
            return relations
        if isinstance(ratio, sp.Piecewise):
            ratio, when = ratio.args[self.case]
            if when != sp.true:
                relations["range of omega"] = expression(when.lhs - when.rhs, {}).ge(0)
        return {**relations, "omega": omega.eq(expression(ratio, {}))}


def whole(w: Derivation, one: Fact) -> Fact:
    """The sum over the coordinates of Var C_j + (E C_j - v_j)^2 <= (or ==) c v_j^2, where c is the formula for omega."""
    total = w.step("sum over coordinates", w.kernel.monotone("S", one))
    if one.claim.op == "==":
        return w.combine("the ratio", EQUAL, (), [total, (-SQUARE, "omega")])
    return w.combine("the ratio", BOUNDED, [total], [(-SQUARE, "omega")])


def exact(w: Derivation, *equalities: tuple[Term, Fact]) -> Fact:
    """Var C_j = omega v_j^2 in each coordinate."""
    claim = (var + (mean - v) ** 2).eq(w["omega"].claim.right * v**2)
    return whole(w, w.combine("one coordinate", claim, (), ["variance", (mean - v, "mean"), *equalities]))


def rand_k(w: Derivation) -> Fact:
    """Var C_j = (d/k - 1) v_j^2, after division by d - 1 and k."""
    one, two = w.kernel.inverse(d - 1, w["d > 1"]), w.kernel.inverse(k, w["k > 0"])
    return exact(w, (v**2 * (d - k) / k, one), (-(v**2), two))


def natural(w: Derivation) -> Fact:
    """(|v| - l)(2l - |v|) <= v^2/8 for the power of two l just below |v|: the difference is (3|v| - 4l)^2/8."""
    size = w.kernel.function("abs_square", [v])
    one = w.combine(
        "one coordinate", (var + (mean - v) ** 2).le(v**2 / 8), [("1/8", [], 3 * SIZE - 4 * low)],
        ["variance", (mean - v, "mean"), (num("1/8"), size)],
    )  # fmt: skip
    return whole(w, one)


def nonnegative(w: Derivation) -> Fact:
    """0 <= ||v||^2."""
    return w.step("a sum of squares", w.kernel.monotone("S", w.square(v)))


def root_of_dimension(w: Derivation) -> tuple[Fact, Fact]:
    """sqrt(d)^2 = d and 0 <= sqrt(d); d is the sum of 1 over coordinates."""
    count = w.step("d >= 0", w.kernel.monotone("S", w.number(1)))
    return w.kernel.function("sqrt_square", [d], [count]), w.kernel.function("sqrt_nonneg", [d])


def fine(w: Derivation) -> Fact:
    """r(1 - r) <= 1/4 for the fractional part r of the level."""
    part = LEVEL - m
    one = w.combine(
        "one coordinate", (var + (mean - v) ** 2).le(SQUARE / (4 * s**2)), [(1, nonnegative(w), (part - num("1/2")) / s)],
        ["variance", (mean - v, "mean")],
    )  # fmt: skip
    return whole(w, one)


def coarse(w: Derivation) -> Fact:
    """2 D s r(1 - r) <= s^2 + (D^2 - 2 D s) y^2, D = sqrt(d) >= 2s: by (s - D y)^2 if the level y < 1, else by r(1 - r) <= 1/4."""
    kernel, part, square = w.kernel, LEVEL - m, nonnegative(w)
    root, sign = root_of_dimension(w)
    both = w.combine("sqrt(d) + 2s > 0", num(0).lt(ROOT + 2 * s), [sign, (2, "s > 0")])
    apart = w.combine("2s <= sqrt(d)", (2 * s).le(ROOT), ["range of omega"], [(-1, root)], [both])
    positive = w.combine("sqrt(d) > 0", num(0).lt(ROOT), [apart, (2, "s > 0")])
    claim = (2 * ROOT * s * part * (1 - part)).le(s**2 + (ROOT**2 - 2 * ROOT * s) * LEVEL**2)
    lowest, above = kernel.assume(m.le(0)), kernel.assume(num(0).lt(m))
    scale = [positive, "s > 0"]
    below_one = w.combine(
        "below the first level", claim,
        [
            (1, [], s - ROOT * LEVEL), (4, [*scale, "m >= 0", "level below"]), (2, [*scale, "m >= 0", lowest]),
            (2, [*scale, lowest]),
        ],
    )  # fmt: skip
    at_least = w.combine("a whole number above 0", m.ge(1), ["whole number"], (), [above])
    level = w.combine("the level", LEVEL.ge(1), [at_least, "level above"])
    steep = w.combine("its square", (LEVEL**2).ge(1), [(1, [], LEVEL - 1), (2, level)])
    from_one = w.combine(
        "from the first level on",
        claim,
        [[positive, apart, steep], (1, [], ROOT - 2 * s), ("3/2", ["s > 0", apart]), (2, scale, (part - num("1/2"),))],
    )
    one = w.step("either level", kernel.cases(m.le(0), below_one, from_one))
    total = w.step("sum over coordinates", kernel.monotone("S", one))
    error = w.combine(
        "the error", (var + (mean - v) ** 2).eq(SQUARE / s**2 * part * (1 - part)), (), ["variance", (mean - v, "mean")]
    )
    errors = w.step("its sum", kernel.monotone("S", error))
    none, some, parts = kernel.assume(SQUARE.le(0)), kernel.assume(num(0).lt(SQUARE)), under("S", part * (1 - part))
    unit, over = w.inverse(s, "s > 0")
    # r is in [0, 1): for v = 0 the error is at most 0
    within = w.combine("0 <= r(1 - r)", num(0).le(part * (1 - part)), [["level above", "level below"]])
    ratio = w.combine("sqrt(d)/s - 1 >= 0", num(0).le(ROOT / s - 1), [[over, apart], 1], [(-2, unit)])
    empty = w.combine(
        "without a message", BOUNDED,
        [(1, [none, kernel.monotone("S", within)], 1 / s), [square, ratio]], [errors, (-SQUARE, "omega")],
    )  # fmt: skip
    sizes = kernel.monotone("S", kernel.function("abs_square", [v]))
    length = kernel.function("sqrt_square", [SQUARE], [square])
    long = kernel.function("monotone:sqrt", [num(0), SQUARE], [w.number(0), some])
    norm = kernel.inverse(NORM, long)
    levels = w.combine(
        "the squares of the levels", under("S", LEVEL**2).eq(s**2), (),
        [(s**2 / NORM**2, sizes), (-(s**2) / NORM**2, length), (s**2 * (1 + NORM / NORM), norm)],
    )  # fmt: skip
    limit = w.combine(
        "the sum of r(1 − r)", parts.le(s * ROOT - s**2), [total], [(-(s**2), root), (ROOT**2 - 2 * ROOT * s, levels)],
        [(2, scale, ())],
    )  # fmt: skip
    full = w.combine(
        "with a message", BOUNDED, [(1, [square, limit], 1 / s)],
        [errors, (-SQUARE, "omega"), (SQUARE * (ROOT / s - 1 - s / s), unit)],
    )  # fmt: skip
    return w.step("either message", kernel.cases(SQUARE.le(0), empty, full))


def ternary(w: Derivation) -> Fact:
    """t|v_j| <= c v_j^2 + t^2/(4c) if |v_j| < t = max|v|, with c = (D + 1)/2, D = sqrt(d); one coordinate has |v_j| = t."""
    kernel = w.kernel
    root, sign = root_of_dimension(w)
    positive = w.combine("sqrt(d) + 1 > 0", num(0).lt(ROOT + 1), [sign, 1])
    unit, size = kernel.inverse(ROOT + 1, positive), kernel.function("abs_square", [v])
    c, over = (ROOT + 1) / 2, 1 / (ROOT + 1)
    bound = c * v**2 + (1 - e) * top**2 * over / 2 + e * (1 - c) * top**2
    one = w.combine(
        "one coordinate", (var + (mean - v) ** 2).le(bound - v**2), [("1/2", positive, (1 - e) * (SIZE - top * over))],
        [
            "variance", (mean - v, "mean"), (c - 1, size), (top - c * (SIZE + top), "it has the maximum"),
            ((1 - e) * (top**2 * over / 2 - top * SIZE), unit), (c * (SIZE - top * over) ** 2, "e_j is 0 or 1"),
        ],
    )  # fmt: skip
    total = w.step("sum over coordinates", kernel.monotone("S", one))
    return w.combine(
        "the ratio", BOUNDED, [total],
        [
            (-SQUARE, "omega"), (-(top**2) * over / 2, root), (-(top**2) * (over / 2 - (1 - c)), "one coordinate"),
            (top**2 * (ROOT - 1) / 2, unit),
        ],
    )  # fmt: skip


def no_ratio(w: Derivation) -> Fact:
    """With v = t step, t = 1/(2 + omega), the variance is step^2 t(1 - t), and t(1 - t) - omega t^2 = t^2."""
    positive = w.combine("2 + omega > 0", num(0).lt(2 + omega), ["omega >= 0", 2])
    unit, over = w.inverse(2 + omega, positive)
    t = 1 / (2 + omega)
    rest = step - (v - step * m) - step * t
    spread = w.combine(
        "the variance there", var.eq(step**2 * t * (1 - t)), (),
        ["variance", (rest, "one message"), (-step * rest, "first cell")],
    )  # fmt: skip
    return w.combine(
        "the error is larger", LARGER, [[over, over, "step > 0", "step > 0"]],
        [(-1, spread), (v - mean, "mean"), (step**2 * t, unit), (omega * (step * t + v), "one message")],
    )  # fmt: skip


def entry(
    name: str, title: str, source: str, claim: Relation, moments: CompressorMoments, prove: Callable[[Derivation], Fact],
    assumptions: Mapping[str, Relation] | None = None, point: Mapping[Term, Fraction | int] | None = None,
    drawn: Mapping[str, Any] | None = None, remark: str = "",
) -> Theorem:  # fmt: skip
    """An entry with the engine's definitions and its condition on d for omega.

    Args:
        drawn: values of the compressor's parameters for the sampling of omega, and the messages at which omega is "attained"; None
            if omega is not sampled.
    """
    read = moments.read()
    return Theorem(
        id=f"4-{name}", title=title, source=source, claim=claim, remark=remark, context=CONTEXT,
        assumptions={**{n: r for n, r in read.items() if n == "range of omega"}, **(assumptions or {})},
        definitions={n: r for n, r in read.items() if n != "range of omega"}, read=moments.read,
        point={v: 1, mean: 1, var: 0, omega: 0} | dict(point or {}), names=NAMES, short=SHORT, prove=prove,
        evidence=(
            Evidence("compressor", {"compressor": moments.compressor}),
            *(() if drawn is None else (Evidence("drawn ratio", {"compressor": moments.compressor, **drawn}),)),
        ),
    )  # fmt: skip


# expressions of the engine that letters replace: the floor of the level, the power of two below |v_j|, the cell of a fixed grid
_size, _square = sp.Abs(message), coord_sum(message**2)
_floor = sp.floor(parameter("s") * _size / sp.sqrt(_square))
_power = 2 ** sp.floor(sp.log(_size) / sp.log(2))
_cell = sp.floor(message / parameter("step"))
_LEVELS = {"where": _square > 0, "rest": {_square: sp.S.Zero, 1 / sp.sqrt(_square): sp.S.Zero}}
_LEVEL: dict[str, Relation] = {
    "s > 0": s.gt(0), "level above": m.le(LEVEL), "level below": LEVEL.lt(m + 1), "m >= 0": m.ge(0), "whole number": (m * (m - 1)).ge(0),
}  # fmt: skip
QSGD_SOURCE = "Alistarh, Grubic, Li, Tomioka and Vojnovic 2017, Lemma 3.1"
ENTRIES = (
    entry("identity", "No compression", "the definition of omega", EQUAL, CompressorMoments(Identity()), exact),
    entry(
        "bernoulli", "The ratio of the Bernoulli sparsifier", "Wangni, Wang, Liu and Zhang 2018", EQUAL, CompressorMoments(Bernoulli("p")), exact,
        point={p: 1}, drawn={"numbers": {"p": 0.25}, "attained": "everywhere"},
    ),
    entry(
        "rand-k", "The ratio of Rand-k", "Stich, Cordonnier and Jaggi 2018; Horváth et al. 2019", EQUAL,
        CompressorMoments(RandK("k")), rand_k, {"d > 1": d.gt(1), "k > 0": k.gt(0)}, {d: 2, k: 2},
        {"numbers": {"k": 3}, "attained": "everywhere"},
    ),
    entry(
        "natural", "The ratio of natural compression", "Horváth et al. 2022, Theorem 1", BOUNDED,
        CompressorMoments(Natural(), {_power: low}, _size > 0, {_power: sp.S.Zero, _size: sp.S.Zero}), natural, point={low: 1, omega: Fraction(1, 8)}, drawn={},
        remark=r"$\ell_j$ is the power of two with $\ell_j\le|v_j|<2\ell_j$, and $0$ where $v_j=0$.",
    ),
    entry(
        "qsgd-fine", "The ratio of QSGD with many levels", QSGD_SOURCE, BOUNDED,
        CompressorMoments(QSGD("s"), {_floor: m}, case=1, **_LEVELS), fine, point={s: 1, d: 4, m: 1, omega: 1},
        drawn={"numbers": {"s": 4}},
    ),
    entry(
        "qsgd-coarse", "The ratio of QSGD with few levels", QSGD_SOURCE, BOUNDED,
        CompressorMoments(QSGD("s"), {_floor: m}, **_LEVELS), coarse, _LEVEL, {s: 1, d: 4, m: 1, omega: 1},
        {"numbers": {"s": 1}, "attained": "at equal coordinates"},
    ),
    entry(
        "ternary", "The ratio of TernGrad", "Wen et al. 2017, with the ratio worked out here", BOUNDED,
        CompressorMoments(Ternary(), {coord_max(_size): top}), ternary,
        {"e_j is 0 or 1": (e**2).eq(e), "one coordinate": under("S", e).eq(1), "it has the maximum": (e * SIZE).eq(e * top)},
        {e: 1, top: 1, d: 1}, {},
    ),
    entry(
        "fixed-grid", "A fixed grid has no finite ω", "ours", LARGER,
        CompressorMoments(FixedGrid("step"), {_cell: m}), no_ratio,
        {"omega >= 0": omega.ge(0), "step > 0": step.gt(0), "one message": v.eq(step / (2 + omega)), "first cell": m.eq(0)},
        {step: 2, m: 0, var: 1},
    ),
)  # fmt: skip
