"""Square roots: B B' equals the covariance formed entry by entry, in every structure and at every degenerate point."""

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import coord_sum, g
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.to_jax import Environment, environment, lower_all
from sdescent.numerics.simulate.roots import Dense, Diagonal, Diffusion, RankOne, Sum, Thin, Zero, diffusion
from tests.support.samples import mostly_slow

HALF = sp.Rational(1, 2)


def matrix(root: Diffusion, env: Environment) -> jax.Array:
    """B, (d, normals, paths): the root of every unit vector."""
    dim, paths = env.vectors["g"].shape
    units = jnp.broadcast_to(jnp.eye(root.normals)[..., None], (root.normals, root.normals, paths))
    columns = jax.vmap(lambda z: root.apply(root.coefficients(env), z), out_axes=1)
    return columns(units) if root.normals else jnp.zeros((dim, 0, paths))


def product(form: GradientForm, points: np.ndarray, values: dict | None = None) -> np.ndarray:
    """B B' at each point, (paths, d, d)."""
    dim = points.shape[0]
    root = diffusion(form, dim, values)
    b = np.asarray(jax.jit(lambda x: matrix(root, environment(values or {}, {"g": x})))(points))
    assert b.shape == (dim, root.normals, points.shape[1])
    return np.einsum("imp,jmp->pij", b, b)


def by_entries(form: GradientForm, points: np.ndarray, values: dict | None = None) -> np.ndarray:
    """S at each point, (paths, d, d), from its definition."""
    dim, paths = points.shape
    rows = [form.diag, *form.factors, *form.core, *(c for c, _ in form.dense)]
    lowered = lower_all(rows)
    out = jax.jit(lambda x: lowered(environment(values or {}, {"g": x})))(points)
    s = np.zeros((paths, dim, dim))
    diag = np.broadcast_to(out[0], (dim, paths))
    for p in range(paths):
        u = (
            np.stack([np.broadcast_to(f, (dim, paths))[:, p] for f in out[1 : 1 + form.rank]], 1)
            if form.rank
            else np.zeros((dim, 0))
        )
        core = [float(np.broadcast_to(c, (paths,))[p]) for c in out[1 + form.rank : 1 + form.rank + form.rank**2]]
        s[p] = np.diag(diag[:, p]) + u @ np.reshape(core, (form.rank, form.rank)) @ u.T
        for (_, leaf), c in zip(form.dense, out[len(rows) - len(form.dense) :], strict=True):
            s[p] += float(np.broadcast_to(c, (paths,))[p]) * np.asarray((values or {})[leaf.name])
    return s


def points(dim: int) -> np.ndarray:
    """A point in general position, one with some zeros, one with equal coordinates, and the origin."""
    general = np.random.default_rng(dim).normal(size=dim)
    some = np.where(np.arange(dim) % 2 == 0, 0.0, 1.5)
    return np.stack([general, some, np.full(dim, -0.7), np.zeros(dim)], axis=1)


NOISE = Scaled(sd.noise.Gaussian(), HALF)
SILENCE = sd.noise.NoNoise()


@pytest.mark.parametrize(
    ("dim", "k", "noise"),
    [(7, 3, NOISE), (1, 1, NOISE), (2, 1, SILENCE)],
    ids=str,
)
def test_rand_k_has_the_exact_root_of_the_covariance(dim, k, noise):
    at = points(dim)
    form = moments(Method(RandK(k), noise), dim).form
    assert form is not None
    exact = np.zeros((at.shape[1], dim, dim))  # theory 4, typed independently: Cov_jj and Cov_ij
    s = 0.0 if noise == sd.noise.NoNoise() else 0.25
    for p in range(at.shape[1]):
        v = at[:, p]
        off = -np.outer(v, v) * ((dim - k) / (k * (dim - 1)) if dim > 1 else 0.0)
        exact[p] = off - np.diag(np.diag(off)) + np.diag(dim / k * (v**2 + s) - v**2)
    np.testing.assert_allclose(by_entries(form, at), exact, atol=1e-12)
    np.testing.assert_allclose(product(form, at), exact, atol=1e-12)
    general = moments(Method(RandK("k"), noise)).form  # the dimension-free form, k a symbol
    assert general is not None
    if dim > 1:
        np.testing.assert_allclose(product(general, at, {"k": k, "d": dim}), exact, atol=1e-12)


@pytest.mark.slow
def test_each_structure_gets_its_own_root():
    forms = {
        Zero: GradientForm(g, sp.S.Zero),
        Diagonal: GradientForm(g, g**2),
        RankOne: GradientForm(g, g**2, (g,), sp.Matrix([[HALF]])),
        Dense: GradientForm(g, g**2, (g, g**2), sp.eye(2)),
    }
    for kind, form in forms.items():
        assert type(diffusion(form, 3)) is kind
    assert type(diffusion(forms[Dense], 65)) is Thin
    at = points(3)
    for form in forms.values():
        if form.diag != 0:
            np.testing.assert_allclose(product(form, at), by_entries(form, at), atol=1e-12)
    assert diffusion(forms[Zero], 3).normals == 0


def test_rank_one_with_either_sign():
    form = GradientForm(g, g**2 + coord_sum(g**2), (g,), sp.Matrix([[sp.Symbol("c")]]))
    for c in (-0.5, 3.0):
        np.testing.assert_allclose(
            product(form, points(4), {"c": c}), by_entries(form, points(4), {"c": c}), atol=1e-12
        )


INDEFINITE = GradientForm(
    g, 3 + g**2, (g, sp.tanh(g), sp.S.One * g**0 + g**2), sp.Matrix([[0, 1, 0], [1, 0, 0], [0, 0, HALF]]) / 80
)


def test_low_rank_with_an_indefinite_core():
    at = points(80)[:, :3]
    np.testing.assert_allclose(product(INDEFINITE, at), by_entries(INDEFINITE, at), atol=1e-10)


@pytest.mark.slow
def test_correlated_noise_adds_a_leaf():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 4))
    values = {"Sigma": a @ a.T}
    form = moments(Method(RandK(2), sd.noise.Correlated(sd.noise.Gaussian())), 4).form
    assert form is not None
    root = diffusion(form, 4, values)
    assert isinstance(root, Sum)
    np.testing.assert_allclose(product(form, points(4), values), by_entries(form, points(4), values), atol=1e-10)
    refused = [("Sigma", {}), ("4 x 4", {"Sigma": np.eye(3)}), ("negative eigenvalue", {"Sigma": -np.eye(4)})]
    for said, wrong in refused:
        with pytest.raises(BadInput, match=said):
            diffusion(form, 4, wrong)


@pytest.mark.parametrize(
    ("form", "dim"),
    [
        (GradientForm(g, g**2 - 1), 3),
        (GradientForm(g, sp.S.Zero, (g,), sp.Matrix([[-1]])), 66),
        pytest.param(GradientForm(g, g**2, (g, g**3), sp.Matrix([[0, -2], [-2, 0]])), 3, marks=pytest.mark.slow),
    ],
    ids=lambda e: str(e.core or e.diag) if isinstance(e, GradientForm) else "",
)
def test_what_is_no_covariance_is_nan(form, dim):
    root = diffusion(form, dim)
    b = jax.jit(lambda x: matrix(root, environment({}, {"g": x})))(np.r_[-0.4, np.full(dim - 1, 0.5)][:, None])
    assert np.isnan(b).any()


def test_a_variance_that_rounding_left_below_zero_is_zero():
    """The sign of a huge gradient: 1 - b^2 is 0 up to rounding, and must not be counted as a blow-up."""
    form = moments(Method(sd.compressors.Sign(), Scaled(sd.noise.StudentT(3), 1))).form
    assert form is not None
    root = diffusion(form, 2)
    b = jax.jit(lambda x: matrix(root, environment({}, {"g": x})))(np.array([[3.0, 1e3, 1e9], [-1e5, 1e7, 0.0]]))
    assert np.all(np.isfinite(b))


@pytest.mark.parametrize("dim", mostly_slow([65, 64]))
def test_factors_without_a_diagonal(dim: int) -> None:
    """S = g g' + sign(g) sign(g)', in the dense root and in the thin one, with S = 0 among the points."""
    form = GradientForm(g, sp.S.Zero, (g, sp.sign(g)), sp.eye(2))
    points = np.random.default_rng(dim).normal(size=(dim, 4))
    points[:, 3] = 0
    found, exact = product(form, points), by_entries(form, points)
    np.testing.assert_allclose(found, exact, atol=1e-8 * np.abs(exact).max())
    assert not found[3].any()
