"""SDEs of update rules that are known from the literature or derived by hand, in one dimension (g the gradient, H = f'').

Each derivation is in the docstring and does not use the engine: with F the increment of a step of time tau, b = E F/tau to leading
order, the second-order drift adds E F at tau^2 minus (D b) b/2, the covariance is Cov F/tau.
"""

from collections.abc import Mapping
from itertools import combinations_with_replacement, product

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Sign
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.formulas.special import SignSum
from tests.support.samples import mostly_slow, rule, slow_but

LETTERS = ("x", "m", "v", "w", "y")
REAL = {name: sp.Symbol(name, real=True) for name in ("g1", *(f"{a}1" for a in LETTERS))} | {
    "H": sp.Symbol("H1_1", real=True)
}
SHORT = {a: REAL[f"{a}1"] for a in LETTERS} | {"g": REAL["g1"]}
CLOCK = {"t": sp.Symbol("t", nonnegative=True)}
FUNCTIONS = {"pi": sp.pi, "abs": sp.Abs} | {f: getattr(sp, f) for f in ("sqrt", "exp", "erf", "sign", "Rational")}


class _Names(dict[str, sp.Expr]):
    def __missing__(self, name: str) -> sp.Expr:
        return sp.Symbol(name, positive=True)


def formula(text: str) -> sp.Expr:
    """A formula with x, m, v, w, y, g, H real and every other name a positive parameter."""
    return sp.sympify(eval(text, {"__builtins__": {}}, _Names({**SHORT, **CLOCK, **FUNCTIONS, "H": REAL["H"]})))


def says(method: Method, drift: Mapping[str, str], covariance: Mapping[str, str], model: str = "first-order") -> bool:
    """Whether the equation in one dimension is this one; entries of the covariance that are not named are 0."""
    found = sde(method, model, dim=1).expanded
    names = [str(z).removesuffix("1") for z in found.state]
    gaps = [b - formula(drift[a]) for a, b in zip(names, found.drift, strict=True)]
    for i, j in combinations_with_replacement(range(len(names)), 2):
        gaps.append(found.covariance[i, j] - formula(covariance.get(f"{names[i]} {names[j]}", "0*eta")))
    return set(drift) == set(names) and all(vanishes(gap) for gap in gaps)


# --- momentum --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", slow_but(["first-order", "second-order"], ["second-order"]))
def test_heavy_ball(order: str) -> None:
    """Notes on memory, section 3. With delta = sqrt(eta): V' = (1 - mu delta) V - delta G, x' = x + delta V'.

    b = (V, -mu V - g); at delta^2 x has -mu V - g; (D b) b = (-mu V - g, -H V + mu (mu V + g)).
    """
    drift = {"x": "v", "v": "-(mu*v + g)"}
    if order == "second-order":
        drift = {
            "x": "(1 - sqrt(eta)*mu/2)*v - sqrt(eta)/2*g",
            "v": "-((mu + sqrt(eta)/2*(mu**2 - H))*v + (1 + sqrt(eta)*mu/2)*g)",
        }
    method = sd.methods.HeavyBall(noise=Gaussian())
    assert says(method, drift, {"v v": "sqrt(eta)*sigma**2/N"}, order)
    assert not says(method, drift, {"v v": "sqrt(eta)*sigma**2/N*11/10"}, order)
    assert not says(method, drift | {"x": drift["x"] + " + eta"}, {"v v": "sqrt(eta)*sigma**2/N"}, order)


def test_nesterov() -> None:
    """x' = x + (1 - mu delta) delta V' - delta^2 G: at delta^2 x has -2 (mu V + g), from which -(mu V + g)/2 is taken."""
    drift = {"x": "v - 3*sqrt(eta)/2*(mu*v + g)", "v": "-(mu*v + g) - sqrt(eta)/2*((mu**2 - H)*v + mu*g)"}
    assert says(sd.methods.Nesterov(noise=Gaussian(), clients=1), drift, {"v v": "sqrt(eta)*sigma**2"}, "second-order")


#: with a constant memory: the rule, its drift to second order, and the covariance eta Var W of the Green-Kubo sum
CONSTANT = {
    "heavy-ball": (sd.methods.HeavyBall, "-(g + eta*(1 + beta)/(2*(1 - beta)**2)*H*g)/(1 - beta)", "(1 - beta)**2"),
    "nesterov": (sd.methods.Nesterov, "-(g + eta*(1 - beta + 2*beta**2)/(2*(1 - beta)**2)*H*g)/(1 - beta)", "(1 - beta)**2"),
    "ema": (sd.methods.EMAMomentum, "-(g + eta/2*(1 + beta)/(1 - beta)*H*g)", "1"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANT)
def test_modified_losses_of_constant_momentum(name: str) -> None:
    """Averaged momentum: f + (eta/4)(1 + b)/(1 - b) g^2; heavy ball (Ghosh et al. 2023):

    (f + eta (1 + b)/(4 (1 - b)^2) g^2)/(1 - b).

    Nesterov's x is the point ahead: W = -G/(1 - b) with l = b^2/(1 - b), s = -b^2 g/(1 - b)^2, so -(D b) b/2 - (D s) b is
    -H g ((1 - b) + 2 b^2)/(2 (1 - b)^3).
    """
    build, drift, below = CONSTANT[name]
    method = build(noise=Gaussian(), clients=1, regime="fixed")
    covariance = {"x x": f"eta*sigma**2/({below})"}
    assert says(method, {"x": drift}, covariance, "second-order")
    assert not says(method, {"x": f"11*({drift})/10"}, covariance, "second-order")
    assert says(method, {"x": "-g" if below == "1" else "-g/(1 - beta)"}, covariance)
    with pytest.raises(Refusal, match="gradient fields") as refused:
        sde(method, "corrected")
    assert refused.value.kind == "no-corrected-model"


# --- adaptive methods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", mostly_slow(["first-order", "second-order"]))
def test_rmsprop_with_the_old_average_in_the_denominator(order: str) -> None:
    """Notes on memory, section 3, with D(v) = 1/(sqrt v + eps), D' = -D^2/(2 sqrt v), Var Z^2 = 2 sigma^4."""
    method = rule("x = x - eta*G/(sqrt(v)+eps)", "v = b*v + (1-b)*G^2", regime={"b": "1 - c*eta"})
    D, pull = "1/(sqrt(v) + eps)", "(g**2 + sigma**2 - v)"
    drift, noise = {"x": f"-g*{D}", "v": f"c*{pull}"}, {"x x": f"eta*sigma**2*({D})**2"}
    if order == "second-order":
        drift = {
            "x": f"-g*{D} - eta*g/2*(({D})**2*H + c*({D})**2/(2*sqrt(v))*{pull})",
            "v": f"c*{pull} + eta*(c*g**2*H*{D} + c**2/2*{pull})",
        }
        noise |= {"x v": f"-2*eta*c*g*sigma**2*{D}", "v v": "eta*c**2*(2*sigma**4 + 4*g**2*sigma**2)"}
    assert says(method, drift, noise, order)


def test_rmsprop_where_the_batch_grows_with_the_step() -> None:
    """Malladi et al. 2022 (arXiv 2205.10287): dX = -P^-1 (grad f dt + sigma_0 dW),

    du = c (sigma_0^2 - u) dt, P = sqrt(u) + eps_0."""
    method = sd.methods.RMSprop(noise=Gaussian(), clients=1, regime="batch-equivalent")
    drift = {"x": "-g/(sqrt(v) + eps0)", "v": "c*(sigma0**2 - v)"}
    assert says(method, drift, {"x x": "sigma0**2/(sqrt(v) + eps0)**2"})


def test_adam_where_the_batch_grows_with_the_step() -> None:
    """Malladi et al. 2022 (arXiv 2205.10287): gamma_i = 1 - e^(-c_i t), dX = -(sqrt gamma_2/gamma_1) P^-1 m dt, with

    P = sqrt(u) + eps_0 sqrt gamma_2, dm = c_1 (grad f - m) dt + c_1 sigma_0 dW, du = c_2 (sigma_0^2 - u) dt.
    """
    method = sd.methods.Adam(noise=Gaussian(), clients=1, regime="batch-equivalent")
    first, second = "(1 - exp(-c1*t))", "(1 - exp(-c2*t))"
    drift = {
        "x": f"-sqrt({second})/{first}*m/(sqrt(v) + eps0*sqrt({second}))", "m": "c1*(g - m)", "v": "c2*(sigma0**2 - v)",
    }  # fmt: skip
    assert says(method, drift, {"m m": "c1**2*sigma0**2"})


# --- signs, clipping, privacy, communication -------------------------------------------------------------------------


def test_signs() -> None:
    """Monzio Compagnoni et al. 2024: dX = -erf(grad f/(sqrt 2 sigma)) dt + sqrt(eta (1 - erf^2)) dW; the covariance over N."""
    one, several = rule("x = x - eta*sign(G)"), rule("x = x - eta*(G + 0*x)", compressor=Sign(), clients=None)
    drift, rest = {"x": "-erf(g/(sqrt(2)*sigma))"}, "eta*(1 - erf(g/(sqrt(2)*sigma))**2)"
    assert says(one, drift, {"x x": rest}) and says(several, drift, {"x x": f"{rest}/N"})


@pytest.mark.slow
def test_signum() -> None:
    """Notes on memory, section 3: ballistic, and with constant b, where K = 1 + (4/pi) sum_k arcsin(b^k) is 13.28 at b = 0.9."""
    assert says(
        sd.methods.Signum(noise=Gaussian(), clients=1),
        {"x": "-sign(m)", "m": "rho*(g - m)"},
        {"m m": "eta*rho**2*sigma**2"},
    )
    found = sde(sd.methods.Signum(noise=Gaussian(), clients=1, regime="fixed", beta="9/10"), dim=1).expanded
    spread = formula("sigma*sqrt((1 - Rational(9, 10))/(1 + Rational(9, 10)))")
    assert vanishes(found.drift[0] + sp.erf(formula("g") / (sp.sqrt(2) * spread)))
    (sum_over_signs,) = found.covariance[0].atoms(SignSum)
    assert vanishes(found.covariance[0] / sum_over_signs - formula("eta"))
    r, q, a = sum_over_signs.args
    assert r == q == sp.Rational(9, 10) and vanishes(a - formula("g") / spread)


def test_noise_added_for_privacy() -> None:
    """Variances of independent noises add: kappa^2 beside sigma^2/N, and nothing else changes."""
    assert says(sd.methods.DP(noise=Gaussian()), {"x": "-g"}, {"x x": "eta*(sigma**2/N + kappa**2)"})
    second = {"x": "-g - eta/2*H*g"}
    assert says(sd.methods.DP(noise=Gaussian()), second, {"x x": "eta*(sigma**2/N + kappa**2)"}, "second-order")


@pytest.mark.slow
def test_majority_votes_by_all_outcomes() -> None:
    """All 2^N patterns of signs with P(+) = (1 + erf(g/(sqrt 2 sigma_i)))/2; with four clients ties give 0."""
    scales = (1, 1, 2, 2)
    found = sde(sd.methods.MajorityVote(noise=Scaled(Gaussian(), scales)), dim=1).expanded
    chances = [(1 + sp.erf(formula("g") / (sp.sqrt(2) * s))) / 2 for s in scales]
    mean = square = sp.S.Zero
    for votes in product((1, -1), repeat=len(scales)):
        p = sp.Mul(*[q if vote == 1 else 1 - q for q, vote in zip(chances, votes, strict=True)])
        mean += p * sp.sign(sum(votes))
        square += p * sp.sign(sum(votes)) ** 2
    assert vanishes(found.drift[0] + mean)
    assert vanishes(found.covariance[0] - formula("eta") * (square - mean**2))


def test_local_steps() -> None:
    """E F = -H eta g + C(H, 2) eta^2 f'' g over the time H eta: drift and covariance to second order are those of SGD."""
    method = sd.methods.LocalSGD(4, noise=Gaussian())
    assert says(method, {"x": "-g"}, {"x x": "eta*sigma**2/N"})
    found = sde(method, "second-order", dim=1).expanded
    assert vanishes(found.drift[0] - formula("-g - eta/2*H*g"))


# --- the gradient at another point, weight decay ---------------------------------------------------------------------


def test_sharpness_aware_steps() -> None:
    """Monzio Compagnoni et al. 2023: USAM -grad f - rho H grad f, SAM -grad f - rho H grad f/||grad f||, with rho = r sqrt(eta)."""
    assert says(sd.methods.USAM(noise=Gaussian(), clients=1), {"x": "-g - r*sqrt(eta)*H*g"}, {"x x": "eta*sigma**2"})
    assert says(sd.methods.SAM(clients=1), {"x": "-g - r*sqrt(eta)*H*g/abs(g)"}, {})
    found = sde(sd.methods.SAM(clients=1), dim=2).expanded
    g1, g2 = sp.symbols("g1 g2", real=True)
    H = sp.Matrix(2, 2, sp.symbols("H1_1 H1_2 H1_2 H2_2", real=True))
    away = H * sp.Matrix([g1, g2]) * formula("r*sqrt(eta)") / sp.sqrt(g1**2 + g2**2)
    assert all(vanishes(b + g + e) for b, g, e in zip(found.drift, (g1, g2), away, strict=True))
