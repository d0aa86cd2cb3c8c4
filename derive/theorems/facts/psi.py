"""Upper bounds and optimality of psi(c) = (e^c - 1 - c)/c^2, the constant of the descent lemma for (L0, L1)-smooth functions.

In place of 2 psi(c) (L0 + L1 G) the literature has A L0 + B L1 G with A = 1 + e^c - (e^c - 1)/c and B = (e^c - 1)/c, where A >= B.
"""

from collections.abc import Callable
from fractions import Fraction

import sympy as sp

from sdescent.derive.methods.losses import GluedExponential
from sdescent.derive.methods.losses import x as place
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, xs
from sdescent.derive.theorems.entry.from_method import put
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from sdescent.derive.theorems.facts.losses import halves, written

c, v, D, y, p, k, start, end, slope = xs("c v D y p k start end slope")
CONTEXT = Context(dict.fromkeys(["c", "v", "D", "y", "start", "end", "slope"], "const"))
NAMES = {"v": "x", "start": "f(x)", "end": "f(x+D)", "slope": "f'(x)"}
PSI, E, RISE = fn("psi", c), fn("exp", c), num("11/25")
JUMP, LITERATURE = fn("psi", D) * D**2, (2 * PSI).le((E - 1) / c)
EQUAL = end.eq(start + slope * D + (1 + slope) * JUMP)


def at_most_one(w: Derivation) -> Fact:
    """2 (e^c - 1 - c) <= c^2 (1 + 11 c/25) on [0, 1]."""
    phi = y**2 * (1 + RISE * y) - 2 * (fn("exp", y) - 1 - y)
    weak = w.combine("c >= 0", num(0).le(c), ["c > 0"])
    size = w.step("in terms of the exponential", w.prover.analysis(phi, "y", c, 0, 1, premises=[weak, w["c <= 1"]]))
    return divided(w, 1 + RISE * c, size)


def divided(w: Derivation, bound: Term, size: Fact) -> Fact:
    """2 psi(c) <= bound, from 0 <= c^2 bound - 2 (e^c - 1 - c) and 0 < c."""
    square, (unit, over) = w.kernel.function("psi_square", [c]), w.inverse(c, "c > 0")
    # 2 psi = 2 psi c^2 (1/c)^2, and the same for the bound
    return w.combine(
        "in terms of psi", (2 * PSI).le(bound), [[size, over, over]],
        [(2 / c**2, square), ((bound - 2 * PSI) * (1 + c * (1 / c)), unit)],
    )  # fmt: skip


def literature(w: Derivation) -> Fact:
    """2 (e^c - 1 - c) <= c (e^c - 1): the difference has the second derivative c e^c."""
    phi = y * (fn("exp", y) - 1) - 2 * (fn("exp", y) - 1 - y)
    weak = w.combine("c >= 0", num(0).le(c), ["c > 0"])
    size = w.step("in terms of the exponential", w.prover.analysis(phi, "y", c, 0, premises=[weak]))
    square, (unit, over) = w.kernel.function("psi_square", [c]), w.inverse(c, "c > 0")
    # 2 psi = 2 psi c^2 (1/c)^2, (e^c - 1)/c = c (e^c - 1) (1/c)^2
    return w.combine(
        "2 psi(c) <= B", LITERATURE, [[size, over, over]],
        [(2 / c**2, square), ((E - 1) / c - 2 * PSI * (1 + c * (1 / c)), unit)],
    )  # fmt: skip


def read() -> dict[str, Relation]:
    """f(x), f(x + D) and f'(x) of the glued exponential for x >= 0."""
    right, _ = halves(GluedExponential().coordinate)
    return {
        "f(x)": start.eq(written(right, v)), "f(x + D)": end.eq(written(right, v + D)), "f'(x)": slope.eq(written(sp.diff(right, place), v)),
    }  # fmt: skip


def sharp(w: Derivation) -> Fact:
    """f(x + D) - f(x) - f'(x) D = e^x (e^D - 1 - D), and e^x = 1 + f'(x)."""
    product, square = w.kernel.function("exp_add", [v, D]), w.kernel.function("psi_square", [D])
    return w.combine(
        "equality", EQUAL, (), ["f(x + D)", product, (-1, "f(x)"), (-D - JUMP, "f'(x)"), (-fn("exp", v), square)]
    )


def lemma() -> Relation:
    """f(D) <= f(0) + f'(0) D + k (1 + |f'(0)|) D^2 for the glued exponential; p stands for e^D."""
    right, _ = halves(GluedExponential().coordinate)
    zero, tilt = (written(sp.diff(right, place, n), num(0)) for n in (0, 1))
    return put(written(right, D), {fn("exp", D): p}).le(zero + tilt * D + k * (1 + fn("abs", tilt)) * D**2)


def theorem(
    id: str, title: str, claim: Relation, remark: str, assumptions: dict[str, Relation], prove: Callable[[Derivation], Fact],
    at: dict[Term, int] | None = None, read: Callable[[], dict[str, Relation]] | None = None,
) -> Theorem:  # fmt: skip
    """A theorem about psi; `at` is its point, and `read` its definitions."""
    return Theorem(
        id=id, title=title, source="Zhang, He, Sra and Jadbabaie 2020; the constant is ours", claim=claim, remark=remark,
        context=CONTEXT, assumptions=assumptions, prove=prove, names=NAMES, evidence=(Evidence("psi"),),
        definitions={} if read is None else read(), read=read, point={c: 1, y: 0} if at is None else at,
    )  # fmt: skip


ENTRIES = (
    theorem(
        "8-psi-one", "The constant of the descent lemma for short steps", (2 * PSI).le(1 + RISE * c),
        r"So it is at most 1.44, and tends to 1 with $c$. At $c=1$ it is $2(e-2)=1.4366$, where the literature has $A=2$ and $B=e-1=1.7183$.",
        {"c > 0": c.gt(0), "c <= 1": c.le(1)}, at_most_one,
    ),
    theorem(
        "8-psi-literature", "The constant of the descent lemma is at most the literature's", LITERATURE,
        r"The literature has $A(c)L_0+B(c)L_1G$ with this bound as $B(c)$, and $A(c)=1+e^c-B(c)\ge B(c)$: the descent lemma with $2\psi(c)(L_0+L_1G)$ is the sharper one.", {"c > 0": c.gt(0)}, literature,
    ),
    theorem(
        "8-psi-sharp", "The constant of the descent lemma is attained",
        EQUAL,
        r"$f=e^x-x-1$ is $(1,1)$-smooth where $x\ge0$ (8-glued-exponential). With $x\ge0$ and $D=c$ the descent lemma is an equality for $L_0=L_1=1$: no number below $\psi(c)$ can stand for it.", {}, sharp,
        {v: 0, D: 0, start: 0, end: 0, slope: 0}, read,
    ),
    Refutation(
        id="8-psi-half", title="The descent lemma of L-smooth functions holds for (L₀, L₁)-smooth ones",
        source="ours",
        assume={"a step": D.ge(0), "L1 D <= 1": D.le(1), "p is at most e^D": p.le(fn("exp", D)), "the constant": k.eq(Fraction(1, 2))},
        claim=lemma(), read=lemma, witness={"D": 1, "p": Fraction(27, 10), "k": Fraction(1, 2)},
        words=(
            r"$f=e^x-x-1$ for $x\ge0$ and $x^2/2$ for $x<0$ is $(1,1)$-smooth (8-glued-exponential, 8-glued-twice). From $x=0$ the step $D=1$ gives "
            r"$f(1)=e-2>0.7$, and the claim says at most $\frac12$; here $p\le e^D$ stands for $e^D$. With $\psi(1)=e-2$ it is an equality."
        ),
        repair="6.2-pathwise-bounded-method", mended={"the constant": k.eq(fn("psi", D))},
    ),
)  # fmt: skip
