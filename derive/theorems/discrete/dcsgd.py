"""D(C)SGD itself with a pre-scheduled step: counterparts of theory 6.2 on L-smooth and, for bounded steps, (L0, L1)-smooth losses.

On L-smooth losses the bounds are those of the corrected SDE. On (L0, L1)-smooth losses with steps D that satisfy L1 ||D|| <= c, the
method has 2 psi(c) L0 and 2 psi(c) L1 in place of L0 and L1, where psi(s) = (e^s - 1 - s)/s^2. The ratio 2 psi(c) is 1.0712 at
c = 1/5, 1.4366 at c = 1, and tends to 1 as c -> 0.
"""

from sdescent.derive.theorems.discrete import averaged as av
from sdescent.derive.theorems.discrete import descent as ds
from sdescent.derive.theorems.discrete.descent import BOUNDED, SMOOTH, Smoothness
from sdescent.derive.theorems.entry import symbols
from sdescent.derive.theorems.entry.symbols import G, kap, u
from sdescent.derive.theorems.entry.theorem import Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub

BOUND_OF_MESSAGES = r"Where the noise is at most $R$ in norm, $B_n$ is $G_n+R$ without compression, and $\frac dk(G_n+R)$ with Rand-$k$. "


def theorem(smooth: Smoothness, id: str, title: str, remark: str, averaged: bool) -> Theorem:
    """The theorem on one step or, if `averaged`, on the mean square of the gradient over the steps."""
    more = av.ENDS if averaged else symbols.signs("eta >= 0")
    bounded = smooth is BOUNDED
    sums = Evidence("method paths") if bounded else Evidence("method moments", {"power": None})
    return Theorem(
        id=id,
        title=title,
        source="theory 6.2; the descent lemma in place of Ito's formula",
        claim=av.mean_bound(G**2, ds.floor_of_the_sum(smooth)) if averaged else ds.step_bound(smooth),
        remark=remark,
        assumptions={**ds.ASSUMPTIONS, **smooth.rules(), **more},
        prove=(lambda w: ds.scheduled(w, smooth)) if averaged else (lambda w: ds.one_step(w, smooth)),
        evidence=(sums if averaged else Evidence("method step", {"smooth": "bounded" if bounded else "plain"}),),
        **ds.common(ds.context(u, smooth), short={G: "G", ub.condition("corrected", kap): r"K_\kappa(G)"}),
    )


ENTRIES = (
    theorem(
        SMOOTH, "6.2-pathwise-method", "D(C)SGD itself, L-smooth, one step",
        r"Per time $\eta$ this is 6.2-pathwise with $L_1=0$: the same constants for the method and for the corrected SDE.", False,
    ),
    theorem(
        SMOOTH, "6.2-scheduled-method", "D(C)SGD itself, L-smooth, pre-scheduled step",
        r"The left side is $\mathbb{E}\|\nabla f(x_{\hat n})\|^2$ for an independent $\hat n$ with probabilities $u_n/\sum u$. "
        r"With $T=\eta K$ and sums for integrals it is 6.2-scheduled with $L_1=0$: the ratio of the constants is 1.", True,
    ),
    theorem(
        BOUNDED, "6.2-pathwise-bounded-method", "D(C)SGD itself, (L₀, L₁)-smooth with bounded steps, one step",
        BOUND_OF_MESSAGES + r"It is 6.2-pathwise with $2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$; the ratio $2\psi(c)$ is at most $1+0.44c$ for $c\le1$ (8-psi-one).", False,
    ),
    theorem(
        BOUNDED, "6.2-scheduled-bounded-method", "D(C)SGD itself, (L₀, L₁)-smooth with bounded steps, pre-scheduled step",
        r"The ratio of the floor to that of 6.2-scheduled is $2\psi(c)$.", True,
    ),
)  # fmt: skip
