"""Theory 6.4: DSignSGD as in [S] v1, a bound on the drift of f at every state, and why no multiple of G^2 bounds Phi below at all of them."""

from __future__ import annotations

from fractions import Fraction

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import num, trprod, x
from sdescent.derive.theorems.entry.symbols import L0, L1, G, H, N, S, d, eta, r, u
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Refutation, Theorem
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.theorems.signs.facts import PHI, R, SignFacts

DRIFT = sg.generator("first-order").le(-u * PHI + eta * u**2 / (2 * N) * d * (L0 + L1 * G))
FAILS = (2 / r * R(2 / r)).lt(r * (2 / r) ** 2)


def noise(s: SignFacts) -> Fact:
    """Tr(HS) <= d (L0 + L1 G)."""
    _, spread = s.smooth()
    return s.w.combine("the noise", trprod(H, S).le(d * (L0 + L1 * G)), [spread, [s.smoothness, s.trace_simple]])


def classic(w: Derivation) -> Fact:
    """L f <= -u Phi + (eta u^2/(2N)) d (L0 + L1 G)."""
    s = SignFacts(w)
    _, over = s.per
    return w.combine("the bound on the drift of f", DRIFT, [("1/2", ["eta >= 0", over, noise(s)], u)])


CLASSIC = Theorem(
    id="6.4-classic",
    title="DSignSGD, first-order model",
    source="theory 6.4; arXiv 2506.00181v1",
    claim=DRIFT,
    assumptions={name: r for name, r in sg.ASSUMPTIONS.items() if name != "d >= 0"},
    prove=classic,
    evidence=sg.PATHWISE,
    **sg.common("first-order"),
)
slope, at = x("l"), x("v")
CHORD = Refutation(
    id="6.4-chord",
    title="A chord constant that works at every state",
    source="theory 6.4 (ours)",
    assume={"ell": slope.eq(Fraction(1, 100)), "x > 1, where R(x) = 1": at.gt(1)},
    claim=(slope * at**2).le(at * 1),
    witness={"l": Fraction(1, 100), "v": 200},
    words=(
        r"$R=2F-1\le1$, so $x\,R(x)\le x<\ell x^2$ as soon as $x>1/\ell$. These numbers refute one $\ell$; 6.4-chord-zero proves it of every "
        r"$\ell>0$ and every law."
    ),
    repair="6.4-global-pathwise",
    mended={"bounded ratio": at.le(100)},
    names={"l": r"\ell", "v": "x"},
)


def no_chord(w: Derivation) -> Fact:
    """z R(z/1) < l z^2 at z = 2/l, for every l > 0: R <= 1."""
    k = w.kernel
    unit, over = w.inverse(r, "l > 0")
    top = k.declared("R", "bounded", [2 / r])
    # l (2/l)^2 - (2/l) R = (2/l)(1 - R) + (2/l)(2 - 1) up to l (1/l) = 1
    return w.combine("a point where it fails", FAILS, [(2, [over, top]), (2, over)], [(-4 / r, unit)])


ZERO = Theorem(
    id="6.4-chord-zero",
    title="No chord constant works at every state",
    source="theory 6.4",
    claim=FAILS,
    context=sg.context(),
    assumptions={"l > 0": r.gt(0)},
    point={r: 1, R(2 / r): 0, R(num(2)): 0},
    names={**sg.NAMES, "r": r"\ell"},
    prove=no_chord,
    evidence=(Evidence("sign clients"),),
)
ENTRIES: tuple[Theorem | Refutation, ...] = (CLASSIC, CHORD, ZERO)
