"""Places where a statement or proof may rest on conventions of the format: 1/0 = 0, sqrt t = 0 for t < 0, log t = 0 for t <= 0.

A denominator is safe if a step shows under the statement's hypotheses alone, or its form shows, that it is not 0, as
for 1 + x^2; so is an argument of sqrt (>= 0) or log (> 0). Other terms are named: there the statement is about the
convention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flint import arb, ctx, fmpq

from sdescent.derive.proof.replay.algebra import Invalid, Poly
from sdescent.derive.proof.replay.one_variable_forms import value_of
from sdescent.derive.proof.replay.terms import Fact, Hypotheses, Terms

BITS = 64
#: kind of a term that may be outside its domain -> the convention there, the words for its use, and the condition not shown
KINDS = {
    "/": ("1/0 = 0", "is divided by", "is not 0"),
    "sqrt": ("sqrt(t) = 0 for t < 0", "has the square root of", "is >= 0"),
    "log": ("log(t) = 0 for t <= 0", "has the logarithm of", "is > 0"),
}
#: the number of unsafe terms after which the search stops
MOST = 20
#: functions whose values are >= 0
NONNEGATIVE = ("exp", "sqrt", "abs")


def partial_terms(raw: Any) -> Iterator[tuple[str, Any]]:
    """(kind, t) for every division by t, sqrt(t) and log(t) in a relation or term."""
    todo = [raw]
    while todo:
        node = todo.pop()
        if type(node) is list and node:
            if node[0] == "/":
                yield "/", node[2]
            elif node[0] == "f" and node[1] in KINDS:
                yield node[1], node[2]
            todo += node[1:]


class Safe:
    """The signs of terms that the facts of a proof show."""

    def __init__(self, terms: Terms, facts: Iterable[Fact], stated: Hypotheses) -> None:
        self.terms = terms
        self.nonnegative: set[Any] = set()
        self.positive: set[Any] = set()
        self.nonzero: set[Any] = set()
        # cached by atom (and parity of its power): an atom may occur many times in another; no fact is added after the first use
        self._signs: dict[tuple[int, int], bool | None] = {}
        self._numbers: dict[int, bool] = {}
        self._values: dict[int, arb] = {}
        for fact in facts:
            if fact.hypotheses <= stated:
                self._add(*fact.claim)

    def _add(self, op: str, slack: Poly) -> None:
        if not slack:
            return
        key, sign = self._monic(slack)
        if op in ("<", "!="):
            self.nonzero.add(key)
        if op == "<":
            self.positive.add((key, sign))
        if op in ("<", "<="):
            self.nonnegative.add((key, sign))
            self._bound(op, slack)

    def _bound(self, op: str, slack: Poly) -> None:
        """Record the sign of an atom a if the slack is c a - b with c > 0 and a number b >= 0, so that a is at least b/c."""
        rest = [m for m in slack if m != 0]
        pairs = self.terms.monomials[rest[0]] if len(rest) == 1 else ()
        low = -slack.get(0, fmpq(0))
        if len(pairs) == 1 and pairs[0][1] == 1 and slack[rest[0]] > 0 and low >= 0:
            atom = self._monic({rest[0]: fmpq(1)})
            self.nonnegative.add(atom)
            if low > 0 or op == "<":
                self.positive.add(atom)
                self.nonzero.add(atom[0])

    def and_assuming(self, hypotheses: Hypotheses) -> Safe:
        """The signs that are shown if these hypotheses hold too."""
        wider = Safe(self.terms, (), hypotheses)
        for name in ("nonnegative", "positive", "nonzero"):
            setattr(wider, name, set(getattr(self, name)))
        for op, key in hypotheses:
            wider._add(op, dict(key))
        return wider

    def _monic(self, p: Poly) -> tuple[Any, int]:
        """p divided by its first coefficient, and the sign of that coefficient."""
        lead = p[min(p)]
        return self.terms.key(self.terms.scale(p, 1 / lead)), 1 if lead > 0 else -1

    def is_inside(self, kind: str, p: Poly) -> bool:
        """Whether p is shown to be inside the domain of 1/p, sqrt(p) or log(p), according to `kind`."""
        if not p:
            return kind == "sqrt"
        key, sign = self._monic(p)
        if kind == "/":
            if key in self.nonzero or self._by_form(p, True) or self._by_form(self.terms.scale(p, fmpq(-1)), True):
                return True
            return len(p) == 1 and all(self._nonzero_factor(a) for m in p for a, _ in self.terms.monomials[m])
        signs = self.nonnegative if kind == "sqrt" else self.positive
        return (key, sign) in signs or self._by_form(p, kind == "log")

    def _nonzero_factor(self, a: int) -> bool:
        atom = {self.terms.monomial(((a, 1),)): fmpq(1)}
        head = self.terms.atoms[a].head
        if head[0] == "x" and head[1] in (self.terms.context.dimension, self.terms.context.clients):
            return True
        if head[0] == "inv":  # 1/q is not 0 if q is not
            return self.is_inside("/", dict(head[1]))
        return self._monic(atom)[0] in self.nonzero or self._by_form(atom, True)

    def _by_form(self, p: Poly, strict: bool) -> bool:
        """Whether the form of p shows p >= 0 (> 0): a number, or a sum of products of factors >= 0 (and one product > 0)."""
        if all(self._closed(a) for m in p for a, _ in self.terms.monomials[m]):
            with ctx.workprec(BITS):
                value = self._enclose(p)
                return bool(value > 0 or (value >= 0 and not strict))
        members = [(c > 0, [self._sign_of_power(a, n) for a, n in self.terms.monomials[m]]) for m, c in p.items()]
        if not all(positive and None not in signs for positive, signs in members):
            return False
        return not strict or any(all(signs) for _, signs in members)

    def _sign_of_power(self, a: int, n: int) -> bool | None:
        """True if a^n > 0 is shown, False if only a^n >= 0 is, None if neither is."""
        key = a, n % 2
        if key not in self._signs:
            self.terms.work.spend(20)
            self._signs[key] = self._sign_by_form(a, n)
        return self._signs[key]

    def _sign_by_form(self, a: int, n: int) -> bool | None:
        head = self.terms.atoms[a].head
        atom = self._monic({self.terms.monomial(((a, 1),)): fmpq(1)})
        context = self.terms.context
        if head[:2] in (("f", "exp"), ("f", "psi")) or head[0] == "pi" or atom in self.positive:
            return True
        if head[0] == "x" and head[1] in (context.dimension, context.clients):
            return True
        if head[:2] == ("f", "sqrt") and self._by_form(dict(head[2]), True):
            return True
        if head[0] == "x" and head[1] == context.horizon:
            return False
        if n % 2 == 0 and atom[0] in self.nonzero:
            return True
        nonnegative = head[0] in ("norm", "opnorm") or (head[0] == "f" and head[1] in NONNEGATIVE)
        if n % 2 == 0 or nonnegative or atom in self.nonnegative:
            return False
        if head[0] == "inv":
            divisor: Any = head[1]
            return True if self.is_inside("/", dict(divisor)) and self._by_form(dict(divisor), True) else None
        return None

    def _closed(self, a: int) -> bool:
        """Whether an atom is a number."""
        if a not in self._numbers:
            self.terms.work.spend(5)
            head = self.terms.atoms[a].head
            inner = head[1] if head[0] == "inv" else head[2] if head[0] == "f" else None
            closed = inner is not None and all(self._closed(b) for m, _ in inner for b, _ in self.terms.monomials[m])
            self._numbers[a] = head[0] == "pi" or closed
        return self._numbers[a]

    def _enclose(self, p: Poly) -> arb:
        self.terms.work.spend(10 * len(p))
        total = arb(0)
        for m, c in p.items():
            value = arb(c)
            for a, n in self.terms.monomials[m]:
                if a not in self._values:
                    self._values[a] = self._value(self.terms.atoms[a].head)
                value *= self._values[a] ** n
            total += value
        return total

    def _value(self, head: tuple[Any, ...]) -> arb:
        if head[0] == "pi":
            return arb.pi()
        inner = self._enclose(dict(head[-1]))
        return 1 / inner if head[0] == "inv" else abs(inner) if head[1] == "abs" else value_of(head[1], inner)


def conventions(terms: Terms, statement: list[Any], steps: list[Any], facts: list[Fact]) -> list[tuple[str, str, Any]]:
    """("statement" or "proof", kind, t) for every term that is not shown to be inside its domain, each term once.

    A step of the proof may also use its own hypotheses to show that a term is inside. If there is too much to look at, the last
    entry has t = None.
    """
    stated = facts[-1].hypotheses
    safe, outside, visited = Safe(terms, facts, stated), dict[Any, tuple[str, str, Any]](), set[str]()
    relations = [("statement", raw, stated) for raw in statement]
    relations += [("proof", raw, fact.hypotheses) for raw, fact in zip(steps, facts, strict=True)]
    for where, relation, hypotheses in relations:
        for kind, raw in partial_terms(relation):
            written = f"{kind} {raw!r}"
            if written in visited:
                continue
            try:
                terms.work.spend(1 + len(written) // 64)
                p = terms.term(raw)
                inside = safe.is_inside(kind, p)
                if not inside and not hypotheses <= stated:
                    terms.work.spend(10 * len(hypotheses))
                    if safe.and_assuming(hypotheses).is_inside(kind, p):
                        continue
            except Invalid:
                return [*outside.values(), (where, kind, None)]
            visited.add(written)
            if not inside:
                outside.setdefault((kind, terms.key(p)), (where, kind, raw))
            if len(outside) > MOST:
                return [*outside.values(), (where, kind, None)]
    return list(outside.values())
