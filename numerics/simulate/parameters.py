"""Read the numbers that a user gives for symbols, check them against the domains of the symbols, and decide which of them a program
is compiled for; the rest are values of the program. Dimensionless.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import SDE, RuleSDE, sde
from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss, Separable
from sdescent.derive.methods.specialise import specialise, symbol_names, symbols_in
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean
from sdescent.derive.vocabulary.registry import spec_of
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import draws_from
from sdescent.numerics.laws.noises import sample_noise
from sdescent.numerics.lowering.to_jax import tables_for, untabulated
from sdescent.numerics.simulate.settings import Constants, Lanes, Numbers
from sdescent.numerics.simulate.starting_points import Paths

#: names whose values a run sets itself
_RESERVED = {"t", "u", "du", "d", "x", "g", "v"}


def parameters_of(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters as `numbers_of` reads them. Raises BadInput as it does, or without a step size eta > 0."""
    numbers = numbers_of(params)
    eta = numbers.get("eta")
    if not isinstance(eta, float) or eta <= 0:
        raise BadInput("eta", "no value" if eta is None else eta, 'a number > 0, as in params={"eta": 0.1}')
    return numbers


def numbers_of(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters as floats and float arrays by name, exact numbers (Fraction, SymPy) too. Raises BadInput for any other."""
    numbers: dict[str, Any] = {}
    for name, value in (params or {}).items():
        try:
            if isinstance(value, (bool, str)):
                raise TypeError
            array = np.asarray(value, float)
        except (TypeError, ValueError):
            raise BadInput(f"parameter {name}", value, "a number, or an array of numbers") from None
        if array.ndim > 2 or not np.all(np.isfinite(array)):
            raise BadInput(f"parameter {name}", value, "a finite number, a vector (d,) or a matrix (d, d) of them")
        numbers[name] = float(array) if array.ndim == 0 else array
    return numbers


def require_held(field: str, value: Any, dtype: Any) -> None:
    """Raise BadInput if arithmetic of type `dtype`, with subnormal numbers flushed to 0, rounds one of these to 0 or infinity."""
    values, range = np.asarray(value, float), np.finfo(dtype)
    size = np.abs(values)
    lost = (size > range.max) | ((size > 0) & (size < range.tiny))
    if lost.any():
        more = "" if range.bits == 64 else "; float64 holds more"
        accepted = f"0, or a number of size {range.tiny:.1e} to {range.max:.1e}, which {range.dtype} holds{more}"
        raise BadInput(field, float(values[lost][0]), accepted)


def specialised(method: Method, loss: Any, dim: int, parameters: Numbers, more: Iterable[str] = ()) -> Method:
    """The method with numbers for its symbols; a run needs it to exist. Symbols of the loss, eta, N and `more` may have values too.

    BadInput for a name without meaning here, a value outside its domain, a vector of the wrong shape, or a matrix that is no
    covariance.
    """
    return _specialised(method, loss, dim, tuple(sorted(parameters.items())), frozenset(more))


@partial(Memo, size=256)  # since a study runs one method many times
def _specialised(
    method: Method, loss: Any, dim: int, values: tuple[tuple[str, Any], ...], more: frozenset[str]
) -> Method:
    parameters = dict(values)
    shapes = dict.fromkeys(more - _RESERVED, 0) | _known_shapes(method, loss, dim)
    fixed = _fixed(loss, dim)
    for name, value in parameters.items():
        if name in fixed:
            accepted_here = f"no value: the loss has one, {spec_of('loss', loss)}; without it {name} is a parameter"
            raise BadInput(f"parameter {name}", value, accepted_here)
        if name not in shapes:
            base = name.rstrip("0123456789")
            if shapes.get(base) == 1:
                together = f"{dim} numbers for the vector {base} together, {base} = [..]"
                raise BadInput(f"parameter {name}", value, together)
            accepted = "one of " + ", ".join(sorted(shapes)) + did_you_mean(name, shapes)
            raise BadInput(f"parameter {name}", value, accepted)
        _check_shape(name, value, shapes[name], dim)
    if "N" in parameters:
        clients = parameters["N"]
        if method.clients.is_number and clients != int(method.clients):
            raise BadInput("N", clients, f"{method.clients}, the method's own number of clients")
        if clients < 1 or clients != int(clients):
            raise BadInput("N", clients, "a whole number >= 1")
    if isinstance(loss, Loss):
        specialise(loss, parameters)
    for symbol in _coordinates(method, dim):
        if symbol.is_positive and not np.all(np.asarray(parameters.get(symbol.base, 1.0)) > 0):
            raise BadInput(f"parameter {symbol.base}", parameters[symbol.base], "numbers > 0, one per coordinate")
    exact = specialise(method, parameters)
    exact.compressor.check_dimension(dim)
    return exact


def derived_at(equation: Any, method: Method, dim: int) -> Any:
    """The equation, derived again if numbers changed its method or if d = 1, since formulas divide by d - 1."""
    if method is equation.method and (equation.dim is not None or dim > 1):
        return equation
    return _derived(method, equation.model, equation.loss, dim)


#: kept, since a study solves one equation many times
_derived = Memo(sde, 32)


def same_for_all(equations: Sequence[Any]) -> Any:
    """The equation that all paths have in common. Raises BadInput if some have another one, as when their noise is 0."""
    if any(one.expressions != equations[0].expressions for one in equations):
        accepted = (
            "values at which all paths have one equation: scales > 0, or 0 for every path (`run` accepts both at once)"
        )
        raise BadInput("varied", "values of which some make the noise vanish", accepted)
    return equations[0]


#: values that differ from path to path, or from block to block, are stored in arrays whose length is a multiple of these numbers
VARIED, BLOCKS = 4096, 512


def varied_of(varied: Mapping[str, Any] | None, paths: int, parameters: Numbers) -> dict[str, np.ndarray]:
    """The values that differ from path to path, (paths,) each. Raises BadInput for another shape or name, or what is not finite."""
    lanes = {}
    for name, value in (varied or {}).items():
        array = np.asarray(value, float)
        if array.shape != (paths,) or not np.all(np.isfinite(array)):
            raise BadInput(f"varied {name}", np.shape(value), f"{paths} finite numbers, one per path")
        if name in parameters or name in ("eta", "N"):
            accepted = "eta, N and the other parameters as one number each"
            raise BadInput(f"varied {name}", "a value for each path", accepted)
        lanes[name] = array
    return lanes


def by_place(lanes: Lanes, paths: Paths) -> dict[str, Any]:
    """The arguments by which a program tells its paths apart (`sdescent.numerics.simulate.programs.Program`).

    "first" is the number of the first path, "block" the number of paths in a block, "varied" the values in arrays of few sizes,
    so that other numbers of paths need no new compilation, and "share" the number of consecutive paths that share a value.
    """
    block = paths.count // paths.blocks
    tables = {name: values.reshape(paths.blocks, block) for name, values in lanes.items()}
    whole = all((table == table[:, :1]).all() for table in tables.values())
    size = BLOCKS if whole else VARIED
    columns = {name: table[:, 0] if whole else table.reshape(-1) for name, table in tables.items()}
    varied = {name: np.pad(values, (0, -len(values) % size), mode="edge") for name, values in columns.items()}
    share = np.uint32(block if whole else 1)
    return {"first": np.uint32(paths.first), "block": np.uint32(block), "share": share, "varied": varied}


def combinations(lanes: Lanes) -> list[dict[str, float]]:
    """Every combination of values that occurs on some path."""
    if not lanes:
        return [{}]
    columns = np.unique(np.stack([*lanes.values()]), axis=1).T
    return [dict(zip(lanes, values.tolist(), strict=True)) for values in columns]


def which_combination(lanes: Lanes) -> np.ndarray:
    """The place of each path's values in the list of `combinations`, (paths,)."""
    return np.unique(np.stack([*lanes.values()]), axis=1, return_inverse=True)[1].reshape(-1)


def by_path(numbers: Sequence[Numbers], lanes: Lanes, once: Container[str]) -> tuple[dict[str, Any], Lanes]:
    """The numbers that a program has once, and those for each path, (paths,), from all numbers for each of `combinations(lanes)`.

    The division depends on values only for the names in `once`, which are for each path only if they differ.
    """
    which, first = which_combination(lanes), numbers[0]
    names = first.keys() - lanes.keys()
    same = {n for n in names if np.ndim(first[n]) or (n in once and all(one[n] == first[n] for one in numbers))}
    differing = {name: np.array([one[name] for one in numbers])[which] for name in sorted(names - same)}
    return {name: first[name] for name in same}, {**differing, **lanes}


def on_these_paths(more: Mapping[str, Any], dtype: Any) -> dict[str, jax.Array]:
    """The values that differ between paths, (1, paths) each, at the "places" in `more`; those after the last take its values."""
    at = (more["places"] - more["first"]) // more["share"]
    return {name: jnp.take(values, at, mode="clip").astype(dtype)[None] for name, values in more["varied"].items()}


@final
class Fixed:
    """An array on which a compiled function depends, equal to arrays of the same shape and bytes."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = np.ascontiguousarray(array)
        self._key = (self.array.shape, self.array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def needed_as_numbers(method: Method, dim: int, parameters: Numbers) -> frozenset[str]:
    """Names of the parameters of noise and compressor that their samplers need as numbers; all, if an array is among the values.

    Such a parameter determines the shape of an array, or a branch in Python (the k of Rand-k). Each parameter is tried: the
    sampler is traced with an unknown value in its place, which computes nothing.
    """
    tried = symbol_names(method.noise.law) | symbol_names(method.compressor)
    if any(np.ndim(value) for value in parameters.values()):
        return frozenset(tried & parameters.keys())
    return _needed(_Asked(method.noise, method.compressor, dim, frozenset(parameters), parameters))


@final
@dataclass(frozen=True)
class _Asked:
    noise: Any
    compressor: Any
    dim: int
    names: frozenset[str]
    parameters: Numbers = field(compare=False)  # whether a value is needed does not depend on the value


@partial(Memo, size=256)
def _needed(query: _Asked) -> frozenset[str]:
    noise, compressor, parameters = query.noise, query.compressor, query.parameters
    at, needed = jnp.zeros((query.dim, 2)), set[str]()
    for names, sampler in (
        (symbol_names(noise.law), lambda numbers: sample_noise(noise, _draws(), at, numbers)),
        (symbol_names(compressor), lambda numbers: compress(compressor, _draws(), at, numbers)),
    ):
        for name in names & parameters.keys():
            if not _traces(lambda value, name=name, sampler=sampler: sampler({**parameters, name: value})):
                needed.add(name)
    return frozenset(needed)


def _traces(function: Any) -> bool:
    try:
        jax.eval_shape(function, jax.ShapeDtypeStruct((), np.float64))
    except Exception:  # a sampler of the user may raise any error when it meets an unknown value
        return False
    return True


def _draws() -> Any:
    return draws_from(jax.random.key(0), 2)


def deciding(method: Method, loss: Any, dim: int) -> set[str]:
    """Names of the parameters of the law, the compressor and the loss, which may determine tables, shapes or the loss."""
    return symbol_names(method.noise.law) | symbol_names(method.compressor) | of_loss(loss, dim)


def of_loss(loss: Any, dim: int) -> set[str]:
    """Names of the parameters of the loss."""
    return set(loss.parameters(dim)) if isinstance(loss, Loss) else set()


def constants(parameters: Numbers, names: Container[str]) -> tuple[Constants, dict[str, float]]:
    """The values fixed in a compiled function (those of `names`, arrays always, eta never), as part of its key, and the others."""
    held = {name: value for name, value in parameters.items() if name != "eta" and (name in names or np.ndim(value))}
    free = {name: value for name, value in parameters.items() if name not in held}
    return tuple((name, Fixed(held[name]) if np.ndim(held[name]) else held[name]) for name in sorted(held)), free


def constants_of_equation(
    equation: SDE | RuleSDE, loss: Any, dim: int, parameters: Numbers, integral: bool
) -> tuple[Constants, dict[str, Any]]:
    """The `constants` of an equation's program; tables of special functions come with every call, an integral's law is fixed."""
    tables = tables_for(equation.expressions, parameters)
    names = untabulated(equation.expressions, tables) | of_loss(loss, dim)
    fixed, free = constants(parameters, names | (deciding(equation.method, loss, dim) if integral else set()))
    return fixed, free | tables


def unfrozen(fixed: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fixed values from `constants`, by name."""
    return {name: value.array if isinstance(value, Fixed) else value for name, value in fixed}


@Memo  # since a study checks one method with many numbers
def _known_shapes(method: Method, loss: Any, dim: int) -> dict[str, int]:
    """The number of axes of each value that may be given, by name."""
    moments = method.compressor.conditional_moments(sp.Integer(dim))
    law = method.noise.law
    used = [*moments.expressions, *method.noise.scales, law.sign_mean(sp.Symbol("x")), method.schedule.factor]
    names = {"eta", "N"} | symbol_names(method) | symbol_names(tuple(used))
    shapes = dict.fromkeys(names - _RESERVED, 0) | {s.base: 1 for s in _coordinates(method, dim)}
    if isinstance(loss, Loss):
        shapes |= dict.fromkeys(loss.parameters(dim), 0)
    if isinstance(loss, Separable):
        shapes |= dict.fromkeys(loss.vectors(dim), 1)
        shapes |= {s.base: 1 for s in loss.coordinate.atoms(Coordinate) if s.base != "x"}
    dense = method.noise.dense
    if dense is not None:
        shapes = {n: s for n, s in shapes.items() if n != f"{dense.name}_diag"} | {dense.name: 2}
    return {n: s for n, s in shapes.items() if n not in _RESERVED}


def _fixed(loss: Any, dim: int) -> set[str]:
    """The vectors whose entries the loss itself states: a value among the parameters would silently replace them."""
    if not isinstance(loss, Separable):
        return set()
    vectors = loss.vectors(dim).items()
    return {name for name, entries in vectors if any(str(e) != f"{name}{m}" for m, e in enumerate(entries, 1))}


def _coordinates(method: Method, dim: int) -> set[Coordinate]:
    """The letters of vectors in the scales of the noise and in the compressor, whose entries get numbers with a run."""
    of_compressor = method.compressor.conditional_moments(sp.Integer(dim)).expressions
    symbols = {*symbols_of([*method.noise.scales, *of_compressor]), *symbols_in(method.compressor)}
    return {s.at("j") for s in symbols if isinstance(s, Coordinate) and not s.entries and s.base not in _RESERVED}


def _check_shape(name: str, value: Any, axes: int, dim: int) -> None:
    shape = np.shape(value)
    if shape != (dim,) * axes:
        accepted = ("a number", f"{dim} numbers, one per coordinate", f"a {dim} x {dim} matrix")[axes]
        raise BadInput(f"parameter {name}", f"shape {shape}" if shape else value, accepted)
    if axes == 2:
        matrix = np.asarray(value)
        size = np.abs(matrix).max()
        if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-9 * size):
            raise BadInput(f"parameter {name}", "a matrix that is not symmetric", "a covariance matrix")
        if np.linalg.eigvalsh(matrix).min() < -1e-9 * size:
            raise BadInput(f"parameter {name}", "a matrix with a negative eigenvalue", "a covariance matrix")
