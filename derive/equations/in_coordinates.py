"""An SDE in named coordinates: x1, .. with a loss, or g1, .. and H1_1, .. while the loss is unspecified."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from sdescent.derive.equations.roots import block_root, differentiable, noise_type, root, smooth_in
from sdescent.derive.equations.rule_equation import NOT_AFTER_THE_NOISE, RuleEquation
from sdescent.derive.equations.sde import Equation
from sdescent.derive.expressions.coordinates import DERIVATIVES, Coordinate, g, longer_than, parts_of, symbols_of
from sdescent.derive.expressions.derivatives import smooth
from sdescent.derive.expressions.gradient_form import DenseCov, Expansion, GradientForm, Substitution
from sdescent.derive.methods.losses import Loss
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

#: the largest product of the number of parts of the generic expressions and dim^2; beyond it an expansion takes minutes
LARGEST = 2_000_000


def state_symbols(dim: int) -> list[sp.Symbol]:
    """The symbols x1, .., x_dim of the state (real)."""
    return list(_state(dim))


@lru_cache(maxsize=16)
def _state(dim: int) -> tuple[sp.Symbol, ...]:
    """The cached symbols of the state: every solve needs them, and making 10,000 takes as long as hundreds of steps of a path."""
    return tuple(sp.Symbol(f"x{m + 1}", real=True) for m in range(dim))


def derivatives_of(loss: Loss, dim: int) -> dict[sp.Expr, sp.Expr]:
    """The derivatives H_jj, T_jjj, .. of a loss that is a sum over coordinates, at x1, .., x_dim."""
    state = state_symbols(dim)
    value = loss.value(state)
    return {c.entry(m + 1): sp.diff(value, x, n) for m, x in enumerate(state) for n, c in DERIVATIVES.items()}


def gradient_symbols(dim: int) -> list[sp.Symbol]:
    """The symbols g1, .., g_dim of the gradient (real)."""
    return [sp.Symbol(f"g{m + 1}", real=True) for m in range(dim)]


def message_symbols(dim: int) -> list[sp.Symbol]:
    """The symbols v1, .., v_dim of the message that a client compresses (real)."""
    return [sp.Symbol(f"v{m + 1}", real=True) for m in range(dim)]


def hessian_symbols(dim: int) -> sp.Matrix:
    """The symmetric matrix of the symbols Hi_j, i <= j counted from 1 (real)."""
    return sp.Matrix(dim, dim, lambda i, j: sp.Symbol(f"H{min(i, j) + 1}_{max(i, j) + 1}", real=True))


@dataclass(frozen=True)
class CoordinateSDE:
    """An Ito equation dX = drift dt + L dW in R^dim, with L L' = covariance.

    Args:
        state: the symbols x1, ..
        gradient: the symbols g1, ..
        drift: dim x 1.
        covariance: dim x dim; it includes the factor eta h^2/N.
        root_source: L, dim x m; None if no closed form is known; or a function of the covariance that returns L or None,
            such as `sdescent.derive.equations.roots.block_root` (roots of large covariances take time).
        specified: whether drift and covariance are functions of the state (a loss was given).
        smooth_source: whether the root is differentiable in the gradient everywhere, or a function that returns this; None to
            decide from the root.
    """

    state: list[sp.Symbol]
    gradient: list[sp.Symbol]
    drift: sp.Matrix
    covariance: sp.Matrix
    root_source: Callable[[sp.Matrix], sp.Matrix | None] | sp.Matrix | None
    specified: bool
    smooth_source: Callable[[], bool] | bool | None = None

    def __getstate__(self) -> dict[str, Any]:
        """The state to pickle: the root itself in place of the function that makes it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return values | {"root_source": self.root, "smooth_source": self.root is not None and self.smooth_root}

    @property
    def dim(self) -> int:
        """The dimension."""
        return len(self.state)

    @cached_property
    def symbols(self) -> dict[str, sp.Symbol]:
        """The symbols of state, drift and covariance, by name."""
        return {s.name: s for s in (*self.state, *sorted(symbols_of([*self.drift, *self.covariance]), key=str))}

    @cached_property
    def root(self) -> sp.Matrix | None:
        """L with L L' = covariance, dim x m; None if no closed form is known."""
        return self.root_source(self.covariance) if callable(self.root_source) else self.root_source

    @cached_property
    def smooth_root(self) -> bool:
        """Whether the root is differentiable everywhere, in the gradient or, if this can be seen from its form, in the state."""
        if self.smooth_source is None:
            return self.root is not None and smooth_in(self.root, self.state)
        return self.smooth_source() if callable(self.smooth_source) else self.smooth_source

    @cached_property
    def noise_type(self) -> str | None:
        """The type of the noise: additive, scalar, diagonal, commutative or general; None while the gradient is unspecified.

        If no closed root is known, a covariance that depends on the state counts as general, which every solver for general
        noise handles.
        """
        if not self.specified:
            return None
        if self.root is not None:
            return noise_type(self.root, self.state)
        return "general" if symbols_of(self.covariance) & set(self.state) else "additive"

    def stratonovich_drift(self) -> sp.Matrix:
        """The drift of the Stratonovich equation with the same solutions, drift_i - (1/2) sum_jk L_jk d_j L_ik (theory 2).

        Raises:
            Refusal: "unspecified-gradient" without a loss; "no-root" if no closed root is known; "singular-covariance" if the
                root is not differentiable.
        """
        if not self.specified:
            why = "a Stratonovich drift needs the gradient as a function of the state: give a loss"
            raise Refusal("unspecified-gradient", why)
        if self.root is None:
            why = "the covariance has no closed-form root, so no symbolic Stratonovich drift: use the Ito form"
            raise Refusal("no-root", why)
        if self.noise_type == "additive":
            return self.drift
        if not self.smooth_root:
            why = "the covariance is singular at some states and its root is not differentiable there"
            raise Refusal("singular-covariance", f"{why}: there is no Stratonovich form; use the Ito form")
        correction = sp.zeros(self.dim, 1)
        for k in range(self.root.cols):
            column = self.root[:, k]
            jacobian = sp.Matrix(self.dim, self.dim, lambda i, j, c=column: smooth(sp.diff(c[i], self.state[j])))
            correction += jacobian * column
        return self.drift - correction / 2


def required(dim: int | None) -> int:
    """The dimension for which an equation was derived; raises BadInput if it was derived for any dimension."""
    if dim is None:
        raise BadInput("dim", None, "a dimension, given to sde(..., dim=..) or to coordinates(dim)")
    return dim


def expand(equation: Equation) -> CoordinateSDE:
    """The equation in named coordinates. NoClosedForm if it has only moments given the message, BadInput as `expansion_of`."""
    form, drift, dim = equation.form, equation.drift, required(equation.dim)
    if form is None or drift is None:
        raise NoClosedForm(NOT_AFTER_THE_NOISE)
    state, gradient = state_symbols(dim), gradient_symbols(dim)
    expansion, put = expansion_of(equation.loss, dim, (*form.expressions, drift), equation.expressions)
    rate = put(expansion.scalar(equation.rate))
    drift_vector = sp.Matrix(expansion.vector(drift)).applyfunc(put)
    step_covariance = form.covariance(expansion)
    covariance = (rate * step_covariance.applyfunc(put)).applyfunc(_shorten)

    def scaled_root(_: sp.Matrix) -> sp.Matrix | None:
        base = root(form, expansion, step_covariance)
        return None if base is None else sp.sqrt(rate) * base.applyfunc(put)

    def smooth_root() -> bool:
        in_gradient = root(form, Expansion(dim, vectors(form.expressions, dim, {"g": list(gradient)})))
        return in_gradient is not None and differentiable(in_gradient, gradient)

    return CoordinateSDE(state, gradient, drift_vector, covariance, scaled_root, equation.loss is not None, smooth_root)


def expand_rule_drift(equation: RuleEquation, dim: int) -> list[sp.Expr]:
    """The drift of `expand_rule` alone."""
    drift = tuple(equation.drift.values())
    expansion, put = expansion_of(equation.loss, dim, drift, equation.expressions)
    return [put(e) for one in drift for e in expansion.vector(one)]


def expand_rule(equation: RuleEquation, dim: int) -> CoordinateSDE:
    """The equation of an update rule in `dim` coordinates of each letter: x1, .., then m1, .. for a letter m of the memory.

    Mean and covariance of a message without closed form stay letters, b1, .. and S1_1, .. Raises BadInput as
    `expansion_of`.
    """
    expansion, put = expansion_of(equation.loss, dim, equation.expressions, equation.expressions)
    letters = equation.letters
    state = [sp.Symbol(f"{a}{m + 1}", real=True) for a in letters for m in range(dim)]
    drift = [put(e) for a in letters for e in expansion.vector(equation.drift[a])]
    covariance = sp.zeros(dim * len(letters), dim * len(letters))
    for (p, a), (q, b) in itertools.combinations_with_replacement(enumerate(letters), 2):
        for m, n in itertools.product(range(dim), repeat=2):
            generic = (equation.covariance if m == n else equation.pair).get((a, b), sp.S.Zero)
            value = put(expansion.pair(generic, m, n))
            covariance[p * dim + m, q * dim + n] = covariance[q * dim + n, p * dim + m] = value
    specified = equation.loss is not None
    named = CoordinateSDE(state, gradient_symbols(dim), sp.Matrix(drift), covariance, block_root, specified)
    of_loss = () if equation.loss is None else equation.loss.parameters(dim)
    symbols = {*state, *named.drift.free_symbols, *named.covariance.free_symbols}
    names = [*(s.name for s in symbols), *(set(of_loss) & {z.name for z in state})]
    if doubled := sorted(n for n in names if names.count(n) > 1):  # such as h1 of a memory h and of a quadratic loss
        accepted = "a name that state, loss and noise use for one thing alone"
        raise BadInput(f"symbol {doubled[0]}", "two meanings", accepted)
    return named


def expand_mean(equation: Equation) -> tuple[sp.Matrix, sp.Matrix, sp.Expr] | None:
    """The mean b, the drift and the rate eta h^2/N, in named coordinates if the equation has a dimension, else in generic ones.

    b and the drift are columns. They may be known without a covariance (b = g if E C(v) = v). None if b has no
    elementary form.
    """
    mean, drift, dim = equation.moments.mean, equation.drift, equation.dim
    if mean is None or drift is None or (mean != g and not equation.method.noise.law.closed_form):
        return None
    if dim is None:
        return sp.Matrix([mean]), sp.Matrix([drift]), equation.rate
    expansion, put = expansion_of(equation.loss, dim, (mean, drift, equation.rate), equation.expressions)
    b, moved = (sp.Matrix(expansion.vector(e)).applyfunc(put) for e in (mean, drift))
    return b, moved, put(expansion.scalar(equation.rate))


def expansion_of(
    loss: Loss | None, dim: int, generic: tuple[sp.Expr, ...], of_method: Sequence[sp.Expr]
) -> tuple[Expansion, Callable[[sp.Expr], sp.Expr]]:
    """The expansion of generic expressions in g1, .., and the function that then substitutes the gradient of the loss.

    Without a loss, the symbols g1, .., H1_1, .., T1_1_1, .. stay. Raises BadInput if the expansion would take minutes,
    the loss uses a symbol of `of_method` with another meaning, or the loss does not exist in this dimension.
    """
    length = len(parts_of(generic))
    if length * dim**2 > LARGEST:
        most = int((LARGEST / length) ** 0.5)
        accepted = f"a dimension up to {most} for an equation this long (without one: the form for any dimension)"
        raise BadInput("dim", dim, accepted)
    state, gradient = state_symbols(dim), gradient_symbols(dim)
    hessian, slopes = hessian_symbols(dim), list(gradient)
    upper: dict[tuple[int, int], sp.Expr] = {}
    if loss is not None:
        value = loss.value(state)
        names: dict[str, Any] = {s.name: s for s in symbols_of([value])}
        for symbol in symbols_of(of_method):
            if names.get(symbol.name, symbol) != symbol:  # such as a scale a1 > 0 and features a1, .. of any sign
                accepted = "a name that the loss does not use for anything else"
                raise BadInput(f"symbol {symbol.name}", "two meanings", accepted)
        slopes = [smooth(sp.diff(value, s)) for s in state]
        upper = {(i, j): smooth(sp.diff(slopes[i], state[j])) for j in range(dim) for i in range(j + 1)}
        players = loss.players(dim)
        slopes = [sign * slope for sign, slope in zip(players, slopes, strict=True)]
        hessian = sp.Matrix(dim, dim, lambda i, j: players[i] * upper[min(i, j), max(i, j)])

    def hessian_product(c: list[sp.Expr]) -> list[sp.Expr]:
        # no products by zero: SymPy asks every long factor of such a product whether it is infinite
        return [sp.Add(*[hessian[m, n] * c[n] for n in range(dim) if hessian[m, n] != 0]) for m in range(dim)]

    def derivative(*places: int) -> sp.Expr:
        """The derivative d^n f / dx_i dx_j .. at `places`, with the sign of the player of the first place."""
        if loss is None:
            return sp.Symbol(f"T{'_'.join(str(m + 1) for m in sorted(places))}", real=True)
        low, middle, *rest = sorted(places)
        return loss.players(dim)[places[0]] * smooth(sp.diff(upper[low, middle], *[state[m] for m in rest]))

    def product_of(order: int) -> Callable[[list[sp.Expr]], list[sp.Expr]]:
        """The map from c to the derivatives of this order, with c contracted into every place but the first."""

        def entry(i: int, c: list[sp.Expr]) -> sp.Expr:
            slopes = ((derivative(i, *others), others) for others in itertools.product(range(dim), repeat=order - 1))
            return sp.Add(*[slope * sp.Mul(*[c[m] for m in others]) for slope, others in slopes if slope != 0])

        return lambda c: [entry(i, c) for i in range(dim)]

    entries = {"g": list(gradient), "x": list(state)}
    asked = {e.base for e in parts_of(generic) if isinstance(e, Coordinate)}
    # derivatives of a loss that is a sum, with respect to the coordinate alone
    for order, letter in DERIVATIVES.items():
        if letter.base in asked and (loss is not None or order < 4):
            entries[letter.base] = [hessian[m, m] if order == 2 else derivative(*[m] * order) for m in range(dim)]
    expansion = Expansion(dim, vectors(generic, dim, entries), hessian_product, product_of(3), product_of(4))
    # expand in the symbols g1, .. first: comparisons of the slopes of the loss are costly
    return expansion, (Substitution(dict(zip(gradient, slopes, strict=True))) if loss is not None else lambda e: e)


def vectors(expressions: tuple[sp.Expr, ...], dim: int, entries: dict[str, list[sp.Expr]]) -> dict[str, list[sp.Expr]]:
    """The entries of every vector in the expressions: those in `entries`, else the symbols base1, base2, .."""
    table = dict(entries)
    for coordinate in {c for c in parts_of(expressions) if isinstance(c, Coordinate) and c.slot != "ij"}:
        base = coordinate.base
        if base in table or coordinate.entries:
            continue
        if base.endswith("_diag"):
            leaf = DenseCov(base.removesuffix("_diag"))
            table[base] = [leaf.entry(m + 1, m + 1) for m in range(dim)]
        else:
            table[base] = coordinate.vector(dim)
    return table


def given_message(form: GradientForm, dim: int) -> tuple[list[sp.Expr], sp.Matrix]:
    """The mean and covariance of C(v) given v, in the symbols v1, .."""
    expansion = Expansion(dim, vectors(form.expressions, dim, {"v": list(message_symbols(dim))}))
    return expansion.vector(form.mean), form.covariance(expansion)


def _shorten(e: sp.Expr) -> sp.Expr:
    """Expand a short sum, so that terms of the diagonal and the low-rank part cancel; no decision depends on the result."""
    return e if longer_than(e, 200) or e.has(sp.Piecewise) else sp.expand_mul(e)
