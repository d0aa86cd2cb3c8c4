"""Relations of a theorem at an exact point, which gives numbers to atoms (symbols, norms, F(1), ..).

`sdescent.derive.proof.refute.exact` computes the values.
"""

from collections.abc import Mapping
from fractions import Fraction

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, norm, num, x
from sdescent.derive.proof.refute.exact import NoValue, Values

Point = Mapping[Term, Fraction | int]


def value(t: Term, at: Point) -> str:
    """The value of a term at a point, as text.

    Raises:
        ProofError: an atom has no value, the value is not rational, or the point is outside the domain.
    """
    values, names = _values(at)
    try:
        number = values.value(_put(t, names))
    except NoValue:
        raise ProofError(f"no exact value of {t} at the point") from None
    if not number.is_constant():
        raise ProofError(f"the value of {t} is not rational")
    return str(number)


def holds(relation: Relation, at: Point) -> bool:
    """Whether a relation holds exactly at a point; ProofError if an atom has no value or the point is outside the domain."""
    values, names = _values(at)
    left, right = (_put(side, names) for side in (relation.left, relation.right))
    try:
        return values.holds(Relation((relation.op, left, right)))
    except NoValue:
        raise ProofError(f"no exact value of {relation} at the point") from None


def _values(at: Point) -> tuple[Values, dict[Term, Term]]:
    names = {atom: f"p{n}" for n, atom in enumerate(at)}
    return Values({names[atom]: Fraction(v) for atom, v in at.items()}), {atom: x(name) for atom, name in names.items()}


def _put(t: Term, names: Mapping[Term, Term]) -> Term:
    """A term with fresh symbols for its atoms and without operators, as if T = d = N = 1 and nothing were random or moved."""
    if t in names:
        return names[t]
    if t[0] in OPERATORS:
        return _put(t[1], names)
    if t[0] == "xi":
        return _put(x(t[1]), names)
    if t[0] == "dot" and t[1] == t[2]:
        return _put(norm(t[1]), names) ** 2
    if t[0] in ("q", "pi"):
        return num(t[1]) if t[0] == "q" else t
    if t[0] not in ("+", "*", "^", "/", "f"):
        raise ProofError(f"the point has no value for {t}")
    return Term(_put(a, names) if isinstance(a, Term) else a for a in t)
