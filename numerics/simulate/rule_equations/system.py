"""The SDE of an update rule as functions of a batch of states, one array (d, paths) for each letter."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1

from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.step.draws import MessageLeaf
from sdescent.derive.expressions.coordinates import (
    Coordinate,
    CoordMax,
    CoordSum,
    Node,
    Rank,
    depends_on,
    nodes,
    symbols_of,
)
from sdescent.derive.expressions.graphs import remade
from sdescent.derive.methods.losses import Separable
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.drift import over_step
from sdescent.numerics.lowering.environment import Environment
from sdescent.numerics.lowering.to_jax import lower_all
from sdescent.numerics.simulate.noise_integrals import NoiseIntegral
from sdescent.numerics.simulate.rule_equations.covariance_root import letter_root, letters_with_noise
from sdescent.numerics.simulate.systems import System, timed, with_step

#: for losses that are sums over coordinates: the letters of the derivatives of one coordinate's loss, and how often each
#: differentiates the gradient (`sdescent.derive.equations.rule_equation`)
LOCAL = {"H": 1, "T": 2, "D4": 3, "D5": 4}


def rule_system(rule: RuleEquation, dim: int, parameters: Mapping[str, Any], loss: Any, nodes: int = 256) -> System:
    """The Ito equation of a rule, in any dimension; arguments as for `ito_system`.

    Raises:
        LoweringError: a function without array form.
        Refusal: correlated coordinates without a cheap root, in a large dimension; a model that needs a sum over coordinates, with
            another kind of loss.
    """
    if rule.local and dim > 1 and not isinstance(loss, Separable):
        raise Refusal("not-separable", "this model is for losses that are sums over coordinates: give such a loss")
    drift = [over_step(differences(rule.drift[a]), loss) for a in rule.letters]
    lowered = lower_all(drift, parameters)
    put = with_step(lowered, loss, dim, parameters)
    conditional = None if rule.message is None else rule.message.moments.conditional
    integral = None if conditional is None else NoiseIntegral(conditional, dim, parameters, nodes)
    covariance = {key: differences(e) for key, e in rule.covariance.items()}
    root = letter_root(replace(rule, covariance=covariance), dim, parameters, integral)

    local = sorted(LOCAL.keys() & {c.base for c in symbols_of(rule.expressions) if isinstance(c, Coordinate)})

    def evaluate(env: Environment, step: Any) -> tuple[dict[str, jax.Array], Any]:
        x = env.vectors["x"]
        if local:
            assert env.directional is not None  # for the type checker: a run has a loss
            values = {name: env.directional(jnp.ones_like(x), LOCAL[name]) for name in local}
            env = replace(env, vectors={**env.vectors, **values})
        if rule.message is not None and integral is not None:
            env = with_message(env, rule.message, integral)
        values = lowered(put(env, step))
        moved = {
            a: jnp.broadcast_to(jnp.asarray(e, x.dtype), x.shape) for a, e in zip(rule.letters, values, strict=True)
        }
        return moved, root.coefficients(env) if root.normals else ()

    return System(evaluate, root.apply, root.normals, integral, timed(rule.expressions), len(rule.letters) > 1)


def with_message(env: Environment, leaf: MessageLeaf, integral: NoiseIntegral) -> Environment:
    """The environment with mean (d, paths) and covariance of a message: its diagonal, and (paths, d, d) if it is not diagonal."""
    mean, covariance = integral.moments(env)
    diagonal = covariance if integral.diagonal else jnp.diagonal(covariance, axis1=1, axis2=2).T
    matrices = {} if integral.diagonal else {leaf.covariance.name: covariance}
    vectors = {leaf.mean.base: mean, leaf.covariance.variance.base: diagonal}
    return replace(env, vectors={**env.vectors, **vectors}, matrices={**env.matrices, **matrices})


def differences(e: sp.Expr) -> sp.Expr:
    """The expression with -a expm1(b) for a - a exp(b), b the same for all coordinates: it keeps its digits at small times.

    In single precision 1 - exp(-rho t) has no correct digit at rho t < 1e-7.
    """
    if not e.args or not e.has(sp.exp):
        return e
    e = remade(e, [differences(a) if isinstance(a, sp.Expr) else a for a in e.args])
    if not isinstance(e, sp.Add):
        return e
    remaining, replaced = list(e.args), []
    for term in e.args:
        factors = sp.Mul.make_args(term)
        powers = [f for f in factors if isinstance(f, sp.exp) and not f.atoms(Coordinate, Node)]
        if len(powers) != 1 or term not in remaining:
            continue
        a = sp.Mul(*[f for f in factors if f != powers[0]])
        if -a in remaining:
            remaining.remove(term)
            remaining.remove(-a)
            replaced.append(a * expm1(powers[0].args[0]))
    return sp.Add(*remaining, *replaced)


def scheme_name(name: str, rule: RuleEquation, dim: int, loss: Any) -> str:
    """The scheme to compile: Milstein's scheme is Euler's if the noise moves nothing that its own size depends on.

    Raises:
        BadInput: "heun"; "milstein" for noise that is neither of that kind nor diagonal.
    """
    if name == "heun":
        raise BadInput(
            "scheme", name, "predictor-corrector, euler or milstein: no Stratonovich form of a rule's equation is known"
        )
    if name != "milstein":
        return name
    noisy, leaf = letters_with_noise(rule), rule.message
    sizes = replace(rule, drift={}).expressions
    read = {c.base for c in symbols_of(sizes) if isinstance(c, Coordinate)}
    of_message = set() if leaf is None else {leaf.mean.base, leaf.covariance.name, leaf.covariance.variance.base}
    of_gradient = {"g", *LOCAL}
    moved = {*noisy, *of_gradient, *of_message} if "x" in noisy else {*noisy}  # the gradient moves with x
    if not read & moved:
        return "euler"
    by_coordinate = not read & of_message and (not read & of_gradient or isinstance(loss, Separable))
    aggregates = any(isinstance(e, (CoordSum, CoordMax, Rank)) or depends_on(e) for s in sizes for e in nodes(s))
    correlated = any(e != 0 for e in rule.pair.values())
    if len(noisy) > 1 or (dim > 1 and (not by_coordinate or aggregates or correlated)):
        raise BadInput(
            "scheme", "milstein", "another scheme, such as euler: milstein needs diagonal noise, of one letter, whose size at a "
            "coordinate depends on that coordinate alone"
        )  # fmt: skip
    return name
