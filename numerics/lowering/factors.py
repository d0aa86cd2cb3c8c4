"""Factors B of many small matrices S at once, B B' = S; NaN if S is not positive semidefinite up to rounding.

S is a covariance that was computed as a sum of larger numbers, so an error of the size of their rounding does not make it
indefinite. The "size" of a diagonal entry is the size of the numbers of which it is the sum.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import product as pairs_of
from typing import Any

from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.rows import materialised

#: the most that rounding may leave of a variance that is 0, relative to the second moments, in each precision
ROUNDING = {"float64": 1e-11, "float32": 1e-5}
#: up to this dimension `lane_root` is faster than the symmetric root, which LAPACK computes one path at a time
FEW = 8
#: the bytes of matrices on which `lane_root` works at a time, and the number of paths of which it works on a multiple
CACHED, LANES = 2**16, 128
#: if all pivots are at least this share of their sizes, they are used in the order of the coordinates
PIVOT = 1e-3


def rounding(a: Any) -> float:
    """The value of `ROUNDING` for the precision of an array."""
    return ROUNDING[str(jnp.asarray(a).dtype)]


def low_rank_root(diag: jax.Array, factors: Sequence[jax.Array], core: Sequence[Any], size: jax.Array) -> jax.Array:
    """The `lane_root` of S = diag(D) + sum over a, b of core_ab f_a f_b', with D and its `size` (n, paths) and the core row by row.

    Two branches, compiled apart: otherwise XLA computes D, f and the core again for each entry of S, and S for each of the factor.
    """
    n, paths = diag.shape

    def some(diag: jax.Array, factors: Any, core: Any, size: jax.Array) -> tuple[jax.Array, jax.Array]:
        matrix, size = jnp.eye(n, dtype=diag.dtype)[..., None] * diag[:, None], size + jnp.abs(diag)
        for (a, b), c in zip(pairs_of(factors, repeat=2), core, strict=True):
            matrix, size = matrix + c * a[:, None] * b[None], size + jnp.abs(c * a * b)
        return matrix, size

    entries = [jnp.broadcast_to(jnp.asarray(c, diag.dtype), (paths,)) for c in core]
    there = jnp.stack([jnp.any(values != 0) for values in (diag, *factors)])  # if none is nonzero, S = 0
    zero = jnp.zeros((n, n, paths), diag.dtype)
    matrix, size = jax.lax.cond(jnp.any(there), some, lambda *_: (zero, size), diag, list(factors), entries, size)
    return jax.lax.cond(jnp.any(there), lane_root, lambda *_: zero, matrix, size)


def lane_root(matrix: jax.Array, size: jax.Array, most: float | None = None) -> jax.Array:
    """A Cholesky factor of each matrix, with every operation on all paths: B (n, n, paths), its columns in no order.

    S is scaled by the roots of its sizes s. If every pivot is at least `PIVOT`, B is the lower triangular factor, which changes
    smoothly with S. On other paths the pivot is the largest remaining diagonal entry. Once none exceeds t = 64 units in the last
    place, every entry of the rest R of a semidefinite matrix is at most t, since |R_ij| <= sqrt(R_ii R_jj), and the remaining
    columns are 0: |(B B' - S)_ij| <= t sqrt(s_i s_j), apart from the rounding of the factorisation, which with the largest pivot is
    a small multiple of n units (Higham 1990). A rest larger than `most` shows an indefinite matrix.

    Args:
        matrix: S, (n, n, paths).
        size: the sizes of the diagonal entries, (n, paths).
        most: `ROUNDING` by default; infinity if S is semidefinite up to errors e of its entries: then B B' may be off by e^2/t.
    """
    most = rounding(matrix) if most is None else most
    n, _, paths = matrix.shape
    block = _block(n * n * matrix.dtype.itemsize, paths)
    if block == paths:
        return _lane_root(matrix, size, most)

    def one(number: Any, roots: jax.Array) -> jax.Array:
        some, sizes = (jax.lax.dynamic_slice_in_dim(a, number * block, block, a.ndim - 1) for a in (matrix, size))
        return jax.lax.dynamic_update_slice_in_dim(roots, _lane_root(some, sizes, most), number * block, 2)

    return jax.lax.fori_loop(0, paths // block, one, jnp.zeros_like(matrix))


def _block(each: int, paths: int) -> int:
    """The number of paths, of `each` bytes, that are factorised at a time, so that they stay in a processor's cache."""
    block = max(LANES, 2 ** (CACHED // each).bit_length() // 2)
    while block > LANES and paths % block:
        block //= 2
    return block if paths > block and paths % block == 0 else paths


def _lane_root(matrix: jax.Array, size: jax.Array, most: float) -> jax.Array:
    roots = jnp.sqrt(size)
    none = jnp.where(jnp.any(matrix != 0, axis=0), jnp.nan, 0.0)  # where the size is 0, S must be 0
    inverse = jnp.where(size > 0, 1 / jnp.where(size > 0, roots, 1.0), none)
    scaled = materialised(lambda matrix, inverse: matrix * inverse[:, None] * inverse[None], matrix, inverse)
    ordered, least = _in_order(scaled)
    safe = least >= PIVOT

    def by_pivots() -> jax.Array:
        return jnp.where(safe, ordered, _by_largest_pivot(scaled, most)) * roots[:, None]

    # a single branch for all paths; the result of a path does not depend on the other paths
    return jax.lax.cond(jnp.all(safe), lambda: ordered * roots[:, None], by_pivots)


def _in_order(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The lower triangular factors, and the least pivot on each path, (paths,)."""
    rest, columns, least = matrix, list[jax.Array](), jnp.asarray(jnp.inf, matrix.dtype)
    for k in range(matrix.shape[0]):
        pivot = rest[0, 0]
        least = jnp.minimum(least, jnp.where(jnp.isnan(pivot), -jnp.inf, pivot))
        column = rest[:, 0] * (1 / jnp.sqrt(jnp.maximum(pivot, PIVOT)))
        columns.append(jnp.pad(column, ((k, 0), (0, 0))))
        rest = rest[1:, 1:] - column[1:, None] * column[None, 1:]
    return jnp.stack(columns, axis=1), least


def _by_largest_pivot(matrix: jax.Array, most: float) -> jax.Array:
    """The factors, with the largest remaining diagonal entry as pivot; NaN if the rest is not below `most`.

    Maxima over entries are taken entry by entry: XLA's reductions visit one number at a time and would be most of the work.
    """
    n, least = matrix.shape[0], 64 * float(jnp.finfo(matrix.dtype).eps)

    def pivots(rest: jax.Array) -> tuple[jax.Array, jax.Array]:
        pivot, chosen = rest[0, 0], jnp.zeros(rest.shape[2:], jnp.int32)
        for i in range(1, n):
            larger = rest[i, i] > pivot
            pivot, chosen = jnp.where(larger, rest[i, i], pivot), jnp.where(larger, i, chosen)
        return chosen, jnp.where(pivot > least, 1 / jnp.sqrt(jnp.maximum(pivot, least)), 0.0)

    def going(state: tuple[Any, jax.Array, jax.Array]) -> jax.Array:
        k, rest, _ = state
        return (k < n) & jnp.any(reduce(jnp.maximum, (rest[i, i] for i in range(n))) > least)

    def one(state: tuple[Any, jax.Array, jax.Array]) -> tuple[Any, jax.Array, jax.Array]:
        k, rest, columns = state
        column = materialised(
            lambda rest, chosen, inverse: _chosen(chosen, rest) * inverse, rest, *materialised(pivots, rest)
        )
        rest -= column[:, None] * column[None]
        return k + 1, rest, jax.lax.dynamic_update_index_in_dim(columns, column, k, 0)

    def wrong(rest: jax.Array) -> jax.Array:
        return ~(reduce(jnp.maximum, (jnp.abs(rest[i, j]) for i in range(n) for j in range(i + 1))) < most)

    _, rest, columns = jax.lax.while_loop(going, one, (0, matrix, jnp.zeros_like(matrix)))
    return jnp.where(materialised(wrong, rest), jnp.nan, jnp.swapaxes(columns, 0, 1))


def _chosen(number: jax.Array, of: jax.Array) -> jax.Array:
    """For each path, the entries of the array that its number (paths,) selects among n arrays (.., paths)."""
    chosen = of[0]
    for i in range(1, of.shape[0]):
        chosen = jnp.where(number == i, of[i], chosen)
    return chosen


def block_root(rows: list[list[Any]], sizes: list[Any]) -> list[list[Any]]:
    """A root, as full rows, of a matrix given by its lower triangle and the sizes of its diagonal entries; NaN if indefinite.

    Entries one by one, in order, are faster than `lane_root` if few; its root is used if a pivot is below `PIVOT` times its size.
    """
    shape, n = jnp.broadcast_shapes(*(jnp.shape(e) for row in (*rows, sizes) for e in row)), len(rows)
    entries = [[jnp.broadcast_to(e, shape).reshape(-1) for e in row] for row in rows]
    size = jnp.stack([jnp.broadcast_to(s, shape).reshape(-1) for s in sizes])
    factor: list[list[Any]] = [[] for _ in rows]
    safe: Any = True
    for j in range(n):
        pivot = entries[j][j] - sum(e * e for e in factor[j])
        safe &= (pivot >= PIVOT * size[j]) & (pivot > 0)
        factor[j].append(jnp.sqrt(jnp.where(pivot > 0, pivot, 1.0)))
        for i in range(j + 1, n):
            rest = entries[i][j] - sum(a * b for a, b in zip(factor[i], factor[j][:j], strict=True))
            factor[i].append(rest / factor[j][j])

    def ordered() -> jax.Array:
        return jnp.stack([jnp.stack([*row, *[jnp.zeros_like(size[0])] * (n - len(row))]) for row in factor])

    def pivoted() -> jax.Array:
        matrix = jnp.stack([jnp.stack([entries[max(i, j)][min(i, j)] for j in range(n)]) for i in range(n)])
        return jnp.where(safe, ordered(), lane_root(matrix, size))

    # a single branch for all paths; the result of a path does not depend on the other paths
    root = jax.lax.cond(jnp.all(safe), ordered, pivoted)
    return [[root[i, j].reshape(shape) for j in range(n)] for i in range(n)]


def small_root(rows: list[list[Any]], sizes: list[Any]) -> list[list[Any]]:
    """The lower triangular factor of a matrix given by its lower triangle; NaN if the matrix is not positive semidefinite.

    If a pivot vanishes, so must its column. A pivot that is 0 except for rounding, but above 64 units in the last place of its
    size, may give NaN although the matrix is semidefinite. `block_root` has no such limit; its factor need not be triangular.
    """
    small, exact = rounding(rows[0][0]), 64 * float(jnp.finfo(rows[0][0].dtype).eps)
    factor: list[list[Any]] = [[] for _ in rows]
    wrong: Any = False
    for j, size in enumerate(sizes):
        pivot = rows[j][j] - sum(e * e for e in factor[j])
        positive = pivot > exact * size
        wrong |= ~(pivot >= -small * size)
        below = jnp.sqrt(jnp.where(positive, pivot, 1.0))
        for i in range(j, len(rows)):
            rest = rows[i][j] - sum(a * b for a, b in zip(factor[i], factor[j][:j], strict=False))
            wrong |= ~positive & (jnp.abs(rest) > jnp.sqrt(small * size * sizes[i]))
            factor[i].append(jnp.where(positive, below if i == j else rest / below, 0.0))
    return [[jnp.where(wrong, jnp.nan, e) for e in row] for row in factor]


def symmetric_root(matrix: jax.Array, scale: jax.Array) -> jax.Array:
    """The symmetric root of each matrix (paths, n, n) of numbers of size `scale`; NaN for eigenvalues negative beyond rounding."""
    values, vectors = jnp.linalg.eigh(matrix)
    wrong = values[:, 0] < -100 * rounding(matrix) * scale
    roots = jnp.where(wrong[:, None], jnp.nan, jnp.sqrt(jnp.maximum(values, 0.0)))
    return jnp.einsum("pia,pa,pja->pij", vectors, roots, vectors)
