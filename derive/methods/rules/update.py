"""Update rules: assignments that run in order, parsed once and evaluated on values of any kind, such as SymPy expressions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from itertools import count
from typing import Any, Protocol, TypeVar, final

import sympy as sp

from sdescent.derive.methods.rules.regime import (
    DRAWN,
    GRADIENTS,
    LETTERS,
    RANDOM,
    UPDATES,
    check_letter,
    check_parameter,
)
from sdescent.derive.vocabulary.errors import BadInput, Refusal, unknown_name
from sdescent.derive.vocabulary.formulas.expressions import names_in
from sdescent.derive.vocabulary.formulas.grammar import Term, parse_term
from sdescent.derive.vocabulary.formulas.text import check_text, written

V = TypeVar("V")

MAX_ASSIGNMENTS = 64
MAX_MEMORY = 8
#: draws whose value differs from client to client
OF_ONE_CLIENT = ("local", "local_raw", "gossip")
#: draws that only theorems of one's own have
OF_THEOREMS = ("local_raw", "gossip", "sample", "majority", "coin", "precondition")
_INSIDE_MEAN = "mean(..) around one client's own values, such as x = mean(y)"
_EXAMPLE = '"m = beta*m + (1-beta)*G"'
#: terms that all clients share, whatever is inside
_OVER_CLIENTS = (("f", "mean"), ("draw", "sample"), ("draw", "majority"))
_FORM = f"assignments such as {_EXAMPLE}"
_CALLED = re.compile(r"(?<![0-9A-Za-z_.])([A-Za-z_][A-Za-z0-9_]*) *\(", re.ASCII)


@final
@dataclass(frozen=True)
class Draw:
    """A source of randomness in a step."""

    #: 0 for the draw that `G` and `raw` share; each other random letter, and each function of `DRAWN`, has its own
    number: int
    kind: str  # a name of `RANDOM` or `DRAWN`


class Algebra(Protocol[V]):
    """Operations on the values with which an update rule is evaluated, such as power series or arrays."""

    def number(self, value: Fraction) -> V: ...

    def letter(self, name: str) -> V:
        """The value of a parameter, of `k`, `t` or `pi`, or of `x` or a memory letter at the beginning of the step."""
        ...

    def add(self, terms: Sequence[V]) -> V: ...

    def multiply(self, factors: Sequence[V]) -> V: ...

    def divide(self, above: V, below: V) -> V: ...

    def power(self, base: V, exponent: int) -> V: ...

    def raised(self, base: V, exponent: V) -> V: ...

    def function(self, name: str, arguments: Sequence[V]) -> V:
        """A function of the arguments: sqrt, exp, sign, min, .. act by coordinate, norm and hess on a vector."""
        ...

    def drawn(self, draw: Draw, argument: V | None, client: Any) -> V:
        """The value of a draw, of one client or, for None, shared by all.

        The argument is the point of a gradient (None for the point where the step begins), or what is in the brackets of
        another function; for sample and majority it is the value of the client 0.
        """
        ...

    def mean(self, of: Callable[[Any], V]) -> V:
        """The mean of of(client) over the clients."""
        ...


class Operators:
    """The arithmetic part of an `Algebra`, for values that support Python's operators."""

    def add(self, terms: Sequence[Any]) -> Any:
        return reduce(operator.add, terms)

    def multiply(self, factors: Sequence[Any]) -> Any:
        return reduce(operator.mul, factors)

    def divide(self, above: Any, below: Any) -> Any:
        return above / below

    def power(self, base: Any, exponent: int) -> Any:
        return base**exponent

    def raised(self, base: Any, exponent: Any) -> Any:
        return base**exponent


@final
@dataclass(frozen=True)
class Rule:
    """An update rule: assignments that run in order and turn the state (x, memory) into the next one (all dimensionless).

    The letters are `x`, those of the memory, intermediate values once they are assigned, `k` (1 in the first step), `t` (the time
    at which the step begins), `pi`, parameters (any other name; `eta` is the step size with its schedule), and the random vectors:

        G        mean over clients of C(g + Z) at the point where the step begins;  G(y) at y, with the same draws
        raw      as G, before compression;  raw(y)
        fresh    as G, with new draws;  fresh(y)
        local    one client's own message C(g + Z), with new draws;  local(y);  mean(..) is the mean over clients
        local_raw  as local, before compression;  local_raw(y)
        normal   a standard normal vector
        C(y)     the compressor applied to y, with its own draws
        gossip(y)  each client's y replaced by a weighted mean over its neighbours; the mean over all clients stays
        sample(y)  the y of one client, drawn uniformly
        majority(y)  the sign of the sum over the clients of the signs of y, in each coordinate
        coin(p)  1 with probability p, else 0
        precondition(y)  P y with a symmetric matrix P, the same one wherever it occurs in a step

    Functions act by coordinate, except norm(y), the Euclidean norm, and hess(y), which is H y with the Hessian H at the point where
    the step begins.

    Raises:
        BadInput: a formula is outside the grammar, a letter has two meanings, or `x` is never assigned.
    """

    memory: tuple[tuple[str, Fraction], ...]  # pairs (letter, initial value of each of its coordinates)
    update: tuple[str, ...]  # the assignments; the last values of `x` and of the memory letters are the next state
    #: parameters that lie strictly between 0 and 1, which settles some signs; all other parameters are positive
    fractions: tuple[str, ...] = ()
    of_clients: tuple[str, ...] = ()  # the letters of the memory of which each client has its own
    scalars: tuple[str, ...] = ()  # further letters of the memory, which are positive numbers with any start

    def __post_init__(self) -> None:
        _ = self.parameters

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the state: x, then those of the memory."""
        return ("x", *(name for name, _ in self.memory), *self.scalars)

    @cached_property
    def assignments(self) -> tuple[tuple[str, Term], ...]:
        """The assignments (target, term) in order.

        In a term, a random letter is ("draw", kind, number), or ("draw", kind, number, argument) if it has an argument.
        """
        if not 1 <= len(self.update) <= MAX_ASSIGNMENTS:
            raise BadInput("update", f"{len(self.update)} assignments", f"1 to {MAX_ASSIGNMENTS} {_FORM}")
        if len(self.memory) > MAX_MEMORY:
            raise BadInput("memory", f"{len(self.memory)} letters", f"at most {MAX_MEMORY}")
        memory = [check_letter(name, "memory") for name in self.letters[1:]]
        if len(set(memory)) < len(memory):
            raise BadInput("memory", " ".join(memory), "each letter once")
        sides = [_sides(text, f"update[{n}]") for n, text in enumerate(self.update, 1)]
        letters = dict.fromkeys(["x", *memory])
        for n, (target, _, _) in enumerate(sides, 1):
            if target not in letters:
                letters[check_letter(target, f"update[{n}]")] = None
        terms, assigned, numbers = [], {"x", *memory}, count(1)
        for n, (target, text, at) in enumerate(sides, 1):
            field = f"update[{n}]"
            # functions that are not letters are left out
            names = names_in(text, set(UPDATES.functions).difference(GRADIENTS, letters))
            for name in names:
                if name in letters and name not in assigned:
                    accepted = "a value that was assigned before it is used, or a letter of the memory"
                    raise BadInput(field, name, accepted)
            term = _read(text, names, field, at)
            _check_clients(term, field)
            terms.append((target, _numbered(term, numbers)))
            assigned.add(target)
        if "x" not in {target for target, _ in terms}:
            raise BadInput("update", "no new x", 'an assignment of x, such as "x = x - eta*m"')
        return tuple(terms)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters in the order of first use, including eta if it occurs."""
        letters = {*self.letters, *(target for target, _ in self.assignments), *LETTERS}
        names: dict[str, int] = {}
        for n, (_, term) in enumerate(self.assignments, 1):
            for part in _parts(term):
                if part[0] == "x" and part[1] not in letters:
                    names.setdefault(part[1], n)
        for name, n in names.items():
            if name == "g":
                accepted = "G for the gradient that a step sees; g stands in stated equations alone"
                raise BadInput(f"update[{n}]", name, accepted)
            if name not in ("eta", "N"):
                check_parameter(name, f"update[{n}]")
            if any(name.startswith(letter) and name[len(letter) :].isdigit() for letter in self.letters):
                accepted = "a parameter whose name is not a letter of the state with a number"
                raise BadInput(f"update[{n}]", name, accepted)
        for name in self.fractions:
            if name not in names:
                raise unknown_name("fractions", name, names, "parameters of the update: " + ", ".join(names))
        return tuple(names)

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """The draws, one for each occurrence of a random letter."""
        parts = (part for _, term in self.assignments for part in _parts(term))
        return tuple(Draw(part[2], part[1]) for part in parts if part[0] == "draw")

    def require_shared_memory(self, task: str) -> None:
        """Refuse a rule with a memory of each client or of numbers, or a draw that only theorems of one's own have.

        Raises:
            Refusal: "client-memory".
        """
        if self.of_clients or self.scalars or self.uses(*OF_THEOREMS):
            names = ", ".join(("client_memory", "scalar_memory", *OF_THEOREMS))
            words = f"{names}: these are for theorem files (sdescent prove)"
            raise Refusal("client-memory", f"{words}, and {task} has no form for them yet")

    def uses(self, *names: str) -> bool:
        """Whether one of these letters or functions occurs in the update."""
        return any(
            part[0] in ("x", "f", "draw") and part[1] in names for _, term in self.assignments for part in _parts(term)
        )


def evaluate(rule: Rule, algebra: Algebra[V]) -> dict[str, V]:
    """The next values of x and of the memory letters; for letters in `of_clients`, the value of the client 0.

    A client's own value (`local`, memory) is evaluated inside `mean`; BadInput if it reaches the state without `mean`.
    """
    return _Run(rule, algebra).values()


@dataclass(frozen=True, eq=False)
class _Closure:
    """A term together with the meanings of its names."""

    term: Term
    names: Mapping[str, _Closure | None]

    def meaning(self, part: Term) -> _Closure | None:
        """The assignment that a name refers to; None for a parameter or the value of a letter at the beginning of the step."""
        return self.names.get(part[1]) if part[0] == "x" else None


class _Run:
    """One evaluation of a rule. Assignments are evaluated in order, so that the recursion is no deeper than one assignment."""

    def __init__(self, rule: Rule, algebra: Algebra[Any]) -> None:
        self.rule, self.algebra = rule, algebra
        self.evaluated: dict[tuple[int, int, Any], Any] = {}
        self.owned: dict[tuple[int, int], bool] = {}
        self.closures: list[_Closure] = []
        self.names: dict[str, _Closure | None] = dict.fromkeys(rule.letters)
        for target, term in rule.assignments:
            self.closures.append(_Closure(term, self.names))
            self.names = {**self.names, target: self.closures[-1]}

    def values(self) -> dict[str, Any]:
        last = {letter: self.names[letter] for letter in self.rule.letters}
        for c in self._below([c for c in last.values() if c is not None]):
            if not self._is_local(c.term, c):
                self._term(c.term, c, None)
        return {
            name: self.algebra.letter(name)
            if c is None
            else self._term(c.term, c, 0 if name in self.rule.of_clients else None)
            for name, c in last.items()
        }

    def _below(self, closures: Sequence[_Closure]) -> list[_Closure]:
        """The given assignments and all those on which they depend, in order."""
        needed = {id(c) for c in closures}
        for c in reversed([*self.closures, *(c for c in closures if c not in self.closures)]):
            if id(c) in needed:
                needed |= {id(m) for part in _parts(c.term) if (m := c.meaning(part)) is not None}
        return [c for c in self.closures if id(c) in needed]

    def _term(self, term: Term, c: _Closure, client: Any) -> Any:
        """The value of a part of an assignment; `client` is None outside `mean`."""
        key = (id(term), id(c.names), client if self._is_local(term, c) else None)
        if key not in self.evaluated:
            self.evaluated[key] = self._evaluated(term, c, key[2])
        return self.evaluated[key]

    def _is_local(self, term: Term, c: _Closure) -> bool:
        """Whether the value of a term differs from client to client."""
        key = (id(term), id(c.names))
        if key not in self.owned:
            meaning = c.meaning(term)
            inner = [] if term[:2] in _OVER_CLIENTS else [part for part in term[1:] if isinstance(part, tuple)]
            local = (term[0] == "draw" and term[1] in OF_ONE_CLIENT) or self._is_client_letter(term, meaning)
            local = local or (meaning is not None and self._is_local(meaning.term, meaning))
            self.owned[key] = local or any(self._is_local(part, c) for part in inner)
        return self.owned[key]

    def _is_client_letter(self, term: Term, meaning: _Closure | None) -> bool:
        """Whether a term is the value of a client's own memory at the beginning of the step."""
        return term[0] == "x" and meaning is None and term[1] in self.rule.of_clients

    def _over_clients(self, term: Term, c: _Closure) -> Callable[[Any], Any]:
        """The value of a term for each client."""
        inside = _Closure(term, c.names)
        local = [each for each in self._below([inside]) if self._is_local(each.term, each)]
        for each in (*local, inside):  # values that all clients share are evaluated once, before the loop over clients
            self._ahead(each.term, each)

        def of(client: Any) -> Any:
            return [self._term(each.term, each, client) for each in (*local, inside)][-1]

        return of

    def _ahead(self, term: Term, c: _Closure) -> None:
        if not self._is_local(term, c):
            self._term(term, c, None)
            return
        for part in term[1:]:
            if isinstance(part, tuple):
                self._ahead(part, c)

    def _evaluated(self, term: Term, c: _Closure, client: Any) -> Any:
        a, head = self.algebra, term[0]

        def value(part: Term) -> Any:
            return self._term(part, c, client)

        if head == "q":
            return a.number(Fraction(term[1]))
        if head == "x":
            meaning = c.meaning(term)
            if client is None and self._is_client_letter(term, meaning):
                raise BadInput("update", f"{term[1]} outside of mean", _INSIDE_MEAN)
            return a.letter(term[1]) if meaning is None else self._term(meaning.term, meaning, client)
        if head == "draw":
            _, kind, number, *of = term
            over = term[:2] in _OVER_CLIENTS
            argument = self._over_clients(of[0], c)(0) if over else value(of[0]) if of else None
            return a.drawn(Draw(number, kind), argument, self._of(kind, client))
        if head in ("+", "*"):
            return (a.add if head == "+" else a.multiply)([value(part) for part in term[1:]])
        if head == "/":
            return a.divide(value(term[1]), value(term[2]))
        if head == "^":
            return a.power(value(term[1]), term[2])
        name = term[1]
        if name == "mean":
            return a.mean(self._over_clients(term[2], c))
        arguments = [value(part) for part in term[2:]]
        return a.raised(*arguments) if name == "^" else a.function(name, arguments)

    def _of(self, kind: str, client: Any) -> Any:
        """The client that a draw belongs to; None for a draw that all clients share.

        Each client draws its own compressor of its own value; a compressor of a shared value is drawn once.
        """
        if kind not in OF_ONE_CLIENT:
            return client if kind == "C" else None
        if client is None:
            raise BadInput("update", f"{kind} outside of mean", _INSIDE_MEAN)
        return client


def _sides(text: object, field: str) -> tuple[str, str, int]:
    """The triple (target, right side, position of the right side) of an assignment."""
    text = check_text(text if isinstance(text, str) else written(text), field, _FORM)
    target, equals, right = text.partition("=")
    if ";" in text or not equals or "=" in right or target.rstrip().endswith(("<", ">", "!")):
        raise BadInput(field, text, f"one assignment with =, such as {_EXAMPLE}")
    if target.rstrip().endswith(tuple("+-*/^")):
        accepted = "the assignment written out, such as x = x - eta*m"
        raise BadInput(field, f"{target.strip()}=", accepted, len(target) + 1)
    return target.strip(" "), right, len(target) + 1


def _read(text: str, names: Sequence[str], field: str, at: int) -> Term:
    for called in _CALLED.finditer(text):
        if called[1] not in UPDATES.functions:
            accepted = f"one of the functions {' '.join(UPDATES.functions)}, or * before a parenthesis"
            raise unknown_name(field, called[1], UPDATES.functions, accepted, called.start(1) + 1 + at)
    try:
        return parse_term(text, [n for n in names if n in LETTERS or n not in UPDATES.functions], field, UPDATES)
    except BadInput as error:
        column = None if error.column is None else error.column + at
        raise BadInput(field, error.value, error.accepted, column) from None


def _numbered(term: Any, numbers: Iterator[int]) -> Term:
    """The term with its random letters as numbered draws: G and raw share the number 0, any other occurrence has its own."""
    if term[0] == "x" and term[1] in RANDOM:
        return ("draw", term[1], 0 if term[1] in ("G", "raw") else next(numbers))
    if term[0] == "f" and term[1] in (*GRADIENTS, *DRAWN):
        return ("draw", term[1], 0 if term[1] in ("G", "raw") else next(numbers), _numbered(term[2], numbers))
    return tuple(_numbered(part, numbers) if isinstance(part, tuple) else part for part in term)


def _check_clients(term: Term, field: str) -> None:
    for part in _parts(term):
        of_clients = part[:2] in (("f", "mean"), ("f", "sample"), ("f", "majority"))
        if of_clients and all(inner[0] in ("q", "+", "*", "/", "^") for inner in _parts(part[2])):
            raise BadInput(field, f"the {part[1]} of a number", f"{part[1]}(..) of one client's own values")


def _parts(term: Any) -> Iterator[Term]:
    """Yield all parts of a term, beginning with the term itself."""
    if isinstance(term, tuple):
        yield term
        for part in term[1:]:
            yield from _parts(part)


class Expressions(Operators):
    """The arithmetic part of an `sdescent.derive.methods.rules.update.Algebra`, for SymPy expressions."""

    def number(self, value: Fraction) -> sp.Expr:
        return sp.Rational(value.numerator, value.denominator)

    def add(self, terms: Sequence[sp.Expr]) -> sp.Expr:
        return sp.Add(*terms)

    def multiply(self, factors: Sequence[sp.Expr]) -> sp.Expr:
        return sp.Mul(*factors)
