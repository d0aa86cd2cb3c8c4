"""The SDE of an update rule as functions of a batch of states, and a root of its covariance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import expm1

from sdescent.derive.equations.in_coordinates import expand_rule, hessian_symbols
from sdescent.derive.equations.roots import signed_root
from sdescent.derive.equations.rule_equation import Pair, RuleEquation
from sdescent.derive.equations.step.draws import MessageLeaf
from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.coordinates import Coordinate, CoordMax, CoordSum, Node, Rank, depends_on, symbols_of
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.graphs import remade
from sdescent.derive.methods.losses import Separable
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.factors import block_root, small_root
from sdescent.numerics.lowering.landscape import over_step
from sdescent.numerics.lowering.to_jax import Environment, Lowered, lower_all, lower_coordinate
from sdescent.numerics.simulate.noise_integrals import NoiseIntegral
from sdescent.numerics.simulate.roots import Blocks, Diffusion, diffusion, size_of
from sdescent.numerics.simulate.settings import Numbers
from sdescent.numerics.simulate.systems import System, timed, with_step

#: up to this many coordinates of the whole state, a covariance without a simpler form is written in named coordinates
NAMED_LIMIT = 24


def letter_root(rule: RuleEquation, dim: int, parameters: Numbers, integral: NoiseIntegral | None = None) -> Diffusion:
    """The root over the letters that fits the structure of the covariance; its values are (d, paths) by letter.

    The environment holds the moments of `integral`, those of a message without closed form. Refusal if many coordinates correlate
    in a way that has no cheap root here, or if their covariance contains the Hessian.
    """
    noisy = letters_with_noise(rule)
    pairs = {key: e for key, e in rule.pair.items() if e != 0} if dim > 1 else {}
    if not pairs:
        return PerCoordinate(rule, dim, parameters)
    form = _form(rule, noisy[0], pairs) if len(noisy) == 1 and set(pairs) == {(noisy[0], noisy[0])} else None
    if form is not None:
        leaf = rule.message
        of_message = [c for c, measured in form.dense if leaf is not None and measured == leaf.covariance]
        if not of_message:
            return OneLetter(rule.letters, noisy[0], diffusion(form, dim, parameters))
        if form.diag == 0 and not form.rank and leaf is not None and integral is not None:
            root = OfMessage(lower_coordinate(of_message[0], parameters), leaf, integral)
            return OneLetter(rule.letters, noisy[0], root)
    if dim * len(rule.letters) > NAMED_LIMIT:
        raise Refusal(
            "correlated-coordinates",
            f"the noise of {' and '.join(noisy)} is correlated between coordinates, neither with rank one nor by one measured "
            f"covariance. Such noise is solved in named coordinates, up to {NAMED_LIMIT} of them in all letters together: use a "
            "smaller dimension, or a noise and a compressor that are independent between coordinates",
        )
    return Named(rule, dim, parameters)


def letters_with_noise(rule: RuleEquation) -> list[str]:
    """The letters that have a variance, or a covariance with another letter."""
    return [a for a in rule.letters if any(a in key and e != 0 for key, e in rule.covariance.items())]


@final
class PerCoordinate(Diffusion):
    """The root for independent coordinates: a factor over the letters with noise, entry by entry, at each coordinate of each path.

    A second-order model may give a letter a covariance of order tau with another letter and no variance, since that would be of
    order tau^2: the matrix is positive semidefinite only to the order kept. Such a letter follows the noise of the letters that
    have a variance. This adds the smallest variance that makes the matrix a covariance, and the weak order stays the same.
    """

    def __init__(self, rule: RuleEquation, dim: int, parameters: Numbers) -> None:
        self._letters, self._dim = rule.letters, dim
        #: letters with a variance; then, in each group, these and the letters that follow them
        noisy = {a for a in rule.letters if _entry(rule, a, a) != 0}
        self._groups = [([a for a in g if a in noisy], [a for a in g if a not in noisy]) for g in _groups(rule)]
        self._place = {a: n for n, a in enumerate(a for group, _ in self._groups for a in group)}
        self.normals = dim * len(self._place)
        expressions: list[sp.Expr] = []
        self._closed: set[str] = set()
        for group, others in self._groups:
            lower = [_entry(rule, b, a) for n, a in enumerate(group) for b in group[: n + 1]]
            if len(group) == 1 and not others and _smooth(closed := signed_root(lower[0])):
                self._closed.add(group[0])
                expressions.append(closed)
                continue
            expressions += [*lower, *(size_of(_entry(rule, a, a)) for a in group)]
            expressions += [_entry(rule, a, b) for a in others for b in group]
        self._lowered = lower_all(expressions, parameters)

    def coefficients(self, env: Environment) -> Any:
        dtype, roots = env.vectors["x"].dtype, list[Any]()
        values = (jnp.asarray(e, dtype) for e in self._lowered(env))
        for group, others in self._groups:
            if group[0] in self._closed:
                roots.append([[next(values)]])
                continue
            rows = [[next(values) for _ in range(n + 1)] for n in range(len(group))]
            # letters that follow need a triangular factor
            root = (small_root if others else block_root)(rows, [next(values) for _ in group])
            roots.append(root + [_following(root, [next(values) for _ in group]) for _ in others])
        return roots

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> Any:
        d, moved = self._dim, _still(self._letters, z)
        normals = {a: z[n * d : (n + 1) * d] for a, n in self._place.items()}
        for (group, others), rows in zip(self._groups, coefficients, strict=True):
            for a, row in zip((*group, *others), rows, strict=True):
                parts = [(scale * value) * normals[b] for b, value in zip(group, row, strict=False)]
                moved[a] = sum(parts[1:], parts[0])
        return moved


@final
class OneLetter(Diffusion):
    """The root if a single letter has noise, with correlated coordinates: a root of `sdescent.numerics.simulate.roots`."""

    def __init__(self, letters: Sequence[str], noisy: str, root: Diffusion) -> None:
        self._letters, self._noisy, self._root, self.normals = letters, noisy, root, root.normals

    def coefficients(self, env: Environment) -> Any:
        return self._root.coefficients(env)

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> Any:
        return _still(self._letters, z) | {self._noisy: self._root.apply(coefficients, z, scale)}


@final
class OfMessage(Diffusion):
    """The root of c S, where the covariance S of a message is an integral over the noise and not diagonal."""

    def __init__(self, coefficient: Lowered, leaf: MessageLeaf, integral: NoiseIntegral) -> None:
        self._coefficient, self._leaf, self._integral, self.normals = coefficient, leaf, integral, integral.normals

    def coefficients(self, env: Environment) -> Any:
        root = self._integral.root(env.vectors[self._leaf.mean.base], env.matrices[self._leaf.covariance.name])
        return jnp.sqrt(self._coefficient(env)), root

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        size, root = coefficients
        return self._integral.apply(root, z, scale * size)


@final
class Named(Diffusion):
    """The root in named coordinates, block by block."""

    def __init__(self, rule: RuleEquation, dim: int, parameters: Numbers) -> None:
        named = expand_rule(replace(rule, loss=None), dim)
        self._letters, self._dim, self._names = rule.letters, dim, [s.name for s in named.state]
        self._gradient = [s.name for s in named.gradient]
        if symbols_of(named.covariance) & set(hessian_symbols(dim)):
            why = "noise correlated between coordinates is not supported if its covariance contains the Hessian"
            raise Refusal("correlated-coordinates", why)
        self._blocks = Blocks(named.covariance, [1] * named.covariance.rows, parameters)
        self.normals = self._blocks.normals
        self._entries = {f"{k}{m + 1}": e for k, a in parameters.items() if np.ndim(a) == 1 for m, e in enumerate(a)}
        leaves = [rule.method.noise.dense, None if rule.message is None else rule.message.covariance]
        places = [(m, n) for n in range(dim) for m in range(n + 1)]
        self._matrices = {
            leaf.name: {leaf.entry(m + 1, n + 1).name: (m, n) for m, n in places} for leaf in leaves if leaf is not None
        }

    def coefficients(self, env: Environment) -> Any:
        rows = [row for a in self._letters for row in env.vectors[a]]
        named = dict(zip(self._names, rows, strict=True)) | dict(zip(self._gradient, env.vectors["g"], strict=True))
        named |= {
            entry: env.matrices[name][..., m, n]
            for name, entries in self._matrices.items()
            if name in env.matrices
            for entry, (m, n) in entries.items()
        }
        scalars = {**env.scalars, **self._entries, **named}
        return self._blocks.coefficients(Environment({"x": env.vectors["x"]}, scalars))

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> Any:
        rows = [jnp.broadcast_to(row, z.shape[1:]) for row in self._blocks.apply(coefficients, z, scale)]
        d = self._dim
        return {a: jnp.stack(rows[n * d : (n + 1) * d]) for n, a in enumerate(self._letters)}


def _still(letters: Sequence[str], z: jax.Array) -> dict[str, Any]:
    """No movement of any letter: -0, since adding it changes no bit of any number, 0 and -0 included, and so is not computed."""
    return dict.fromkeys(letters, jnp.asarray(-0.0, z.dtype))


def _entry(rule: RuleEquation, a: str, b: str) -> sp.Expr:
    return rule.covariance.get((a, b), rule.covariance.get((b, a), sp.S.Zero))


def _groups(rule: RuleEquation) -> list[list[str]]:
    """The letters with noise, in mutually independent groups."""
    groups: list[list[str]] = []
    for a in letters_with_noise(rule):
        near = [g for g in groups if any(_entry(rule, a, b) != 0 for b in g)]
        groups = [g for g in groups if g not in near] + [[b for g in near for b in g] + [a]]
    return [sorted(group, key=rule.letters.index) for group in groups]


def _following(root: list[list[Any]], covariances: list[Any]) -> list[Any]:
    """The row that a letter adds below a Cholesky factor, from its covariances with the letters of the factor."""
    row_below: list[Any] = []
    for row, value in zip(root, covariances, strict=True):
        pivot, rest = row[-1], value - sum(a * b for a, b in zip(row_below, row[:-1], strict=True))
        quotient = rest / jnp.where(pivot > 0, pivot, 1.0)
        row_below.append(jnp.where(pivot > 0, quotient, jnp.where(rest == 0, pivot, jnp.nan)))
    return row_below


def _smooth(root: sp.Expr) -> bool:
    """Whether the root of a variance contains neither a root nor a kink that depends on the coordinate."""
    kinks = [e for e in root.atoms(sp.Abs, sp.sign, sp.Piecewise) if _varies(e)]
    return not kinks and not any(_varies(e) for e in root.atoms(sp.Pow) if not e.exp.is_Integer)


def _varies(e: sp.Basic) -> bool:
    return bool(e.atoms(Coordinate, Node))


def _form(rule: RuleEquation, letter: str, pairs: Mapping[Pair, sp.Expr]) -> GradientForm | None:
    """The covariance of the single letter with noise as D + c w w' + c' Sigma, Sigma measured; None if it has another form."""
    variance, pair = rule.covariance[letter, letter], pairs[letter, letter]
    leaf, dense = rule.method.noise.dense if rule.message is None else rule.message.covariance, ()
    if leaf is not None:
        symbol = leaf.pair
        coefficient = sp.expand(pair).coeff(symbol)
        pair = sp.expand(pair - coefficient * symbol)
        variance = sp.expand(variance - coefficient * leaf.variance)
        if _varies(coefficient) or pair.has(symbol):
            return None
        dense = ((coefficient, leaf),)
    if pair == 0:
        return GradientForm(sp.S.Zero, variance, (), sp.zeros(0, 0), dense)
    split = _product(pair)
    if split is None:
        return None
    constant, factor = split
    size = sp.sqrt(sp.Abs(constant)) * factor  # the diagonal is a difference of numbers of the size of its square
    return GradientForm(size, variance - constant * factor**2, (factor,), sp.Matrix([[constant]]), dense)


def _product(pair: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """The pair (c, w) such that the entry at i != j is c w_i w_j; None if there is none."""
    constant, at_i, at_j = sp.S.One, sp.S.One, sp.S.One
    for factor in sp.Mul.make_args(sp.factor(pair)):
        if depends_on(factor, "i") and depends_on(factor, "j"):
            return None
        if depends_on(factor, "i"):
            at_i *= factor
        elif depends_on(factor, "j"):
            at_j *= factor
        else:
            constant *= factor
    return (constant, at_j) if coordinates.to_slot(at_i, "i", "j") == at_j else None


#: for losses that are sums over coordinates: the letters of the derivatives of one coordinate's loss, and how often each
#: differentiates the gradient (`sdescent.derive.equations.rule_equation`)
LOCAL = {letter.base: n - 1 for n, letter in coordinates.DERIVATIVES.items()}


def rule_system(rule: RuleEquation, dim: int, parameters: Numbers, loss: Any, nodes: int = 256) -> System:
    """The Ito equation of a rule, in any dimension; arguments as for `ito_system`, LoweringError for a function without array form.

    Refusal for correlated coordinates without a root here, or a model with a sum over coordinates and another kind of loss.
    """
    if rule.local and dim > 1 and not isinstance(loss, Separable):
        reason = "this model holds only for losses that are sums over coordinates: give such a loss"
        raise Refusal("not-separable", reason)
    lowered = lower_all([over_step(differences(rule.drift[a]), loss) for a in rule.letters], parameters)
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
        moved = [jnp.broadcast_to(jnp.asarray(e, x.dtype), x.shape) for e in lowered(put(env, step))]
        return dict(zip(rule.letters, moved, strict=True)), root.coefficients(env) if root.normals else ()

    return System(evaluate, root.apply, root.normals, integral, timed(rule.expressions), len(rule.letters) > 1)


def with_message(env: Environment, leaf: MessageLeaf, integral: NoiseIntegral) -> Environment:
    """The environment with mean (d, paths) and covariance of a message: its diagonal, and (paths, d, d) if it is not diagonal."""
    mean, covariance = integral.moments(env)
    diagonal = covariance if integral.diagonal else jnp.diagonal(covariance, axis1=1, axis2=2).T
    matrices = {} if integral.diagonal else {leaf.covariance.name: covariance}
    vectors = {leaf.mean.base: mean, leaf.covariance.variance.base: diagonal}
    return replace(env, vectors={**env.vectors, **vectors}, matrices={**env.matrices, **matrices})


def differences(e: sp.Expr) -> sp.Expr:
    """The expression with -a expm1(b) for a - a exp(b), b alike in all coordinates: in single precision it keeps digits."""
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

    BadInput for "heun", and for "milstein" with noise that is neither of that kind nor diagonal.
    """
    if name == "heun":
        accepted = "predictor-corrector, euler or milstein: no Stratonovich form of a rule's equation is known"
        raise BadInput("scheme", name, accepted)
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
    aggregates = any(
        isinstance(e, (CoordSum, CoordMax, Rank)) or depends_on(e) for s in sizes for e in coordinates.nodes(s)
    )
    correlated = any(e != 0 for e in rule.pair.values())
    if len(noisy) > 1 or (dim > 1 and (not by_coordinate or aggregates or correlated)):
        raise BadInput(
            "scheme", "milstein", "another scheme, such as euler: milstein needs diagonal noise, of one letter, whose size at a "
            "coordinate depends on that coordinate alone"
        )  # fmt: skip
    return name
