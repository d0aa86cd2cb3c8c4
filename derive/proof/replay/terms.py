"""The context, the terms and the relations of a certificate, read from JSON (FORMAT.md, "Terms", "Context")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flint import fmpq

from derive.proof.replay.algebra import (
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
    """The number written "3" or "-3/4": lowest terms, denominator > 0, no other spelling."""
    if type(text) is not str or not RATIONAL.fullmatch(text) or len(text) > 2 * MAX_DIGITS + 2:
        raise Unreadable(f"{str(text)[:40]!r} is not a rational such as \"3\" or \"-3/4\"")
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
    """The values of a JSON object that has exactly these keys."""
    if type(value) is not dict or value.keys() != set(names):
        raise Unreadable(f"expected an object with exactly the keys {', '.join(names) or '(none)'}")
    return [value[name] for name in names]


def items(value: Any, length: int | None = None) -> list[Any]:
    if type(value) is not list or (length is not None and len(value) != length):
        raise Unreadable("expected a list" + ("" if length is None else f" of {length}"))
    return value


def _nodes(raw: Any) -> list[list]:
    found, todo = [], [raw]
    while todo:
        node = todo.pop()
        if type(node) is list and node:
            found.append(node)
            todo += node[1:]
    return found


def tags(raw: Any) -> set[str]:
    """The tags of all terms inside a term, and of the vectors and matrices in it."""
    return {str(node[0]) for node in _nodes(raw)}


def symbols_in(raw: Any) -> set[str]:
    """The symbols that a term (one that was read) is written with."""
    return {node[1] for node in _nodes(raw) if node[0] in ("x", "xi")}


def read_context(raw: Any, work: Budget, deep: bool) -> Context:
    """The declared names, every one once; what refers to another name must find it, of the right kind."""
    symbols, vectors, matrices, functions, horizon, dimension, clients, potentials = fields(
        raw, "symbols", "vectors", "matrices", "functions", "horizon", "dimension", "clients", "potentials"
    )
    if any(type(table) is not dict for table in (symbols, matrices, functions, potentials)):
        raise Unreadable("a table of the context is not an object")
    if any(type(name) is not str for name in items(vectors)):
        raise Unreadable("the name of a vector is not a text")
    names = [*symbols, *vectors, *matrices, *functions]
    if len(names) > MAX_NAMES or len(set(names)) != len(names) or not all(NAME.fullmatch(name) for name in names):
        raise Unreadable(f"a name is declared twice or malformed, or there are more than {MAX_NAMES}")
    if any(type(kind) is not str or kind not in KINDS for kind in symbols.values()):
        raise Unreadable(f"a symbol has a kind other than {', '.join(KINDS)}")
    if list(symbols.values()).count("clock") > 1:
        raise Unreadable("there is more than one symbol of kind clock")
    flags: dict[str, frozenset[str]] = {}
    for name, given in matrices.items():
        if any(flag not in ("symmetric", "psd") for flag in items(given)) or len(set(given)) != len(given):
            raise Unreadable("a flag of a matrix is not symmetric or psd, or is given twice")
        flags[name] = frozenset(given) | {"symmetric"} if given else frozenset()
    counted = [name for name in (horizon, dimension, clients) if name is not None]
    if any(type(name) is not str or symbols.get(name) != "const" for name in counted) or len(set(counted)) != len(counted):
        raise Unreadable("horizon, dimension and clients are not different symbols of kind const")
    context = Context(symbols, frozenset(vectors), flags, functions, horizon, dimension, clients, potentials)
    terms = Terms(context, work, deep)
    for properties in functions.values():
        if type(properties) is not dict:
            raise Unreadable("the properties of a function are not an object")
        for name, value in properties.items():
            if name in ("odd", "nondecreasing", "concave_right"):
                if value is not True:
                    raise Unreadable(f"the property {name} is given a value other than true")
            elif name not in ("bounded", "slope"):
                raise Unreadable("a property of a function is not odd, nondecreasing, concave_right, bounded or slope")
            elif not tags(value) <= {"q", "x", "+", "*", "^", "/", "f", "pi"} or terms.deps(terms.term(value)):
                raise Unreadable("a bound or slope is not a term over const symbols")
    for name, potential in potentials.items():
        _check_potential(terms, name, potential)
    return context


def _check_potential(terms: Terms, name: str, potential: Any) -> None:
    """V of the state, and the equation of the state: its coefficients are processes that do not look ahead to the end."""
    gradient, hessian, end, start, smooth, drift, diffusion = fields(
        potential, "gradient", "hessian", "end", "start", "smooth", "drift", "diffusion"
    )
    symbols, matrices = terms.context.symbols, terms.context.matrices
    if any(type(part) is not str for part in (gradient, hessian, end, start)) or type(smooth) is not bool:
        raise Unreadable("a name in a potential is not a text, or smooth is not true or false")
    if symbols.get(name) != "random" or symbols.get(end) != "rv" or symbols.get(start) != "const":
        raise Unreadable("a potential is not of kind random, its end not rv, or its start not const")
    if gradient not in terms.context.vectors or "symmetric" not in matrices.get(hessian, ()):
        raise Unreadable("the gradient of a potential is not a vector, or its hessian not a symmetric matrix")
    pairs = [items(pair, 2) for pair in items(drift) + items(diffusion)]
    for n, (raw, moved) in enumerate(pairs):
        if terms.deps(terms.term(raw)) & ~(W | T) or any(symbols[symbol] == "rv" for symbol in symbols_in(raw)):
            raise Unreadable("a coefficient of the process depends on more than the outcome and the time, or on the end")
        if n < len(drift):
            terms.vector(moved)
        elif "psd" not in matrices[terms.matrix(moved)]:
            raise Unreadable("a matrix in the diffusion of a process is not declared psd")


class Relation(NamedTuple):
    """l op r as its op and the normal form of r - l."""

    op: str
    slack: Poly


class Terms(Algebra):
    """Normal forms of terms as they stand in JSON, over one context."""

    def __init__(self, context: Context, work: Budget, deep: bool = False) -> None:
        super().__init__(context, work)
        self.deep = deep  # terms may be too deep, so that each is measured
        self._numbers: dict[str, Poly] = {}
        self._written: dict[str, Poly] = {}
        self._relations: dict[str, Relation] = {}

    def term(self, raw: Any, env: dict[str, Poly] | None = None) -> Poly:
        """The normal form of a term; `env` gives values for symbols (they come before the context's).

        Products, quotients and what is under operators are remembered by how they are written: the same ones stand in one claim
        after another.
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
        found = self._written.get(key)
        if found is None:
            found = self._term(raw, env)
            if len(key) < 1_000:
                self._written[key] = found
        return found

    def _term(self, raw: list, env: dict[str, Poly] | None) -> Poly:
        tag = raw[0]
        if tag == "+" and len(raw) > 1:
            return self.add(*[self.term(part, env) for part in raw[1:]])
        if tag == "*" and len(raw) > 1:
            found = self.term(raw[1], env)
            for part in raw[2:]:
                found = self.mul(found, self.term(part, env))
            return found
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
            level = [part for node in level for part in node[1:] if type(part) is list and part[:1] not in (["v"], ["m"], ["Mv"])]
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
        """Symbols at the other coordinate, norms, traces, forms: random processes without a coordinate."""
        tag = raw[0]
        if tag == "xi":
            # A symbol without a coordinate has no value "at i"; allowing it would give one value two names.
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
        """("v", name) or ("Mv", M, name)."""
        if type(raw) is list and len(raw) == 2 and raw[0] == "v" and type(raw[1]) is str and raw[1] in self.context.vectors:
            return ("v", raw[1])
        if type(raw) is list and len(raw) == 3 and raw[0] == "Mv":
            inner = self.vector(raw[2])
            if inner[0] == "v":
                return ("Mv", self.matrix(raw[1]), inner[1])
        raise Unreadable("expected a declared vector v, or M v of declared ones")

    def matrix(self, raw: Any) -> str:
        if type(raw) is list and len(raw) == 2 and raw[0] == "m" and type(raw[1]) is str and raw[1] in self.context.matrices:
            return raw[1]
        raise Unreadable("expected a declared matrix")

    def dot(self, u: tuple[str, ...], v: tuple[str, ...]) -> Poly:
        """u'v: rule 4. u'Mw = w'Mu needs M symmetric, as does the form u'Mu."""
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
        """The relation that is written; remembered by how it is."""
        op, left, right = items(raw, 3)
        if type(op) is not str or op not in OPS:
            raise Unreadable("expected a relation: <=, <, == or !=, with two sides")
        if op == "!=" and right != ["q", "0"]:
            raise Unreadable("the right side of != is not 0")
        key = repr(raw)
        self.work.spend(len(key) // 64)
        found = self._relations.get(key)
        if found is None:
            found = Relation(op, self.sub(self.term(right), self.term(left)))
            if len(key) < 10_000 and len(self._relations) < 2_000:
                self._relations[key] = found
        return found

    def relation_key(self, relation: Relation) -> tuple[str, Key]:
        """Relations are the same when their keys are: op and r - l, up to sign for == and !=."""
        op, slack = relation
        if op in ("==", "!=") and slack and slack[min(slack)] < 0:
            slack = self.scale(slack, fmpq(-1))
        return op, self.key(slack)


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
    """What a rule works on. A rule returns the relation it proves; it may change what the new fact rests on."""

    facts: list[Fact]
    data: Any
    claim: Relation  # what is stated
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
