"""Theory 6.5 ([C]): exponential decay to a floor for D(C)SGD on L-smooth losses with the Polyak-Lojasiewicz inequality."""

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, fn, num, under
from sdescent.derive.theorems.entry.symbols import A1, D0, L0, L1, G, N, T, eta, f, f0, fstar, fT
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.unbiased import noise_bound as ub
from sdescent.derive.theorems.unbiased.noise_bound import A, x
from sdescent.derive.vocabulary.names import Model

mu = x("mu")
RULES: dict[str, Relation] = {"L1 = 0": L1.eq(0), "mu > 0": mu.gt(0), "PL": (2 * mu * (f - fstar)).le(G**2)}
#: eta L D_0/(2N), the contribution of the noise to the drift of f
FLOOR = eta * L0 * D0 / (2 * N)


def rate(model: Model) -> Term:
    """The rate r = 1 - eta L A/2 (corrected model) or 1 - eta L A_1/(2N) (first-order model)."""
    return 1 - eta * L0 * (A if model == "corrected" else A1 / N) / 2


def decay(model: Model) -> Term:
    """exp(-2 mu r T)."""
    return fn("exp", -2 * mu * rate(model) * T)


def bound(model: Model) -> Term:
    """(f(x0) - f*) exp(-2 mu r T) + eta L D_0 (1 - exp(-2 mu r T))/(4 mu r N)."""
    return (f0 - fstar) * decay(model) + FLOOR / (2 * mu * rate(model)) * (1 - decay(model))


def claim(model: Model) -> Relation:
    """E f(X_T) - f* <= bound."""
    return (under("E", fT) - fstar).le(bound(model))


def derivation(model: Model):
    """The proof of the claim for one model."""

    def prove(w: Derivation) -> Fact:
        kernel, bounds, h = w.kernel, ub.bounds(w), num(1)
        r = rate(model)
        k = 2 * mu * r
        weak = w.combine("r >= 0", r.ge(0), ["r > 0"])
        members = [("1/2", ["eta >= 0", bounds.per, bounds.spread])]
        if model == "corrected":
            members.append(("1/2", ["eta >= 0", bounds.curvature]))
        half = num("1/2") * eta * G
        share = (A if model == "corrected" else A1 / N) * G**2 + D0 / N
        drift = w.combine(
            "the bound on the drift of f", ub.generator(model, h).le(-r * G**2 + FLOOR), members, [(half * share, "L1 = 0")]
        )  # fmt: skip
        falling = w.combine(
            "with the PL inequality", ub.generator(model, h).le(-k * f + (k * fstar + FLOOR)), [drift, [weak, "PL"]]
        )
        positive = w.combine("k = 2 mu r > 0", num(0).lt(k), [(2, ["mu > 0", "r > 0"])])
        start = ub.rate_is_nonnegative(w, h, bounds.per)
        grown = w.step(
            "Gronwall's inequality", kernel.gronwall("f", k, k * fstar + FLOOR, [start, w["f >= f*"], falling, positive])
        )  # fmt: skip
        unit = kernel.inverse(k, positive)
        return w.combine("around the least value", claim(model), [grown], [(fstar * (1 - decay(model)), unit)])

    return prove


def entry(model: Model) -> Theorem:
    return Theorem(
        id=f"6.5-{model}",
        title=f"D(C)SGD, L-smooth with the PL inequality, {model} model",
        source="arXiv 2502.17009",
        claim=claim(model),
        assumptions={**ub.ASSUMPTIONS, **RULES, **ub.BELOW, "r > 0": num(0).lt(rate(model))},
        prove=derivation(model),
        evidence=(Evidence("PL decay", {"model": model}),),
        **ub.common(
            model,
            num(1),
            {rate(model): "r"},
            context=ub.context(model, num(1), mu="const"),
            point=ub.point(mu=1, L1=0, L0=2),
        ),
    )


ENTRIES = (entry("first-order"), entry("corrected"))
