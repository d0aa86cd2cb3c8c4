"""Weak approximation of SGD by its SDEs: the moments of one step agree, and the local errors add up to the global one.

An SDE dX = b dt + sqrt(a) dW with the generator A has E phi(X_eta) = phi + eta A phi + .. + eta^p (A^p phi)/p! + O(eta^(p+1)). The
method has the weak order p if this agrees with its own mean for phi(y) = (y - x)^i, i = 1, .., 2 p + 1, up to O(eta^(p+1)), under
conditions on growth and smoothness (Li, Tai and E 2019, Theorem 3; Milstein 1986).
"""

from itertools import pairwise

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, num, plus, under, x, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import N, eta
from sdescent.derive.vocabulary.verdicts import Source

SOURCE = "Li, Tai and E 2019, Theorem 3; Milstein 1986"
#: y - x, and the derivatives of the loss at y, the first of them f'
AWAY, SLOPES = sp.Symbol("away"), sp.symbols("f1:8")
STEP, REST = x("eta"), x("R")


def slope_of(e: sp.Expr) -> sp.Expr:
    """The derivative by y."""
    return e.diff(AWAY) + sp.Add(*[e.diff(a) * b for a, b in pairwise(SLOPES)])


def moments(model: Model, order: int) -> list[tuple[sp.Expr, sp.Expr]]:
    """The means of (y - x)^i after a step of SGD and after the time eta of its SDE, up to eta^order, for i = 1, .., 2 order + 1."""
    equation = sde(DSGD(Gaussian()), model)
    form, letters = equation.form, {g: SLOPES[0], hvp(g): SLOPES[0] * SLOPES[1]}
    assert form is not None and equation.drift is not None  # for the type checker
    drift, covariance = equation.drift.xreplace(letters), form.variance * eta / N
    mean, pairs = form.mean.xreplace(letters), []
    for i in range(1, 2 * order + 2):
        # from the third power on, a letter for E (message)^i suffices: it stands beside eta^i
        message = {1: mean, 2: mean**2 + form.variance / N}.get(i, sp.Symbol(f"m{i}"))
        phi, series = AWAY**i, sp.S.Zero
        for k in range(1, order + 1):
            phi = sp.expand(drift * slope_of(phi) + covariance / 2 * slope_of(slope_of(phi)))
            series += eta**k * phi.subs(AWAY, 0) / sp.factorial(k)
        pairs.append(((-eta) ** i * message, sp.expand(series)))
    return pairs


def local(model: Model, order: int) -> Theorem:
    """The local error for every polynomial sum t_i (y - x)^i is eta^(order + 1) R with a polynomial R in eta."""
    powers = range(1, 2 * order + 2)

    def read() -> dict[str, Relation]:
        relations, error = {}, sp.S.Zero
        for i, (step, equation) in zip(powers, moments(model, order), strict=True):
            relations[f"a step, power {i}"] = x(f"M{i}").eq(expression(step, {}))
            relations[f"the SDE, power {i}"] = x(f"S{i}").eq(expression(equation, {}))
            error += sp.Symbol(f"t{i}") * (step - equation)
        rest = [c * eta ** (n - order - 1) for (n,), c in sp.Poly(error, eta).terms() if n > order]
        return {**relations, "the rest": REST.eq(expression(sp.expand(sp.Add(*rest)), {}))}

    claim = plus(*[x(f"t{i}") * (x(f"M{i}") - x(f"S{i}")) for i in powers]).eq(STEP ** (order + 1) * REST)

    def prove(w: Derivation) -> Fact:
        parts = [(x(f"t{i}"), f"a step, power {i}") for i in powers]
        parts += [(-x(f"t{i}"), f"the SDE, power {i}") for i in powers]
        return w.combine("the local error", claim, (), [*parts, (-(STEP ** (order + 1)), "the rest")])

    names = [s.name for s in (eta, N, *SLOPES)] + ["sigma", "R"]
    names += [f"{letter}{i}" for letter in ("t", "M", "S", "m") for i in powers]
    return Theorem(
        id=f"weak-local-{model}", title=f"The moments of a step of SGD and of its {model} SDE",
        source=SOURCE, claim=claim, context=Context(dict.fromkeys(names, "const")), assumptions={}, definitions=read(), read=read,
        point={**dict.fromkeys(map(x, names), 0), x("N"): 1}, prove=prove,
        names={s.name: rf"f^{{({n})}}(x)" for n, s in enumerate(SLOPES, 1)},
        remark=rf"In one dimension; $m_i$ is the mean of the $i$-th power of a message. $S_i$ is the mean of $(X_\eta-x)^i$ up to "
        rf"$O(\eta^{{{order + 1}}})$ if the coefficients are smooth, so the local error is of this order.",
    )  # fmt: skip


def total(order: int) -> Theorem:
    """K local errors of order eta^(order + 1) add up to T eta^order."""
    c, K, T, low, v, v0, vT, Av, kappa = xs("c K T low v v0 vT Av kappa")
    rate = STEP if order == 1 else STEP**order
    claim = (under("E", vT) - v0).le(c * T * rate)
    kinds = {"const": "eta c K T low v0", "random": "v Av kappa", "rv": "vT"}
    symbols = {name: kind for kind, names in kinds.items() for name in names.split()}
    sign = {} if order == 1 else {"eta >= 0": STEP.ge(0)}

    def prove(w: Derivation) -> Fact:
        moved = w.step("the sum of the changes", w.kernel.telescope([(num(1), "v")], [w["v is bounded below"]]))
        whole = w.step("over the steps", w.kernel.monotone("EI", w["local error"]))
        return w.combine("together", claim, [moved, whole, (1, ["its mean", *sign], STEP)], [(c * rate, "K steps")])

    return Theorem(
        id=f"weak-order-{order}", title=f"From the local weak error to weak order {order}", source=SOURCE, claim=claim, prove=prove,
        context=Context(symbols, horizon="K", potentials={"v": {"change": "Av", "start": "v0", "end": "vT"}}, steps=True),
        assumptions={
            "local error": Av.le(kappa * STEP ** (order + 1)), "its mean": under("EI", kappa).le(c * K), "K steps": (K * STEP).eq(T),
            "v is bounded below": low.le(v), **sign,
        },
        sources={"local error": Source.LITERATURE}, point={STEP: 1, c: 0, K: 0, T: 0, low: 0, v: 0, v0: 0, vT: 0, Av: 0, kappa: 0},
        names={"v": "v(x_n,n)", "v0": "v(x_0,0)", "vT": r"\phi(x_K)", "kappa": r"\kappa(x_n)"},
        remark=rf"$v(x,n)=\mathbb{{E}}[\phi(X_T)\mid X_{{n\eta}}=x]$, so the claim is $\mathbb{{E}}\phi(x_K)-\mathbb{{E}}\phi(X_T)\le c\,T\,\eta^{{{order}}}$, "
        rf"and $-\phi$ gives the other side. The moments give the local error, with a $\kappa$ of polynomial growth, by Taylor's formula for $v$ "
        rf"if $f'$ and the root of the covariance are Lipschitz, they and $\phi$ have derivatives of polynomial growth up to the order "
        rf"{2 * order + 2}, and the moments of $x_n$ are bounded uniformly in $\eta$ for $n\eta\le T$.",
    )  # fmt: skip


ENTRIES = (local("first-order", 1), local("corrected", 1), local("second-order", 2), total(1), total(2))
