"""Terms of a certificate as polynomials in atoms, and as text of Rocq.

A relation is printed with the structure its writer gave it, except for what Rocq cannot see through: quotients, arguments of
functions and operators stand in the normal form of FORMAT.md, so that equal atoms are the same text and `ring` decides the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from derive.proof.rocq.names import NAME, RESERVED

Term = list[Any]
Monomial = tuple[tuple[int, int], ...]
Frozen = tuple[tuple[Monomial, Fraction], ...]
Relation = tuple[str, Term, Term]

DEPENDS = {"const": "", "time": "t", "random": "wt", "rv": "w", "coord": "wtj", "detcoord": "j"}
DEPENDS |= {"client": "wtk", "detclient": "k", "clock": "t"}
FUNCTIONS = {"sqrt": "sqrt", "exp": "exp", "log": "ln", "atan": "atan", "erf": "erf", "tanh": "tanh", "abs": "Rabs"}
BINDS = {"E": "w", "EI": "wt", "I": "t", "S": "j", "Si": "i", "C": "k"}
OPERATORS = {"E": "E", "EI": "EI", "I": "Int", "S": "Sum coords", "C": "Sum clients"}
RELATIONS = {"<=": "<=", "<": "<", "==": "=", "!=": "<>"}
# What f is at rationals where FORMAT.md gives f a value; abs is apart.
VALUES = {("sqrt", 0): 0, ("sqrt", 1): 1, ("exp", 0): 1, ("log", 1): 0, ("atan", 0): 0, ("erf", 0): 0, ("tanh", 0): 0}
LIMIT = 20_000


class ExportError(ValueError):
    """The certificate is none, and why."""


class Poly(dict[Monomial, Fraction]):
    """A polynomial in atoms: coefficients by monomial, none zero. The empty one is 0."""

    def plus(self, other: Poly, factor: Fraction = Fraction(1)) -> Poly:
        total = dict(self)
        for m, c in other.items():
            total[m] = total.get(m, Fraction(0)) + factor * c
        return Poly({m: c for m, c in total.items() if c})

    def times(self, other: Poly) -> Poly:
        if len(self) * len(other) > 50 * LIMIT:
            raise ExportError("a product has too many terms")
        total: dict[Monomial, Fraction] = {}
        for m, c in self.items():
            for n, d in other.items():
                powers = dict(m)
                for atom, k in n:
                    powers[atom] = powers.get(atom, 0) + k
                key = tuple(sorted(powers.items()))
                total[key] = total.get(key, Fraction(0)) + c * d
        if len(total) > LIMIT:
            raise ExportError("a polynomial has too many terms")
        return Poly({m: c for m, c in total.items() if c})

    def frozen(self) -> Frozen:
        return tuple(sorted(self.items()))

    def constant(self) -> Fraction | None:
        """The rational that the polynomial is, if it is one."""
        return Fraction(0) if not self else self.get(()) if len(self) == 1 else None


def rational(text: object) -> Fraction:
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,2000}(/[0-9]{1,2000})?", text) or text.endswith("/0"):
        raise ExportError(f"not a rational: {text!r}"[:80])
    return Fraction(text)


def number(q: Fraction) -> str:
    """A rational as Rocq's reals write it; in brackets unless it is a natural number."""
    return f"{q}" if q.denominator == 1 and q >= 0 else f"({q})".replace("/", " / ")


def _atom(identifier: int) -> Poly:
    return Poly({((identifier, 1),): Fraction(1)})


def _const(value: Fraction | int) -> Poly:
    return Poly({(): Fraction(value)}) if value else Poly()


class RocqContext:
    """The tables of the certificate's context, checked, and the Rocq names of what is in them."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.kinds: dict[str, str] = raw.get("symbols", {})
        self.vectors: list[str] = raw.get("vectors", [])
        self.matrices: dict[str, list[str]] = raw.get("matrices", {})
        self.functions: dict[str, dict[str, Any]] = raw.get("functions", {})
        self.horizon: str | None = raw.get("horizon")
        self.dimension: str | None = raw.get("dimension")
        self.clients: str | None = raw.get("clients")
        self.potentials: dict[str, dict[str, Any]] = raw.get("potentials", {})
        names = [*self.kinds, *self.vectors, *self.matrices, *self.functions]
        if len(set(names)) != len(names):
            raise ExportError("a name stands for two things")
        for name in names:
            if not isinstance(name, str) or not NAME.match(name):
                raise ExportError(f"not a name: {name!r}"[:80])
        if any(kind not in DEPENDS for kind in self.kinds.values()):
            raise ExportError("a symbol has no kind")
        sizes = [name for name in (self.horizon, self.dimension, self.clients) if name is not None]
        counted = any(self.kinds.get(name) != "const" for name in sizes) or len(set(sizes)) != len(sizes)
        if counted or list(self.kinds.values()).count("clock") > 1:
            raise ExportError("horizon, dimension and number of clients are different constants, and there is one clock")
        self.identifiers = {name: name + "'" if name in RESERVED else name for name in names}

    def symmetric(self, matrix: str) -> bool:
        return bool({"symmetric", "psd"} & set(self.matrices[matrix]))

    def psd(self, matrix: str) -> bool:
        return "psd" in self.matrices[matrix]


class Terms:
    """Normal forms and printing over one context. Atoms are numbered as they are met; that order is the fixed one."""

    def __init__(self, context: RocqContext) -> None:
        self.context = context
        self.atoms: list[tuple[Any, ...]] = []
        self.deps: list[frozenset[str]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._known: dict[int, tuple[Term, Poly]] = {}

    # Normal forms

    def normal(self, term: Term) -> Poly:
        """N(term), the polynomial of FORMAT.md."""
        known = self._known.get(id(term))
        if known is None:
            # The term is kept beside its normal form: an address is only a key while what lies there lives.
            known = self._known[id(term)] = (term, self._normal(term))
        return known[1]

    def _normal(self, term: Term) -> Poly:
        if not isinstance(term, list) or not term or not isinstance(term[0], str):
            raise ExportError(f"not a term: {term!r}"[:80])
        head, *args = term
        arity = {"q": 1, "x": 1, "xi": 1, "^": 2, "/": 2, "f": 2, "pi": 0, "F": 2, "quad": 2, "trprod": 2, "dot": 2}
        if len(args) != arity.get(head, 1) and not (head in "+*" and args):
            head = ""
        match head:
            case "poly" if isinstance(args[0], Poly):
                return args[0]
            case "q":
                return _const(rational(args[0]))
            case "x" | "xi":
                return self._symbol(head, args[0])
            case "+":
                total = Poly()
                for a in args:
                    total = total.plus(self.normal(a))
                return total
            case "*":
                total = _const(1)
                for a in args:
                    total = total.times(self.normal(a))
                return total
            case "^":
                if type(args[1]) is not int or not 0 <= args[1] <= 64:
                    raise ExportError("a power is a natural number up to 64")
                base, total = self.normal(args[0]), _const(1)
                for _ in range(args[1]):
                    total = total.times(base)
                return total
            case "/":
                return self.normal(args[0]).times(self.inverse(self.normal(args[1])))
            case "f":
                return self.function(args[0], self.normal(args[1]))
            case "F":
                if args[0] not in self.context.functions:
                    raise ExportError(f"no such function: {args[0]!r}"[:80])
                return self._of_poly("F", args[0], self.normal(args[1]))
            case "pi":
                return _atom(self._number(("pi",), ""))
            case "E" | "EI" | "I" | "S" | "Si" | "C":
                return self.operator(head, self.normal(args[0]))
        return self._geometric(head, args)

    def _number(self, data: tuple[Any, ...], deps: Iterable[str]) -> int:
        if data not in self._numbers:
            self._numbers[data] = len(self.atoms)
            self.atoms.append(data)
            self.deps.append(frozenset(deps))
        return self._numbers[data]

    def _symbol(self, head: str, name: Any) -> Poly:
        kind = self.context.kinds.get(name) if isinstance(name, str) else None
        if kind is None or (head == "xi" and kind != "coord"):
            raise ExportError(f"no such symbol: {name!r}"[:80])
        return _atom(self._number((head, name), DEPENDS[kind].replace("j", "i") if head == "xi" else DEPENDS[kind]))

    def depends(self, p: Poly) -> frozenset[str]:
        return frozenset().union(*(self.deps[a] for m in p for a, _ in m))

    def _of_poly(self, head: str, name: str, p: Poly) -> Poly:
        return _atom(self._number((head, name, p.frozen()), self.depends(p)))

    def inverse(self, p: Poly) -> Poly:
        """1/p: of a monomial by factors, of another polynomial c Q as (1/c) inv(Q)."""
        if not p:
            return Poly()
        scale, factors = self.factors(p)
        total = _const(1 / scale)
        for q, n in factors:
            inverse = _atom(self._number(("inv", q.frozen()), self.depends(q)))
            for _ in range(n):
                total = total.times(inverse)
        return total

    def factors(self, p: Poly) -> tuple[Fraction, list[tuple[Poly, int]]]:
        """p as a constant times powers of what has an inverse of its own."""
        if len(p) == 1:
            [(m, c)] = p.items()
            return c, [(_atom(a), n) for a, n in m]
        c = p[min(p)]
        return c, [(p.times(_const(1 / c)), 1)]

    def function(self, name: str, p: Poly) -> Poly:
        if name not in FUNCTIONS:
            raise ExportError(f"no such function: {name!r}"[:80])
        q = p.constant()
        if q is not None and name == "abs":
            return _const(abs(q))
        if q is not None and (name, q) in VALUES:
            return _const(VALUES[name, int(q)])
        return self._of_poly("f", name, p)

    def operator(self, op: str, p: Poly) -> Poly:
        """The operator of each monomial of p, what does not depend on what is bound taken out."""
        if op == "I" and "w" in self.depends(p):
            raise ExportError("I of a random term")
        total = Poly()
        for m, c in p.items():
            outer, inner = self.parted(op, m)
            total = total.plus(Poly({outer: c}).times(self._applied(op, inner)))
        return total

    def parted(self, op: str, m: Monomial) -> tuple[Monomial, Monomial]:
        """What of a monomial stands before the operator and what stands under it."""
        bound = set(BINDS[op])
        return tuple(f for f in m if not self.deps[f[0]] & bound), tuple(f for f in m if self.deps[f[0]] & bound)

    def _applied(self, op: str, m: Monomial) -> Poly:
        if not m:
            sizes = {"EI": self.context.horizon, "I": self.context.horizon, "C": self.context.clients, "E": ""}
            name = sizes.get(op, self.context.dimension)
            if name is None:
                raise ExportError(f"{op} of a constant, and the context does not say how much there is of it")
            return self._symbol("x", name) if name else _const(1)
        deps = frozenset().union(*(self.deps[a] for a, _ in m))
        if op == "EI" and "w" not in deps:
            op = "I"
        if op == "Si":
            if "j" in deps:
                raise ExportError("Si of a term with both coordinates in it")
            op, m = "S", self._renamed(m)
            deps = deps - {"i"} | {"j"}
        return _atom(self._number(("op", op, m), deps - set(BINDS[op])))

    def _renamed(self, m: Monomial) -> Monomial:
        """j for i in a monomial without j."""
        return tuple(sorted((self._renamed_atom(a), n) for a, n in m))

    def _renamed_atom(self, a: int) -> int:
        if "i" not in self.deps[a]:
            return a
        data, deps = self.atoms[a], self.deps[a] - {"i"} | {"j"}
        if data[0] == "xi":
            return self._number(("x", data[1]), deps)
        if data[0] == "op":
            if "j" in BINDS[data[1]]:
                raise ExportError("a sum over the other coordinates of one that its j would capture")
            return self._number((*data[:2], self._renamed(data[2])), deps)
        p = Poly()
        for m, c in data[-1]:
            p = p.plus(Poly({self._renamed(m): c}))
        return self._number((*data[:-1], p.frozen()), deps)

    def vector(self, raw: Any) -> tuple[str, ...]:
        """(vector,) or (matrix, vector)."""
        match raw:
            case ["v", str(name)] if name in self.context.vectors:
                return (name,)
            case ["Mv", ["m", str(matrix)], ["v", str(name)]] if matrix in self.context.matrices and name in self.context.vectors:
                return (matrix, name)
        raise ExportError(f"not a vector: {raw!r}"[:80])

    def matrix(self, raw: Any) -> str:
        match raw:
            case ["m", str(name)] if name in self.context.matrices:
                return name
        raise ExportError(f"not a matrix: {raw!r}"[:80])

    def _geometric(self, head: str, args: list[Any]) -> Poly:
        match head:
            case "norm":
                data = (self.vector(args[0]),)
            case "opnorm" | "tr":
                data = (self.matrix(args[0]),)
            case "quad":
                data = (self.matrix(args[0]), self.vector(args[1]))
            case "trprod":
                data = tuple(sorted((self.matrix(args[0]), self.matrix(args[1]))))
            case "dot":
                return self._dot(*sorted((self.vector(args[0]), self.vector(args[1])), key=lambda v: (len(v), v)))
            case _:
                raise ExportError(f"not a term: {head!r}"[:80])
        return _atom(self._number((head, *data), "wt"))

    def _dot(self, u: tuple[str, ...], v: tuple[str, ...]) -> Poly:
        if u == v:
            norm = _atom(self._number(("norm", u), "wt"))
            return norm.times(norm)
        if len(u) == 1 and len(v) == 2:
            if u == v[1:]:
                return _atom(self._number(("quad", v[0], u), "wt"))
            if self.context.symmetric(v[0]) and v[1:] < u:
                u, v = v[1:], (v[0], *u)
        return _atom(self._number(("dot", u, v), "wt"))

    def difference(self, relation: Relation) -> Poly:
        return self.normal(relation[2]).plus(self.normal(relation[1]), Fraction(-1))

    def key(self, relation: Relation) -> tuple[str, Frozen]:
        """Relations are the same when their keys are."""
        p = self.difference(relation)
        if relation[0] in ("==", "!=") and p and p[min(p)] < 0:
            p = Poly().plus(p, Fraction(-1))
        return relation[0], p.frozen()

    # Text

    def show(self, term: Term, name: Callable[[int], str]) -> str:
        """The term as it is written, quotients, functions and operators in normal form; always closed by brackets."""
        match term:
            case ["+", *args] if args:
                return "(" + " + ".join(self.show(a, name) for a in args) + ")"
            case ["*", *args] if args:
                return "(" + " * ".join(self.show(a, name) for a in args) + ")"
            case ["^", base, int(n)]:
                return f"({self.show(base, name)} ^ {n})"
            case ["/", a, b]:
                return f"({self.show(a, name)} * {self.poly(self.inverse(self.normal(b)), name)})"
        return self.poly(self.normal(term), name)

    def poly(self, p: Poly, name: Callable[[int], str]) -> str:
        if p.constant() is not None:
            return number(p.get((), Fraction(0)))
        if len(p) == 1:
            [(m, c)] = p.items()
            if c == 1 and len(m) == 1 and m[0][1] == 1:
                return name(m[0][0])
        return "(" + " + ".join(self._member(c, m, name) for m, c in sorted(p.items())) + ")"

    def _member(self, c: Fraction, m: Monomial, name: Callable[[int], str]) -> str:
        factors = [name(a) if n == 1 else f"{name(a)} ^ {n}" for a, n in m]
        return " * ".join(factors if c == 1 and m else [number(c), *factors])

    def relation(self, relation: Relation, show: Callable[[Term], str]) -> str:
        return f"{show(relation[1])} {RELATIONS[relation[0]]} {show(relation[2])}"

    def atom(self, a: int, met: set[int] | None = None) -> str:
        """The text of an atom where w, t, j and i are bound; `met` collects it."""
        if met is not None:
            met.add(a)
        data = self.atoms[a]
        match data:
            case ("x" | "xi" as head, name):
                deps = DEPENDS[self.context.kinds[name]]
                return _applied_to(self.context.identifiers[name], deps.replace("j", "i") if head == "xi" else deps)
            case ("pi",):
                return "PI"
            case ("inv", p):
                return f"(/ {self.poly(Poly(p), self.atom)})"
            case ("f", name, p):
                return f"({FUNCTIONS[name]} {self.poly(Poly(p), self.atom)})"
            case ("F", name, p):
                return f"({self.context.identifiers[name]} {self.poly(Poly(p), self.atom)})"
            case ("op", op, m):
                return f"({OPERATORS[op]} (fun {' '.join(BINDS[op])} => {self._member(Fraction(1), m, self.atom)}))"
        return _applied_to(self.opaque(a), "wt")

    def opaque(self, a: int) -> str:
        """The name of an atom of vectors and matrices. No name has two underscores in a row, so that these are its own."""
        head, *parts = self.atoms[a]
        return "__".join([head, *(p if isinstance(p, str) else "__".join(p) for p in parts)])


def _applied_to(name: str, arguments: str) -> str:
    return f"({name} {' '.join(arguments)})" if arguments else name
