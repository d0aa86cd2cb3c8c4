"""Linear algebra: facts from a table, and squared_norm. Trusted, as part of the kernel.

A row of the table gives the rule, the kind of each object it names, the relation it yields, and why that relation is true.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sdescent.derive.proof.kernel.facts import Fact, RuleGroup
from sdescent.derive.proof.language.context import Context, ProofError, exact, name_of
from sdescent.derive.proof.language.terms import (
    Relation,
    Term,
    dot,
    norm,
    num,
    opnorm,
    plus,
    quad,
    times,
    tr,
    trprod,
    vec,
)

ZERO = num(0)


class LinearFact(NamedTuple):
    """A relation between norms, traces and quadratic forms that holds for all vectors and matrices of the given kinds."""

    rule: str
    #: name in the data of a step -> kind of the object; for `nonnegative`, the arguments of the term in order
    objects: Mapping[str, str]
    #: gives the relation for the objects in order, after a sign 1 or -1 if `signed`
    relation: Callable[..., Relation]
    reason: str
    signed: bool = False


TABLE: Sequence[LinearFact] = (
    LinearFact(
        "nonnegative", {"v": "vector"}, lambda v: ZERO.le(norm(v)),
        "a norm",
    ),
    LinearFact(
        "nonnegative", {"M": "matrix"}, lambda m: ZERO.le(opnorm(m)),
        "a norm",
    ),
    LinearFact(
        "nonnegative", {"M": "psd"}, lambda m: ZERO.le(tr(m)),
        "the trace is the sum of the eigenvalues, which are >= 0",
    ),
    LinearFact(
        "nonnegative", {"M": "psd", "v": "vector"}, lambda m, v: ZERO.le(quad(m, v)),
        "the definition of positive semidefinite",
    ),
    LinearFact(
        "nonnegative", {"M": "psd", "K": "psd"}, lambda m, k: ZERO.le(trprod(m, k)),
        "Tr MK = ||M^(1/2) K^(1/2)||_F^2, a square",
    ),
    LinearFact(
        "quad_bound", {"matrix": "symmetric", "vector": "vector"}, lambda s, m, v: (s * quad(m, v)).le(opnorm(m) * norm(v) ** 2),
        "the eigenvalues of a symmetric M are at most ||M|| in absolute value (Rayleigh quotient)", signed=True,
    ),
    LinearFact(
        "trace_bound", {"matrix": "symmetric", "psd": "psd"}, lambda s, m, p: (s * trprod(m, p)).le(opnorm(m) * tr(p)),
        "Tr MS = sum_i c_i v_i'Mv_i over eigenvalues c_i >= 0 and unit eigenvectors v_i of S, and |v_i'Mv_i| <= ||M||",
        signed=True,
    ),
    LinearFact(
        "cauchy_schwarz", {"u": "vector", "v": "vector"}, lambda u, v: dot(u, v).le(norm(u) * norm(v)),
        "the inequality of Cauchy and Schwarz",
    ),
)  # fmt: skip

#: kind of an object -> the test whether an object is of that kind in the context
KINDS: Mapping[str, Callable[[Context, Any], bool]] = {
    "vector": lambda context, v: context.is_vector(v),
    "matrix": lambda context, m: context.is_matrix(m),
    "symmetric": lambda context, m: context.is_matrix(m) and context.symmetric(m[1]),
    "psd": lambda context, m: context.is_matrix(m) and context.psd(m[1]),
}


class LinearAlgebra(RuleGroup):
    """Rules about vectors and matrices: instances of the rows of `TABLE`. They have no premises.

        --------------
        |- relation(objects)      each object declared as the row says

    Sound by the reason of the row.
    """

    def nonnegative(self, of: Term) -> Fact:
        """0 <= t for a term t of a row `nonnegative`: ||v||, ||M||, and Tr M, v'Mv, Tr MK for positive semidefinite M and K.

        Raises ProofError: t fits no row, or a matrix that must be positive semidefinite is not declared so.
        """
        self.context.check(of)
        for row in TABLE:
            if row.rule == "nonnegative" and len(of) == len(row.objects) + 1 and self._fit(row, of[1:]):
                relation = row.relation(*of[1:])
                if relation.right == of:
                    return self._fact("nonnegative", relation, data={"of": of})
        raise ProofError(
            f"the sign of {of[0]} is not known: it must be norm or opnorm, or tr, quad or trprod of matrices declared psd"
        )

    def quad_bound(self, matrix: str, vector: str, sign: int = 1) -> Fact:
        """sign * v'Mv <= ||M|| ||v||^2, if M is declared symmetric."""
        return self._instance("quad_bound", {"matrix": matrix, "vector": vector}, sign)

    def trace_bound(self, matrix: str, psd: str, sign: int = 1) -> Fact:
        """sign * Tr(MS) <= ||M|| Tr S, if M is declared symmetric and S positive semidefinite."""
        return self._instance("trace_bound", {"matrix": matrix, "psd": psd}, sign)

    def cauchy_schwarz(self, u: str, v: str) -> Fact:
        """The Cauchy-Schwarz inequality u'v <= ||u|| ||v||."""
        return self._instance("cauchy_schwarz", {"u": u, "v": v})

    def squared_norm(self, parts: Sequence[tuple[Term, str]]) -> Fact:
        """0 <= ||sum c_i v_i||^2, multiplied out.

            ------------------------------------
            |- 0 <= sum_i c_i sum_j c_j v_i'v_j      c_i a process, v_i a declared vector

        Sound: at each outcome and time the c_i are numbers, and the right-hand side is the square of the length of a
        vector. Raises ProofError if there are no parts, a coefficient depends on a coordinate or a client or looks
        ahead, or a vector is not declared.
        """
        parts = exact(parts)
        if type(parts) is not tuple or not parts or any(type(p) is not tuple or len(p) != 2 for p in parts):
            raise ProofError("the parts of a squared norm are a nonempty list of pairs (coefficient, vector)")
        for coefficient, name in parts:
            if not self.context.process(coefficient) or not self.context.is_vector(("v", name_of(name))):
                raise ProofError("a part of a squared norm is not a process times a declared vector")
        rows = [times(c, plus(*[times(a, dot(vec(v), vec(w))) for a, w in parts])) for c, v in parts]
        return self._fact("squared_norm", ZERO.le(plus(*rows)), data={"parts": parts})

    def _instance(self, rule: str, names: Mapping[str, str], sign: int | None = None) -> Fact:
        """The relation of a rule's row for the objects with these names.

        Raises ProofError if an object is not of the kind that the row requires, or the sign is not 1 or -1.
        """
        (row,) = (row for row in TABLE if row.rule == rule)
        objects = [("v" if row.objects[place] == "vector" else "m", name) for place, name in names.items()]
        if not self._fit(row, objects):
            kinds = ", ".join(f"{place} a declared {kind}" for place, kind in row.objects.items())
            raise ProofError(f"{rule} needs objects that the context declares: {kinds}")
        if row.signed and (type(sign) is not int or sign not in (1, -1)):
            raise ProofError(f"the sign of {rule} is 1 or -1, not {sign!r}")
        signs = (sign,) if row.signed else ()
        data = {**names, "sign": sign} if row.signed else dict(names)
        return self._fact(rule, row.relation(*signs, *objects), data=data)

    def _fit(self, row: LinearFact, objects: Sequence[Any]) -> bool:
        return all(KINDS[kind](self.context, o) for kind, o in zip(row.objects.values(), objects, strict=True))
