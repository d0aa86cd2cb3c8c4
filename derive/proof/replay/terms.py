"""The terms and relations of a certificate, read from JSON (FORMAT.md, "Terms"), and the facts and steps of the replay."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flint import fmpq

from sdescent.derive.proof.replay.algebra import (
    BINDS,
    FUNCTIONS,
    KINDS,
    Algebra,
    Budget,
    Context,
    I,
    Invalid,
    J,
    Key,
    Poly,
    T,
    Unreadable,
    W,
)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*", re.ASCII)
RATIONAL = re.compile(r"-?[0-9]+(?:/[0-9]+)?", re.ASCII)
MAX_DIGITS, MAX_NAMES, MAX_DEPTH = 2_000, 400, 150
ARITIES = {"q": 2, "x": 2, "xi": 2, "^": 3, "/": 3, "f": 3, "F": 3, "pi": 1, "norm": 2, "opnorm": 2, "tr": 2, "quad": 3}
ARITIES |= {"trprod": 3, "dot": 3} | dict.fromkeys(BINDS, 2)
REMEMBERED = {"*", "/", *BINDS}
OPS = ("<=", "<", "==", "!=")


def rational(text: Any) -> fmpq:
    """The rational number written "3" or "-3/4": in lowest terms, denominator > 0, no other spelling."""
    if type(text) is not str or not RATIONAL.fullmatch(text) or len(text) > 2 * MAX_DIGITS + 2:
        raise Unreadable(f'{str(text)[:40]!r} is not a rational such as "3" or "-3/4"')
    if any(len(part) > MAX_DIGITS for part in text.lstrip("-").split("/")):
        raise Unreadable(f"a number has more than {MAX_DIGITS} digits")
    top, _, bottom = text.partition("/")
    if bottom and not bottom.strip("0"):
        raise Unreadable("a rational has the denominator 0")
    value = fmpq(int(top), int(bottom or "1"))
    if str(value) != text:
        raise Unreadable(f"{text[:40]!r} is not in lowest terms: it is {str(value)[:40]}")
    return value


def fields(value: Any, *names: str) -> list[Any]:
    """The values of a JSON object, after a check that its keys are exactly `names`."""
    if type(value) is not dict or value.keys() != set(names):
        raise Unreadable(f"expected an object with exactly the keys {', '.join(names) or '(none)'}")
    return [value[name] for name in names]


def items(value: Any, length: int | None = None) -> list[Any]:
    if type(value) is not list or (length is not None and len(value) != length):
        raise Unreadable("expected a list" + ("" if length is None else f" of {length}"))
    return value


def _nodes(raw: Any) -> list[list]:
    nodes, todo = [], [raw]
    while todo:
        node = todo.pop()
        if type(node) is list and node:
            nodes.append(node)
            todo += node[1:]
    return nodes


def tags(raw: Any) -> set[str]:
    """The tags of all terms inside a term, and of the vectors and matrices in it."""
    return {str(node[0]) for node in _nodes(raw)}


def symbols_in(raw: Any) -> set[str]:
    """The symbols that occur in a term that was read before."""
    return {node[1] for node in _nodes(raw) if node[0] in ("x", "xi")}


class Relation(NamedTuple):
    """A relation l op r, as op and the normal form of r - l."""

    op: str
    slack: Poly


class Terms(Algebra):
    """Normal forms of JSON terms over one context."""

    def __init__(self, context: Context, work: Budget, deep: bool = False) -> None:
        super().__init__(context, work)
        self.deep = deep  # whether terms may be too deep, so that each is measured
        self._numbers: dict[str, Poly] = {}
        self._written: dict[str, Poly] = {}
        self._relations: dict[str, Relation] = {}

    def term(self, raw: Any, env: dict[str, Poly] | None = None) -> Poly:
        """The normal form of a term; `env` gives values for symbols, which take precedence over the context.

        Products, quotients and operator terms are cached by their JSON text, since the same ones recur in one claim after
        another.
        """
        if type(raw) is not list or not raw or type(raw[0]) is not str:
            raise Unreadable("expected a term, a list that begins with its tag")
        self.work.spend(1)
        if self.deep:
            self._measure(raw)
        if env is not None or raw[0] not in REMEMBERED:
            return self._term(raw, env)
        key = repr(raw)
        self.work.spend(len(key) // 64)
        poly = self._written.get(key)
        if poly is None:
            poly = self._term(raw, env)
            if len(key) < 1_000:
                self._written[key] = poly
        return poly

    def _term(self, raw: list, env: dict[str, Poly] | None) -> Poly:
        tag = raw[0]
        if tag == "+" and len(raw) > 1:
            return self.add(*[self.term(part, env) for part in raw[1:]])
        if tag == "*" and len(raw) > 1:
            product = self.term(raw[1], env)
            for part in raw[2:]:
                product = self.mul(product, self.term(part, env))
            return product
        if ARITIES.get(tag) != len(raw):
            raise Unreadable(f"there is no term {tag[:20]!r} with {len(raw) - 1} arguments")
        if tag == "x":
            return self._symbol(raw[1], env)
        if tag == "q":
            if type(raw[1]) is not str or raw[1] not in self._numbers:
                self._numbers[str(raw[1])] = self.number(rational(raw[1]))
            return self._numbers[raw[1]]
        if tag == "^":
            if type(raw[2]) is not int or not 0 <= raw[2] <= 64:
                raise Unreadable("an exponent is not an integer from 0 to 64")
            return self.power(self.term(raw[1], env), raw[2])
        if tag == "/":
            return self.mul(self.term(raw[1], env), self.inverse(self.term(raw[2], env)))
        if tag == "f":
            if type(raw[1]) is not str or raw[1] not in FUNCTIONS:
                raise Unreadable(f"the function is not one of {', '.join(FUNCTIONS)}")
            return self.function(raw[1], self.term(raw[2], env))
        if tag == "F":
            if type(raw[1]) is not str or raw[1] not in self.context.functions:
                raise Unreadable("the function is not declared in the context")
            return self.applied(raw[1], self.term(raw[2], env))
        if tag == "pi":
            return self.pi()
        if tag in BINDS:
            return self.operator(tag, self.term(raw[1], env))
        return self._geometry(raw)

    def _measure(self, raw: list) -> None:
        level = [raw]
        for _ in range(MAX_DEPTH):
            self.work.spend(len(level))
            parts = [part for node in level for part in node[1:] if type(part) is list]
            level = [part for part in parts if part[:1] not in (["v"], ["m"], ["Mv"])]
        if level:
            raise Unreadable(f"a term is nested more than {MAX_DEPTH} deep")

    def _symbol(self, name: Any, env: dict[str, Poly] | None) -> Poly:
        if type(name) is not str:
            raise Unreadable("the name of a symbol is not a text")
        if env is not None and name in env:
            return env[name]
        if name not in self.context.symbols:
            raise Unreadable(f"the symbol {name[:40]!r} is not declared in the context")
        return self.symbol(name)

    def _geometry(self, raw: list) -> Poly:
        """The normal form of a symbol at the other coordinate, or of a norm, trace or quadratic form (a random process)."""
        tag = raw[0]
        if tag == "xi":
            # a symbol without a coordinate has no value "at i": allowing it would give one value two names
            if type(raw[1]) is not str or self.context.symbols.get(raw[1]) not in ("coord", "detcoord"):
                raise Unreadable("xi is for symbols of kind coord and detcoord, and the symbol is another")
            deps = KINDS[self.context.symbols[raw[1]]]
            return self.atom(("xi", raw[1]), deps & ~J | I, name=raw[1], bound=True)
        if tag == "dot":
            return self.dot(self.vector(raw[1]), self.vector(raw[2]))
        if tag == "norm":
            return self.atom(("norm", self.vector(raw[1])), W | T)
        m = self.matrix(raw[1])
        if tag == "quad":
            return self.atom(("quad", m, self.vector(raw[2])), W | T)
        if tag == "trprod":
            return self.trprod(m, self.matrix(raw[2]))
        return self.atom((tag, m), W | T)

    def vector(self, raw: Any) -> tuple[str, ...]:
        """A vector as ("v", name) or ("Mv", M, name)."""
        if _names(raw, "v", self.context.vectors):
            return ("v", raw[1])
        if type(raw) is list and len(raw) == 3 and raw[0] == "Mv":
            inner = self.vector(raw[2])
            if inner[0] == "v":
                return ("Mv", self.matrix(raw[1]), inner[1])
        raise Unreadable("expected a declared vector v, or M v of declared ones")

    def matrix(self, raw: Any) -> str:
        if _names(raw, "m", self.context.matrices):
            return raw[1]
        raise Unreadable("expected a declared matrix")

    def dot(self, u: tuple[str, ...], v: tuple[str, ...]) -> Poly:
        """The normal form of u'v by rule 4. u'Mw = w'Mu and the form u'Mu need M symmetric."""
        if u == v:
            return self.power(self.atom(("norm", u), W | T), 2)
        u, v = sorted((u, v), key=lambda x: (x[0] != "v", x))  # plain vectors first
        if u[0] == "v" and v[0] == "Mv" and "symmetric" in self.context.matrices[v[1]]:
            if u[1] == v[2]:
                return self.atom(("quad", v[1], u), W | T)
            first, second = sorted((u[1], v[2]))
            u, v = ("v", first), ("Mv", v[1], second)
        return self.atom(("dot", u, v), W | T)

    def trprod(self, m: str, k: str) -> Poly:
        return self.atom(("trprod", *sorted((m, k))), W | T)

    # -- relations

    def relation(self, raw: Any) -> Relation:
        """The relation in normal form, cached by its JSON text."""
        op, left, right = items(raw, 3)
        if type(op) is not str or op not in OPS:
            raise Unreadable("expected a relation: <=, <, == or !=, with two sides")
        if op == "!=" and right != ["q", "0"]:
            raise Unreadable("the right side of != is not 0")
        key = repr(raw)
        self.work.spend(len(key) // 64)
        relation = self._relations.get(key)
        if relation is None:
            relation = Relation(op, self.sub(self.term(right), self.term(left)))
            if len(key) < 10_000 and len(self._relations) < 2_000:
                self._relations[key] = relation
        return relation

    def relation_key(self, relation: Relation) -> tuple[str, Key]:
        """The key of a relation: op and r - l, up to sign for == and !=. Relations are the same if their keys are."""
        op, slack = relation
        if op in ("==", "!=") and slack and slack[min(slack)] < 0:
            slack = self.scale(slack, fmpq(-1))
        return op, self.key(slack)


def _names(raw: Any, tag: str, declared: Collection[str]) -> bool:
    """Whether raw is [tag, name] with a declared name."""
    return type(raw) is list and len(raw) == 2 and raw[0] == tag and type(raw[1]) is str and raw[1] in declared


Hypotheses = frozenset[tuple[str, Key]]
NONE: Hypotheses = frozenset()


@dataclass(frozen=True)
class Fact:
    claim: Relation
    hypotheses: Hypotheses
    sealed: Hypotheses
    axioms: frozenset[str]


@dataclass
class Step:
    """The input of a rule. The rule returns the relation it proves, and may change the new fact's hypotheses, seals and axioms."""

    facts: list[Fact]
    data: Any
    claim: Relation  # as the step states it
    hypotheses: Hypotheses = field(init=False)
    sealed: Hypotheses = field(init=False)
    axioms: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.hypotheses = NONE.union(*(f.hypotheses for f in self.facts))
        self.sealed = NONE.union(*(f.sealed for f in self.facts))
        self.axioms = frozenset[str]().union(*(f.axioms for f in self.facts))


def check(condition: bool, reason: str) -> None:
    if not condition:
        raise Invalid(reason)
