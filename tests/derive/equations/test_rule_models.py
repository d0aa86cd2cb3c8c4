"""SDEs of update rules: what is refused, with its kind and the term that stands in the way, and what must not change the answer."""

from typing import Any

import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.kinks import joined_at
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    Compressor,
    Identity,
    RandK,
    ScaledSign,
    Sign,
    TopK,
)
from sdescent.derive.methods.distributed import DCSGD, Method
from sdescent.derive.methods.losses import Quadratic, Quartic, SeparableSum
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian, Laplace, NoNoise, Scaled, StudentT
from sdescent.derive.methods.optimisers import EMAMomentum, HeavyBall, MajorityVote, RMSprop
from sdescent.derive.methods.schedules import Free, Normalised, Power, Schedule
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import eta
from tests.support.laws.atoms import TWO
from tests.support.real_steps import MARGIN, Mixed, measured_order
from tests.support.samples import rule

M = "m = m + eta*(G - m)"


def kind(method: Method, model: str = "first-order") -> tuple[str, str]:
    """(kind, message) of the refusal."""
    with pytest.raises(Refusal) as refused:
        sde(method, model)
    return refused.value.kind, str(refused.value)


def missing(method: Method, model: str = "first-order") -> str:
    """What has no closed form."""
    found = sde(method, model)
    assert found.rule is None and not found.drifts
    return found.missing


# --- more movement than time -----------------------------------------------------------------------------------------

TOO_FAR = {
    "a step of the root": (rule("x = x - sqrt(eta)*G"), ": -g"),
    "a velocity that is not rescaled": (rule("v = (1 - eta)*v - eta*G", "x = x + v", memory=("v",)), ": v"),
    "noise that grows too fast": (rule("x = x - eta*G", regime={"noise": "1/eta"}), "sigma0^2"),
    "noise that vanishes": (rule("x = x - eta*G", regime={"noise": "sqrt(eta)"}), "not vanish"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_FAR)
def test_a_step_that_moves_by_more_than_its_time_has_no_diffusion(name: str) -> None:
    method, term = TOO_FAR[name]
    for model in ("first-order", "second-order"):
        found, message = kind(method, model)
        assert found == "no-diffusion" and term in message, message


# --- moments that do not exist ---------------------------------------------------------------------------------------


def test_an_average_of_squares_needs_moments_of_twice_the_order() -> None:
    """The variance of squares, which the second order needs, is left out of the first with the condition under which it exists."""
    refused, message = kind(RMSprop(noise=StudentT(2), clients=1))
    assert refused == "no-drift" and "increment of v" in message and "order 2" in message
    four = RMSprop(noise=StudentT(4), clients=1)
    assert kind(four, "second-order")[0] in ("no-drift", "infinite-variance")
    left = {e.where: e for e in sde(four).rule.left_out}["covariance v v"]
    assert left.term is None and left.needs == 4 and left.condition is not None and left.condition.met is False


def test_a_power_of_higher_order_needs_its_moments_too() -> None:
    """eta^2 G^4 enters the second-order drift by E G^4, for which Student-t with nu <= 4 has a formula but no value."""
    update = ("m = m + eta*(G - m) + eta^2*G^4", "x = x - eta*m")
    four, five = (rule(*update, memory=("m",), noise=StudentT(nu)) for nu in (4, 5))
    assert "m" in sde(four).drifts and sde(five, "second-order").drifts
    refused, message = kind(four, "second-order")
    assert refused == "no-drift" and "order 4" in message


def test_cauchy_noise_has_no_mean_but_bounded_messages_have() -> None:
    assert kind(HeavyBall(noise=StudentT(1), clients=1))[0] == "no-drift"
    assert kind(HeavyBall(noise=StudentT("3/2"), clients=1))[0] == "infinite-variance"
    bounded = sde(EMAMomentum(noise=StudentT(1), clients=1, compressor=Sign()), "second-order")
    assert bounded.drifts and not bounded.conditions
    # the message before compression is not bounded
    unbounded = rule("v = v + eta*(raw^2 - v)", "x = x - eta*G*v", memory=("v",), noise=StudentT(1), compressor=Sign())
    assert kind(unbounded)[0] == "no-drift"


# --- kinks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        MajorityVote(clients=1), rule("x = x - eta*abs(x)"), rule(M, "x = x - eta*max(m, 0)", memory=("m",)),
        rule(M, "x = x - eta*sign((1 - c)*m - 2)", memory=("m",)),
    ],
    ids=["votes", "abs", "max", "slope"],
)  # fmt: skip
def test_kinks_have_a_first_order_and_no_second(method: Method) -> None:
    assert sde(method).drifts
    found, message = kind(method, "second-order")
    assert found == "not-differentiable" and "kink" in message


@pytest.mark.slow
def test_formulas_that_join_smoothly_are_not_a_kink() -> None:
    """The mean of a sign under Laplace noise of scale b, sgn(g) (1 - exp(-|g|/b)), has a continuous slope."""
    y, b = Coordinate("g"), sp.Symbol("b", positive=True)
    joined = sp.sign(y) * (1 - sp.exp(-sp.Abs(y) / b))
    assert joined_at(joined, y) and joined_at(joined.xreplace({y: y - 2 * b}), y - 2 * b)
    steep = y - 2 * b - y * sp.Symbol("c", positive=True)
    assert joined_at(joined.xreplace({y: steep}), steep)
    for broken in (sp.sign(y), joined + y * sp.sign(y) / 10, joined + sp.sign(y) / 10):
        assert not joined_at(broken, y)
        assert not joined_at(broken.xreplace({y: steep}), steep)
    method = EMAMomentum(noise=Laplace(), clients=1, compressor=Sign())
    assert sde(method, "second-order").drifts


# --- no closed form --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, why",
    [
        (rule("x = x - eta*C(raw)", compressor=TopK(1)), "the server made"),
        (rule("v = v + eta*(mean(local^2) - v)", "x = x - eta*G", memory=("v",), clients=2), "not linear"),
        (rule("x = x - eta*G/norm(G)"), "all coordinates"),
        (rule(M, "x = x - eta*G(x + m)", memory=("m",)), "quadratic losses: m"),
        (rule("x = x - eta*G(x - eta*G)", noise=Affine()), "depends on the gradient"),
        (rule("x = x - eta*G(x - eta*G)", compressor=Sign()), "random mask"),
        (rule("x = x - eta*G*(1 + beta^(-k))", fractions=("beta",)), "grows with the number of steps"),
        (rule("x = x - eta*G*(1 + q^k)"), "grows with the number of steps"),
    ],
)
def test_what_has_no_closed_form_says_what(method: Method, why: str) -> None:
    assert why in missing(method)


def momentum(compressor: Compressor, **more: Any) -> Method:
    update = ("m = (1 - a*eta)*m + a*eta*G", "x = x - eta*m")
    return Method(compressor, Gaussian(), 4, memory={"m": 0}, update=update, regime={}, **more)


@pytest.mark.parametrize("compressor", [QSGD(2), TopK(2)], ids=lambda c: type(c).__name__)
def test_moments_of_a_message_without_closed_form_are_letters(compressor: Compressor) -> None:
    """As for the method without memory: the drift where it is known, and S with the factor that the message has."""
    plain = sde(DCSGD(compressor, Gaussian(), 4))
    equation = sde(momentum(compressor)).rule
    assert plain.form is None and equation is not None and equation.message is not None
    mean = equation.message.mean if plain.drift is None else -plain.drift
    a, m, leaf = sp.Symbol("a", positive=True), Coordinate("m"), equation.message.covariance
    assert vanishes(equation.drift["m"] - a * (mean - m)) and equation.drift["x"] == -m
    assert equation.message.moments.conditional == plain.conditional
    pair = sp.S.Zero if plain.drift is not None else leaf.pair
    assert vanishes(equation.covariance["m", "m"] - eta * a**2 * leaf.variance / 4)
    assert vanishes(equation.pair["m", "m"] - eta * a**2 * pair / 4)
    if plain.drift is None:
        assert "mean of the step" in missing(momentum(compressor), "second-order")
    else:
        assert sde(momentum(compressor), "second-order").drifts


def test_letters_of_a_message_are_not_those_of_the_memory() -> None:
    update = ("b = b + eta*(G - b)", "S = S + eta*b", "x = x - eta*S")
    method = Method(TopK(2), Gaussian(), 1, memory={"b": 0, "S": 0}, update=update, regime={})
    equation = sde(method).rule
    assert equation is not None and equation.message is not None
    assert equation.message.mean.base not in ("b", "S") and equation.message.covariance.name not in ("b", "S")


def test_a_power_that_fades_is_forgotten() -> None:
    g = Coordinate("g")
    for power in ("beta^k", "beta^(2*k)", "(1/2)^k"):
        fractions = ("beta",) if "beta" in power else ()
        assert sde(rule(f"x = x - eta*G*(1 + {power})", fractions=fractions)).drift == -g


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "name"), [("v", "s"), ("unitnoise", "z")])
def test_names_mean_nothing(letter: str, name: str) -> None:
    """The message of a client is called v inside the engine, the root of the time s."""
    equations = []
    for a, q in (("m", "rho"), (letter, name)):
        method = rule(
            f"x = x - eta*sign(c*{a} + G)", f"{a} = b*{a} + (1-b)*G", memory=(a,), regime={"b": f"1 - {q}*eta"}
        )
        found = sde(method, dim=1).expanded
        table = {sp.Symbol(f"{a}1", real=True): sp.Symbol("A1", real=True), sp.Symbol(q, positive=True): sp.Symbol("Q")}
        equations.append([e.xreplace(table) for e in (*found.drift, *found.covariance)])
    assert all(vanishes(p - q) for p, q in zip(*equations, strict=True))
    assert equations[0][0].has(sp.Symbol("A1", real=True))


@pytest.mark.parametrize("letter, loss, noise", [("h", Quadratic(), Gaussian()), ("sigma", Quadratic(), Affine())])
def test_a_name_with_two_meanings_is_refused(letter: str, loss: Any, noise: Any) -> None:
    method = rule(f"{letter} = {letter} + eta*(G - {letter})", f"x = x - eta*{letter}", memory=(letter,), noise=noise)
    with pytest.raises(BadInput, match=f"{letter}1.*two meanings"):
        _ = sde(method, loss=loss, dim=1).expanded
    assert sde(method, loss=loss, dim=None).drifts


@pytest.mark.parametrize(
    ("method", "kinks"),
    [
        (rule("m = m + eta*(G - m)", "x = x - eta*sign(m)", memory=("m",)), ["sign(m_j)"]),
        (rule("x = x - eta*sign(G)", noise=NoNoise()), ["sign(g_j)"]),
        # sign(g) (1 - exp(-|g|/sigma)) is smooth at 0
        (rule("x = x - eta*sign(G)", noise=Scaled(Laplace(), "sigma")), []),
        # only the part with the kink is named, beside one that is joined smoothly
        (
            rule("m = m + eta*(G - m)", "x = x - eta*(sign(m) + sign(G))", memory=("m",), noise=Scaled(Laplace(), 1)),
            ["sign(m_j)"],
        ),
    ],
)
def test_where_weak_orders_presume_too_much_is_said(method: Method, kinks: list[str]) -> None:
    """Theorems on weak orders presume smooth coefficients."""
    equation = sde(method)
    assert [str(kink) for kink in equation.rule.kinks] == equation.to_dict()["kinks"] == kinks
    assert ("where the coefficients are smooth" in " ".join(str(equation).split())) == bool(kinks)


def test_a_singular_start_is_said() -> None:
    """The error of Adam from v = 0 falls like eta log(1/eta): Var G^2 of the first steps is not small beside v."""

    def singular(start: int, denominator: str) -> list[str]:
        update = ["v = v + eta*(G^2 - v)", f"x = x - eta*G/(1 + {denominator})"]
        equation = sde(Method(memory={"v": start}, update=update, noise=Gaussian(), clients=1, regime={}))
        assert "singular, as the method starts" in " ".join(str(equation).split())
        assert [str(e) for e in equation.rule.singular] == equation.to_dict()["singular"]
        return equation.to_dict()["singular"]

    adam = "sqrt(v/(1 - exp(-t)))"
    assert singular(0, adam) == ["1/(1 - exp(-t))", "sqrt(v_j/(1 - exp(-t)))"] and singular(1, adam) == [
        "1/(1 - exp(-t))"
    ]
    assert singular(0, "v^(1/3)") == ["v_j**(1/3)"]


# --- the same method, written otherwise ------------------------------------------------------------------------------

SAME: list[tuple[Compressor, Any, Any, Schedule]] = [
    (Identity(), Gaussian(), None, Free()),
    (Identity(), Gaussian(), None, Normalised(1, "k1")),
    (RandK(2), Laplace(), 3, Power("p")), 
    (Bernoulli(), Correlated(Gaussian()), None, Free()), (Sign(), StudentT(1), None, Free()),
    (Bernoulli(), Scaled(StudentT("nu"), ("s1", "s2")), None, Free()),
    (ScaledSign(), NoNoise(), None, Free()),
]  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(n, marks=() if n == 0 else pytest.mark.slow) for n in range(len(SAME))])
@pytest.mark.parametrize("model", ["first-order", "second-order"])
def test_the_method_without_memory_is_the_same_by_either_route(case: int, model: Any) -> None:
    """x - eta (G + 0 x) is x - eta G: formulas of the models without memory, and the operators, with time in the schedule."""
    compressor, noise, clients, schedule = SAME[case]
    plain = Method(compressor, noise, clients, schedule)
    other = Method(compressor, noise, clients, schedule, update=["x = x - eta*(G + 0*x)"], regime={})
    try:
        one = sde(plain, model, Mixed(), 2).expanded
    except Refusal as refused:
        assert kind(other, model)[0] == refused.kind
        return
    two = sde(other, model, Mixed(), 2).expanded
    assert plain.plain and not other.plain
    assert all(
        vanishes(a - b) for a, b in zip((*one.drift, *one.covariance), (*two.drift, *two.covariance), strict=True)
    )


def test_a_measured_covariance_enters_by_its_entries() -> None:
    found = sde(EMAMomentum(noise=Correlated(Gaussian()), clients=1), dim=2).expanded
    rho = sp.Symbol("rho", positive=True)
    entries = [[sp.Symbol(f"Sigma{min(i, j)}_{max(i, j)}", real=True) for j in (1, 2)] for i in (1, 2)]
    assert (found.covariance[2:, 2:] - eta * rho**2 * sp.Matrix(entries)).expand() == sp.zeros(2, 2)


def test_a_product_grows_as_all_of_its_factors() -> None:
    """E G^2 raw needs the third moment of the noise."""
    update = ("v = v + eta*(G^2*raw - v)", "x = x - eta*v")
    cubes = rule(*update, memory=("v",), noise=StudentT("nu"))
    assert "nu > 3" in [str(c) for c in sde(cubes).conditions if c.purpose == "the drift exists"]


def test_a_zero_that_moves_off_to_infinity_is_not_expanded() -> None:
    """Cautious momentum: with m' = m + r eta (G - m) the sign of m' G has a second zero, at G = m - m/(r eta)."""
    method = rule("m = b*m + (1 - b)*G", "x = x - eta*m*(1 + sign(m*G))/2", memory=("m",), regime={"b": "1 - r*eta"})
    assert "moves off to infinity" in sde(method, "second-order").missing
    apart = rule(
        "m = b*m + (1 - b)*G", "x = x - eta*m*(1 + sign(m)*sign(G))/2", memory=("m",), regime={"b": "1 - r*eta"}
    )
    assert sde(apart).drifts


# --- products of Hessian products of random vectors -------------------------------------------------------------------

HUTCHINSON = rule("z = normal", "h = h + eta*(z*hess(z) - h)", "x = x - eta*G/(1 + h^2)", memory=("h",))


def test_hutchinson_s_diagonal_on_sums_over_coordinates() -> None:
    """E[z_j (H z)_j] = H_jj, which is f_j'' there (AdaHessian, Sophia-H)."""
    cubes = SeparableSum("x^4/4 + x^2")
    for loss, dim in ((None, None), (None, 1), (cubes, 2)):
        equation = sde(HUTCHINSON, "first-order", loss, dim)
        assert equation.rule is not None and equation.rule.local
    drift = sde(HUTCHINSON, loss=cubes, dim=2).expanded
    x, h = ([sp.Symbol(f"{a}{j}", real=True) for j in (1, 2)] for a in "xh")
    for j in (0, 1):
        assert vanishes(drift.drift[2 + j].doit() - (3 * x[j] ** 2 + 2 - h[j]))


def test_no_such_mean_where_coordinates_act_on_each_other() -> None:
    """In general it needs the diagonal of the Hessian, and that of (H Z)_j^2 a sum over a row."""
    # what stands in the way of its second order is not noise in the limit
    ahead = rule("x = x - eta*fresh(x + r*sqrt(eta)*G)")
    assert "limit" not in sde(ahead, "second-order", Mixed(), 2).missing and sde(ahead, "second-order", dim=1).drifts
    for loss, dim in ((Mixed(), 2), (None, 2)):
        equation = sde(HUTCHINSON, "first-order", loss, dim)
        assert equation.rule is None and "Hessian products" in equation.missing
    mixing = Method(
        TopK(1), Gaussian(), 1, memory={"v": 1}, update=["v = v + eta*(hess(G)^2 - v)", "x = x - eta*G*v"], regime={}
    )
    assert sde(mixing).rule is None


@pytest.mark.slow
def test_their_weak_order() -> None:
    """In one dimension, and on a sum over two coordinates, by all outcomes of the real steps."""
    method = rule(*HUTCHINSON.rule.update, memory=("h",), noise=Scaled(TWO, "sigma"))
    for dim, more in ((1, {}), (2, {"loss": SeparableSum("x^4/4 + x^3/3 + x^2")})):
        assert measured_order(method, "second-order", dim, **more) > 6 - MARGIN


@pytest.mark.parametrize("letter", ["H", "T", "D", "S", "b", "v", "J", "third"])
def test_the_name_of_a_memory_changes_nothing_but_the_name(letter: str) -> None:
    """The equation of a second order with large noise has f'' and f''' of the loss, which once were letters H and T too."""

    def equation(name: str) -> tuple[Any, Any]:
        method = Method(
            memory=((name, 0),), update=(f"{name} = a*{name} + (1-a)*(G + {name}^2)", f"x = x - eta*{name}"), clients=1,
            regime={"a": "1 - c*eta", "noise": "1/sqrt(eta)"}, fractions=("a",), noise=Scaled(Gaussian(), "sigma"),
        )  # fmt: skip
        rule = sde(method, "second-order", Quartic(), 2).rule
        plain = {Coordinate(name, slot): Coordinate("m", slot) for slot in "ijk"}
        drift = {key.replace(name, "m"): e.xreplace(plain) for key, e in rule.drift.items()}
        return drift, [e.xreplace(plain) for e in rule.covariance.values()]

    assert equation(letter) == equation("m")
