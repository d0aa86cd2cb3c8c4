"""The SDE of x alone, after a memory that forgets within O(1) steps is averaged out (the regime "fixed").

If x moves by O(tau) in a step and the memory by O(1), look for constants l such that

    W = F_x/tau + sum_a l_a F_a

contains no memory letter. Then y = x + tau sum_a l_a a moves by tau W, and W is independent from step to step given x. The
Green-Kubo sum (the covariance of one step plus twice the covariances at all lags) is therefore exactly Cov W. x and y differ by
O(tau). To second order, if l does not depend on x: let b = E W, let s = sum_a l_a E a for the settled memory, and let
c = E[F_x^(2) + sum_a l_a F_a^(1)], the contribution of a step at the next order in tau. Then y has the drift

    b + tau (c + (d/dt l) E a - (D b) s - (D b) b/2 - (d/dt b)/2),

and x = y - tau s has the drift b + tau (c - (D b) b/2 - (d/dt b)/2 - (D s) b - l d/dt E a).

For signs of a linear memory under Gaussian noise no such constants exist; the sum is then given, at every g, by
`sdescent.derive.vocabulary.formulas.special`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.solvers.solveset import NonlinearError

from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.equations.step.draws import MESSAGE, SENT, kind_of, letter, spoken
from sdescent.derive.equations.step.increments import Expanded
from sdescent.derive.equations.step.mean_over_step import Expectation, random_letters
from sdescent.derive.expressions.coordinates import Coordinate, g, hvp
from sdescent.derive.expressions.derivatives import along, factored, gathered
from sdescent.derive.expressions.written import formula, refusal
from sdescent.derive.methods.compressors.base import Biased, omega_of
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.formulas.special import SignSum

NO_AVERAGE = "no-averaged-model"
_TOO_FAR = (
    "LETTER moves by more than the time of a step, {left}: use the movement itself as the memory, rescaled in the regime to the "
    "size 1 (v = eta*v)"
)
_HALF = (
    "a step moves LETTER by a term of order s^3 in the root s of its time beside the memory that is averaged out, {left}: only "
    "whole powers of the time are averaged"
)


@dataclass(frozen=True)
class Averaged:
    """The movement of x and of the slow memory letters per unit of time, after the fast letters are averaged out."""

    moves: dict[str, sp.Expr]  # W of each slow letter, in random letters, at coordinate j
    second: sp.Expr | None = None  # the second-order model adds tau times it to the drift of x; None if it is not known
    shift: sp.Expr | None = None  # (y - x)/tau once the memory has settled; None if it is not known
    #: the conditions under which the memory settles, as far as symbols leave them open
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Signs:
    """The movement of x alone per unit of time, by signs of a memory that is averaged out."""

    drift: sp.Expr  # the drift of x
    covariance: sp.Expr  # the covariance of x, divided by tau
    behind: sp.Expr  # the lag of the sign's argument behind x, in standard deviations of the argument, divided by tau
    conditions: tuple[Condition, ...] = ()  # as in `Averaged`


def averaged(expanded: Expanded, expect: Expectation) -> Averaged | Signs:
    """The model without the fast letters: `Averaged`, or `Signs` if no constants l exist.

    Raises Refusal "no-averaged-model" if neither exists or the memory does not settle, "no-diffusion" if a slow letter
    is too fast.
    """
    letters, fast = expanded.method.rule.letters, expanded.fast
    slow = [a for a in letters if a not in fast]
    steps = {}
    for a in slow:
        moved = expanded.increments[a]
        for n in (*range(moved.low, 2), 3):
            if gathered(moved[n]) != 0:
                kind, said = ("no-diffusion", _TOO_FAR) if n < 2 else (NO_AVERAGE, _HALF)
                left = spoken(gathered(moved[n]))
                raise refusal(kind, said.replace("LETTER", a), formula(left), beyond=True, left=left)
        steps[a] = gathered(moved[2])
    for a in fast:
        change = expanded.increments[a]
        odd = [n for n in (*range(change.low, 0), 1) if gathered(change[n]) != 0]
        if odd:
            changes = f"a step changes the fast memory {a} by terms of order s^{odd[0]}"
            raise Refusal(NO_AVERAGE, f"{changes}: only changes of order 1 average out", beyond=True)
    memory = {a: gathered(expanded.increments[a][0]) for a in fast}
    takes_in = [a for a, change in memory.items() if any(kind_of(c)[0] == SENT for c in change.atoms(Coordinate))]
    if takes_in:
        conditions = _contraction(expanded.method, takes_in, expect.messages.dim)
    else:
        conditions = _settling(memory, expanded.method.rule.fractions)
    moves, weights = {}, {}
    for a, step in steps.items():
        combined = _weights(step, memory)
        if isinstance(combined, sp.Expr):
            return replace(_signs(expanded.method, steps, memory, expect, combined), conditions=conditions)
        moves[a], weights[a] = factored(combined[0]), combined[1]
    means = _settled(memory, expect) if slow == ["x"] else None
    if means is None:
        return Averaged(moves, conditions=conditions)
    shift = factored(sp.Add(*[weight * means[m] for m, weight in weights["x"].items()]))
    drift = factored(expect(moves["x"]))
    return Averaged(moves, _second(expanded, expect, drift, weights["x"], means), shift, conditions)


def _second(
    expanded: Expanded,
    expect: Expectation,
    drift: sp.Expr,
    weights: Mapping[str, sp.Expr],
    means: Mapping[str, sp.Expr],
) -> sp.Expr | None:
    """The second-order term in the drift of x, divided by tau; None if it is not known."""
    if any(weight.atoms(Coordinate) for weight in weights.values()):
        return None
    field, settled = {"x": drift}, {"x": sp.S.Zero, **means}
    try:
        if gathered(expanded.increments["x"][5]) != 0 or any(gathered(expanded.increments[a][3]) != 0 for a in weights):
            return None
        later = expanded.increments["x"][4] + sp.Add(*[w * expanded.increments[a][2] for a, w in weights.items()])
        mean = gathered(expect(gathered(later)))
        slope = along(mean, settled, 0)
        if any(c.base in means for c in slope.atoms(Coordinate)):
            return None
        start = mean.xreplace({Coordinate(a, slot): sp.S.Zero for a in means for slot in "ijk"})
        change = sp.Add(*[w * along(means[a], field) for a, w in weights.items()])
        return factored(start + slope - along(drift, field) / 2 - change)
    except (TypeError, NoClosedForm):
        return None


def _weights(step: sp.Expr, memory: Mapping[str, sp.Expr]) -> tuple[sp.Expr, dict[str, sp.Expr]] | sp.Expr:
    """W and the factors l, which are constant while the fast letters settle; if none exist, the term that prevents them."""
    unknown = {a: sp.Dummy(f"l_{a}") for a in memory}
    equations: dict[sp.Expr, sp.Expr] = {}
    without = sp.S.Zero
    for term in sp.Add.make_args(gathered(step + sp.Add(*[unknown[a] * change for a, change in memory.items()]))):
        rest, constant = sp.S.One, sp.S.One
        for factor in sp.Mul.make_args(term):
            if any(c.base in memory or kind_of(c)[0] == SENT for c in factor.atoms(Coordinate)):
                rest *= factor
            else:
                constant *= factor
        if rest != 1:
            if random_letters(constant) - random_letters(rest):
                return rest
            equations[rest] = equations.get(rest, sp.S.Zero) + constant
        else:
            without += term
    for solution in sp.linsolve([sp.expand(e) for e in equations.values()], list(unknown.values())):
        free = {s: sp.S.Zero for s in unknown.values() if any(e.has(s) for e in solution)}
        weights = {a: sp.factor(e.xreplace(free)) for a, e in zip(unknown, solution, strict=True)}
        return without.xreplace({unknown[a]: weight for a, weight in weights.items()}), weights
    alone = [rest for rest, e in equations.items() if not e.has(*unknown.values()) and sp.expand(e) != 0]
    return alone[0] if alone else sp.Add(*equations)


def _settled(memory: Mapping[str, sp.Expr], expect: Expectation) -> dict[str, sp.Expr] | None:
    """The stationary mean of each memory letter with x held fixed; None if it is not the unique solution of linear equations."""
    letters = [Coordinate(a) for a in memory]
    try:
        solutions = sp.linsolve([gathered(expect(change)) for change in memory.values()], letters)
    except (NoClosedForm, NonlinearError):
        return None
    for solution in solutions:
        if not any(e.has(*letters) for e in solution):
            return dict(zip(memory, solution, strict=True))
    return None


def _settling(memory: Mapping[str, sp.Expr], fractions: Sequence[str]) -> tuple[Condition, ...]:
    """The conditions that symbols leave open for a linear memory to forget: all |eigenvalues| < 1; Refusal
    "no-averaged-model" if not.
    """
    letters = [Coordinate(a) for a in memory]
    matrix = sp.Matrix([[sp.diff(change, letter) for letter in letters] for change in memory.values()])
    if matrix.atoms(Coordinate):
        return ()
    conditions: dict[sp.Expr, Condition] = {}
    below = {sp.Symbol(name, positive=True): 1 / (1 + sp.Dummy(name, positive=True)) for name in fractions}
    for block in matrix.strongly_connected_components():
        for value in (matrix.extract(block, block) + sp.eye(len(block))).eigenvals():
            there = f"the memory {', '.join([*memory][n] for n in sorted(block))}"
            room = 1 - sp.Abs(sp.factor(value.xreplace(below)))
            if room.is_nonpositive:
                said = f"{there} never settles while x is held fixed: a step multiplies it by {{factor}}"
                raise refusal(NO_AVERAGE, f"{said}, which has to be less than 1 in absolute value", factor=value)
            if not room.is_positive:
                size = sp.Abs(sp.factor(value))
                conditions[size] = Condition(sp.S.One, size, f"{there} settles")
    return tuple(conditions.values())


def _contraction(method: Method, memory: Sequence[str], dim: sp.Expr) -> tuple[Condition, ...]:
    """The condition that symbols leave open for a memory of the compressor's errors to stay bounded: E||C(v) - v||^2 <=
    a ||v||^2, a < 1.

    Raises Refusal "no-averaged-model" if a is 1 or more, or unknown.
    """
    compressor = method.compressor
    loss = compressor.contraction(dim) if isinstance(compressor, Biased) else omega_of(compressor, dim).value
    if loss is None or (1 - loss).is_nonpositive:
        bound = "no such bound is known" if loss is None else "here it is {loss}"
        said = f"the memory {', '.join(memory)} takes in the compressor's errors"
        said += f", and stays bounded if E||C(v) - v||^2 <= a ||v||^2 with a < 1; {bound}"
        said += ": use a contraction such as Top-k or the scaled sign"
        raise refusal(NO_AVERAGE, said, loss=sp.S.Zero if loss is None else loss)
    bounded = Condition(sp.S.One, loss, f"the memory {', '.join(memory)} stays bounded")
    return () if bounded.met else (bounded,)


def _signs(
    method: Method, steps: Mapping[str, sp.Expr], memory: Mapping[str, sp.Expr], expect: Expectation, left: sp.Expr
) -> Signs:
    """The model if x moves by a constant times the sign of a linear function of one averaged memory and the step's gradient.

    With m' = beta m + gamma G and Gaussian noise, u = a m + c G is a stationary Gaussian sequence with mean mu,
    variance v and correlations r_l = r_1 beta^(l-1). E sign u = erf(mu/sqrt(2 v)), and the Green-Kubo sum of signs is
    K(r_1, beta, mu/sqrt v) (`sdescent.derive.vocabulary.formulas.special`). The memory holds gradients of earlier
    steps: if b is the drift, the gradient j steps ago was g - tau j H b to first order, so u has the mean mu - tau a
    gamma/(1 - beta)^2 H b. The terms left out of drift and covariance are small if this shift of the mean is a small
    fraction of sqrt v. Raises Refusal: "no-averaged-model" if x does not move in this way; the message names `left`,
    the term that prevents averaging.
    """
    there = [a for a in memory if any(c.base == a for c in left.atoms(Coordinate))] or list(memory)
    said = f"the memory {', '.join(there)} cannot be averaged out: no linear combination with x is free of {{left}}"
    said += ", and x does not move by the sign of a linear memory under Gaussian noise"
    said += "; use a regime in which the memory is slow, such as ballistic"
    refused = refusal(NO_AVERAGE, said, formula(spoken(left)), beyond=True, left=spoken(left))
    step = steps["x"]
    signs = [e for e in step.atoms(sp.sign) if random_letters(e) or any(c.base in memory for c in e.atoms(Coordinate))]
    draw = letter(MESSAGE, 0)
    law, scales = method.noise.law, expect.messages.scales
    if not len(steps) == len(signs) == len(memory) == 1 or type(law) is not Gaussian or method.noise.dense is not None:
        raise refused
    (name, change), (sign,) = next(iter(memory.items())), signs
    m = Coordinate(name)
    size, rest = step.coeff(sign), gathered(step - step.coeff(sign) * sign)
    inner, after = sp.expand(sign.args[0]), sp.expand(change + m)
    a, c = inner.coeff(m), inner.coeff(draw)
    beta, gamma = after.coeff(m), after.coeff(draw)
    exact = sp.expand(inner - a * m - c * draw) == 0 and sp.expand(after - beta * m - gamma * draw) == 0
    constant = not any(e.atoms(Coordinate) for e in (a, c, beta, gamma, size))
    if not exact or not constant or rest.has(m) or random_letters(rest) or not _unchanged(method, expect.messages.dim):
        raise refused
    spread = sp.Add(*[s**2 for s in scales]) / (len(scales) * method.clients)
    memory_mean, memory_variance = gamma * g / (1 - beta), gamma**2 * spread / (1 - beta**2)
    mean, variance = sp.factor(a * memory_mean + c * g), sp.factor(a**2 * memory_variance + c**2 * spread)
    correlation = sp.factor((a**2 * beta * memory_variance + a * c * gamma * spread) / variance)
    drift = size * sp.erf(mean / sp.sqrt(2 * variance)) + rest
    behind = sp.Abs(hvp(drift)) * sp.Abs(sp.factor(a * gamma / (1 - beta))) / ((1 - beta) * sp.sqrt(variance))
    return Signs(drift, size**2 * SignSum(correlation, beta, mean / sp.sqrt(variance)), behind)


def _unchanged(method: Method, dim: sp.Expr) -> bool:
    """Whether the compressor sends its input unchanged."""
    mask = method.compressor.mask(dim)
    return mask is not None and mask.moment(2) == 1
