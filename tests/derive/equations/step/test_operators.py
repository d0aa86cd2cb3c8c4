"""One-step operators: against exact expectations of a step, and against the equations that the literature has."""

from collections.abc import Mapping

import pytest
import sympy as sp

from sdescent.derive.equations.step.increments import root
from sdescent.derive.equations.step.operators import OneStep, Operator
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.vocabulary.errors import Refusal
from tests.support.laws.moments import moments_of
from tests.support.samples import slow_but

x, m, V, Z = sp.symbols("x m V Z", real=True)
v = sp.Symbol("v", positive=True)
s2, m4, mu, c, eps = sp.symbols("s2 m4 mu c epsilon", positive=True)
#: the time of a step, by its root
step = root**2
f = sp.Function("f")(x)
g, H = f.diff(x), f.diff(x, 2)
D = sp.Function("D")(v)
NOISE = moments_of({Z: {2: s2, 4: m4}})


def sgd() -> OneStep:
    return OneStep((x,), {x: -step * (g + Z)}, NOISE)


def rmsprop() -> OneStep:
    """x' = x - eta G D(v), v' = v + c eta (G^2 - v): ballistic, with the old v in the denominator."""
    return OneStep((x, v), {x: -step * (g + Z) * D, v: c * step * ((g + Z) ** 2 - v)}, NOISE)


def equal(a: sp.Matrix, b: list) -> bool:
    unknown = {e: sp.Dummy(real=True) for e in [*a.atoms(sp.Derivative), *a.atoms(sp.Function)]}
    return all(vanishes((p - q).xreplace(unknown)) for p, q in zip(a, sp.Matrix(b), strict=True))


def spread(found: OneStep) -> sp.Matrix:
    """The covariance of a step at the order tau^2."""
    return found.power(4).covariance() - found.L0.drift() * found.L0.drift().T


# --- against the literature ------------------------------------------------------------------------------------------------


def test_sgd_has_the_second_order_model_of_modified_equations() -> None:
    """Li, Tai, E 2017: drift -f' - (eta/2) f'' f', covariance eta s."""
    found = sgd()
    assert equal(found.L0.drift(), [-g]) and not any(found.L0.covariance())
    assert equal(found.L1.drift(), [-H * g / 2]) and equal(found.L1.covariance(), [s2])
    assert equal(spread(found), [s2])


def test_rmsprop_in_the_ballistic_regime() -> None:
    found = rmsprop()
    pull, slope = g**2 + s2 - v, D.diff(v)
    assert equal(found.L0.drift(), [-g * D, c * pull])
    assert equal(found.L1.drift(), [-g / 2 * (D**2 * H - c * slope * pull), c * g**2 * H * D + c**2 / 2 * pull])
    variance = c**2 * (m4 - s2**2 + 4 * g**2 * s2)
    assert equal(found.L1.covariance(), [[s2 * D**2, -2 * c * g * s2 * D], [-2 * c * g * s2 * D, variance]])


# --- against all outcomes of a step -----------------------------------------------------------------------------------------

#: values and probabilities: mean 0, variance 1
SKEWED = {sp.Rational(-1, 2): sp.Rational(4, 5), sp.S(2): sp.Rational(1, 5)}
POLYNOMIAL: dict[str, Mapping[sp.Symbol, sp.Expr]] = {
    "sgd": {x: -step * (x**3 + Z)},
    "momentum, noise of order one": {x: step * m, m: -step * m + root * Z * (1 + x**2) - step * x},
    "an average of squares": {x: -step * (x + Z) * (1 - v), v: step * ((x + Z) ** 2 - v)},
}


def change(increment: Mapping[sp.Symbol, sp.Expr], phi: sp.Expr, outcomes: Mapping[sp.Expr, sp.Expr]) -> sp.Expr:
    """E phi(z + F) - phi(z) over all outcomes, exactly."""
    ends = [p * phi.xreplace({a: a + F.xreplace({Z: z}) for a, F in increment.items()}) for z, p in outcomes.items()]
    return sp.expand(sp.Add(*ends) - phi)


@pytest.mark.parametrize("name", slow_but(POLYNOMIAL, ("sgd", "momentum, noise of order one")))
def test_the_operators_have_the_expectation_of_a_step(name: str) -> None:
    """The powers s to s^4 of E phi(z + F) - phi(z), for test functions that involve the memory."""
    increment, outcomes = POLYNOMIAL[name], SKEWED
    state = tuple(increment)
    known = {n: sp.Add(*[p * z**n for z, p in outcomes.items()]) for n in range(1, 9)}
    found = OneStep(state, increment, moments_of({Z: known}))
    last = state[-1]
    for phi in (x**2, x * last, last**3 + x * last**2, (x + last) ** 4):
        exact = sp.Poly(change(increment, phi, outcomes), root)
        for n in range(1, 5):
            own = found.power(n)
            assert sp.expand(own(phi) - exact.coeff_monomial(root**n)) == 0
            for index in own.terms:  # every coefficient matters
                less = Operator(state, {other: a for other, a in own.terms.items() if other != index})
                lost = sp.prod([letter**k for letter, k in zip(state, index, strict=True)])
                there = sp.Poly(change(increment, lost, outcomes), root).coeff_monomial(root**n)
                assert sp.expand(less(lost) - there) != 0


def test_products_are_compositions() -> None:
    found = rmsprop().L0
    phi = x**2 * v + v**3 * x
    assert vanishes((found(found(phi)) - (found @ found)(phi)).subs({D: v**2, f: x**4}).doit())


def test_half_orders_by_hand() -> None:
    """F = s Z - s^2 x - s^3 x^2: L_0 = -x d + d^2/2, L_half = -x^2 d, A_(5/2) = x^3 d^2 - x^2 d^3/2.

    (L_0 L_half + L_half L_0)/2 = (3 x^2 - 1)/2 d + (x^3 - x) d^2 - x^2 d^3/2.
    """
    found = OneStep(
        (x,), {x: root * Z - root**2 * x - root**3 * x**2}, moments_of({Z: {2: sp.S.One, 4: sp.Integer(3)}})
    )
    assert equal(found.half.drift(), [-(x**2)]) and not any(found.half.covariance())
    assert equal(found.rest.drift(), [(1 - 3 * x**2) / 2]) and equal(found.rest.covariance(), [2 * x])


# --- refusals ---------------------------------------------------------------------------------------------------------------


def test_what_stands_in_the_way_of_a_second_order_is_named() -> None:
    """Noise of order sqrt(tau) in x: only with the kurtosis of a Gaussian, and no skew, is there an SDE of weak order 2."""
    walk = {x: root * Z}
    assert OneStep((x,), walk, moments_of({Z: {2: s2, 4: 3 * s2**2}})).L1.terms == {}
    with pytest.raises(Refusal, match=r"above the second.*d_x\^4") as refused:
        _ = OneStep((x,), walk, moments_of({Z: {2: s2, 4: m4}})).L1
    assert refused.value.kind == "no-second-order-sde"
    with pytest.raises(Refusal, match=r"above the second.*d_x\^3"):
        _ = OneStep((x,), walk, moments_of({Z: {2: s2, 3: m4, 4: 3 * s2**2}})).L1


def test_a_step_that_moves_too_far_has_no_diffusion() -> None:
    with pytest.raises(Refusal, match="root of its time"):
        _ = OneStep((x,), {x: -root * (g + Z)}, NOISE).L0
    with pytest.raises(Refusal, match="does not shrink"):
        _ = OneStep((x,), {x: -g}, NOISE).L0
