"""Tables of laws of functions: laws of abs, sqrt, exp, log and psi, monotonicity, and the properties that a context may declare.

Trusted, as part of the kernel. A row gives the number of arguments of a law, its claim about them and its needs (the
relations that the premises must state, in order).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, declared, fn, num, term

ZERO, ONE = num(0), num(1)


class Law(NamedTuple):
    """A law of functions; `claim` and `needs` take `count` terms each."""

    count: int
    claim: Callable[..., Relation]
    needs: Callable[..., list[Relation]] = lambda *args: []
    #: whether the claim is strict if the last premise is
    strict: bool = False


def _rises(name: str, *domain: str) -> Law:
    """The law f(s) <= f(t) if s <= t. f needs 0 op s for each op in `domain`, below which it is constant by convention."""
    return Law(
        2,
        lambda s, t: fn(name, s).le(fn(name, t)),
        lambda s, t: [*(Relation((op, ZERO, s)) for op in domain), s.le(t)],
        True,
    )


#: name -> law. Each holds for all real arguments that satisfy its needs; sqrt t = 0 for t < 0 and log t = 0 for t <= 0.
LAWS: Mapping[str, Law] = {
    "abs_square": Law(1, lambda t: (fn("abs", t) ** 2).eq(t**2)),
    "abs_nonneg": Law(1, lambda t: ZERO.le(fn("abs", t))),
    "abs_of_positive": Law(1, lambda t: fn("abs", t).eq(t), lambda t: [ZERO.le(t)]),
    "abs_of_negative": Law(1, lambda t: fn("abs", t).eq(-t), lambda t: [t.le(ZERO)]),
    "sqrt_nonneg": Law(1, lambda t: ZERO.le(fn("sqrt", t))),
    "sqrt_of_square": Law(1, lambda t: fn("sqrt", t**2).eq(t), lambda t: [ZERO.le(t)]),
    "sqrt_square": Law(1, lambda t: (fn("sqrt", t) ** 2).eq(t), lambda t: [ZERO.le(t)]),
    "exp_positive": Law(1, lambda t: ZERO.lt(fn("exp", t))),
    "exp_add": Law(2, lambda s, t: fn("exp", s + t).eq(fn("exp", s) * fn("exp", t))),
    "log_exp": Law(1, lambda t: fn("log", fn("exp", t)).eq(t)),
    "exp_log": Law(1, lambda t: fn("exp", fn("log", t)).eq(t), lambda t: [ZERO.lt(t)]),
    "log_mul": Law(
        2, lambda s, t: fn("log", s * t).eq(fn("log", s) + fn("log", t)), lambda s, t: [ZERO.lt(s), ZERO.lt(t)]
    ),
    "psi_square": Law(1, lambda t: (fn("psi", t) * t**2).eq(fn("exp", t) - 1 - t)),
    "psi_positive": Law(1, lambda t: ZERO.lt(fn("psi", t))),
    "monotone:exp": _rises("exp"),
    "monotone:psi": _rises("psi"),
    "monotone:atan": _rises("atan"),
    "monotone:erf": _rises("erf"),
    "monotone:tanh": _rises("tanh"),
    "monotone:log": _rises("log", "<"),
    "monotone:sqrt": _rises("sqrt", "<="),
}


def law_of(law: str, args: Sequence[Term | int]) -> tuple[Relation, list[Relation]]:
    """The claim of a law for its arguments, and the relations that it needs.

    Raises:
        ProofError: there is no such law with that many arguments.
    """
    if type(law) is not str or law not in LAWS or LAWS[law].count != len(args):
        name = repr(law) if type(law) is str else f"a {type(law).__name__}"
        raise ProofError(f"there is no law {name} of {len(args)} arguments: function_laws.LAWS lists all")
    row, terms = LAWS[law], [term(a) for a in args]
    return row.claim(*terms), row.needs(*terms)


class Property(NamedTuple):
    """An instance of a declared property. `claim` takes F as a function on terms, the declared value, and then the arguments."""

    #: the property that the context must declare
    declared: str
    count: int
    claim: Callable[..., Relation]
    needs: Callable[..., list[Relation]] = lambda *args: []


#: name in a step -> instance of a property that the context declares
PROPERTIES: Mapping[str, Property] = {
    "odd": Property("odd", 1, lambda F, _, t: F(-t).eq(-F(t))),
    "bounded": Property("bounded", 1, lambda F, bound, t: F(t).le(bound)),
    "bounded_below": Property("bounded", 1, lambda F, bound, t: (-bound).le(F(t))),
    "nondecreasing": Property("nondecreasing", 2, lambda F, _, s, t: F(s).le(F(t)), lambda s, t: [s.le(t)]),
    "slope": Property("slope", 1, lambda F, slope, t: F(t).le(slope * t), lambda t: [ZERO.le(t)]),
    "concave_right": Property(
        "concave_right", 3,
        lambda F, _, s, t, a: (a * F(s) + (1 - a) * F(t)).le(F(a * s + (1 - a) * t)),
        lambda s, t, a: [ZERO.le(s), ZERO.le(t), ZERO.le(a), a.le(ONE)],
    ),
}  # fmt: skip


def property_of(
    function: str, entry: Mapping[str, Any], prop: str, args: Sequence[Any]
) -> tuple[Relation, list[Relation]]:
    """The claim for these arguments of a property that `entry` declares for F, and the relations that it needs.

    Raises:
        ProofError: the context does not declare the property for F, or the property has another number of arguments.
    """
    row = PROPERTIES.get(prop)
    if row is None or row.declared not in entry:
        raise ProofError(f"{function} is not declared {prop}: the context would have to list the property")
    if len(args) != row.count:
        raise ProofError(f"{prop} has {row.count} arguments, not {len(args)}")
    value, terms = entry[row.declared], [term(t) for t in args]
    return row.claim(lambda t: declared(function, t), value, *terms), row.needs(*terms)
