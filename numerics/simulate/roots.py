"""Roots B of a covariance S, B B' = S, applied to normals without forming B if its structure allows it (theory 4).

S = diag(D) + U core U' + sum_r coef_r Dense_r is symbolic, so `diffusion` chooses the cheapest exact root once. If a matrix that
should be a covariance is not one (beyond rounding), its root is NaN, and the path stops. A faster root belongs in this file.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import sympy as sp

from sdescent.derive.equations.roots import Structure, blocks, signed_root, structure
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.factors import FEW, block_root, lane_root, low_rank_root, rounding, symmetric_root
from sdescent.numerics.lowering.rows import product
from sdescent.numerics.lowering.to_jax import Environment, Lowered, lower_all, lower_coordinate

#: up to this dimension the root of a low-rank covariance is that of a dense matrix, beyond it the root uses a thin QR
DENSE_LIMIT = 64
#: up to this size the blocks of a covariance in named coordinates are factorised by `block_root`
SMALL = 6
#: the thin root raises D_j to at least this multiple of the largest variance, an error of that relative size
FLOOR = 1e-10


class Diffusion(ABC):
    """A root B of S for a batch of points, with `normals` columns, that is, independent normals that a path needs."""

    normals: int

    @abstractmethod
    def coefficients(self, env: Environment) -> Any:
        """The values of the root that depend on the point, as a pytree of arrays."""

    @abstractmethod
    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> Any:
        """scale B z, (d, paths), for z (normals, paths); the scale is a number, or (paths,) or (1, paths)."""


def diffusion(form: GradientForm, dim: int, parameters: Mapping[str, Any] | None = None) -> Diffusion:
    """The root for the structure of a gradient form in dimension d (BadInput for a wrong measured covariance; LoweringError)."""
    kind = structure(form)
    if kind is Structure.ZERO:
        return Zero()
    if kind is Structure.DIAGONAL:
        return Diagonal(dim, lower_all([form.diag, form.mean], parameters))
    if kind is Structure.RANK_ONE:
        extra = 0 if form.core[0, 0].is_nonpositive else 1
        lowered = lower_all([form.diag, form.mean, form.factors[0], form.core[0, 0]], parameters)
        return RankOne(dim + extra, dim, lowered)
    if kind is Structure.LOW_RANK:
        lowered = lower_all([form.diag, form.mean, *form.factors, *form.core], parameters)
        return Dense(dim, form.rank, lowered) if dim <= DENSE_LIMIT else Thin(dim, form.rank, lowered)
    parts: list[Diffusion] = [diffusion(replace(form, dense=()), dim, parameters)]
    for coefficient, leaf in form.dense:
        parts.append(Leaf(dim, lower_coordinate(coefficient, parameters), _factor(leaf.name, dim, parameters or {})))
    return Sum([p for p in parts if p.normals])


@final
@dataclass(frozen=True, eq=False)
class Zero(Diffusion):
    """S = 0: no noise."""

    normals: int = 0

    def coefficients(self, env: Environment) -> Any:
        return ()

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        return jnp.zeros((1, *z.shape[1:]), z.dtype)


@final
@dataclass(frozen=True, eq=False)
class Diagonal(Diffusion):
    """S = diag(D): B = diag(D)^{1/2}."""

    normals: int
    lowered: Lowered

    def coefficients(self, env: Environment) -> Any:
        diag, mean = self.lowered(env)
        (x, *_) = env.vectors.values()
        if jnp.ndim(diag) == 0 or jnp.shape(diag)[-1] < x.shape[-1]:
            # the same for all paths: D is no difference of second moments, and one root serves all paths
            return root_of_variance(jnp.reshape(jnp.asarray(diag, x.dtype), (-1, 1)), jnp.zeros((), x.dtype))
        return root_of_variance(*_vectors(env, (diag, mean)))

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        return (scale * coefficients) * z  # in this order: both may be the same for all paths


@final
@dataclass(frozen=True, eq=False)
class RankOne(Diffusion):
    """S = diag(D) + c f f', in O(d).

    For c < 0 the root is the exact one of theory 4, diag(D)^{1/2}(I - tau w w') with w = f/sqrt(D). For c > 0 it is the wide root
    [diag(D)^{1/2}, sqrt(c) f], which needs one more normal and is exact even if some D_j = 0.
    """

    normals: int
    dim: int
    lowered: Lowered

    def coefficients(self, env: Environment) -> Any:
        diag, mean, factor, core = self.lowered(env)
        diag, mean, factor = _vectors(env, (diag, mean, factor))
        negative = jnp.maximum(-core, 0.0)
        spread = root_of_variance(diag, mean)
        filled = diag > 0
        w = jnp.where(filled, factor / jnp.where(filled, spread, 1.0), 0.0)
        rest = 1 - negative * jnp.sum(w**2, axis=0)
        beyond = ~filled & (negative * factor**2 > rounding(diag) * _scale(diag, mean))
        wrong = (rest < -100 * rounding(rest)) | jnp.any(beyond, axis=0)
        tau = negative / (1 + jnp.sqrt(jnp.maximum(rest, 0.0)))
        return spread, w, jnp.where(wrong, jnp.nan, tau), jnp.sqrt(jnp.maximum(core, 0.0)) * factor

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        spread, w, tau, wide = coefficients
        normals = z[: self.dim]
        result = spread * (normals - tau * w * jnp.sum(w * normals, axis=0))
        return scale * (result + wide * z[self.dim] if self.normals > self.dim else result)


@final
@dataclass(frozen=True, eq=False)
class Dense(Diffusion):
    """S = diag(D) + U core U', formed for each path (d x d); its root is `lane_root` in few dimensions, else the symmetric root."""

    normals: int
    rank: int
    lowered: Lowered

    def coefficients(self, env: Environment) -> Any:
        if self.normals <= FEW:
            values = self.lowered(env)
            diag, mean, *factors = _vectors(env, values[: 2 + self.rank])
            return low_rank_root(diag, factors, values[2 + self.rank :], mean**2)
        diag, mean, factors, core = _low_rank(env, self.lowered(env), self.rank)
        covariance = jnp.einsum("pja,pab,pib->pji", factors, core, factors)
        covariance += jnp.eye(self.normals, dtype=diag.dtype) * diag.T[:, None, :]
        scale = jnp.max(mean**2, axis=0) + jnp.max(jnp.abs(jnp.diagonal(covariance, axis1=1, axis2=2)), axis=1)
        return symmetric_root(covariance, scale)

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        if self.normals <= FEW:
            return scale * sum(coefficients[:, j] * z[j] for j in range(self.normals))
        return scale * jnp.einsum("pij,jp->ip", coefficients, z)


@final
@dataclass(frozen=True, eq=False)
class Thin(Diffusion):
    """S = D^{1/2}(I + W core W')D^{1/2}, W = D^{-1/2}U = QR: B = D^{1/2}(I + Q(M^{1/2} - I)Q'), M = I + R core R', in O(d r^2)."""

    normals: int
    rank: int
    lowered: Lowered

    def coefficients(self, env: Environment) -> Any:
        diag, mean, factors, core = _low_rank(env, self.lowered(env), self.rank)
        whole = diag + jnp.einsum("pja,pab,pjb->jp", factors, core, factors)
        scale = _scale(whole, mean)
        floor = FLOOR * jnp.max(jnp.abs(whole), axis=0)
        spread = jnp.where(diag < -rounding(diag) * scale, jnp.nan, jnp.sqrt(jnp.maximum(diag, floor)))
        q, r = jnp.linalg.qr(factors / jnp.where(floor > 0, spread, 1.0).T[:, :, None])  # where S = 0, U is 0 as well
        inner = jnp.eye(self.rank, dtype=r.dtype) + r @ core @ jnp.swapaxes(r, 1, 2)
        size = 1 + jnp.max(jnp.abs(inner), axis=(1, 2))
        root = symmetric_root((inner + jnp.swapaxes(inner, 1, 2)) / 2, size)
        return spread, q, root - jnp.eye(self.rank, dtype=r.dtype)

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        spread, q, inner = coefficients
        along = jnp.einsum("pja,jp->pa", q, z)
        return scale * (spread * (z + jnp.einsum("pja,pab,pb->jp", q, inner, along)))


@final
@dataclass(frozen=True, eq=False)
class Leaf(Diffusion):
    """S = coef Sigma with a measured covariance Sigma, whose root is known."""

    normals: int
    coefficient: Lowered
    root: jax.Array

    def coefficients(self, env: Environment) -> Any:
        coefficient = self.coefficient(env)
        return jnp.where(coefficient < -rounding(coefficient), jnp.nan, jnp.sqrt(jnp.maximum(coefficient, 0.0)))

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        return (scale * coefficients) * product(self.root.astype(z.dtype), z)


@final
class Sum(Diffusion):
    """S as a sum of covariances, each with its own root and its own independent normals."""

    def __init__(self, parts: Sequence[Diffusion]) -> None:
        self.parts = tuple(parts)
        self.normals = sum(p.normals for p in self.parts)

    def coefficients(self, env: Environment) -> Any:
        return tuple(p.coefficients(env) for p in self.parts)

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        total, begin = jnp.zeros((), z.dtype), 0
        for part, values in zip(self.parts, coefficients, strict=True):
            total = total + part.apply(values, z[begin : begin + part.normals])
            begin += part.normals
        return scale * total


@final
class Blocks(Diffusion):
    """S between groups of coordinates, block diagonal up to their order, with a root for each block on each path.

    The entry of two groups of n holds for their r-th coordinates, r = 1, .., n; different places have covariance 0. Small blocks
    are factorised by `block_root`, larger ones by `lane_root` or, in more than `FEW` dimensions, by the symmetric root. A variance
    that is a square has a smooth root: c q for c^2 q^2.
    """

    def __init__(self, covariance: sp.Matrix, sizes: Sequence[int], parameters: Mapping[str, Any]) -> None:
        """Build the root from the entries of S between groups and the number of coordinates of each group."""
        self._sizes, self._blocks = tuple(sizes), blocks(covariance)
        expressions: list[sp.Expr] = []
        self._closed: set[int] = set()
        for block in self._blocks:
            lower = [covariance[i, j] for n, i in enumerate(block) for j in block[: n + 1]]
            if len(block) == 1 and not (closed := signed_root(lower[0])).atoms(sp.Pow, sp.Abs, sp.sign, sp.Piecewise):
                self._closed.add(block[0])
                expressions.append(closed)
            else:
                expressions += [*lower, *(size_of(covariance[i, i]) for i in block)]
        self._lowered = lower_all(expressions, parameters)
        self.shared = any(len(block) > 1 for block in self._blocks)
        self._first: dict[int, int] = {}
        self.normals = 0
        for i in (i for block in self._blocks for i in block):
            self._first[i], self.normals = self.normals, self.normals + sizes[i]

    def coefficients(self, env: Environment) -> Any:
        dtype, roots = next(iter(env.vectors.values())).dtype, list[Any]()
        values = (jnp.asarray(e, dtype) for e in self._lowered(env))
        for block in self._blocks:
            if block[0] in self._closed:
                roots.append([[next(values)]])
                continue
            rows = [[next(values) for _ in range(n + 1)] for n in range(len(block))]
            sizes = [next(values) for _ in block]
            roots.append(block_root(rows, sizes) if len(block) <= SMALL else _large_root(rows, sizes))
        return roots

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> Any:
        entries = (
            (i, rows_of(z, self._first[j], self._sizes[j]), row[m])
            for block, rows in zip(self._blocks, coefficients, strict=True)
            for i, row in zip(block, rows, strict=True)
            for m, j in enumerate(block[: len(row)])
        )
        return combined(len(self._sizes), entries, z.dtype, scale)


@final
class Entries(Diffusion):
    """A root with summands (group, first column, columns, entry); a group of n coordinates uses n columns, or one for all."""

    def __init__(
        self, groups: int, entries: Sequence[tuple[int, int, int, sp.Expr]], parameters: Mapping[str, Any] | None = None
    ) -> None:
        used = sorted({first + n for _, first, count, _ in entries for n in range(count)})
        self._groups = groups
        self._places = [(group, used.index(first), count) for group, first, count, _ in entries]
        self._lowered = lower_all([e for *_, e in entries], parameters)
        self.normals, columns = len(used), [first + n for _, first, count, _ in entries for n in range(count)]
        self.shared = len(columns) > len(set(columns))

    def coefficients(self, env: Environment) -> Any:
        return self._lowered(env)

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> Any:
        both = zip(self._places, coefficients, strict=True)
        entries = ((i, rows_of(z, n, count), value) for (i, n, count), value in both)
        return combined(self._groups, entries, z.dtype, scale)


def rows_of(z: jax.Array, first: int, count: int) -> jax.Array:
    """The normals of a group: (count, paths), or (paths,) for one coordinate."""
    return z[first] if count == 1 else z[first : first + count]


def combined(groups: int, entries: Iterable[tuple[int, jax.Array, Any]], dtype: Any, scale: Any) -> tuple[Any, ...]:
    """The values scale B z for each group, from the summands (group, normals, entries of B)."""
    totals: list[Any] = [None] * groups
    for i, normals, value in entries:
        part = (scale * value) * normals  # in this order: both may be the same for all paths
        totals[i] = part if totals[i] is None else totals[i] + part
    return tuple(jnp.zeros((), dtype) if part is None else part for part in totals)


def size_of(variance: sp.Expr) -> sp.Expr:
    """The sum of the absolute values of the terms of a variance, which bounds its rounding error."""
    return sp.Add(*[sp.Abs(term) for term in sp.Add.make_args(variance)])


def _large_root(rows: list[list[Any]], sizes: list[Any]) -> list[list[Any]]:
    """A root of a matrix given by its lower triangle: by `lane_root` in few dimensions, else the symmetric root."""
    count, shape = range(len(rows)), jnp.broadcast_shapes(*(jnp.shape(e) for row in rows for e in row))
    *flat, size = ([jnp.broadcast_to(e, shape).reshape(-1) for e in row] for row in (*rows, sizes))
    matrix = jnp.stack([jnp.stack([flat[max(i, j)][min(i, j)] for j in count]) for i in count])
    if len(rows) <= FEW:
        root = lane_root(matrix, jnp.stack(size))
    else:
        root = jnp.moveaxis(symmetric_root(jnp.moveaxis(matrix, 2, 0), jnp.max(jnp.stack(size), axis=0)), 0, 2)
    return [[root[i, j].reshape(shape) for j in count] for i in count]


def root_of_variance(diag: jax.Array, mean: jax.Array) -> jax.Array:
    """sqrt(D): 0 if D < 0 by rounding alone, NaN if D < 0 beyond rounding. Shapes broadcast to (d, paths)."""
    return jnp.where(diag < -rounding(diag) * _scale(diag, mean), jnp.nan, jnp.sqrt(jnp.maximum(diag, 0.0)))


def _scale(diag: jax.Array, mean: jax.Array) -> jax.Array:
    """The size of the second moments whose difference a variance is."""
    return mean**2 + jnp.max(jnp.abs(diag), axis=0)


def _vectors(env: Environment, values: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
    """The values broadcast to (d, paths)."""
    shape = jnp.broadcast_shapes(*(v.shape for v in env.vectors.values()))
    return tuple(jnp.broadcast_to(v, shape) for v in values)


def _low_rank(env: Environment, values: Sequence[jax.Array], rank: int) -> tuple[jax.Array, ...]:
    """D and b as (d, paths), U as (paths, d, r), core as (paths, r, r)."""
    diag, mean, *factors = _vectors(env, values[: 2 + rank])
    core = core_of(values[2 + rank :], rank, diag.shape[1])
    return diag, mean, jnp.moveaxis(jnp.stack(factors, axis=1), 2, 0), core


def core_of(entries: Sequence[Any], rank: int, paths: int) -> jax.Array:
    """The core of each path, (paths, r, r), from its entries row by row."""
    return jnp.stack([jnp.broadcast_to(c, (paths,)) for c in entries], axis=1).reshape(paths, rank, rank)


def _factor(name: str, dim: int, parameters: Mapping[str, Any]) -> jax.Array:
    """The symmetric root of a measured covariance. Raises BadInput if it is missing, misshapen or no covariance."""
    if name not in parameters:
        raise BadInput(f"parameter {name}", "no value", f"the {dim} x {dim} covariance matrix")
    matrix = jnp.asarray(parameters[name])
    if matrix.shape != (dim, dim):
        raise BadInput(f"parameter {name}", f"shape {matrix.shape}", f"a {dim} x {dim} matrix")
    root = symmetric_root(((matrix + matrix.T) / 2)[None], jnp.max(jnp.abs(matrix))[None])[0]
    if not bool(jnp.all(jnp.isfinite(root))):
        raise BadInput(f"parameter {name}", "a matrix with a negative eigenvalue", "a covariance matrix")
    return root
