"""The search for models of a context that satisfy relations, as witnesses of certificates (FORMAT.md, "Witness").

All coordinates are alike in them, and so are all clients, so each relation holds between terms over a few scalars, and
a counterexample to 1 <= 0 satisfies all of them. Nothing is trusted: `with_witness` has the replay check the model.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language import terms as language
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, fn, num, plus, substitute, times, to_json, x
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.proof.refute.counterexample import definitions, names_in, refute
from sdescent.derive.proof.refute.exact import Algebraic, at_values, counterexample, far_counterexample
from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay_object

#: the numbers of coordinates and clients to try
SIZES = ((1, 1), (1, 2), (4, 1), (4, 4))
#: the numbers of steps to try if time is discrete, and the largest number that the format allows
STEPS, MOST_STEPS = (1, 2, 5), 64
NEVER = num(1).le(num(0))
#: parts of potentials that are sums of vectors or matrices, which vanish if the state does not move
_SUMS = ("drift", "diffusion", "mean")
#: a point that satisfies the hypotheses or some of them
Point = Mapping[str, Fraction | Algebraic]


def with_witness(certificate: dict[str, Any], witness: dict[str, Any] | None) -> dict[str, Any]:
    """The certificate with the witness if the replay accepts it, else without."""
    if witness is None:
        return certificate
    complete = {**certificate, "witness": witness}
    try:
        replay_object(complete)
    except (Invalid, Unreadable):
        return certificate
    return complete


def satisfying(names: Sequence[str], relations: Sequence[Relation], seconds: float) -> dict[str, Term] | None:
    """Values, as terms without variables, at which the relations hold, checked exactly; None if none are found.

    A variable that an equality determines gets the value of its term: y = exp(x) at x = 1 is exp(1), and exp(y) = 2 gives log(2).
    """
    stop = now() + seconds
    point = refute(names, relations, NEVER, seconds / 2) if relations else {}
    if point is not None:
        values = _complete({name: _term(point.get(name, Fraction(0))) for name in names})
        if values is not None:
            return values
    defined = definitions(names, [_solved(r) for r in relations])
    for name in reversed(defined):
        relations = [substitute(r, name, defined[name]) for r in relations]
    free = [name for name in names if name not in defined]
    point = refute(free, relations, NEVER, max(stop - now(), 0.01))
    point = point or far_counterexample(free, relations, NEVER, seconds / 4)
    if point is None:
        return None
    terms = {name: _term(point.get(name, Fraction(0))) for name in free}
    for name, value in defined.items():
        for other, number in terms.items():
            value = value if number is None else substitute(value, other, number)
        terms[name] = value
    return _complete(terms)


def _complete(values: Mapping[str, Term | None]) -> dict[str, Term] | None:
    """The values if none of them is None, else None."""
    return None if None in values.values() else {name: value for name, value in values.items() if value is not None}


def _solved(relation: Relation) -> Relation:
    """The relation f(v) == t solved as v == g(t), for f among exp, log and sqrt; the check of a point tests the original one."""
    op, left, right = relation
    for inner, other in ((left, right), (right, left)):
        if op == "==" and inner[0] == "f" and inner[2][0] == "x" != other[0] and inner[1] in ("exp", "log", "sqrt"):
            solution = other**2 if inner[1] == "sqrt" else fn("log" if inner[1] == "exp" else "exp", other)
            return inner[2].eq(solution)
    return relation


def witness_of_point(values: Mapping[str, Term]) -> dict[str, Any]:
    """The witness with these values, for a context of real numbers."""
    symbols = {name: to_json(value) for name, value in values.items()}
    return {"symbols": symbols, "vectors": {}, "matrices": {}, "functions": {}}


def find_model(
    context: Context, hypotheses: Sequence[Relation], seconds: float, near: Mapping[Term, Fraction | int] | None = None
) -> dict[str, Any] | None:
    """A witness, which is not checked here; None if none is found in about `seconds`. Values of symbols in `near` are
    tried first.
    """
    stop, declared = now() + seconds, {*context.symbols, *context.symbols.values()}
    for coordinates, clients in SIZES:
        if coordinates > 1 and declared.isdisjoint(("coord", "detcoord", context.dimension)):
            continue
        if clients > 1 and declared.isdisjoint(("client", "detclient", context.clients)):
            continue
        for steps in _counts_of_steps(context, near or {}):
            scalars = _Scalars(context, coordinates, clients, steps)
            try:
                relations = scalars.relations(hypotheses)
            except ProofError:
                return None
            for fixed in scalars.guesses(near or {}):
                if now() > stop:
                    return None
                point = _point(scalars.names, relations, fixed, min(stop - now(), seconds / 4))
                if point is not None:
                    return scalars.witness(point)
    return None


def _counts_of_steps(context: Context, near: Mapping[Term, Fraction | int]) -> list[int | None]:
    """The numbers of steps to try; None stands for time that is an interval."""
    if not context.steps:
        return [None]
    if context.horizon is None:
        return [1]
    horizon = Fraction(near.get(x(context.horizon), 1))
    first = [int(horizon)] if horizon.denominator == 1 and 1 <= horizon <= MOST_STEPS else []
    return list(dict.fromkeys([*first, *STEPS]))


def _point(
    names: Sequence[str], relations: Sequence[Relation], fixed: Mapping[str, Fraction], seconds: float
) -> Point | None:
    """A point with some coordinates fixed that satisfies the relations, or None."""
    restricted = [Relation((r.op, *map(tidy, at_values(r, fixed)[1:]))) for r in relations]
    if not counterexample({}, [r for r in restricted if not names_in(r)], NEVER):
        return None
    free = [name for name in names if name not in fixed]
    point = refute(free, [r for r in restricted if names_in(r)], NEVER, seconds)
    return None if point is None else {**fixed, **point}


def _term(value: Fraction | Algebraic) -> Term | None:
    return num(value) if isinstance(value, Fraction) else value.term


class _Scalars:
    """A context in which all coordinates and all clients are alike, expressed in scalars called `names`.

    All entries of a vector are equal, a matrix is a multiple of the identity, and a function is height * max(-1, min(1, t/width)).
    """

    def __init__(self, context: Context, coordinates: int, clients: int, steps: int | None = None) -> None:
        self.context, self.d, self.n, self.steps = context, coordinates, clients, steps
        self.clock = next((name for name, kind in context.symbols.items() if kind == "clock"), None)
        counts = ((context.dimension, coordinates), (context.clients, clients), (context.horizon, steps))
        self.counts = {name: count for name, count in counts if name and count is not None}
        plain = [name for name in context.symbols if name != self.clock and name not in self.counts]
        # no name of a context contains a space
        self.shapes = [f"{name} {part}" for name in context.functions for part in ("height", "width")]
        self.names = [*plain, *context.vectors, *context.matrices, *self.shapes]

    def guesses(self, near: Mapping[Term, Fraction | int]) -> Iterator[dict[str, Fraction]]:
        """Fixed values of some scalars: from `near` and for a state that does not move, then fewer and fewer."""
        numbers_near = {t[1]: Fraction(v) for t, v in near.items() if t[0] == "x" and t[1] in self.names}
        still = {name: Fraction(0) for name in self._moving() if name in self.names}
        shapes = {name: Fraction(1) for name in self.shapes}
        constants = {name: v for name, v in numbers_near.items() if self.context.symbols[name] in ("const", "time")}
        for numbers in (numbers_near, constants, {}):
            yield numbers | shapes | still
        yield constants | shapes
        yield shapes
        yield {}

    def _moving(self) -> list[str]:
        """The vectors and matrices in drifts, diffusions and means of steps, and the changes of potentials."""
        names: list[str] = []
        for potential in self.context.potentials.values():
            names += [potential["change"]] if "change" in potential else []
            for part in _SUMS:
                names += [moved[2][1] if moved[0] == "Mv" else moved[1] for _, moved in potential.get(part, ())]
        return names

    def relations(self, hypotheses: Sequence[Relation]) -> list[Relation]:
        """The hypotheses and the declarations, over scalars."""
        relations = [Relation((r.op, self.term(r.left), self.term(r.right))) for r in hypotheses]
        zero, context = num(0), self.context
        relations += [zero.le(x(name)) for name in context.matrices if context.psd(name)]
        if context.horizon is not None:
            relations.append(zero.le(self.term(x(context.horizon))))
        for name, entry in context.potentials.items():
            relations += [x(name).eq(x(entry["start"])), x(name).eq(x(entry["end"]))]
            relations += [x(entry["change"]).eq(zero)] if "change" in entry else []
            for part in _SUMS:
                members = [times(self.term(c), self.entry(moved)) for c, moved in entry.get(part, ())]
                relations += [plus(*members).eq(zero)] if members else []
            if "square" in entry:
                first, second = entry["smoothness"]
                bounds = [entry["square"], first + second * language.norm(("v", entry["gradient"])), entry["radius"]]
                relations += [zero.le(self.term(t)) for t in bounds if t is not None]
        for name, properties in context.functions.items():
            relations += self._shape(name, properties)
        if self.clock is None:
            return relations
        # the hypotheses that are linear in the clock hold between 0 and the horizon if they hold at both
        last = x(context.horizon) if context.horizon else num(1)
        ends = (zero, last) if self.steps is None else map(num, range(self.steps))
        return list(dict.fromkeys(substitute(r, self.clock, end) for end in ends for r in relations))

    def _shape(self, name: str, properties: Mapping[str, Any]) -> list[Relation]:
        """The conditions that a function's properties impose on its height and width."""
        height, width, zero = x(f"{name} height"), x(f"{name} width"), num(0)
        relations = [zero.lt(width)]
        if {"nondecreasing", "concave_right"} & set(properties):
            relations.append(zero.le(height))
        if "bounded" in properties:
            bound = self.term(properties["bounded"])
            relations += [height.le(bound), (-height).le(bound)]
        if "slope" in properties:
            slope = self.term(properties["slope"])
            relations += [zero.le(slope), height.le(slope * width)]
        return relations

    def entry(self, v: Any) -> Term:
        """An entry of a vector or matrix."""
        return times(x(v[1][1]), x(v[2][1])) if v[0] == "Mv" else x(v[1])

    def term(self, t: Term) -> Term:
        """The term as a term over scalars. Raises ProofError if the term has no such form."""
        head, args = t[0], t[1:]
        if head in ("q", "pi"):
            return t
        if head in ("x", "xi"):
            return num(self.counts[args[0]]) if args[0] in self.counts else x(args[0])
        if head in OPERATORS:
            inner = self.term(args[0])
            if self.steps is not None and self.clock is not None and head in ("I", "EI"):
                return plus(*[substitute(inner, self.clock, num(n)) for n in range(self.steps)])
            horizon = self.term(x(self.context.horizon)) if self.context.horizon else num(1)
            count = {"E": num(1), "I": horizon, "EI": horizon, "C": num(self.n)}.get(head, num(self.d))
            return times(count, inner)
        if head == "F":
            height, at = x(f"{args[0]} height"), self.term(args[1]) / x(f"{args[0]} width")
            return times(Fraction(1, 2), height, fn("abs", at + 1) - fn("abs", at - 1))
        if head == "norm":
            root = fn("abs", self.entry(args[0]))
            return root if self.d == 1 else times(fn("sqrt", self.d), root)
        if head == "opnorm":
            return fn("abs", self.entry(args[0]))
        if head in ("tr", "dot", "trprod"):
            return times(self.d, *map(self.entry, args))
        if head == "quad":
            return times(self.d, self.entry(args[0]), self.entry(args[1]) ** 2)
        if head not in ("+", "*", "^", "/", "f"):
            raise ProofError(f"no scalar for {head}")
        return Term(self.term(a) if isinstance(a, Term) else a for a in t)

    def witness(self, point: Point) -> dict[str, Any] | None:
        """The model for a point, or None if a value cannot be written as a term or a height or width is not rational."""
        context = self.context
        counts = {name: num(count) for name, count in self.counts.items()}
        terms = {name: _term(value) for name, value in point.items()} | counts
        if None in terms.values() or any(not isinstance(point[name], Fraction) for name in self.shapes):
            return None
        values = {name: to_json(value) for name, value in terms.items()}
        return {
            "symbols": {name: values[name] for name in context.symbols if name != self.clock},
            "vectors": {name: [values[name]] * self.d for name in context.vectors},
            "matrices": {name: [values[name]] * self.d for name in context.matrices},
            "functions": {
                name: {"level": "0", "height": str(point[f"{name} height"]), "width": str(point[f"{name} width"])}
                for name in context.functions
            },
        }
