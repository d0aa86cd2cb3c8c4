"""An SDE as functions of a batch of points: drift, and a root of its covariance that is applied to increments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import SDE
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.methods.losses import Separable
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import du, t, u
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import STEP, loss_vector, loss_vectors, over_step
from sdescent.numerics.lowering.letter_arrays import Apart, Families, Templates, grouped, single
from sdescent.numerics.lowering.to_jax import Environment, Lowered, lower_all, lower_coordinate
from sdescent.numerics.simulate.noise_integrals import NoiseIntegral
from sdescent.numerics.simulate.roots import Blocks, Diffusion, Entries, diffusion
from sdescent.numerics.simulate.settings import Numbers


@dataclass(frozen=True, eq=False)
class System:
    """The equation dX = drift dt + B dW for a batch of points, held as one array (d, paths) or as several, as in `NamedSystem`.

    Attributes:
        evaluate: (the values at a batch of points, the length of a step) -> drift times step, (d, paths), and the values that B
            depends on, a pytree of arrays. A single function gives both, since both may come from one costly integral.
        apply: (the values that B depends on, z (normals, paths), a number s) -> s B z, (d, paths).
        normals: the number of columns of B; 0 for an ordinary differential equation.
        integral: the integral over the noise from which drift and B come; None if they come from none.
        timed: whether drift or B depends explicitly on time, as under a schedule.
        shared: whether two arrays of the state may use the same normal.
    """

    evaluate: Callable[[Environment, Any], tuple[Any, Any]]
    apply: Callable[[Any, jax.Array, Any], Any]
    normals: int
    integral: NoiseIntegral | None = None
    timed: bool = False
    shared: bool = False

    def split(self, x: jax.Array) -> Any:
        """The state in the form that the system uses, from x (d, paths)."""
        return x

    def join(self, y: Any) -> jax.Array:
        """x (d, paths) from the state in the form that the system uses."""
        return y


def ito_system(equation: SDE, dim: int, parameters: Numbers, nodes: int, loss: Any = None) -> System:
    """The Ito equation in its gradient form, in any dimension. NoClosedForm if the model needs a closed mean and has none.

    `nodes` is for an integral over the noise; with the loss of the environment's gradients the drift may be shorter.
    """
    if equation.drift is None and equation.model != "first-order":
        needs = f"the {equation.model} model needs the mean of the step in closed form"
        raise NoClosedForm(f"{needs}; only the first-order model does not")
    integral = None
    if equation.form is not None:
        root: Diffusion = diffusion(equation.form, dim, parameters)
    else:
        assert equation.conditional is not None  # for the type checker: without a form there are conditional moments
        root = integral = NoiseIntegral(equation.conditional, dim, parameters, nodes)
    lowered = lower_coordinate(over_step(sp.S.Zero if equation.drift is None else equation.drift, loss), parameters)
    put, rate = with_step(lowered, loss, dim, parameters), lower_coordinate(equation.rate, parameters)
    factor = lower_coordinate(equation.method.schedule.factor, parameters)

    def evaluate(env: Environment, step: Any) -> tuple[jax.Array, Any]:
        if equation.drift is not None:
            drift, coefficients = lowered(put(env, step)), root.coefficients(env)
        else:
            assert integral is not None  # if the drift has no closed form, S is an integral too
            mean, covariance = integral.moments(env)
            drift, coefficients = -step * factor(env) * mean, integral.root(mean, covariance)
        return jnp.broadcast_to(drift, env.vectors["x"].shape), (jnp.sqrt(rate(env)), coefficients)

    def apply(values: Any, z: jax.Array, scale: Any) -> jax.Array:
        size, coefficients = values
        return root.apply(coefficients, z, scale * size)

    return System(evaluate, apply, root.normals, integral, timed(equation.expressions))


def timed(expressions: Iterable[sp.Expr]) -> bool:
    """Whether drift or covariance contains the time or the letter of a free schedule."""
    return bool({t, u, du} & symbols_of(expressions))


def with_step(lowered: Lowered, loss: Any, dim: int, parameters: Numbers) -> Callable[[Environment, Any], Environment]:
    """The function (environment, length of a step) -> the environment that a drift over a step (`over_step`) reads."""
    vectors = loss_vectors(loss, dim, parameters) if isinstance(loss, Separable) else {}
    used = {loss_vector(n): values for n, values in vectors.items() if loss_vector(n) in lowered.vectors}

    def put(env: Environment, step: Any) -> Environment:
        vectors = {name: jnp.asarray(values, env.vectors["x"].dtype)[:, None] for name, values in used.items()}
        return replace(env, vectors={**env.vectors, **vectors}, scalars={**env.scalars, STEP.name: step})

    return put


def stratonovich_system(equation: SDE, dim: int, parameters: Numbers) -> System:
    """The Stratonovich equation in named coordinates, for Heun's method (Refusal without one; NoClosedForm for an integral)."""
    entries = {f"{k}{m + 1}": e for k, a in parameters.items() if np.ndim(a) == 1 for m, e in enumerate(a)}
    named = named_system(equation.coordinates(dim), parameters, timed(equation.expressions), True)

    def evaluate(env: Environment, step: Any) -> tuple[jax.Array, Any]:
        x = env.vectors["x"]
        here = named.at(named.split(x), named.prepare({**env.scalars, **entries}, x.dtype))
        drift, coefficients = named.evaluate(here, step)
        return named.families.join(drift, x.shape[1]), coefficients

    def apply(coefficients: Any, z: jax.Array, scale: Any) -> jax.Array:
        return named.families.join(named.apply(coefficients, z, scale), z.shape[1])

    return System(evaluate, apply, named.normals, None, named.timed)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class NamedSystem(System):
    """An equation in named coordinates: its state has an array per group (`families`); `prepare` adds vectors to the numbers."""

    families: Families
    prepare: Callable[[Mapping[str, Any], Any], dict[str, Any]]

    def split(self, x: jax.Array) -> Any:
        return self.families.split(x)

    def join(self, y: Any) -> jax.Array:
        return self.families.join(y, y[0].shape[-1])

    def at(self, y: Sequence[jax.Array], scalars: Mapping[str, Any]) -> Environment:
        """The environment at a state; the scalars are the values from `prepare`, and the time."""
        return Environment({"x": y[0]}, {**scalars, **self.families.named(y)})


def named_system(named: CoordinateSDE, parameters: Numbers, timed: bool, stratonovich: bool) -> NamedSystem:
    """The system of an equation in named coordinates; letters that share a formula, such as x1, x2, .., form a group.

    If its `root_source` is not a matrix, the covariance is factorised block by block (`Blocks`). `parameters` are those of every
    call; `stratonovich` asks for that form (Refusal without one). LoweringError.
    """
    drift, source = (named.stratonovich_drift(), named.root) if stratonovich else (named.drift, named.root_source)
    for families in (grouped(named.state), single(named.state)):
        templates = Templates(families)
        try:
            moved = [templates([drift[i] for i in group]) for group in families.groups]
            if isinstance(source, sp.MatrixBase):
                root: Blocks | Entries = Entries(len(families.groups), templates.rows(source), parameters)
            else:
                sizes = [len(group) for group in families.groups]
                root = Blocks(templates.between(named.covariance), sizes, parameters)
        except Apart:
            continue
        break
    else:
        raise AssertionError("letters by themselves have one formula each")
    lowered = lower_all(moved, parameters)

    def evaluate(env: Environment, step: Any) -> tuple[tuple[Any, ...], Any]:
        return tuple(step * e for e in lowered(env)), root.coefficients(env)

    def prepare(numbers: Numbers, dtype: Any) -> dict[str, Any]:
        return {**numbers, **templates.values(numbers, dtype)}

    return NamedSystem(evaluate, root.apply, root.normals, None, timed, root.shared, families=families, prepare=prepare)
