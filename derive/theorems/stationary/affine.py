"""Theory 5.3 and 6.7: the second moment of D(C)SGD itself and of its three SDEs on a quadratic, in one coordinate.

The noise is affine, with variance sigma_0^2 + sigma_1^2 G^2, and the Bernoulli compressor sends a message with probability p.
Proofs use the engine's mean and mean square of the message c, and the rate E L x^2 = E(2 x b + S) of an SDE with the engine's drift
b and covariance S. All four changes of E x^2 are affine in E x^2 and differ only by multiples of lambda^2 E x^2.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, under, xs
from sdescent.derive.theorems.entry.from_method import expression
from sdescent.derive.theorems.entry.theorem import Derivation, Evidence, Theorem
from sdescent.derive.theorems.stationary.quadratic import fixed_point
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.derive.vocabulary.symbols import eta as step_size

METHOD = DCSGD(Bernoulli("p"), Affine())
eta, N, p, sigma0, sigma1, lam, x, y, c = xs("eta N p sigma0 sigma1 lam x y c")
CONTEXT = Context(
    {**dict.fromkeys(["eta", "N", "p", "sigma0", "sigma1", "lam"], "const"), **dict.fromkeys(["x", "y", "c"], "rv")}
)
LETTERS = {"lam": r"\lambda", "sigma0": r"\sigma_0", "sigma1": r"\sigma_1"}
OF_THE_METHOD = {**LETTERS, "x": "x_n", "y": "x_{n+1}", "c": "C_n"}
NOW, NEXT = under("E", x**2), under("E", y**2)
#: A_1 for this noise and compressor: omega + sigma_1^2 (1 + omega) with 1 + omega = 1/p
SPREAD = (1 + sigma1**2) / p - 1
FLOOR = sigma0**2 / (N * p)
#: a in the rate -lambda (2 - eta lambda a) of E x^2
FACTORS: Mapping[Kind, Term] = {
    "method": 1 + SPREAD / N, "first-order": SPREAD / N, "second-order": SPREAD / N - 1, "corrected": 1 + SPREAD / N,
}  # fmt: skip


def decay(subject: Kind) -> Term:
    """The factor 2 - eta lambda a; the second moment decays if it is positive."""
    return 2 - eta * lam * FACTORS[subject]


def equation(model: Model) -> CoordinateSDE:
    return sde(METHOD, model, Quadratic(("lam",)), 1).expanded


def terms(equation: CoordinateSDE, fall: sp.Expr | int = 1, rate: sp.Expr | int = 1) -> tuple[Term, Term]:
    """The drift and the covariance as terms in x, divided by `fall` and `rate`."""
    place = equation.state[0]
    parts = (sp.collect(sp.expand(e), place) for e in (equation.drift[0] / fall, equation.covariance[0] / rate))
    drift, spread = (expression(part, {place: x}) for part in parts)
    return drift, spread


def message() -> dict[str, Relation]:
    """The step, with the mean of its message (minus the drift) and its mean square (covariance/eta plus the squared mean)."""
    mean, spread = terms(equation("first-order"), -1, step_size)
    return {
        "the step": y.eq(x - eta * c),
        "unbiased message": under("E", x * c).eq(under("E", x * mean)),
        "its square": under("E", c**2).eq(under("E", plus(mean**2, spread))),
    }


def the_step(relations: Mapping[str, Relation]) -> dict[str, Relation]:
    """The definition of x_{n+1}; the other definitions are about the message."""
    return {name: relation for name, relation in relations.items() if name == "the step"}


def without_step(relations: Mapping[str, Relation]) -> dict[str, Relation]:
    return {name: relation for name, relation in relations.items() if name != "the step"}


def generator(model: Model) -> Term:
    """E L x^2 of the engine's SDE."""
    drift, spread = terms(equation(model))
    return under("E", plus(2 * x * drift, spread))


def change(subject: Kind) -> Relation:
    """E x_{n+1}^2 = (1 - eta lambda a) E x_n^2 + eta^2 FLOOR or E L x^2 = -lambda a E x^2 + eta FLOOR, where a is the decay."""
    if subject == "method":
        return NEXT.eq((1 - eta * lam * decay(subject)) * NOW + eta**2 * FLOOR)
    return generator(subject).eq(-lam * decay(subject) * NOW + eta * FLOOR)


def moment(subject: Kind) -> Relation:
    """E x^2 = eta FLOOR/(lambda a), where a is the decay."""
    return NOW.eq(eta * FLOOR * (1 / (lam * decay(subject))))


def step(w: Derivation) -> Fact:
    """E x_{n+1}^2 = (1 - eta lambda a) E x_n^2 + eta^2 FLOOR, from the step and the moments of its message."""
    square = w.combine(
        "the square of a step", (y**2).eq(x**2 - 2 * eta * x * c + eta**2 * c**2), (), [(y + x - eta * c, "the step")]
    )
    mean = w.step("in the mean", w.kernel.monotone("E", square))
    return w.combine(
        "the second moment after a step", change("method"), (),
        [mean, (-2 * eta, "unbiased message"), (eta**2, "its square")],
    )  # fmt: skip


def solve(subject: Kind) -> Callable[[Derivation], Fact]:
    """A proof of the stationary value E x^2 = eta FLOOR/(lambda a)."""

    def prove(w: Derivation) -> Fact:
        rate = lam * decay(subject)
        falls = w.combine("the rate of decay", num(0).lt(rate), [["lambda > 0", "stable"]])
        if subject != "method":
            return fixed_point(w, NOW, eta * FLOOR, rate, falls)
        unit, moved, one = w.kernel.inverse(rate, falls), step(w), w.kernel.inverse(eta, w["eta > 0"])
        still = w.combine(
            "divided by eta", num(0).eq(eta * FLOOR - rate * NOW), (),
            [(-1 / eta, "stationary"), (1 / eta, moved), (eta * FLOOR - rate * NOW, one)],
        )  # fmt: skip
        return w.combine("solve", moment(subject), (), [(1 / rate, still), (-NOW, unit)])

    return prove


def threshold(subject: Kind) -> str:
    """The condition on the step size under which the second moment decays, in words with LaTeX."""
    if subject == "second-order":
        return r"$\eta<\frac{2N}{\lambda(A_1-N)}$ (at every $\eta$ if $A_1\le N$)"
    return rf"$\eta<\frac{{2N}}{{\lambda {'A_1' if subject == 'first-order' else '(N+A_1)'}}}$"


SOURCE = "ours"


def called(subject: Kind) -> str:
    return "D(C)SGD itself" if subject == "method" else f"{subject} model"


def changes(subject: Kind) -> Theorem:
    """The theorem about the change of the second moment in a step or in time."""
    method = subject == "method"
    less = r"_n^2$, $(1-\eta\lambda)^2+\eta^2\lambda^2A_1/N$, is below $1$" if method else "^2$ is negative"
    relations = message() if method else {}
    return Theorem(
        id=f"6.7-change-{subject}", title=f"Change of the second moment on a quadratic, {called(subject)}", source=SOURCE,
        claim=change(subject), remark=rf"The factor of $\mathbb{{E}}x{less} if and only if {threshold(subject)}, for $\lambda,\eta,N>0$ and $A_1\ge0$.",
        context=CONTEXT, assumptions=without_step(relations), definitions=the_step(relations), read=message if method else None,
        prove=step if method else lambda w: w.combine("the rate of the second moment", change(subject)),
        point={eta: 1, N: 1, p: 1, sigma0: 1, sigma1: 0, lam: 1, x: 0, y: -1, c: 1}, names=OF_THE_METHOD if method else LETTERS,
        short={SPREAD: "A_1", **({} if method else {generator(subject): r"\mathbb{E}\,\mathcal{L}x^2"})}, evidence=evidence(subject),
    )  # fmt: skip


def stays(subject: Kind) -> Theorem:
    """The theorem about the stationary second moment."""
    method = subject == "method"

    def read() -> dict[str, Relation]:
        return message() if subject == "method" else {"stationary": num(0).eq(generator(subject))}

    assumed = {"eta > 0": eta.gt(0), "stationary": NEXT.eq(NOW), **without_step(read())} if method else read()
    return Theorem(
        id=f"6.7-affine-{subject}", title=f"Stationary second moment with compression and affine variance, {called(subject)}", source=SOURCE,
        claim=moment(subject), context=CONTEXT, assumptions={"lambda > 0": lam.gt(0), "stable": decay(subject).gt(0), **assumed},
        definitions=the_step(read()), read=read, names=OF_THE_METHOD if method else LETTERS, short={SPREAD: "A_1"},
        point={eta: 1, N: 1, p: 1, sigma0: 0, sigma1: 0, lam: 1, x: 0, y: 0, c: 0}, prove=solve(subject), evidence=evidence(subject),
    )  # fmt: skip


def evidence(subject: Kind) -> tuple[Evidence, ...]:
    """The evidence for a theorem, which compares the theorem only with its own subject."""
    if subject == "method":
        return (Evidence("second moments of the method"),)
    return (Evidence("second moments", {"model": subject}),)


#: the coefficient of the curvature term in the drift -b + alpha eta H b
(alpha,) = xs("alpha")
#: the context and letters of the theorem on this coefficient
WITH_ALPHA = Context({**CONTEXT.symbols, "alpha": "const"})


def family() -> Term:
    """E L x^2 for the drift -b + alpha eta H b, with the engine's drift -b and covariance of the first-order model."""
    drift, spread = terms(equation("first-order"))
    return under("E", plus(2 * x * (drift - alpha * eta * lam * drift), spread))


def same_change() -> dict[str, Relation]:
    """In time eta the second moment of the equation changes at the rate at which it changes in a step of the method."""
    return {"same change": (eta * family()).eq(change("method").right - NOW)}


def coefficient(w: Derivation) -> Fact:
    """alpha = 1/2: the two changes differ by eta^2 lambda^2 (2 alpha - 1) E x^2."""
    amount = eta**2 * lam**2 * NOW
    positive = w.combine(
        "what is divided by", num(0).lt(amount), [["eta > 0", "eta > 0", "lambda > 0", "lambda > 0", "not at rest"]]
    )
    unit = w.kernel.inverse(amount, positive)
    return w.combine(
        "divide", alpha.eq(Fraction(1, 2)), (), [(1 / (2 * amount), "same change"), (Fraction(1, 2) - alpha, unit)]
    )


UNIQUE = Theorem(
    id="6.7-curvature-coefficient", title="The coefficient of the curvature term", source="ours",
    claim=alpha.eq(Fraction(1, 2)), context=WITH_ALPHA,
    remark=r"Drifts $-b+\alpha\eta Hb$: only $\alpha=\frac12$ changes the second moment as a step of the method does; 6.7-change-corrected shows that it does.",
    assumptions={"eta > 0": eta.gt(0), "lambda > 0": lam.gt(0), "not at rest": NOW.gt(0), **same_change()}, read=same_change,
    prove=coefficient, point={eta: 1, N: 1, p: 1, sigma0: 1, sigma1: 0, lam: 1, alpha: Fraction(1, 2), x: 1, y: 0, c: 1},
    names={**LETTERS, "alpha": r"\alpha"}, short={SPREAD: "A_1"}, evidence=(Evidence("curvature coefficient"),),
)  # fmt: skip
ENTRIES = (*(changes(subject) for subject in FACTORS), *(stays(subject) for subject in FACTORS), UNIQUE)
