"""Lowering: equal to SymPy's own numbers, loud about what it cannot do, finite in derivatives, O(d) in memory."""

from itertools import product

import mpmath
import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import Coordinate, coord_max, coord_sum, g, hvp
from sdescent.derive.expressions.gradient_form import Expansion
from sdescent.derive.methods.compressors import FixedGrid, Natural, RandK, Ternary, TopK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian, Scaled, StableDensity, StableSignMean
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.functions import arctangent, rank_descending
from sdescent.numerics.lowering.special import (
    dilogarithm_ratio,
    hyp2f1_step,
    hyp2f1_step_table,
    stable_density,
    stable_density_table,
    stable_sign_mean,
    stable_sign_mean_table,
)
from sdescent.numerics.lowering.to_jax import (
    Environment,
    LoweringError,
    environment,
    lower_all,
    lower_coordinate,
    lower_function,
    specialise,
    tables_for,
)

HALF = sp.Rational(1, 2)
LAWS = [
    sd.noise.Gaussian(), sd.noise.StudentT(5), sd.noise.StudentT(sp.Rational(7, 2)), sd.noise.Cauchy(), sd.noise.Laplace(),
    sd.noise.Uniform(), sd.noise.Logistic(), sd.noise.Stable(sp.Rational(3, 2)), sd.noise.Stable(2),
]  # fmt: skip
HYP2F1 = jax.jit(hyp2f1_step)
POINTS = np.array([-3.1, -1.0, -0.2, 0.0, 1e-3, 0.7, 2.5, 9.0])


@pytest.mark.parametrize(("law", "m"), [*((law, 0) for law in LAWS), (LAWS[0], 2), (LAWS[4], 1)], ids=str)
def test_laws_equal_sympy_at_points(law, m):
    y = sp.Symbol("y", real=True)
    slow = isinstance(law, sd.noise.Stable) and not law.closed_form  # in mpmath
    points = POINTS[2:6] if slow else POINTS
    expr = law.signed_moment(m, y)
    f = lower_function(expr, [y])
    got, slopes = jax.jit(jax.vmap(jax.value_and_grad(f)))(points)
    expected = [float(expr.subs(y, sp.Rational(str(p))).evalf(20)) for p in points]
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-13)
    assert np.all(np.isfinite(slopes))


@pytest.mark.parametrize(
    ("expr", "name"),
    [
        (sp.besselj(0, sp.Symbol("y")), "besselj"),
        (sp.hyper((1, 2, 3), (4, 5), sp.Symbol("y")), "hypergeometric"),
        (sp.Function("mystery")(sp.Symbol("y")), "mystery"),
        (sp.Symbol("y") * sp.zoo, "not a finite real number"),
        (sp.sqrt(-1) * sp.Symbol("y"), "not a finite real number"),
    ],
)
def test_unsupported_functions_raise_when_lowered(expr, name):
    with pytest.raises(LoweringError, match=name):
        lower_coordinate(expr)


def test_a_missing_parameter_is_named():
    nu, sigma = sp.Symbol("nu", positive=True), sp.Symbol("sigma", positive=True)
    lowered = lower_coordinate(nu * g + sigma)
    assert lowered.symbols == {"nu", "sigma"}
    with pytest.raises(BadInput, match=r"parameter nu.*nu, sigma"):
        lowered(Environment({"g": jnp.ones((2, 1))}))
    with pytest.raises(BadInput, match="loss"):
        lower_coordinate(hvp(g))(Environment({"g": jnp.ones((2, 1))}))
    with pytest.raises(BadInput, match="vector s"):
        lower_coordinate(Coordinate("s") * g)(Environment({"g": jnp.ones((2, 1))}))


@pytest.mark.parametrize(
    ("expr", "at"),
    [
        (sp.Piecewise((sp.log(g), g > 0), (0, True)), [-1.0, 0.0, 2.0]),
        (sp.Piecewise((sp.erf(g) / g, sp.Ne(g, 0)), (2 / sp.sqrt(sp.pi), True)), [0.0, 1e-8, 1.0]),
        (sp.Piecewise((sp.sqrt(g - 1), g > 1), (sp.exp(-1 / (1 - g)), g < 1), (0, True)), [0.0, 1.0, 3.0]),
        (sp.sqrt(coord_sum(g**2)), [0.0, 0.0]),
        (Natural().conditional_moments(sp.Symbol("d")).diag.xreplace({Coordinate("v"): g}), [0.0, 0.5, 3.0, -0.3]),
        (sd.compressors.QSGD(2).conditional_moments(sp.Symbol("d")).in_vector("v", "g").diag, [0.0, 0.0]),
        (sp.Abs(g) ** sp.Rational(1, 3), [0.0, 8.0]),
    ],
    ids=str,
)
def test_values_and_gradients_through_cases_are_finite(expr, at):
    lowered = lower_coordinate(expr)
    x = jnp.asarray(at)[:, None]

    @jax.jit
    def everything(x):
        def value(x):
            return lowered(Environment({"g": x}))

        return value(x), jax.grad(lambda x: jnp.sum(value(x)))(x), jax.jvp(value, (x,), (jnp.ones_like(x),))[1]

    for found in everything(x):
        assert np.all(np.isfinite(found))


def test_cases_that_leave_a_gap_are_nan_there():
    lowered = lower_coordinate(sp.Piecewise((g, g > 0)))
    np.testing.assert_array_equal(lowered(Environment({"g": jnp.array([[2.0], [-1.0]])})), [[2.0], [np.nan]])


def test_hessian_products_and_nested_aggregates():
    h = jnp.array([[2.0, 1.0], [1.0, 3.0]])
    env = Environment({"g": jnp.array([[1.0, -1.0], [2.0, 0.5]])}, {"c": 2.0}, directional=lambda c, n: h @ c)
    norm2 = coord_sum(g**2)
    expr = sp.Symbol("c") * hvp(g / norm2) + coord_max(g / norm2) * sp.Symbol("d")
    gg = np.array([[1.0, -1.0], [2.0, 0.5]])
    scaled = gg / (gg**2).sum(0)
    np.testing.assert_allclose(lower_coordinate(expr)(env), 2 * np.asarray(h) @ scaled + 2 * scaled.max(0), rtol=1e-14)


FORMS = [
    Method(RandK(2), Scaled(Gaussian(), (1, 2)), schedule=sd.schedules.Constant()),
    Method(sd.compressors.Sign(), Scaled(sd.noise.StudentT(3), (1, 2, 3))),
    Method(TopK(2)),
    Method(Ternary()),
    Method(FixedGrid(HALF)),
]


@pytest.mark.parametrize("method", FORMS, ids=lambda m: type(m.compressor).__name__)
def test_the_form_lowers_to_what_it_expands_to(method):
    dim = 4
    form = moments(method).form
    assert form is not None
    numbers = [sp.Rational(3, 4), -sp.Rational(5, 4), sp.Rational(3, 4), sp.S.Zero]
    expansion = Expansion(dim, {"g": numbers})
    x = jnp.array([float(v) for v in numbers])[:, None]
    lowered = lower_all([form.mean, form.diag, form.variance])
    got = jax.jit(lambda x: lowered(environment({}, {"g": x})))(x)
    covariance = form.covariance(expansion)
    wanted = expansion.vector(form.mean), expansion.vector(form.diag), [covariance[j, j] for j in range(dim)]
    for value, expected in zip(got, wanted, strict=True):
        numbers = [float(e.evalf(20)) for e in expected]
        np.testing.assert_allclose(np.broadcast_to(value, (dim, 1))[:, 0], numbers, rtol=1e-12, atol=1e-14)


def test_working_precision_follows_the_arrays():
    lowered = lower_coordinate(sp.pi * g / 3 + sp.Symbol("s") * sp.sqrt(coord_sum(g**2)))
    value = lowered(Environment({"g": jnp.ones((3, 2), jnp.float32)}, {"s": 0.5}))
    assert value.dtype == jnp.float32


def test_a_large_gradient_form_takes_memory_linear_in_d():
    form = moments(Method(RandK(100), sd.noise.Affine(1, HALF))).form
    assert form is not None
    lowered = lower_all([form.mean, form.diag, *form.factors, *form.core])

    def bytes_used(dim: int) -> int:
        function = jax.jit(lambda x: lowered(Environment({"g": x})))
        analysis = function.lower(jax.ShapeDtypeStruct((dim, 1), jnp.float64)).compile().memory_analysis()
        return analysis.temp_size_in_bytes + analysis.output_size_in_bytes

    large = bytes_used(10**5)
    assert large < 100 * 8 * 10**5
    assert large < 11 * bytes_used(10**4)


def test_column_matrices_are_flattened():
    x, y = sp.symbols("x y")
    f = lower_function(sp.Matrix([x + y, 3, x * y]), [x, y])
    assert f(jnp.ones(4), 2.0).shape == (3, 4)
    np.testing.assert_array_equal(f(1.0, 2.0), [3, 3, 2])
    with pytest.raises(LoweringError, match="y"):
        lower_function(x + y, [x])


@pytest.mark.slow
def test_the_hypergeometric_step_and_its_table():
    for nu in (0.3, 2.5, 1000.0):
        for (a, b), w in product(((0.5, (nu + 1) / 2), (1.5, (nu + 3) / 2)), (0.0, 1e-12, 1e-4, 0.6, 1.001, 20.0, 1e6)):
            expected = float(mpmath.hyp2f1(a, b, a + 1, -w))
            assert float(HYP2F1(a, b, -w)) == pytest.approx(expected, rel=1e-9, abs=1e-300)
            if nu == 2.5:
                value, slope = jax.value_and_grad(hyp2f1_step_table(a, b))(w)
                exact = float(-a * b / (a + 1) * mpmath.hyp2f1(a + 1, b + 1, a + 2, -w))
                assert (float(value), float(slope)) == (pytest.approx(expected, 1e-12), pytest.approx(exact, 1e-9))
    assert np.isnan(hyp2f1_step(jnp.float64(1.5), jnp.float64(1.0), jnp.float64(-1.0)))
    assert np.isnan(hyp2f1_step_table(0.5, 1.75)(-1.0))


@pytest.mark.slow
def test_the_dilogarithm_and_its_slope():
    z = -np.logspace(-9, 0, 13)
    expected = [float(mpmath.polylog(2, v) / v) for v in z]
    np.testing.assert_allclose(dilogarithm_ratio(jnp.asarray(z)), expected, rtol=1e-13)
    slope = [float(-mpmath.log1p(-v) / v - mpmath.polylog(2, v) / v) / v for v in z[6:]]  # (Li_2(z)/z)'
    np.testing.assert_allclose(jax.jit(jax.vmap(jax.grad(dilogarithm_ratio)))(z[6:]), slope, rtol=1e-9)


@pytest.mark.slow
def test_stable_laws_against_closed_forms_and_the_tail_series():
    x = jnp.asarray([0.0, 1e-7, 0.4, 1.0, 1.2, 30.0, 1e6])
    np.testing.assert_allclose(stable_sign_mean(1.0, x), 2 / np.pi * np.arctan(x), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(stable_density(1.0, x), 1 / (np.pi * (1 + np.asarray(x) ** 2)), rtol=1e-10)
    a, far = 0.3, 1e3  # 1 - F as a convergent series for alpha < 1

    def term(k: int) -> mpmath.mpf:
        size = mpmath.gamma(a * k) / mpmath.factorial(k) * mpmath.sin(mpmath.pi * a * k / 2)
        return (-1) ** (int(k) + 1) * size * mpmath.mpf(far) ** (-a * k)

    tail = 2 / mpmath.pi * mpmath.nsum(term, [1, mpmath.inf])
    assert 1 - float(stable_sign_mean(a, far)) == pytest.approx(float(tail), rel=1e-11)
    y = sp.Symbol("y", real=True)
    density = lower_function(StableDensity(sp.Symbol("alpha"), y), [sp.Symbol("alpha"), y])
    slope = jax.grad(lower_function(StableSignMean(sp.Rational(3, 2), y), [y]))
    assert float(slope(0.0)) == pytest.approx(2 * float(mpmath.gamma(mpmath.mpf(5) / 3) / mpmath.pi), rel=1e-12)
    assert float(slope(0.7)) == pytest.approx(2 * float(density(1.5, 0.7)), rel=1e-12)


@pytest.mark.slow
def test_the_stable_tables():
    alpha = 0.95
    x = np.array([-30.0, -1.0, -1e-3, 0.0, 1e-9, 0.3, 1.0, 1.01, 4.0, 1e6])
    mean, density = stable_sign_mean_table(alpha), stable_density_table(alpha)
    assert mean is not None and density is not None
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(mean)))(x)
    np.testing.assert_allclose(value, jax.jit(stable_sign_mean)(alpha, x), rtol=1e-12)
    exact = jax.jit(stable_density)(jnp.asarray(alpha), x)
    np.testing.assert_allclose(jax.jit(density)(x), exact, rtol=1e-10)
    np.testing.assert_allclose(slope, 2 * exact, rtol=1e-8)


@pytest.mark.slow
def test_tables_are_made_where_the_parameter_is_a_number_and_only_there():
    nu, y = sp.Symbol("nu", positive=True), sp.Symbol("y", real=True)
    expr = coord_sum(sd.noise.StudentT(nu).sign_mean(g)) + nu
    at = Environment({"g": jnp.asarray([[0.3], [-2.0], [40.0]])}, {"nu": 3.7})
    known = lower_coordinate(expr, {"nu": 3.7, "sigma": 1.0})
    assert "nu" not in known.symbols and "nu" in lower_coordinate(expr, {"sigma": 1.0}).symbols
    np.testing.assert_allclose(known(at), lower_coordinate(expr)(at), rtol=1e-12)
    assert "nu" in lower_coordinate(nu * y, {"nu": 3.7}).symbols  # nothing special depends on it: left to the call
    assert hyp2f1_step_table(0.5, 500.0) is None  # so the next falls back
    extreme = lower_function(sd.noise.StudentT(1000).sign_mean(y), [y])
    assert float(extreme(1.0)) == pytest.approx(float(mpmath.erf(1 / mpmath.sqrt(2))), abs=1e-3)
    stable_sign_mean_table.cache_clear()  # so that the table is made while JAX traces
    inside = jax.jit(lambda x: lower_function(sd.noise.Stable(sp.Rational(3, 2)).sign_mean(y), [y])(x))
    assert float(inside(1.0)) == pytest.approx(float(stable_sign_mean(1.5, 1.0)), rel=1e-12)


@pytest.mark.parametrize("dim", [16, 17])
def test_ranks_counted_and_ranks_sorted_are_the_same(dim):
    """Few coordinates are compared, many are sorted; ties go to the lower index in both."""
    values = np.random.default_rng(dim).integers(0, 4, (dim, 200)).astype(float)
    order = np.argsort(-values, axis=0, kind="stable")
    exact = np.argsort(order, axis=0, kind="stable")
    np.testing.assert_array_equal(rank_descending(jnp.asarray(values)), exact)


@pytest.mark.slow
def test_stable_values_are_the_same_alone_and_among_others():
    """Entries near 0 need a few terms, entries far out thousands when alpha is small: neither may disturb the other."""
    alpha, x = 0.03, np.array([1e-200, 0.7, 1.5, 1e200])
    for function in (stable_sign_mean, stable_density):
        together = np.asarray(function(alpha, jnp.asarray(x)))
        alone = np.array([float(function(alpha, jnp.asarray([v]))[0]) for v in x])
        assert np.isfinite(together).all()
        np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-300)


@pytest.mark.slow
def test_the_arctangent_is_exact_to_rounding():
    """Against 30 digits, with both ends of each range, and its derivative; NaN, infinities and the sign of zero are kept."""
    edges = [np.tan(np.pi / 8), 0.66, np.tan(3 * np.pi / 8)]
    around = [e + s for e in edges for s in (-1e-9, 0, 1e-9)]
    x = np.concatenate([np.linspace(-4, 4, 2001), np.logspace(-300, 300, 601), around])
    exact = [mpmath.atan(mpmath.mpf(float(v))) for v in x]
    found = np.asarray(jax.jit(arctangent)(x))
    assert max(abs(mpmath.mpf(float(f)) / e - 1) if e else abs(f) for f, e in zip(found, exact, strict=True)) < 4e-16
    single = x[(np.abs(x) > 1e-30) & (np.abs(x) < 1e38)].astype(np.float32)
    near = np.asarray(jax.jit(arctangent)(single)).astype(float)
    assert np.max(np.abs(near / np.arctan(single.astype(float)) - 1)) < 3e-7
    ends = arctangent(jnp.asarray([np.inf, -np.inf, 0.0, -0.0]))
    np.testing.assert_array_equal(ends, [np.pi / 2, -np.pi / 2, 0.0, -0.0])
    assert np.isnan(arctangent(jnp.asarray(np.nan))) and np.signbit(arctangent(jnp.asarray(-0.0)))
    np.testing.assert_allclose(jax.vmap(jax.grad(arctangent))(x[:2001]), 1 / (1 + x[:2001] ** 2), rtol=1e-14)


_nu, _at = sp.symbols("nu x", real=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expr", "given"),
    [
        (sp.hyper((sp.Rational(1, 2), (_nu + 1) / 2), (sp.Rational(3, 2),), -(_at**2)), "table"),
        (StableSignMean(_nu, _at), "neither"),
        (StableDensity(_nu, _at), "number"),
    ],
    ids=str,
)
def test_special_functions_stay_in_single_precision(expr, given):
    index, x = 1.5, np.array([-3.0, -0.5, 0.25, 7.0])
    if given == "number":
        expr = specialise(expr, {"nu": index})
    tables = tables_for([expr], {"nu": index}) if given == "table" else {}
    lowered, found = lower_coordinate(expr), []
    for dtype in (np.float32, np.float64):
        rows = {name: jnp.asarray(table, dtype) for name, table in tables.items()}
        env = Environment({}, {"nu": jnp.asarray(index, dtype), "x": jnp.asarray(x, dtype)}, rows)
        found.append(lowered(env))
        assert found[-1].dtype == dtype
    np.testing.assert_allclose(np.asarray(found[0], float), np.asarray(found[1]), rtol=1e-4)


def test_powers_and_roots_at_the_edges_of_their_domains() -> None:
    x, y = sp.symbols("x y", real=True)
    at, zero = np.array([0.0, 0.0, 0.0, 2.0]), np.array([0.0, 1.5, -1.0, 0.5])
    assert np.asarray(lower_function(x**y, [x, y])(at, zero)) == pytest.approx([1.0, 0.0, np.inf, np.sqrt(2)])
    assert np.asarray(lower_function(sp.sqrt(x), [x])(np.array([-1.0, 0.0, 4.0]))) == pytest.approx(
        [np.nan, 0.0, 2.0], nan_ok=True
    )
