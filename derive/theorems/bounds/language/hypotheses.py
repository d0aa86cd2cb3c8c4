"""The assumptions of a theorem of one's own: classes of losses and noises by their names, and inequalities.

| in a file | meaning |
|---|---|
| `smooth: L` | f is C^2 with ||Hess f|| <= L |
| `smooth: L0, L1` | f is C^2 with ||Hess f|| <= L0 + L1 ||grad f|| (Zhang et al. 2020) |
| `pl: mu` | ||grad f||^2 >= 2 mu (f - f*), mu > 0 (Polyak 1963) |
| `convex` | f - f* <= <grad f, x - x*>, x* a minimiser |
| `strongly convex: mu` | f - f* + mu/2 |x - x*|^2 <= <grad f, x - x*>, hence also pl and mu/2 |x - x*|^2 <= f - f* |
| `weakly convex: rho` | f + rho/2 |x|^2 is convex |
| `unbiased: omega` | E C(v) = v and E||C(v) - v||^2 <= omega ||v||^2, for `compressor = "any"` |
| `contraction: delta` | E||C(v) - v||^2 <= (1 - delta) ||v||^2, for `compressor = "any"` |
| `variance: v` | E||Z||^2 <= v for one client's noise given the state |
| `majority: S` | each client's noise is symmetric and unimodal in each coordinate, with standard deviations of the sum <= S over coordinates |
| `bounded noise: s` | ||Z|| <= s for every draw of one client's noise, in a theorem with high probability |
| `bounded gradient: B` | ||grad f|| <= B |
| `different clients` | f is the mean of the clients' losses f_i, of which nothing more is known |
| `dissimilarity: z` | the same, and the mean over clients of ||grad f_i - grad f||^2 is at most z |
| `smooth clients: L` | the same, and the mean over clients of ||grad f_i(x) - grad f_i(y)||^2 is at most L^2 ||x - y||^2 |
| `convex clients: L` | the same, and each f_i is convex and L-smooth |
| `mean smooth: L` | E||G(x, xi) - G(y, xi)||^2 <= L^2 ||x - y||^2 for one client's noisy gradients under one draw xi |
| `gossip: lam` | ||gossip(y) - mean(y)|| <= lam ||y - mean(y)||, as norms over all clients |
| `preconditioner: lo, hi` | precondition(y) is P y, P is symmetric and known before the step, and its eigenvalues are in [lo, hi], 0 <= lo, 0 < hi |
| `drawn preconditioner: lo, hi` | the same, but P may depend on the draws of the step |
| `coercive` | f(x) -> infinity as ||x|| -> infinity; no proof step uses it |
| `bounded step: r` | ||x_(n+1) - x_n|| <= r for every draw |

f >= f* always holds. If f is L-smooth on all of R^d, then G^2 <= 2 L (f - f*) and, if f is also convex,
(f - f*) + G^2/(2L) <= <grad f, x - x*> (Nesterov 2004, 2.1.5). The kernel cannot derive these facts from the literature at one
state, so a proof that uses them lists them as assumptions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sdescent.derive.proof.language.terms import Relation, Term, num
from sdescent.derive.proof.language.text import show
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean

_KEYWORD = re.compile(r" *([A-Za-z][A-Za-z ]*?) *(?::(.*))?", re.ASCII)
#: keyword -> the possible numbers of arguments
KEYWORDS = {
    "smooth": (1, 2), "pl": (1,), "convex": (0,), "strongly convex": (1,), "variance": (1,), "bounded gradient": (1,),
    "bounded step": (1,), "coercive": (0,), "weakly convex": (1,), "unbiased": (1,), "contraction": (1,),
    "different clients": (0,), "dissimilarity": (1,), "smooth clients": (1,), "convex clients": (1,), "gossip": (1,),
    "mean smooth": (1,), "bounded noise": (1,), "preconditioner": (2,), "drawn preconditioner": (2,),
    "majority": (1,),
}  # fmt: skip
#: keywords whose arguments must be constant in time and space, since the facts about their classes require it
OF_CONSTANTS = ("smooth", "pl", "strongly convex", "weakly convex", "bounded gradient", "unbiased", "contraction",
               "smooth clients", "convex clients", "gossip", "mean smooth", "bounded noise",
               "preconditioner", "drawn preconditioner")  # fmt: skip
#: keywords that give each client a loss of its own
OF_CLIENTS = ("different clients", "dissimilarity", "smooth clients", "convex clients")
#: keywords that imply ||Hess f|| <= their argument
LIPSCHITZ = ("smooth clients", "convex clients", "mean smooth")
#: keywords for a matrix of the step, and those that speak of it, of several clients, or of one draw at several points
PRECONDITIONERS = ("preconditioner", "drawn preconditioner")
BETWEEN_DRAWS = (*OF_CLIENTS, "mean smooth", "gossip", *PRECONDITIONERS)
#: inequalities of convex classes at one point and x*, which the interpolation inequalities imply
AT_ONE_POINT = ("convex", "strongly convex", "growth (of strongly convex f)", "PL (of strongly convex f)")
#: the least L/mu in trials away from mu = L
FAR = 100


@dataclass
class Hypotheses:
    """The classes that a theorem assumes, as keyword -> its arguments in order."""

    classes: dict[str, tuple[Term, ...]] = field(default_factory=dict)

    @property
    def smoothness(self) -> tuple[Term, Term] | None:
        """L0 and L1 of the class `smooth`, or None."""
        bounds = self.classes.get("smooth")
        return None if bounds is None else (bounds[0], bounds[1] if bounds[1:] else num(0))

    @property
    def radius(self) -> Term | None:
        """The bound on the length of a step, or None."""
        return next(iter(self.classes.get("bounded step", ())), None)

    @property
    def minimiser(self) -> bool:
        """Whether a class is about a minimiser x*."""
        return bool({"convex", "strongly convex", "convex clients"} & set(self.classes))

    @property
    def differing(self) -> bool:
        """Whether the clients have different losses."""
        return bool(set(OF_CLIENTS) & set(self.classes))

    @property
    def relations(self) -> dict[str, Relation]:
        """The inequalities of the classes at one state."""
        return {
            name: r for said, arguments in self.classes.items() for name, r in relations_of(said, arguments).items()
        }


def keyword(text: str, place: str = "assume") -> tuple[str, list[str]] | None:
    """The keyword of an assumption and the texts of its arguments, or None if the assumption is an inequality.

    Raises:
        BadInput: the text is neither an inequality nor a known keyword.
    """
    if any(sign in text for sign in "<>="):
        return None
    match = _KEYWORD.fullmatch(text)
    name = match[1].lower() if match else text.partition(":")[0]
    if match is None or name not in KEYWORDS:
        accepted = "an inequality, or one of the keywords " + ", ".join(KEYWORDS) + did_you_mean(name, KEYWORDS)
        raise BadInput(place, text, accepted)
    return name, [] if match[2] is None or not match[2].strip(" ") else [part for part in match[2].split(",")]


def take(assumed: Hypotheses, name: str, arguments: Sequence[Term], place: str) -> None:
    """Add the class `name` to the hypotheses.

    Raises:
        BadInput: the number of arguments is wrong, or the class is mentioned twice.
    """
    if len(arguments) not in KEYWORDS[name]:
        accepted = " or ".join(str(n) for n in KEYWORDS[name])
        accepted += " (docs/howto/own-theorem.md lists the keywords)"
        raise BadInput(place, f"{name} with {len(arguments)} arguments", accepted)
    if name in assumed.classes:
        raise BadInput(place, name, "each keyword once")
    assumed.classes[name] = tuple(arguments)


def relations_of(name: str, arguments: Sequence[Term]) -> dict[str, Relation]:
    """The inequalities of a class at one state."""
    gap, square, slope = nm.f - nm.fstar, nm.inner(nm.DISTANCE, nm.DISTANCE), nm.inner(nm.GRADIENT, nm.DISTANCE)
    if name == "convex":
        return {"convex": gap.le(slope)}
    if not arguments:
        return {}
    first, *others = arguments
    pl = (2 * first * gap).le(nm.G**2)
    within: dict[str, Relation] = {}
    if name in PRECONDITIONERS:
        within = {"lo >= 0": first.ge(0), "hi > 0": others[0].gt(0), "lo <= hi": first.le(others[0])}
    return {
        "smooth": {"smoothness >= 0": first.ge(0), **({"L1 >= 0": others[0].ge(0)} if others else {})},
        "pl": {"mu > 0": first.gt(0), "PL": pl},
        "strongly convex": {
            "mu > 0": first.gt(0), "strongly convex": (gap + first / 2 * square).le(slope),
            "growth (of strongly convex f)": (first / 2 * square).le(gap), "PL (of strongly convex f)": pl,
        },
        "weakly convex": {"rho >= 0": first.ge(0)}, "unbiased": {"omega >= 0": first.ge(0)},
        "contraction": {"delta > 0": first.gt(0), "delta <= 1": first.le(1)},
        "mean smooth": {"mean smoothness >= 0": first.ge(0)},
        "smooth clients": {"L of the clients >= 0": first.ge(0)}, "gossip": {"lam >= 0": first.ge(0)},
        "majority": {"S >= 0": first.ge(0)},
        "convex clients": {"L of the clients > 0": first.gt(0), "convex": gap.le(slope)},
        "bounded noise": {"bound on the noise >= 0": first.ge(0)},
        "preconditioner": within, "drawn preconditioner": within,
        "variance": {"variance": nm.NOISE.le(first)}, "bounded gradient": {"bounded gradient": nm.G.le(first)},
    }.get(name, {})  # fmt: skip


def consequences(h: Hypotheses) -> dict[str, Relation]:
    """Facts from the literature about f on all of R^d if f is L-smooth, L1 = 0; a proof that uses one lists it as an assumption."""
    if h.smoothness is None or h.smoothness[1] != num(0):
        return {}
    bound, gap, slope = h.smoothness[0], nm.f - nm.fstar, nm.inner(nm.GRADIENT, nm.DISTANCE)
    facts = {"G^2 <= 2 L (f - f*) (of L-smooth f >= f*)": (nm.G**2).le(2 * bound * gap)}
    for name in ("pl", "strongly convex"):
        if name in h.classes:
            facts["mu <= L (of f that is not constant)"] = h.classes[name][0].le(bound)
    if h.minimiser:
        facts["cocoercive (of convex L-smooth f)"] = (nm.G**2).le(2 * bound * (slope - gap))
    return facts


def far(hypotheses: Hypotheses) -> tuple[str, str] | None:
    """The assumptions L >= FAR mu and eta L >= 1/2 as text; None if no L or no mu is assumed, or if both are numbers."""
    mu = next((hypotheses.classes[name][0] for name in ("pl", "strongly convex") if name in hypotheses.classes), None)
    if mu is None or hypotheses.smoothness is None or mu[0] == hypotheses.smoothness[0][0] == "q":
        return None
    bound = show(hypotheses.smoothness[0])
    return f"{bound} >= {FAR}*{show(mu)}", f"eta*{bound} >= 1/2"
