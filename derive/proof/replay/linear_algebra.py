"""Linear algebra, read off tables (FORMAT.md): nonnegative, quad_bound, trace_bound and cauchy_schwarz.

None of the rules has a premise. A row says which terms are compared, and which flags their matrices must have in the context.
"""

from typing import Any, NamedTuple

from sdescent.derive.proof.replay.algebra import Poly
from sdescent.derive.proof.replay.logic_and_algebra import Rules
from sdescent.derive.proof.replay.terms import Relation, Step, check, fields


class Bound(NamedTuple):
    """A bound left <= product of right, for objects of the given kinds: "v" for any vector, else the flag of a matrix."""

    objects: dict[str, str]  # key of the data -> kind
    left: str  # tag of the term that takes all objects
    right: tuple[tuple[str, str, int], ...]  # (tag of a term in one object, key of the object, power)
    signed: bool


#: tag of a term that is >= 0 -> how many of its first arguments must be psd. Norms are >= 0; tr(M) is the sum of the eigenvalues;
#: v'Mv >= 0 is the definition of psd; Tr(MK) = |sqrt(M) sqrt(K)|^2
NONNEGATIVE = {"norm": 0, "opnorm": 0, "tr": 1, "quad": 1, "trprod": 2}
BOUNDS: dict[str, Bound] = {
    # |v'Mv| <= |M| |v|^2: the eigenvalues of a symmetric M are at most |M| in absolute value
    "quad_bound": Bound(
        {"matrix": "symmetric", "vector": "v"}, "quad", (("opnorm", "matrix", 1), ("norm", "vector", 2)), True
    ),
    # |Tr(MS)| <= |M| Tr(S) for S psd: the trace of S is the sum of its eigenvalues, all >= 0
    "trace_bound": Bound(
        {"matrix": "symmetric", "psd": "psd"}, "trprod", (("opnorm", "matrix", 1), ("tr", "psd", 1)), True
    ),
    # u'v <= |u| |v|, by Cauchy and Schwarz
    "cauchy_schwarz": Bound({"u": "v", "v": "v"}, "dot", (("norm", "u", 1), ("norm", "v", 1)), False),
}


def flagged(rules: Rules, matrix: str, flag: str) -> None:
    check(flag in rules.context.matrices[matrix], f"the context does not declare the matrix {matrix} {flag}")


def nonnegative(rules: Rules, step: Step) -> Relation:
    """0 <= t, if the tag of t is in `NONNEGATIVE` and the matrices that must be psd are declared so."""
    (raw,) = fields(step.data, "of")
    rules.premises(step, 0)
    p = rules.terms.term(raw)
    tag = raw[0]
    check(tag in NONNEGATIVE, f"the rule nonnegative is for {', '.join(NONNEGATIVE)}, and the term is another")
    for matrix in raw[1 : 1 + NONNEGATIVE[tag]]:
        flagged(rules, matrix[1], "psd")
    return rules.leq(rules.terms.number(0), p)


def bound(rules: Rules, step: Step, rule: str) -> Relation:
    """The bound of the rule's row in `BOUNDS`, for the objects that the step names."""
    row, terms = BOUNDS[rule], rules.terms
    keys = [*row.objects, "sign"] if row.signed else [*row.objects]
    values = dict(zip(keys, fields(step.data, *keys), strict=True))
    rules.premises(step, 0)
    named = {key: _object(values[key], "v" if kind == "v" else "m") for key, kind in row.objects.items()}
    for key, kind in row.objects.items():
        if kind != "v":
            flagged(rules, terms.matrix(named[key]), kind)
    left = terms.term([row.left, *named.values()])
    right: Poly = terms.number(1)
    for tag, key, n in row.right:
        right = terms.mul(right, terms.power(terms.term([tag, named[key]]), n))
    return rules.leq(rules.signed(values["sign"], left) if row.signed else left, right)


def _object(raw: Any, tag: str) -> Any:
    """The vector or matrix of a term, which a step may also give by its name alone."""
    return [tag, raw] if type(raw) is str else raw
