"""The witness of a certificate: a model of its context in which all of its hypotheses hold (FORMAT.md, "Witness").

There is one outcome and nothing moves: every symbol except the clock has one value at all times, vectors are given by their
entries, matrices by their diagonals, and functions come from a family with three parameters. Values are normal forms (in the clock
alone if time is an interval), so equalities are exact; signs are shown by balls.
"""

from collections.abc import Iterator
from math import isqrt
from typing import Any

from flint import fmpq

from sdescent.derive.proof.replay.algebra import I, J, K, Poly, Unreadable
from sdescent.derive.proof.replay.one_variable_forms import Forms
from sdescent.derive.proof.replay.terms import Terms, check, fields, items, rational, symbols_in, tags

CLOSED = {"q", "+", "*", "^", "/", "f", "pi"}
#: the largest number of coordinates, of clients and of steps
MOST = 64
#: square factors n^2 of numbers under a root are sought for n below this
SMALL = 100


def check_witness(terms: Terms, hypotheses: list[Any], raw: Any) -> None:
    """Raises Invalid or Unreadable unless the witness is a model of the context in which the hypotheses hold."""
    model = _Model(terms, raw)
    model.check_declarations()
    for n, relation in enumerate(hypotheses):
        held = all(model.holds(relation, at) for _ in model.moments(relation) for at in model.places(relation))
        check(held, f"the witness is not shown to satisfy hypothesis {n}")


class _Model:
    def __init__(self, terms: Terms, raw: Any) -> None:
        self.terms, self.context = terms, terms.context
        symbols, vectors, matrices, functions = fields(raw, "symbols", "vectors", "matrices", "functions")
        context = self.context
        clock = next((name for name, kind in context.symbols.items() if kind == "clock"), None)
        self.clock, self.forms = clock, Forms(terms.work, clock or "t", terms.deep)
        plain = [name for name in context.symbols if name != clock]
        tables, names = (
            (symbols, vectors, matrices, functions),
            (plain, context.vectors, context.matrices, context.functions),
        )
        if any(type(t) is not dict or t.keys() != set(n) for t, n in zip(tables, names, strict=True)):
            raise Unreadable(
                "the witness does not have a value for each name of the context but the clock, and no other"
            )
        self.now = self.forms.number(0) if context.steps else self.forms.x  # the value of the clock
        self.size = self._count(context.dimension, symbols, [*vectors.values(), *matrices.values()])
        self.clients = self._count(context.clients, symbols, [])
        self.steps = self._count(context.horizon, symbols, []) if context.steps else 1
        self.symbols = {name: self._values(symbols[name], self._length(name)) for name in plain}
        self.horizon = self.symbols[context.horizon][0] if context.horizon else self.forms.number(1)
        self.vectors, self.matrices = (
            {name: [self._closed(part) for part in items(entry, self.size)] for name, entry in table.items()}
            for table in (vectors, matrices)
        )
        self.functions = {name: self._function(entry) for name, entry in functions.items()}

    # -- reading

    def _count(self, name: str | None, symbols: dict[str, Any], tables: list[Any]) -> int:
        """The number of coordinates, clients or steps. Without a name for it: the length of the first of `tables`, or 1."""
        if name is None:
            count = len(items(tables[0])) if tables else 1
        else:
            value = self._closed(symbols[name])
            whole = value.get(0, fmpq(0))
            integer = value.keys() == {0} and whole.q == 1
            check(integer, "the dimension or the number of clients or of steps is not a whole number")
            count = int(whole.p)
        check(1 <= count <= MOST, f"the dimension or the number of clients or of steps is not between 1 and {MOST}")
        return count

    def _length(self, name: str) -> int:
        sizes = {"coord": self.size, "detcoord": self.size, "client": self.clients, "detclient": self.clients}
        return sizes.get(self.context.symbols[name], 1)

    def _values(self, raw: Any, length: int) -> list[Poly]:
        """The values of a symbol for all coordinates or clients, from one value for all or a list with one for each."""
        if type(raw) is list and raw and type(raw[0]) is list:
            return [self._closed(entry) for entry in items(raw, length)]
        return [self._closed(raw)] * length

    def _closed(self, raw: Any) -> Poly:
        if type(raw) is not list or not tags(raw) <= CLOSED:
            raise Unreadable("a value of the witness is not a term of numbers and functions")
        self.forms.term(raw)  # checks its shape
        return self.value(raw)

    def _function(self, raw: Any) -> tuple[fmpq, fmpq, fmpq]:
        """The parameters of F(t) = level + height max(-1, min(1, t/width))."""
        level, height, width = (rational(part) for part in fields(raw, "level", "height", "width"))
        check(width > 0, "the width of a function is not > 0")
        return level, height, width

    # -- declarations

    def check_declarations(self) -> None:
        check(self.forms.has_sign(self.horizon, False), "the horizon is not >= 0")
        for name, flags in self.context.matrices.items():
            psd = all(self.forms.has_sign(entry, False) for entry in self.matrices[name])
            check(psd or "psd" not in flags, f"the matrix {name} is declared psd and has a negative entry")
        for name, properties in self.context.functions.items():
            for declared, value in properties.items():
                holds = self._has(self.functions[name], declared, value)
                check(holds, f"the function of the witness is not shown to have the property {declared} of {name}")
        for name, potential in self.context.potentials.items():
            self._check_still(name, potential)

    def _has(self, function: tuple[fmpq, fmpq, fmpq], declared: str, value: Any) -> bool:
        """Whether level + height max(-1, min(1, t/width)), linear on [0, width] and then constant, has a declared property."""
        level, height, width = function
        number, has_sign = self.forms.number, self.forms.has_sign
        if declared == "odd":
            return level == 0
        if declared in ("nondecreasing", "concave_right"):
            return height >= 0
        bound = self.value(value)
        if declared == "bounded":
            return has_sign(self.forms.sub(bound, number(abs(level) + abs(height))), False)
        # slope: at 0, at the width and far out
        above = self.forms.sub(self.forms.scale(bound, width), number(level + height))
        return level <= 0 and has_sign(above, False) and has_sign(bound, False)

    def _check_still(self, name: str, potential: dict[str, Any]) -> None:
        """Check that the state stays where it is: it has no drift, diffusion or step, and V has one value."""
        value = self.symbols[name]
        still = self.symbols[potential["end"]] == value == self.symbols[potential["start"]]
        check(still, f"the potential {name} moves")
        change = self.symbols[potential["change"]][0] if "change" in potential else {}
        check(not change, f"the change of the potential {name} is not 0")
        for _ in self.moments():
            for part, entries in (("drift", self.vector), ("diffusion", self.matrix), ("mean", self.vector)):
                total = [dict[int, fmpq]() for _ in range(self.size)]
                for coefficient, moved in potential.get(part, ()):
                    c = self.value(coefficient)
                    pairs = zip(total, entries(moved), strict=True)
                    total = [self.forms.add(old, self.forms.mul(c, entry)) for old, entry in pairs]
                check(not any(total), f"the {part} of the process of {name} is not 0, so that its state moves")
            if "smoothness" in potential:
                self._check_step(name, potential)

    def _check_step(self, name: str, potential: dict[str, Any]) -> None:
        """Check that the declared bounds of a step are >= 0: then a step of length 0 and a linear V (Hess V = 0) obey them."""
        low, growth = (self.value(raw) for raw in potential["smoothness"])
        slope = self._geometry("norm", [["v", potential["gradient"]]])
        bounds = {
            "smoothness": self.forms.add(low, self.forms.mul(growth, slope)),
            "square": self.value(potential["square"]),
        }
        bounds |= {"radius": self.value(potential["radius"])} if potential["radius"] is not None else {}
        for part, bound in bounds.items():
            check(self.forms.has_sign(bound, False), f"the {part} of the potential {name} is not shown to be >= 0")

    # -- hypotheses

    def moments(self, relation: Any = None) -> Iterator[None]:
        """Iterate over the steps, setting the clock. One moment suffices for an interval or a relation without the clock."""
        then = self.now
        for n in range(self.steps if relation is None or self.clock in symbols_in(relation) else 1):
            self.now = self.forms.number(n) if self.context.steps else then
            yield
        self.now = then

    def places(self, relation: Any) -> Iterator[tuple[int, int, int]]:
        """All (j, i, k) at which the relation must be checked; a letter that it does not depend on stays 0."""
        deps = self.terms.deps(self.terms.relation(relation).slack)
        for j in range(self.size if deps & J else 1):
            for i in range(self.size if deps & I else 1):
                for k in range(self.clients if deps & K else 1):
                    yield j, i, k

    def holds(self, relation: Any, at: tuple[int, int, int]) -> bool:
        """Whether the relation is shown at this moment or, if time is an interval, at all times."""
        op, left, right = relation
        slack = self.forms.sub(self.value(right, at), self.value(left, at))
        if op == "==":
            return not slack
        ends = [slack]
        if self.forms.varies(slack):  # with the clock: if linear in it, the slack lies between its values at both ends
            (monomial,) = self.forms.x
            ((clock, _),) = self.forms.monomials[monomial]
            linear = all(n == 1 for m in slack for a, n in self.forms.monomials[m] if a == clock)
            check(linear, "a hypothesis of the witness is not linear in the clock")
            ends = [self.forms.substitute(slack, {}), self.forms.substitute(slack, self.horizon)]
        if op == "!=":
            return {self.forms.sign(end) for end in ends} in ({1}, {-1})
        return all(self.forms.has_sign(end, op == "<") for end in ends)

    # -- values

    def value(self, raw: Any, at: tuple[int, int, int] = (0, 0, 0)) -> Poly:
        """The value of a term at (j, i, k)."""
        forms, (tag, *args) = self.forms, raw
        forms.work.spend(2)
        j, i, k = at
        if tag in ("q", "pi"):
            return forms.term(raw)
        if tag in ("x", "xi"):
            return self._symbol(args[0], j if tag == "x" else i, k)
        if tag == "+":
            return forms.add(*[self.value(part, at) for part in args])
        if tag == "*":
            product = forms.number(1)
            for part in args:
                product = forms.mul(product, self.value(part, at))
            return product
        if tag == "^":
            return forms.power(self.value(args[0], at), args[1])
        if tag == "/":
            return forms.mul(self.value(args[0], at), self._inverse(self.value(args[1], at)))
        if tag == "f":
            return self._applied(args[0], self.value(args[1], at))
        if tag == "F":
            return self._declared(self.functions[args[0]], self.value(args[1], at))
        if tag in ("E", "I", "EI"):
            if tag != "E" and self.context.steps:
                return forms.add(*[self.value(args[0], at) for _ in self.moments()])
            inner = self.value(args[0], at)
            check(tag == "E" or not forms.varies(inner), "the clock stands under an integral")
            return inner if tag == "E" else forms.mul(self.horizon, inner)
        if tag == "S":
            return forms.add(*[self.value(args[0], (n, i, k)) for n in range(self.size)])
        if tag == "Si":
            return forms.add(*[self.value(args[0], (j, n, k)) for n in range(self.size)])
        if tag == "C":
            return forms.add(*[self.value(args[0], (j, i, n)) for n in range(self.clients)])
        return self._geometry(tag, args)

    def _symbol(self, name: str, j: int, k: int) -> Poly:
        if name == self.clock:
            return self.now
        kind, values = self.context.symbols[name], self.symbols[name]
        return values[j if kind in ("coord", "detcoord") else k if kind in ("client", "detclient") else 0]

    def _inverse(self, p: Poly) -> Poly:
        nonzero = not self.forms.varies(p) and self.forms.sign(p) != 0
        check(nonzero, "a denominator is not shown to be other than 0 at the witness")
        return self.forms.inverse(p)

    def _applied(self, name: str, p: Poly) -> Poly:
        forms = self.forms
        check(not forms.varies(p), "a function of the clock stands in a hypothesis")
        sign = forms.sign(p) if name in ("abs", "sqrt", "log") else 0
        if name in ("abs", "sqrt"):
            check(not p or sign != 0, "the sign of an argument of a function is not shown")
        if name == "abs":
            return p if sign >= 0 else forms.scale(p, fmpq(-1))
        check(name != "sqrt" or sign >= 0, "the argument of a root is negative at the witness")
        check(name != "log" or sign > 0, "the argument of a logarithm is not positive at the witness")
        if name == "sqrt":
            return self._root(p)
        undone = self._inside({"exp": "log", "log": "exp"}.get(name, ""), p)
        return forms.function(name, p) if undone is None else undone

    def _inside(self, name: str, p: Poly) -> Poly | None:
        """q if p is f(q), else None; `name` is the name of f."""
        if len(p) == 1:
            ((m, c),) = p.items()
            for a, n in self.forms.monomials[m]:
                if len(self.forms.monomials[m]) == n == c == 1 and self.forms.atoms[a].head[:2] == ("f", name):
                    return dict(self.forms.atoms[a].head[2])
        return None

    def _root(self, p: Poly) -> Poly:
        """sqrt(p), written as s sqrt(m) if p is a number s^2 m."""
        if not p.keys() <= {0} or not p:
            return self.forms.function("sqrt", p)
        c = p[0]
        outside, inside = fmpq(1, int(c.q)), int(c.p) * int(c.q)
        for n in range(2, SMALL):
            while inside % (n * n) == 0:
                outside, inside = outside * n, inside // (n * n)
        whole = isqrt(inside)
        if whole * whole == inside:
            return self.forms.number(outside * whole)
        return self.forms.scale(self.forms.function("sqrt", self.forms.number(inside)), outside)

    def _declared(self, function: tuple[fmpq, fmpq, fmpq], p: Poly) -> Poly:
        level, height, width = function
        forms = self.forms
        check(not forms.varies(p), "a function of the clock stands in a hypothesis")
        above, below = forms.sub(p, forms.number(width)), forms.add(p, forms.number(width))
        if forms.has_sign(above, False):
            return forms.number(level + height)
        if forms.has_sign(forms.scale(below, fmpq(-1)), False):
            return forms.number(level - height)
        check(forms.sign(above) < 0 < forms.sign(below), "where the argument of a declared function lies is not shown")
        return forms.add(forms.number(level), forms.scale(p, height / width))

    def vector(self, raw: Any) -> list[Poly]:
        if raw[0] == "v":
            return self.vectors[raw[1]]
        pairs = zip(self.matrix(raw[1]), self.vector(raw[2]), strict=True)
        return [self.forms.mul(entry, value) for entry, value in pairs]

    def matrix(self, raw: Any) -> list[Poly]:
        """The diagonal of a matrix."""
        return self.matrices[raw[1]]

    def _dot(self, u: list[Poly], v: list[Poly]) -> Poly:
        return self.forms.add(*[self.forms.mul(a, b) for a, b in zip(u, v, strict=True)])

    def _geometry(self, tag: str, args: list[Any]) -> Poly:
        if tag == "norm":
            v = self.vector(args[0])
            return self._applied("abs", v[0]) if len(v) == 1 else self._applied("sqrt", self._dot(v, v))
        if tag == "dot":
            return self._dot(self.vector(args[0]), self.vector(args[1]))
        m = self.matrix(args[0])
        if tag == "tr":
            return self.forms.add(*m)
        if tag == "trprod":
            return self._dot(m, self.matrix(args[1]))
        if tag == "quad":
            v = self.vector(args[1])
            return self._dot([self.forms.mul(entry, value) for entry, value in zip(m, v, strict=True)], v)
        check(tag == "opnorm", f"the witness has no value for {tag}")
        largest = self._applied("abs", m[0])
        for entry in m[1:]:
            size = self._applied("abs", entry)
            apart = self.forms.sub(size, largest)
            check(not apart or self.forms.sign(apart) != 0, "which entry of a matrix is the largest is not shown")
            largest = size if self.forms.sign(apart) > 0 else largest
        return largest
