"""Ensembles of equations of one's own: exact laws, the bits of derived equations, roots of small blocks, what is refused.

Random tests have fixed keys and accept five standard errors, beside a bound on the solver's own bias where it has one.
"""

import numpy as np
import pytest
import sympy as sp
from scipy import linalg

import sdescent as sd
from sdescent.derive.audit.equation_in_coordinates import StateSDE
from sdescent.derive.derivation import SDE
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.factors import small_root
from sdescent.numerics.lowering.tape import environment
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.roots import Dense, RankOne, Thin, _large_root
from tests.support.laws.samplers import within

FIRST = {"first": lambda x: x[0]}


def coupled() -> StateSDE:
    return SDE.from_coordinates(["x", "m"], ["-2*x + m", "x/3 - m"], [["1 + x^2/4", "r*x"], ["r*x", "3/2"]])


@pytest.mark.slow
def test_an_ornstein_uhlenbeck_process_in_time_has_its_closed_mean_and_variance():
    """dX = (cos(2t) - X) dt + e^{-t} dW from 2: Var X = t e^{-2t}, the mean by variation of constants. 4 comparisons."""
    equation = SDE.from_coordinates(["x"], ["cos(2*t) - x"], diffusion=[["exp(-t)"]])
    found = equation.solve([2.0], 2.0, 20_000, 3, dt=1 / 64, save=[0.5, 2.0])
    t = found.times
    mean = 2 * np.exp(-t) + (np.cos(2 * t) + 2 * np.sin(2 * t) - np.exp(-t)) / 5
    within(found.values["x"], mean, 2e-4)
    within((found.values["x"] - mean[:, None]) ** 2, t * np.exp(-2 * t), 2e-4)


@pytest.mark.slow
def test_parameters_may_differ_from_path_to_path():
    """As if each value had a run of its own; a value outside the domain of one path is refused."""
    equation = SDE.from_coordinates(["x"], ["theta - k*x"], [["k*x"]], positive=["x", "k"])
    same = {"dt": 1 / 32, "save": [0.5, 1.0], "statistics": {"square": "x^2"}}
    ks = np.array([0.5, 2.0, 2.0, 0.5])
    found = equation.solve([1.0], 1.0, 4, 3, {"theta": 1}, varied={"k": ks}, **same)
    for n, k in enumerate(ks[:2]):
        alone = equation.solve([1.0], 1.0, 1, 3, {"theta": 1, "k": k}, first=n, **same)
        np.testing.assert_allclose(alone.final[0], found.final[0, n], rtol=1e-12)
        np.testing.assert_allclose(alone.values["square"][:, 0], found.values["square"][:, n], rtol=1e-12)
    assert len(set(found.final[0])) == 4 and found.settings["varied"] == {"k": [0.5, 2.0]}
    wrongs = {"> 0": {"k": -ks}, "one of": {"q": ks}, "one per path": {"k": ks[:2]}, "one number": {"theta": ks}}
    for told, wrong in wrongs.items():
        with pytest.raises(BadInput, match=told):
            equation.solve([1.0], 1.0, 4, 3, {"theta": 1}, varied=wrong, **same)


@pytest.mark.slow
def test_second_moments_of_coupled_noise_follow_their_equations():
    """E zz' of an affine equation with multiplicative, correlated noise, by the matrix exponential of its moment equations."""
    equation = coupled()
    moments = equation.moment_equations(2)
    r = sp.Symbol("r", real=True)
    both = (e.subs(r, sp.Rational(1, 2)).tolist() for e in (moments.matrix, moments.constant))
    matrix, constant = (np.array(e, float) for e in both)
    start = np.array([1.0**a * (-1.0) ** b for a, b in moments.exponents])
    whole = np.block([[matrix, constant], [np.zeros((1, len(start) + 1))]])
    expected = dict(zip(moments.exponents, (linalg.expm(1.5 * whole) @ [*start, 1])[:-1], strict=True))
    kept = {"xx": lambda z: z[0] ** 2, "xm": lambda z: z[0] * z[1], "mm": lambda z: z[1] ** 2}
    found = equation.solve([1.0, -1.0], 1.5, 40_000, 4, {"r": 0.5}, dt=1 / 128, save=[1.5], statistics=kept)
    for name, exponent in (("xx", (2, 0)), ("xm", (1, 1)), ("mm", (0, 2))):
        within(found.values[name], expected[exponent], 4e-3)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["milstein", "heun"])
def test_geometric_brownian_motion_has_its_moments(scheme):
    """E X = e^{mu t}, E X^2 = e^{(2 mu + sigma^2) t}; the bias of a scheme of weak order 1 is below dt here."""
    equation = SDE.from_coordinates(["x"], ["mu*x"], [["sigma^2*x^2"]])
    found = equation.solve([1.0], 1.0, 20_000, 5, {"mu": 0.3, "sigma": 0.4}, dt=1 / 64, save=[1.0], scheme=scheme)
    within(found.values["x"], np.exp(0.3), 1 / 64)
    within(found.values["x"] ** 2, np.exp(0.6 + 0.16), 2 / 64)


@pytest.mark.slow
def test_an_equation_derived_from_a_method_has_the_same_bits_when_it_is_stated():
    method = sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), 1), clients=2)
    derived = sd.sde(method, loss=sd.losses.Quadratic((1, 2, 3)), dim=3)
    named = derived.coordinates()
    own = SDE.from_coordinates(named.state, named.drift, named.covariance)
    x0, params = [1.0, -1.0, 2.0], {"eta": 0.25}
    one, two = (solve(e, x0, 2.0, 300, 6, params, save=3, statistics=FIRST) for e in (derived, own))
    assert np.array_equal(one.final, two.final) and np.array_equal(one.values["first"], two.values["first"])
    assert np.array_equal(one.times, two.times)


@pytest.mark.slow
def test_the_roots_of_blocks_and_what_is_not_a_covariance():
    draw = np.random.default_rng(20250600181)
    for rank in (1, 2, 3):
        factors = draw.normal(size=(50, 3, rank)) * np.array([1e-6, 1.0, 1e3])[:, None]
        matrices = factors @ factors.transpose(0, 2, 1)
        rows = [[jnp.asarray(matrices[:, i, j]) for j in range(i + 1)] for i in range(3)]
        sizes = [jnp.asarray(matrices[:, i, i]) for i in range(3)]
        found = np.zeros((50, 3, 3))
        for i, row in enumerate(small_root(rows, sizes)):
            for j, e in enumerate(row):
                found[:, i, j] = e
        scale = np.sqrt(np.einsum("pii->pi", matrices))
        gap = np.abs(found @ found.transpose(0, 2, 1) - matrices) / (scale[:, :, None] * scale[:, None, :])
        assert gap.max() < 1e-6  # of a pivot that is 0 up to rounding the column is left out
        large = _large_root(rows, sizes)
        whole = np.stack([np.stack(row, -1) for row in large], -2)
        assert np.allclose(whole @ whole.transpose(0, 2, 1), matrices, rtol=0, atol=1e-9 * matrices.max())
    one = jnp.ones(1)
    for wrong in ([[-one]], [[one], [2 * one, one]], [[0 * one], [one, one]]):
        assert np.isnan(np.concatenate([np.concatenate(row) for row in small_root(wrong, [one] * len(wrong))])).any()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dt": None}, "without eta"),
        ({"params": {"mu": 1}}, "no value"),
        ({"params": {"mu": 1, "sigma": 1, "nu": 3}}, "one of mu, sigma"),
        ({"params": {"mu": 1, "sigma": 0}}, "> 0"),
        ({"params": {"mu": 1, "sigma": [[1]]}}, "a number"),
        ({"x0": [1.0, 2.0]}, "in the order x"),
        ({"x0": [-1.0]}, "points with x > 0"),
        ({"T": 0}, "finite number > 0"),
        ({"save": [0.0]}, "times from 0 to T"),
        ({"scheme": "rk4"}, "one of predictor"),
        ({"dt": 1e-9}, "ten million"),
    ],
)
def test_settings_that_are_refused(changed, said):
    equation = SDE.from_coordinates(["x"], ["mu*x"], [["sigma^2*x^2"]], positive=["x", "sigma"])
    asked = {"x0": [1.0], "T": 1.0, "paths": 2, "params": {"mu": 1, "sigma": 1}, "dt": 0.1} | changed
    with pytest.raises(BadInput, match=said):
        equation.solve(**asked)


def test_what_does_not_belong_to_an_equation_of_ones_own_is_refused():
    equation = SDE.from_coordinates(["x"], ["k - x"], [["s^2*x"]], positive=["x"], conditions=["2*k > s^2"])
    with pytest.raises(Refusal, match="fails at these numbers"):
        equation.solve([1.0], 1.0, 2, params={"k": 1, "s": 2}, dt=0.1)
    with pytest.raises(BadInput, match="equation of your own"):
        solve(equation, [1.0], 1.0, 2, params={"k": 1, "s": 1}, dt=0.1, loss=sd.losses.Quadratic())
    general = coupled()
    with pytest.raises(BadInput, match="milstein needs diagonal noise"):
        general.solve([1.0, 1.0], 1.0, 2, params={"r": 0.1}, dt=0.1, scheme="milstein")
    with pytest.raises(Refusal, match="not differentiable"):
        SDE.from_coordinates(["x"], ["-x"], [["abs(x)"]]).solve([1.0], 1.0, 2, dt=0.1, scheme="heun")


def test_the_thin_root_of_many_coordinates_has_the_covariance_of_the_dense_one():
    draw = np.random.default_rng(2)
    values = [*draw.uniform(1, 2, (2, 5, 3)), *draw.normal(size=(2, 5, 3)), *map(jnp.asarray, (0.5, 0.2, 0.2, -0.1))]
    diag, mean, factor, _, *_ = values
    env = environment({}, {"g": jnp.ones((5, 3))})

    def covariance(root):
        @jax.jit
        def columns():
            return [root.apply(root.coefficients(env), jnp.tile(z[:, None], (1, 3))) for z in jnp.eye(5)]

        return np.einsum("kip,kjp->ijp", *[columns()] * 2)

    dense, thin = (covariance(kind(5, 2, lambda env: values)) for kind in (Dense, Thin))
    np.testing.assert_allclose(thin, dense, rtol=1e-9, atol=1e-12)
    of_rank_one = covariance(RankOne(5, 5, lambda env: (diag, mean, factor, jnp.asarray(-0.1))))
    expected = np.eye(5)[..., None] * diag[:, None] - 0.1 * factor[:, None] * factor
    np.testing.assert_allclose(of_rank_one, expected, rtol=1e-12, atol=1e-12)
