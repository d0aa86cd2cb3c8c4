"""The user's own equation dX = drift dt + L dW in named coordinates: its construction, checks, text, analysis and solution."""

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.audit.stated_equation import Letters
from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.equations.process.density import Density, density
from sdescent.derive.equations.process.generator import MomentEquations, generator, moment_equations
from sdescent.derive.equations.process.stationary import StationaryMoments, second_moments_of_equation
from sdescent.derive.equations.roots import block_root, blocks
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.expressions.vanishing import climbs, moderate, rounded, vanishes
from sdescent.derive.printing.coordinate_latex import stated_latex
from sdescent.derive.printing.latex import checked
from sdescent.derive.printing.layout import Layout, terminal
from sdescent.derive.printing.serialise import named_to_dict
from sdescent.derive.solvable import Solvable
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.symbols import t

#: the number of points at which a variance is tested; for blocks, of parameter sets and of points of the state for each set
VARIANCES, PARAMETERS, POINTS = 24, 4, 6
DIGITS = 40
#: a quadratic form counts as negative below minus this times the size of the matrix, far above the error of DIGITS digits
NEGATIVE = sp.Float("1e-25")
#: larger blocks of the covariance are left to the solver, which stops if a block is not a covariance
LARGEST = 8


def column(value: Any, dim: int, field: str) -> list[Any]:
    """The dim entries of a list, a tuple or a matrix with one row or column, or for dim = 1 a bare entry, else BadInput."""
    if isinstance(value, (list, tuple, sp.MatrixBase)):
        entries = list(value)
    elif hasattr(value, "tolist"):
        entries = value.tolist()
    else:
        entries = [value] if dim == 1 and not isinstance(value, dict) else []
    if len(entries) != dim or any(isinstance(e, (list, tuple)) for e in entries):
        raise BadInput(field, value, f"{dim} formulas, one for each letter of the state")
    return entries


def rows(value: Any, dim: int, field: str, square: bool) -> list[list[Any]]:
    """The entries of a matrix with dim rows: nested lists, a SymPy matrix or, for dim = 1, a bare entry, else BadInput."""
    width = f"{dim} formulas" if square else "as many formulas as there are Brownian motions"
    accepted = f"{dim} rows of {width}"
    if hasattr(value, "tolist"):
        value = value.tolist()
    if dim == 1 and not isinstance(value, (list, tuple, dict)):
        value = [[value]]
    if not isinstance(value, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in value):
        raise BadInput(field, value, accepted)
    widths = {len(row) for row in value}
    if len(value) != dim or len(widths) != 1 or widths == {0} or (square and widths != {dim}):
        raise BadInput(field, f"{len(value)} rows of {', '.join(map(str, sorted(widths)))}", accepted)
    return [list(row) for row in value]


def check_covariance(covariance: sp.Matrix, state: Sequence[sp.Symbol], conditions: Sequence[Condition]) -> None:
    """Raise BadInput if the covariance is not symmetric or has a negative eigenvalue at sampled points.

    The points are rational and satisfy the conditions. A variance is refused if it is negative at one of them; an example is
    -gamma while the sign of gamma is open. A matrix such as [[1, rho], [rho, 1]] is a covariance only for some values of its
    parameters: it is refused if every set of parameters tried has a point with a negative eigenvalue. A vector v with
    v' C v < 0, evaluated to 40 digits, shows that an eigenvalue is negative.
    """
    for i, j in itertools.combinations(range(covariance.rows), 2):
        if not vanishes(covariance[i, j] - covariance[j, i]):
            entries = f"{covariance[i, j]} and {covariance[j, i]} for {state[i]}, {state[j]}"
            raise BadInput("covariance", entries, "a symmetric matrix")
    for n, letter in enumerate(state):
        _check_variance(covariance.extract([n], [n]), letter, state, conditions)
    for block in blocks(covariance):
        if len(block) <= LARGEST:
            _check_block(covariance.extract(block, block), [state[i] for i in block], state, conditions)


def _check_variance(
    variance: sp.Matrix, letter: sp.Symbol, state: Sequence[sp.Symbol], conditions: Sequence[Condition]
) -> None:
    symbols = symbols_of(variance)
    parameters = sorted((s for s in symbols if s not in set(state) and s.name != "t"), key=str)
    if not parameters or variance[0].is_nonnegative:
        return
    within = symbols | symbols_of([side for c in conditions for side in (c.left, c.right)])
    signless = [s for s in parameters if not s.is_nonnegative]
    for point in _points(within, random.Random(20250600181), VARIANCES):
        if _negative(variance, point, conditions):
            flipped = [s for s in signless if not _negative(variance, {**point, s: -point[s]}, conditions)]
            raise _refused([letter], {s: point[s] for s in symbols}, flipped)


def _check_block(
    block: sp.Matrix, letters: Sequence[sp.Symbol], state: Sequence[sp.Symbol], conditions: Sequence[Condition]
) -> None:
    symbols = symbols_of(block)
    of_state = {s for s in symbols if s in set(state) or s.name == "t"}
    draw, first = random.Random(20250600181), None
    for parameters in _points(symbols - of_state, draw, PARAMETERS):
        points = ({**parameters, **p} for p in _points(of_state, draw, POINTS))
        point = next((p for p in points if _negative(block, p, conditions)), None)
        if point is None:
            return
        first = first or point
    if first is not None:
        raise _refused(letters, first)


def _refused(
    letters: Sequence[sp.Symbol], point: dict[sp.Basic, sp.Expr], flipped: Sequence[sp.Symbol] = ()
) -> BadInput:
    """The error to raise; `flipped` are the parameters whose opposite sign would have made the variance nonnegative."""
    at = ", ".join(f"{s} = {v}" for s, v in sorted(point.items(), key=lambda item: str(item[0])))
    where = "a negative eigenvalue" + (f" at {at}" if at else "")
    unsaid = f"nothing says that {' or '.join(map(str, flipped))} has one sign: " if flipped else ""
    remedy = f"{unsaid}if the state or the parameters stay where the matrix is one, say so in positive or conditions"
    return BadInput(f"covariance of {', '.join(map(str, letters))}", where, f"a positive semidefinite matrix; {remedy}")


def _points(symbols: Iterable[sp.Symbol], draw: random.Random, count: int) -> Iterator[dict[sp.Basic, sp.Expr]]:
    """Points with small and large values, of both signs if a symbol may be negative; one empty point if there are no symbols."""
    ordered = sorted(symbols, key=str)
    for n in range(count if ordered else 1):
        point: dict[sp.Basic, sp.Expr] = {}
        for s in ordered:
            size = (1, sp.Rational(1, 9), 5)[n % 3] * sp.Rational(draw.randint(1, 9), draw.randint(2, 7))
            point[s] = size if s.is_nonnegative else size * draw.choice((-1, 1))
        yield point


def _negative(block: sp.Matrix, point: dict[sp.Basic, sp.Expr], conditions: Sequence[Condition]) -> bool:
    """Whether v' C v < 0 for some vector v at the point, and the point satisfies every condition that has a value there."""
    import mpmath

    used = [*block, *(side for c in conditions for side in (c.left, c.right))]
    if not moderate(used, point):
        return False  # nothing can be shown at this point
    if any(map(climbs, used)):
        point = rounded(point, 2 * DIGITS)
    for c in conditions:
        gap = (c.left - c.right).xreplace(point)
        if gap.is_number and gap.is_positive is not True:
            return False
    values = block.xreplace(point).evalf(DIGITS)
    if not all(v.is_real and v.is_finite for v in values):
        return False  # the covariance has no value at this point
    size = max((abs(v) for v in values), default=sp.S.Zero)
    if size == 0:
        return False
    with mpmath.workdps(DIGITS):
        _, vectors = mpmath.eigsy(mpmath.matrix(values.applyfunc(lambda v: v / size).tolist()))
        lowest = sp.Matrix([sp.Rational(str(mpmath.nstr(vectors[i, 0], 20))) for i in range(block.rows)])
    return bool((lowest.T * values * lowest)[0] < -NEGATIVE * size)


@dataclass(frozen=True)
class StateSDE(CoordinateSDE, Solvable):
    """An Ito equation dX = drift dt + L dW with L L' = covariance, in coordinates with any names; it may depend on t.

    `stated` makes it and checks its arguments.

    Args:
        conditions: inequalities under which the equation is stated.
    """

    conditions: tuple[Condition, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """The fields to pickle, as stated; a root that was not stated is computed again."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @cached_property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """Every symbol except the state, the gradient and the time, sorted by name."""
        root = [] if self.root_source is None or callable(self.root_source) else list(self.root_source)
        sides = [side for c in self.conditions for side in (c.left, c.right)]
        others = {*self.state, *self.gradient, t}
        return tuple(sorted(symbols_of([*self.drift, *self.covariance, *root, *sides]) - others, key=lambda s: s.name))

    @cached_property
    def symbols(self) -> dict[str, sp.Symbol]:
        """The symbols of the state and of the parameters, and the time, by name."""
        return {s.name: s for s in (*self.state, *self.parameters, t)}

    def generator(self, phi: Any) -> sp.Expr:
        """The generator L phi = sum_i drift_i d_i phi + (1/2) sum_ij covariance_ij d_i d_j phi (`equations.process.generator`)."""
        return generator(self, phi)

    def moment_equations(self, order: int) -> MomentEquations:
        """The equations of all moments of the state up to total degree `order`.

        Raises NoClosedForm if the equations do not close, or drift or covariance is not a polynomial in the state.
        """
        return moment_equations(self, order)

    def stationary_moments(self) -> StationaryMoments:
        """The stationary E xx' for an affine drift, with the condition under which the law exists.

        The moments are taken about 0, not about the mean; for the mean, see `moment_equations(1).stationary()`. Raises
        NoClosedForm if the moment equations do not close, or have more than one fixed point; Refusal: "time-dependent";
        "no-stationary-law" if there is no stationary law for any values of the symbols, or if a moment changes at a
        constant rate.
        """
        return second_moments_of_equation(self, self._of_parameters)

    @property
    def _of_parameters(self) -> tuple[Condition, ...]:
        """The conditions on parameters alone."""
        return tuple(c for c in self.conditions if not symbols_of([c.left, c.right]) & {*self.state, t})

    def density(self) -> Density:
        """The stationary density on the line, or on x > 0 if the letter of the state is positive.

        Raises:
            NoClosedForm: the state has more than one letter, or an entry contains the distribution function of a stable law.
            Refusal: "no-noise", "time-dependent"; "not-integrable" if the mass is infinite for all values of the symbols.
        """
        law = density(self)
        support = (*law.support, *(s for s in self.state if s.is_positive))
        return replace(law, support=support, conditions=self._of_parameters).require()

    def latex(self, macros: Mapping[str, str] | None = None) -> str:
        """The equation as an `aligned` environment; `macros` maps names of symbols, W, B and t to the user's own commands.

        Raises BadInput for a macro with a name that no equation uses.
        """
        return stated_latex(self, self.conditions, checked(macros, {*self.symbols, *(s.name for s in self.gradient)}))

    def __str__(self) -> str:
        """The equation in lines as wide as the terminal, in ASCII if standard output is not Unicode."""
        pieces = Layout(lambda: self, *terminal()).state(self, self.conditions, [s.name for s in self.parameters])
        return "\n".join(written for written, _ in pieces)

    def _repr_latex_(self) -> str:
        return "$\\displaystyle " + self.latex() + "$"

    def to_dict(self) -> dict[str, Any]:
        """The equation as JSON values, with the keys of the command `derive`."""
        more = {"conditions": list(map(str, self.conditions)), "parameters": [s.name for s in self.parameters]}
        return {"dim": self.dim, **named_to_dict(self), **more}


def stated(
    state: Sequence[Any],
    drift: Any,
    covariance: Any = None,
    *,
    diffusion: Any = None,
    positive: Sequence[Any] = (),
    conditions: Sequence[Any] = (),
) -> StateSDE:
    """The Ito equation dX = drift dt + L dW with L L' = covariance, from formulas.

    A formula is a text (`sdescent.derive.vocabulary.formulas.expressions`), a SymPy expression or an exact number. Its letters are
    matched by name: the state, the time t, and parameters, which get numbers when the equation is solved.

    Args:
        state: d names or symbols.
        drift: d formulas.
        covariance: d x d formulas, symmetric and positive semidefinite. Give either `covariance` or `diffusion`.
        diffusion: L, d x m formulas for m independent Brownian motions.
        positive: the names of positive letters. Other letters may have either sign, except eta and N, which are positive.
        conditions: strict inequalities under which the equation is stated, such as '2*kappa*theta > sigma^2'.

    Raises:
        BadInput: a float, an unknown function or an impossible name; a wrong shape; a covariance that is not symmetric or has a
            negative eigenvalue at a sampled point; a name in `positive` that no formula contains.

    Example:
        >>> import sdescent as sd
        >>> langevin = sd.SDE.from_coordinates(["x", "v"], ["v", "-x - gamma*v"], diffusion=[[0], ["sqrt(2*gamma*T)"]],
        ...                                        positive=["gamma", "T"])
        >>> langevin.generator("x*v")
        v**2 + x*(-gamma*v - x)
        >>> langevin.stationary_moments().matrix
        Matrix([[T, 0], [0, T]])
    """
    formulas = [drift, covariance, diffusion, *conditions]
    letters = Letters(state, positive, [e.tolist() if hasattr(e, "tolist") else e for e in formulas])
    state_symbols, dim = letters.state, len(letters.state)
    if (covariance is None) == (diffusion is None):
        both = "nothing" if diffusion is None else "both"
        raise BadInput("covariance", both, "covariance or diffusion, one of the two")
    names = [s.name for s in state_symbols]
    entries = zip(column(drift, dim, "drift"), names, strict=True)
    drift_vector = sp.Matrix([letters.read(e, f"drift of {n}") for e, n in entries])
    listed = [conditions] if isinstance(conditions, (str, sp.Basic)) else conditions
    sides = [letters.inequality(c, f"conditions[{n}]") for n, c in enumerate(listed, 1)]
    sides += [(s, sp.S.Zero) for s in state_symbols if s.is_positive]
    stated_conditions = tuple(Condition(left, right, "stated") for left, right in sides)
    root = block_root
    if diffusion is not None:
        written = zip(names, rows(diffusion, dim, "diffusion", square=False), strict=True)
        root = sp.Matrix([[letters.read(e, f"diffusion of {n}") for e in row] for n, row in written])
        spread = (root * root.T).applyfunc(sp.expand)
    else:
        written = zip(names, rows(covariance, dim, "covariance", square=True), strict=True)
        pairs = [(a if a == b else f"{a}, {b}", e) for a, row in written for b, e in zip(names, row, strict=True)]
        spread = sp.Matrix(dim, dim, [letters.read(e, f"covariance of {pair}") for pair, e in pairs])
        check_covariance(spread, state_symbols, stated_conditions)
    if letters.unused():
        accepted = "letters of the equation: " + ", ".join(letters.names())
        raise unknown_name("positive", letters.unused()[0], letters.names(), accepted)
    return StateSDE(state_symbols, [], drift_vector, spread, root, True, conditions=stated_conditions)
