"""Factors of many small matrices at once: singular ones of every rank and scale, indefinite ones, and no path notices others."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from sdescent.numerics.backend.compiler import options
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.factors import FEW, block_root, lane_root, symmetric_root
from sdescent.numerics.simulate.chunks import LAPACK, primitives
from tests.support.samples import mostly_slow, slow_but

#: units in the last place, of the root of the product of two sizes, that an entry of B B' may be off: 64 in which a rest counts as
#: 0, and the rounding of the factorisation and of the product here, a few n
ULPS = 64 + 8 * FEW


def semidefinite(n: int, rank: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (n, n, paths) of this rank, and sizes: scaled from 1e-150 to 1e150 (1e-15 to 1e15), coordinates by 1e-3 to 1e3."""
    draw = np.random.default_rng(100 * n + rank)
    factors = draw.normal(size=(n, rank, 128)) * 10.0 ** draw.uniform(-3, 3, size=(n, 1, 128))
    factors[:, :, :8] = np.round(factors[:, :, :8])  # zeros and equal rows
    widest = 75 if dtype == "float64" else 7.5
    factors = (factors * 10.0 ** np.linspace(-widest, widest, 128)).astype(dtype)
    matrix = np.einsum("irp,jrp->ijp", factors, factors)
    return matrix, np.einsum("iip->ip", matrix)


def relative(matrix: np.ndarray, size: np.ndarray) -> np.ndarray:
    roots = np.sqrt(np.where(size > 0, size, 1.0).astype(float))
    return matrix / roots[:, None] / roots[None]


@cache
def root() -> Any:
    """Compiled, once for all tests of a shape."""
    return jax.jit(lane_root, compiler_options=options())


SIZES = [("float32", 3), ("float64", 1), ("float64", 8)]


@pytest.mark.parametrize(("dtype", "n"), slow_but(SIZES, SIZES[:1], rows=True))
def test_the_factor_of_a_matrix_of_any_rank_and_scale(dtype: str, n: int) -> None:
    for rank in range(n + 1):
        matrix, size = semidefinite(n, rank, dtype)
        found = np.asarray(root()(matrix, size))
        assert found.dtype == dtype and found.shape == matrix.shape
        gap = relative(np.einsum("ikp,jkp->ijp", found.astype(float), found.astype(float)) - matrix.astype(float), size)
        assert np.abs(gap).max(initial=0.0) <= ULPS * np.finfo(dtype).eps, rank


@cache
def of_block() -> Any:
    def found(matrix: jax.Array, size: jax.Array) -> list[list[jax.Array]]:
        return block_root([[matrix[i, j] for j in range(i + 1)] for i in range(len(matrix))], list(size))

    return jax.jit(found, compiler_options=options())


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "n"), [("float32", 4), ("float64", 6)])
def test_the_root_of_a_block_of_any_rank_and_scale(dtype: str, n: int) -> None:
    """In single precision an unpivoted factor is NaN for some of these: a pivot that is 0 but for rounding is taken for one."""
    for rank in range(1, n + 1):
        matrix, size = semidefinite(n, rank, dtype)
        found = np.stack([np.stack(row) for row in of_block()(matrix, size)]).astype(float)
        gap = relative(np.einsum("ikp,jkp->ijp", found, found) - matrix.astype(float), size)
        assert np.abs(gap).max() <= ULPS * np.finfo(dtype).eps, rank


@pytest.mark.slow
def test_a_pivot_between_rounding_and_one() -> None:
    """Of rank two, with a second pivot of 1e-17 to 1: an unpivoted factor loses half of the digits, or all."""
    least = 10.0 ** np.linspace(-17, 0, 128)
    factor = np.stack([[1 + 0 * least, 0 * least], [1 + 0 * least, np.sqrt(least)], [0 * least, 1 + 0 * least]])
    matrix = np.einsum("irp,jrp->ijp", factor, factor)
    found = np.stack([np.stack(row) for row in of_block()(matrix, np.ones((3, 128)))])
    assert np.abs(np.einsum("ikp,jkp->ijp", found, found) - matrix).max() <= ULPS * np.finfo(float).eps


@pytest.mark.slow
def test_blocks_of_paths_have_the_bits_of_all() -> None:
    """Of 8 dimensions, more paths than are factorised at a time."""
    matrix, size = semidefinite(8, 5, "float64")
    many, alone = (np.asarray(root()(np.tile(matrix, times), np.tile(size, times))) for times in (6, 1))
    np.testing.assert_array_equal(many, np.tile(alone, 6))


def test_a_regular_matrix_has_its_cholesky_factor_whatever_is_beside_it() -> None:
    """And the same bits beside singular matrices, for which another branch runs."""
    draw = np.random.default_rng(1)
    factors = draw.normal(size=(5, 3, 128))
    regular = np.einsum("irp,jrp->ijp", factors, factors) + np.eye(5)[..., None]
    alone = np.asarray(root()(regular, np.einsum("iip->ip", regular)))
    cholesky = np.moveaxis(np.linalg.cholesky(np.moveaxis(regular, 2, 0)), 0, 2)
    np.testing.assert_allclose(alone, cholesky, rtol=0, atol=1e-13)
    mixed = regular.copy()
    mixed[:, :, ::2] = np.einsum("irp,jrp->ijp", factors, factors)[:, :, ::2]
    beside = np.asarray(root()(mixed, np.einsum("iip->ip", mixed)))
    np.testing.assert_array_equal(beside[:, :, 1::2], alone[:, :, 1::2])
    assert np.isfinite(beside).all() and (beside[:, 3:, ::2] == 0).all()  # of rank 3: the last columns are 0


@pytest.mark.parametrize("n", mostly_slow([2, 8], 4))
def test_what_is_not_a_covariance_has_no_factor(n: int) -> None:
    """Eigenvalues just beyond what rounding may leave (1e-11 of the size), NaN, and a row whose size is 0 but not its entries."""
    draw = np.random.default_rng(n)
    basis = np.linalg.qr(draw.normal(size=(n, n)))[0]
    cases = []
    for least in (-1.0, -1e-3, -1e-8):
        values = np.linspace(1, 2, n)
        values[0] = least
        cases.append((basis * values) @ basis.T)
    cases.append(np.where(np.eye(n) > 0, np.nan, 0.0))
    size = np.ones((n, len(cases) + (n > 1)))
    if n > 1:
        cases.append(np.ones((n, n)) - np.diag([1.0, *[0.0] * (n - 1)]))
        size[0, -1] = 0
    found = np.asarray(root()(np.stack(cases, axis=2), size))
    assert np.isnan(found).any(axis=(0, 1)).all()


def test_it_needs_no_lock() -> None:
    assert LAPACK.isdisjoint(primitives(jax.make_jaxpr(lane_root)(jnp.ones((4, 4, 8)), jnp.ones((4, 8)))))


def test_the_symmetric_root_of_a_matrix_and_of_one_that_is_no_covariance() -> None:
    rotation = np.array([[0.6, 0.8], [-0.8, 0.6]])
    matrices = np.stack([rotation @ np.diag(values) @ rotation.T for values in ((4.0, 1.0), (9.0, 0.0), (1.0, -1e-3))])
    roots = np.asarray(symmetric_root(jnp.asarray(matrices), jnp.ones(3)))
    assert roots[0] == pytest.approx(rotation @ np.diag((2.0, 1.0)) @ rotation.T, abs=1e-12)
    assert roots[1] @ roots[1] == pytest.approx(matrices[1], abs=1e-12) and np.isnan(roots[2]).all()
