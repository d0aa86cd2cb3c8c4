"""Theory 8: the (L0, L1) constants of the shipped losses, and Rosenbrock's function, which has none.

The first entries are about one coordinate f_j; f_j', f_j'' and the constants come from `sdescent.derive.methods.losses`. Further
entries are about sums sum_j f_j(x_j), from the constants of the f_j, and about logistic regression with any number of samples.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from sdescent.derive.methods.losses import Cosh, GluedExponential, Quadratic, Quartic, Separable
from sdescent.derive.methods.losses import x as place
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language import terms
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, mat, norm, num, opnorm, quad, tr, under, vec, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from sdescent.derive.vocabulary.symbols import parameter

v, h, p, chi, slope, curv, L0, L1 = xs("v h p chi slope curv L0 L1")
JETS = xs("r0 r1 r2 l0 l1 l2")
CONTEXT = Context(
    dict.fromkeys(["v", "h", "chi", "slope", "curv", "L0", "L1", "r0", "r1", "r2", "l0", "l1", "l2"], "const")
)
E, BACK = fn("exp", v), fn("exp", -v)
NAMES = {
    "v": "x", "h": r"\lambda", "L1": "L_1", "L0": "L_0", "slope": "f'", "curv": "f''", "chi": r"\chi", "r0": "f(0+)", "r1": "f'(0+)", "r2": "f''(0+)",
    "l0": "f(0-)", "l1": "f'(0-)", "l2": "f''(0-)",
}  # fmt: skip
JUMPS = [a - b for a, b in zip(JETS[:3], JETS[3:], strict=True)]
NO_JUMP = (JUMPS[0] ** 2 + JUMPS[1] ** 2 + JUMPS[2] ** 2).eq(0)
CLAIM = fn("abs", curv).le(L0 + L1 * fn("abs", slope))
SOURCE = "elementary; the class of losses is that of Zhang, He, Sra and Jadbabaie 2020"
#: chi is 1 if x >= 0, else 0; proofs use only that it is 0 or 1
SIDE: dict[str, Relation] = {"an indicator": (chi**2).eq(chi)}


def written(e: sp.Expr, at: Term = v) -> Term:
    """A function of x_j as a term, where chi is the indicator of x_j >= 0.

    Raises ValueError: the function distinguishes cases other than x_j >= 0 and x_j < 0.
    """
    e = sp.piecewise_fold(e.rewrite([sp.sinh, sp.cosh], sp.exp))
    if isinstance(e, sp.Piecewise):
        right, left = halves(e)
        return chi * written(right, at) + (1 - chi) * written(left, at)
    return expression(e, {place: at})


def halves(e: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The formulas for x_j >= 0 and for x_j < 0; ValueError if the expression is not written in these two cases."""
    cases = list(e.args) if isinstance(e, sp.Piecewise) else []
    if [c[1] for c in cases] != [place >= 0, sp.true]:
        raise ValueError(f"{e} is not written for x >= 0 and x < 0")
    return cases[0][0], cases[1][0]


def reader(loss: Separable) -> Callable[[], dict[str, Relation]]:
    """A function that reads f', f'', L_0 and L_1 off the loss."""

    def read() -> dict[str, Relation]:
        f, constants = loss.coordinate, loss.smoothness(1)
        relations = {"slope": slope.eq(written(sp.diff(f, place))), "curvature": curv.eq(written(sp.diff(f, place, 2)))}
        for name, letter, value in (("L_0", L0, constants.l0), ("L_1", L1, constants.l1)):
            if value != parameter(name.replace("_", "")):
                relations[name] = letter.eq(expression(value, {}))
        return relations

    return read


def jets() -> dict[str, Relation]:
    """The value, slope and curvature at 0 of the two halves of the glued exponential."""
    right, left = halves(GluedExponential().coordinate)
    sides = [written(sp.diff(f, place, n), num(0)) for f in (right, left) for n in (0, 1, 2)]
    return {
        name: t.eq(value)
        for name, t, value in zip(
            ("f(0+)", "f'(0+)", "f''(0+)", "f(0-)", "f'(0-)", "f''(0-)"), JETS, sides, strict=True
        )
    }


def quadratic(w: Derivation) -> Fact:
    """|f''| = h = L0 + L1 |f'| with L0 = h > 0 and L1 = 0."""
    positive = w.combine("f'' >= 0", num(0).le(curv), ["h > 0"], [(-1, "curvature")])
    same = w.kernel.function("abs_of_positive", [curv], [positive])
    return w.combine("the constants", CLAIM, (), [same, "curvature", (-1, "L_0"), (-fn("abs", slope), "L_1")])


def quartic(w: Derivation) -> Fact:
    """3 x^2 <= 4/L1^2 + L1 |x|^3: with z = L1 |x|, z^3 - 3 z^2 + 4 = (z - 2)^2 (z + 1)."""
    k, over = w.kernel, 1 / L1
    unit = k.inverse(L1, w["L1 > 0"])
    convex = w.combine("f'' >= 0", num(0).le(curv), [(3, [], v)], [(-1, "curvature")])
    curvature = k.function("abs_of_positive", [curv], [convex])
    branches = []
    for side in (1, -1):
        here = k.assume(num(0).le(v) if side > 0 else v.le(0))
        z = side * L1 * v
        cubic = w.combine(
            "(z - 2)^2 (z + 1) >= 0", (3 * z**2).le(z**3 + 4), [(1, ["L1 > 0", here], z - 2), (1, [], z - 2)]
        )
        steep = w.combine(
            "the slope's sign", num(0).le(side * slope) if side > 0 else slope.le(0), [(1, here, v)], [(-side, "slope")]
        )
        size = k.function("abs_of_positive" if side > 0 else "abs_of_negative", [slope], [steep])
        rest = (1 + L1 * over) * (L1 * side * v**3 - 3 * v**2)
        branches.append(w.combine(
            "divide by L1^2", CLAIM, [(1, cubic, over)],
            [(rest, unit), (-1, "L_0"), (-L1, size), (-L1 * side, "slope"), curvature, "curvature"],
        ))  # fmt: skip
    return w.step("either sign", k.cases(num(0).le(v), *branches))


def cosh(w: Derivation) -> Fact:
    """cosh x <= 1 + |sinh x|: for either sign of sinh x the difference is 1 - exp(-|x|) >= 0."""
    k = w.kernel
    product = k.function("exp_add", [v, -v])
    up, down = k.function("exp_positive", [v]), k.function("exp_positive", [-v])
    convex = w.combine("f'' >= 0", num(0).le(curv), [("1/2", up), ("1/2", down)], [(-1, "curvature")])
    curvature = k.function("abs_of_positive", [curv], [convex])
    branches = []
    for side, here, size in w.either_sign(slope):
        small = BACK if side > 0 else E
        least = w.combine(
            "the smaller exponential is at most 1", small.le(1), [(2, [here, down if side > 0 else up])],
            [(-1, product), (2 * side * small, "slope")], [1, down if side > 0 else up],
        )  # fmt: skip
        branches.append(w.combine(
            "one sign", CLAIM, [least],
            [(-1, "L_0"), (-fn("abs", slope), "L_1"), (-1, size), (-side, "slope"), curvature, "curvature"],
        ))  # fmt: skip
    return w.step("either sign", k.cases(num(0).le(slope), *branches))


def glued(w: Derivation) -> Fact:
    """e^x <= 1 + |e^x - 1| for x >= 0, and 1 <= 1 + |x| for x < 0."""
    k = w.kernel
    up = k.function("exp_positive", [v])
    weak = w.combine("chi >= 0", num(0).le(chi), [(1, [], chi)], ["an indicator"])
    rest = w.combine("chi <= 1", chi.le(1), [(1, [], 1 - chi)], ["an indicator"])
    convex = w.combine("f'' >= 0", num(0).le(curv), [[weak, up], rest], [(-1, "curvature")])
    curvature = k.function("abs_of_positive", [curv], [convex])
    size = fn("abs", slope)
    shared: list[tuple[Term | int, Fact | str]] = [(-1, "L_0"), (-size, "L_1"), (1, curvature), (1, "curvature")]
    positive = k.function("abs_nonneg", [slope])
    # f'' - 1 = chi (e^x - 1) = chi f', and f' <= |f'|
    above = w.step("f' <= |f'|", at_most_its_size(w, slope))
    return w.combine(
        "either half", CLAIM, [[weak, above], [rest, positive]], [*shared, (-chi, "slope"), (1 - E + v, "an indicator")]
    )


def at_most_its_size(w: Derivation, t: Term) -> Fact:
    """t <= |t|."""
    branches = []
    for side, here, same in w.either_sign(t):
        branches.append(w.combine("one sign", t.le(fn("abs", t)), [] if side > 0 else [(2, here)], [(-1, same)]))
    return w.kernel.cases(num(0).le(t), *branches)


def joint(w: Derivation) -> Fact:
    """The value, slope and curvature at 0 of both halves are 0, 0 and 1."""
    names = list(jets())
    equalities = [(JUMPS[n] if n < 3 else -JUMPS[n - 3], name) for n, name in enumerate(names)]
    return w.combine("no jump", NO_JUMP, (), equalities)


def entry(
    name: str, title: str, loss: Separable, prove: Callable[[Derivation], Fact],
    assumptions: Mapping[str, Relation], point: Mapping[Term, int], parameter: Term | None = None,
) -> Theorem:  # fmt: skip
    """An entry about one coordinate of a loss, defined by the loss's own formulas; `parameter` is the symbol of its parameter."""
    read = reader(loss)
    return Theorem(
        id=f"8-{name}", title=title, source=SOURCE, claim=CLAIM, context=CONTEXT, assumptions=assumptions,
        definitions=read(), read=read, point={v: 0, slope: 0, curv: 1, L0: 1, L1: 1} | dict(point), names=NAMES, prove=prove,
        evidence=(Evidence("loss", {} if parameter is None else {"parameter": parameter[1]}),),
    )  # fmt: skip


_x, _y = sp.symbols("v p")
_F = (1 - _x) ** 2 + 100 * (_y - _x**2) ** 2
ROSENBROCK = Refutation(
    id="8-rosenbrock",
    title="Rosenbrock's function has smoothness constants on the plane",
    source=SOURCE,
    assume={
        "on the curve where the second factor of the gradient is small": p.eq(v**2),
        "constants": L0.eq(100),
        "L1": L1.eq(100),
    },
    claim=expression(sp.diff(_F, _x, 2), {}).le(
        L0 + L1 * (fn("abs", expression(sp.diff(_F, _x), {})) + fn("abs", expression(sp.diff(_F, _y), {})))
    ),
    witness={"v": Fraction(100), "p": Fraction(10000), "L0": 100, "L1": 100},
    words=(
        r"On $y=x^2$ the gradient is $(2(x-1),0)$, of order $x$, while $\partial_{xx}f=800x^2+2$. The claim's right side uses "
        r"$\|\nabla f\|\le|\partial_xf|+|\partial_yf|$. These numbers refute one pair of constants; 8-rosenbrock-never proves it of every pair."
    ),
    mended={"a box": fn("abs", v).le(Fraction(31, 63))},
    names={**NAMES, "p": "y"},
)


def steep(w: Derivation) -> Fact:
    """L0 + L1 (|f_x| + |f_y|) < f_xx at x = 1 + L0 + L1, y = x^2: there f_x = 2(x - 1), f_y = 0 and f_xx = 800 x^2 + 2."""
    k = w.kernel
    slope = w.combine("f_x on the curve", FX.eq(2 * (v - 1)), (), ["f_x", (-400 * v, "on the curve")])
    level = w.combine("f_y on the curve", FY.eq(0), (), ["f_y", (200, "on the curve")])
    bent = w.combine("f_xx on the curve", FXX.eq(800 * v**2 + 2), (), ["f_xx", (-400, "on the curve")])
    right = w.have("f_x >= 0", num(0).le(FX), "L0 >= 0", "L1 >= 0", slope, "far out")
    flat = w.have("f_y >= 0", num(0).le(FY), level)
    sizes = [k.function("abs_of_positive", [t], [fact]) for t, fact in ((FX, right), (FY, flat))]
    return w.have("a point where it fails", RISES, *sizes, slope, level, bent, "far out", "L0 >= 0", "L1 >= 0")


FX, FY, FXX = xs("fx fy fxx")
RISES = (L0 + L1 * (fn("abs", FX) + fn("abs", FY))).lt(FXX)
SLOPES = {"f_x": sp.diff(_F, _x), "f_y": sp.diff(_F, _y), "f_xx": sp.diff(_F, _x, 2)}


def slopes() -> dict[str, Relation]:
    """The partial derivatives of Rosenbrock's function, computed by SymPy."""
    derivatives = {name: expression(sp.expand(e), {}) for name, e in SLOPES.items()}
    return {name: letter.eq(value) for (name, value), letter in zip(derivatives.items(), (FX, FY, FXX), strict=True)}


NEVER = Theorem(
    id="8-rosenbrock-never",
    title="Rosenbrock's function is not (L₀, L₁)-smooth on the plane, for any constants",
    source=SOURCE,
    claim=RISES,
    context=Context(dict.fromkeys(["v", "p", "L0", "L1", "fx", "fy", "fxx"], "const")),
    assumptions={"L0 >= 0": L0.ge(0), "L1 >= 0": L1.ge(0), "far out": v.eq(1 + L0 + L1), "on the curve": p.eq(v**2)},
    definitions=slopes(),
    read=slopes,
    point={v: 3, p: 9, L0: 1, L1: 1, FX: 4, FY: 0, FXX: 7202},
    names={**NAMES, "p": "y", "fx": r"\partial_xf", "fy": r"\partial_yf", "fxx": r"\partial_{xx}f"},
    prove=steep,
    evidence=(Evidence("rosenbrock"),),
)
# --- sums

l0, l1, e = xs("l0 l1 e")
H, G = mat("H"), norm(vec("g"))
SIZE = fn("abs", slope)
SMOOTH = opnorm(H).le(L0 + L1 * G)
KINDS = dict.fromkeys(["d", "L0", "L1"], "const") | dict.fromkeys(["l0", "l1"], "detcoord")
KINDS |= dict.fromkeys(["slope", "curv", "e"], "coord")
SEPARABLE = Context(KINDS, ("g",), {"H": ("symmetric",)}, dimension="d")


def separable(w: Derivation) -> Fact:
    """|f_j''| <= L0 + L1 |f_j'| and |f_j'| <= ||grad f||, so the largest |f_j''|, which is ||H||, is at most L0 + L1 ||grad f||."""
    k = w.kernel
    within = w.step("one of the summands", k.component("S", w.square(slope)))
    size, long = k.function("abs_square", [slope]), k.nonnegative(G)
    least = w.combine("|f_j'|^2 <= ||grad f||^2", (SIZE**2).le(G**2), [within], [(-1, "coordinates of g"), size])
    positive = k.function("abs_nonneg", [slope])
    rise = k.function("monotone:sqrt", [SIZE**2, G**2], [w.square(SIZE), least])
    small, large = (k.function("sqrt_of_square", [t], [fact]) for t, fact in ((SIZE, positive), (G, long)))
    steep = w.combine("|f_j'| <= ||grad f||", SIZE.le(G), [rise], [(-1, small), large])
    bound = w.combine(
        "one coordinate",
        fn("abs", curv).le(L0 + L1 * G),
        ["each f_j", "l0_j <= L0", ["l1_j <= L1", positive], ["L1 >= 0", steep]],
    )
    weak = w.combine("e_j >= 0", num(0).le(e), [(1, [], e)], ["e_j is 0 or 1"])
    marked = w.combine(
        "where it is largest", (e * opnorm(H)).le(e * (L0 + L1 * G)), [[weak, bound]], ["norm of a diagonal matrix"]
    )
    total = w.step("sum over coordinates", k.monotone("S", marked))
    return w.combine("the constants of the sum", SMOOTH, [total], [(L0 + L1 * G - opnorm(H), "one coordinate")])


n, l2, size, K0 = xs("n l2 size K0")
D, P, U = mat("D"), mat("P"), norm(vec("w"))
CURVED = fn("abs", quad(H, vec("w"))).le(K0 * U**2)
SAMPLES = Context(
    {"n": "const", "l2": "const", "K0": "const", "p": "client", "size": "detclient"},
    ("w",),
    {"H": ("symmetric",), "D": ("psd",), "P": ("psd",)},
    clients="n",
)


def logistic(w: Derivation) -> Fact:
    """w'Dw = Tr(D ww') <= Tr D ||w||^2, and p(1 - p) <= 1/4 in every sample."""
    k = w.kernel
    one = w.combine("each sample", (p * (1 - p) * size).le(size / 4), [(1, "||a||^2 >= 0", p - num("1/2"))])
    total = w.step("sum over samples", k.monotone("C", one))
    _, per = w.inverse(n, "n > 0")
    trace = w.combine("the trace", tr(D).le(under("C", size) / (4 * n)), [[per, total]], ["trace of the data's part"])
    along = w.combine(
        "the data's part along w",
        quad(D, vec("w")).le(tr(D) * U**2),
        [k.trace_bound("P", "D")],
        [(-1, "Tr(D ww')"), (tr(D), "norm of ww'")],
    )
    most = w.combine(
        "the curvature along w", quad(H, vec("w")).le(K0 * U**2), [along, (1, trace, U)], ["Hessian", (-(U**2), "L_0")]
    )
    least = w.combine(
        "and it is >= 0",
        num(0).le(quad(H, vec("w"))),
        [(1, "l2 >= 0", U), k.nonnegative(quad(D, vec("w")))],
        [(-1, "Hessian")],
    )
    same = k.function("abs_of_positive", [quad(H, vec("w"))], [least])
    return w.combine("its size", CURVED, [most], [same])


ENTRIES: tuple[Theorem | Refutation, ...] = (
    entry(
        "quadratic", "The constants of the quadratic", Quadratic(("h",)), quadratic, {"h > 0": h.gt(0)}, {h: 1, L1: 0}, h,
    ),
    entry(
        "quartic", "The constants of the quartic", Quartic(), quartic, {"L1 > 0": L1.gt(0)}, {curv: 0, L0: 4}, L1,
    ),
    entry("cosh", "The constants of the hyperbolic cosine", Cosh(), cosh, {}, {}),
    entry(
        "glued-exponential", "The constants of the glued exponential", GluedExponential(), glued, SIDE, {chi: 1},
    ),
    Theorem(
        id="8-glued-twice", title="The halves of the glued exponential meet twice differentiably", source=SOURCE,
        claim=NO_JUMP, context=CONTEXT, assumptions={}, definitions=jets(), read=jets,
        point=dict(zip(JETS, (0, 0, 1, 0, 0, 1), strict=True)), names=NAMES, prove=joint, evidence=(Evidence("loss"),),
    ),
    ROSENBROCK, NEVER,
    Theorem(
        id="8-separable", title="Sums of separable losses", source=SOURCE, claim=SMOOTH, context=SEPARABLE,
        assumptions={
            "each f_j": fn("abs", curv).le(l0 + l1 * SIZE), "l0_j <= L0": l0.le(L0), "l1_j <= L1": l1.le(L1), "L1 >= 0": L1.ge(0),
            "e_j is 0 or 1": (e**2).eq(e), "one coordinate": under("S", e).eq(1),
        },
        definitions={
            "coordinates of g": (G**2).eq(under("S", slope**2)),
            "norm of a diagonal matrix": (e * opnorm(H)).eq(e * fn("abs", curv)),
        },
        recomputed=("separable",), point={L0: 1, L1: 1, l0: 1, l1: 1, slope: 0, curv: 1, e: 1, G: 0, opnorm(H): 1},
        names={
            "L0": "L_0", "L1": "L_1", "l0": "L_{0,j}", "l1": "L_{1,j}", "slope": "f_j'", "curv": "f_j''", "e": "e_j", "g": r"\nabla f",
            "H": r"\nabla^2 f",
        },
        prove=separable, evidence=(Evidence("separable loss"),),
    ),
    Theorem(
        id="8-logistic-regression", title="The constants of logistic regression", source=SOURCE, claim=CURVED,
        context=SAMPLES, assumptions={"n > 0": n.gt(0), "l2 >= 0": l2.ge(0), "||a||^2 >= 0": size.ge(0)},
        definitions={
            "Hessian": quad(H, vec("w")).eq(l2 * U**2 + quad(D, vec("w"))),
            "trace of the data's part": tr(D).eq(under("C", p * (1 - p) * size) / n),
            "norm of ww'": opnorm(P).eq(U**2), "Tr(D ww')": terms.trprod(P, D).eq(quad(D, vec("w"))),
            "L_0": K0.eq(l2 + under("C", size) / (4 * n)),
        },
        recomputed=("logistic regression",),
        point={
            n: 1, l2: 0, size: 4, p: Fraction(1, 2), K0: 1, U: 1, quad(H, vec("w")): 1, quad(D, vec("w")): 1, tr(D): 1, opnorm(P): 1,
            terms.trprod(P, D): 1,
        },
        names={"l2": "l_2", "p": "p_k", "size": r"\|a_k\|^2", "K0": "L_0", "H": r"\nabla^2 f", "w": "w"},
        prove=logistic, evidence=(Evidence("logistic regression"),),
    ),
)  # fmt: skip
