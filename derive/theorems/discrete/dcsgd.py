"""D(C)SGD itself with a pre-scheduled step: the twins of theory 6.2, on L-smooth losses and, with bounded steps, on (L0, L1)-smooth ones.

On L-smooth losses the bounds are those of the corrected SDE, the ratio of the constants is 1. On (L0, L1)-smooth ones with L1 ||D|| <= c
the method has 2 psi(c) L0 and 2 psi(c) L1 where the SDE has L0 and L1, psi(s) = (e^s - 1 - s)/s^2; the ratio is 1.0712 at c = 1/5,
1.4366 at c = 1, and tends to 1 with c.
"""

from __future__ import annotations

from derive.theorems.discrete import averaged as av
from derive.theorems.discrete import setting as ds
from derive.theorems.discrete.setting import BOUNDED, SMOOTH, Smoothness
from derive.theorems.entry.theorem import Evidence, Theorem
from derive.theorems.unbiased import setting as ub
from derive.theorems.unbiased.setting import G, u

MESSAGES = (
    r"Let $\|\nabla^2f\|_{\mathrm{op}}\le L_0+L_1\|\nabla f\|$, let $B_n$, known at step $n$, bound the norm of the averaged message, and "
    r"$L_1\eta uB_n\le c$. (Where the noise is at most $R$ in norm, $B_n=G_n+R$ without compression, and $\frac dk(G_n+R)$ with Rand-$k$.) "
)


def theorem(smooth: Smoothness, id: str, title: str, statement: str, hence: str, averaged: bool) -> Theorem:
    """The bound on one step, or the one on the mean square of the gradient over the steps."""
    more = av.ENDS if averaged else ds.signs("eta >= 0")
    bounded = smooth is BOUNDED
    sums = Evidence("method paths") if bounded else Evidence("method moments", {"power": None})
    return Theorem(
        id=id,
        title=title,
        source="theory 6.2; the descent lemma in place of Ito's formula",
        statement=statement,
        hence=hence,
        context=ds.context(u, smooth),
        assumptions={**ds.ASSUMPTIONS, **smooth.rules(), **more},
        definitions=ub.DEFINITIONS,
        recomputed=("unbiased",),
        point=ds.point(),
        names=ds.NAMES,
        short={G: "G"},
        prove=(lambda w: ds.scheduled(w, smooth)) if averaged else (lambda w: ds.one_step(w, smooth)),
        evidence=(sums if averaged else Evidence("method step", {"smooth": "bounded" if bounded else "plain"}),),
    )


ENTRIES = (
    theorem(
        SMOOTH, "6.2-pathwise-method", "D(C)SGD itself, L-smooth, one step",
        r"Let $\|\nabla^2f\|_{\mathrm{op}}\le L=L_0$. Wherever $\eta uL\left(1+\frac{A_1}{N}\right)\le2\varepsilon$, "
        r"$\mathbb{E}_nf(x_{n+1})-f(x_n)\le-(1-\varepsilon)\,\eta u\,G^2+\frac{\eta^2u^2}{2N}LD_0$.",
        r"Per time $\eta$ this is 6.2-pathwise with $L_1=0$: the same constants for the method and for the corrected SDE.", False,
    ),
    theorem(
        SMOOTH, "6.2-scheduled-method", "D(C)SGD itself, L-smooth, pre-scheduled step",
        r"If the step condition of 6.2-pathwise-method holds at every step, $f\ge f^*$ and $\varepsilon<1$, then with sums over the steps $n<K$ "
        r"$\frac{\mathbb{E}\sum u_nG_n^2}{\sum u_n}\le\frac{f(x_0)-f^*+\frac{\eta^2}{2N}LD_0\sum u_n^2}{\eta(1-\varepsilon)\sum u_n}$.",
        r"The left side is $\mathbb{E}\|\nabla f(x_{\hat n})\|^2$ for an independent $\hat n$ with probabilities $u_n/\sum u$. "
        r"With $T=\eta K$ and sums for integrals it is 6.2-scheduled with $L_1=0$: the ratio of the constants is 1.", True,
    ),
    theorem(
        BOUNDED, "6.2-pathwise-bounded-method", "D(C)SGD itself, (L₀, L₁)-smooth with bounded steps, one step",
        MESSAGES + r"Wherever moreover $\eta u\,2\psi(c)K_\kappa(G)\le2\varepsilon$ with $K_\kappa$ as in 6.2-pathwise, "
        r"$\mathbb{E}_nf(x_{n+1})-f(x_n)\le-(1-\varepsilon)\,\eta u\,G^2+\frac{\eta^2u^2}{2N}\,2\psi(c)\left(L_0+\frac{L_1}{4\kappa}\right)D_0$.",
        r"It is 6.2-pathwise with $2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$; the ratio $2\psi(c)$ is at most $1+0.44c$ for $c\le1$ (8-psi-one).", False,
    ),
    theorem(
        BOUNDED, "6.2-scheduled-bounded-method", "D(C)SGD itself, (L₀, L₁)-smooth with bounded steps, pre-scheduled step",
        MESSAGES + r"If the step condition of 6.2-pathwise-bounded-method holds at every step, $f\ge f^*$ and $\varepsilon<1$, then "
        r"$\frac{\mathbb{E}\sum u_nG_n^2}{\sum u_n}\le\frac{f(x_0)-f^*+\frac{\eta^2}{2N}\,2\psi(c)\left(L_0+\frac{L_1}{4\kappa}\right)D_0\sum u_n^2}"
        r"{\eta(1-\varepsilon)\sum u_n}$.",
        r"The ratio of the floor to that of 6.2-scheduled is $2\psi(c)$.", True,
    ),
)  # fmt: skip
