"""The normal forms of a certificate's terms: polynomials with rational coefficients in atoms (FORMAT.md, "Normal form").

An atom is a term other than a number, sum or product: a symbol, exp(p), inv(p), E(m), ... Atoms and monomials are interned as
integers; a polynomial is a dict {monomial: fmpq} without zeros. Two terms are the same if their dicts are equal. Each rewriting
below is an identity of real numbers under the conventions of the format (1/0 = 0, log t = 0 for t <= 0, ..), if all expectations
and integrals exist, so terms with the same dict have the same value in every model. Polynomials are shared through caches, so
code changes only those that it has just built.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flint import fmpq

# The letters that the value of a term may depend on: outcome w, time t, coordinate j, the other coordinate i, client k.
W, T, J, I, K = 1, 2, 4, 8, 16  # noqa: E741
KINDS = {"const": 0, "time": T, "clock": T, "random": W | T, "rv": W, "coord": W | T | J, "detcoord": J}
KINDS |= {"client": W | T | K, "detclient": K}
BINDS = {"E": W, "I": T, "EI": W | T, "S": J, "Si": I, "C": K}
FUNCTIONS = ("sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi")
# The f(constant) that are rational by definition. log(0) stays an atom: no calculation should use the convention log(0) = 0.
FIXED = {("sqrt", 0): 0, ("sqrt", 1): 1, ("exp", 0): 1, ("log", 1): 0, ("atan", 0): 0, ("erf", 0): 0, ("tanh", 0): 0}
FIXED |= {("psi", 0): fmpq(1, 2)}
#: units of work in one replay: a unit is a product of two monomials with small coefficients, or a node read
UNITS = 10_000_000
MAX_DEGREE, MAX_NESTING, MAX_INTERNED = 10_000, 60, 1_000_000

Poly = dict[int, fmpq]
Key = tuple[tuple[int, fmpq], ...]
Leaf = Callable[[str, str], "Poly | None"]


class Invalid(Exception):
    """The certificate has the right shape but is not shown to prove what it states; `step` is the index of a step at fault."""

    def __init__(self, reason: str, step: int | None = None) -> None:
        super().__init__(reason if step is None else f"step {step}: {reason}")
        self.reason, self.step = reason, step


class Unreadable(Exception):
    """The text is not JSON, or does not have the shape of the format."""


class Budget:
    """The work budget of a whole replay: a certificate that needs more is refused instead of making the replay hang."""

    def __init__(self, units: int = UNITS) -> None:
        self.remaining = units

    def spend(self, units: int) -> None:
        self.remaining -= units
        if self.remaining < 0:
            raise Invalid("the certificate needs more work than a replay may take")


@dataclass(frozen=True)
class Context:
    """The declared names. `matrices` maps names to flags (psd implies symmetric), `functions` to {property: value}.

    If `steps` is set, time is 0, 1, .., horizon - 1 instead of an interval.
    """

    symbols: dict[str, str]
    vectors: frozenset[str] = frozenset()
    matrices: dict[str, frozenset[str]] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    horizon: str | None = None
    dimension: str | None = None
    clients: str | None = None
    potentials: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: bool = False


class Atom(NamedTuple):
    head: tuple  # ("x", name), ("inv", key), ("f", name, key), ("quad", M, vector), ("E", monomial), ..
    deps: int
    names: frozenset[str]  # the symbols that occur, bound or not
    bound: bool  # whether an operator or the other coordinate occurs
    nesting: int


class Algebra:
    """Normal forms over one context."""

    def __init__(self, context: Context, work: Budget) -> None:
        self.context, self.work = context, work
        self.atoms: list[Atom] = []
        self.monomials: list[tuple[tuple[int, int], ...]] = [()]
        self._deps = [0]
        self._atom_ids: dict[tuple, int] = {}
        self._monomial_ids: dict[tuple[tuple[int, int], ...], int] = {(): 0}
        self._products: dict[int, int] = {}

    # -- atoms and monomials

    def atom(
        self, head: tuple, deps: int, parts: tuple[Poly, ...] = (), name: str | None = None, bound: bool = False
    ) -> Poly:
        """The polynomial that consists of one atom; `parts` are the polynomials inside the atom."""
        index = self._atom_ids.get(head)
        if index is None:
            inner = [self.atoms[a] for p in parts for m in p for a, _ in self.monomials[m]]
            nesting = 1 + max((a.nesting for a in inner), default=0)
            if nesting > MAX_NESTING or len(self.atoms) > MAX_INTERNED:
                raise Invalid("a term is nested too deeply")
            names = frozenset({name} if name else ()).union(*(a.names for a in inner))
            index = self._atom_ids[head] = len(self.atoms)
            self.atoms.append(Atom(head, deps, names, bound or any(a.bound for a in inner), nesting))
        return {self.monomial(((index, 1),)): fmpq(1)}

    def monomial(self, pairs: tuple[tuple[int, int], ...]) -> int:
        index = self._monomial_ids.get(pairs)
        if index is None:
            if len(self.monomials) > MAX_INTERNED or any(n > MAX_DEGREE for _, n in pairs):
                raise Invalid("a polynomial has too many monomials, or too high a power")
            self.work.spend(10 + len(pairs))
            index = self._monomial_ids[pairs] = len(self.monomials)
            self.monomials.append(pairs)
            deps = 0
            for a, _ in pairs:
                deps |= self.atoms[a].deps
            self._deps.append(deps)
        return index

    def product(self, m: int, n: int) -> int:
        if m == 0 or n == 0:
            return m + n
        key = m << 32 | n if m < n else n << 32 | m
        index = self._products.get(key)
        if index is None:
            self.work.spend(5)
            powers = dict(self.monomials[m])
            for a, k in self.monomials[n]:
                powers[a] = powers.get(a, 0) + k
            if len(self._products) > MAX_INTERNED:
                self._products.clear()
            index = self._products[key] = self.monomial(self.collect(powers))
        return index

    def collect(self, powers: dict[int, int]) -> tuple[tuple[int, int], ...]:
        """The canonical monomial of prod a^n, which is sorted by atom."""
        return tuple(sorted(powers.items()))

    # -- polynomials

    def number(self, value: Any) -> Poly:
        return {0: fmpq(value)} if value != 0 else {}

    def accumulate(self, total: Poly, p: Poly, factor: fmpq | None = None) -> None:
        """total += factor p, in place: `total` belongs to the caller."""
        self.work.spend(len(p))
        for m, c in p.items():
            c = c if factor is None else c * factor
            value = total.get(m)
            value = c if value is None else value + c
            if value == 0:
                total.pop(m, None)
            else:
                total[m] = value

    def add(self, *ps: Poly) -> Poly:
        total: Poly = {}
        for p in ps:
            self.accumulate(total, p)
        return total

    def scale(self, p: Poly, c: fmpq) -> Poly:
        self.work.spend(len(p) * self.weight(p))
        return {m: d * c for m, d in p.items()} if c != 0 else {}

    def sub(self, p: Poly, q: Poly) -> Poly:
        total = dict(p)
        self.accumulate(total, q, fmpq(-1))
        return total

    def weight(self, p: Poly) -> int:
        return 1 + max([c.height_bits() for c in p.values()], default=0) // 256

    def mul(self, p: Poly, q: Poly) -> Poly:
        weight = self.weight(p) + self.weight(q) - 1
        self.work.spend(len(p) * len(q) * weight * (1 if weight < 8 else weight))
        out: Poly = {}
        for m, c in p.items():
            for n, d in q.items():
                k = self.product(m, n)
                value = out.get(k)
                value = c * d if value is None else value + c * d
                if value == 0:
                    out.pop(k, None)
                else:
                    out[k] = value
        return out

    def power(self, p: Poly, n: int) -> Poly:
        if n == 0:
            return {0: fmpq(1)}
        half = self.power(p, n // 2) if n > 1 else None
        out = p if half is None else self.mul(half, half)
        return self.mul(out, p) if half is not None and n % 2 else out

    def inverse(self, p: Poly) -> Poly:
        """1/p by rule 2 of the normal form. 1/prod a^n = prod (1/a)^n holds with 1/0 = 0 too; nothing cancels."""
        if not p:
            return {}
        if len(p) > 1:
            lead = p[min(p)]
            q = self.scale(p, 1 / lead)
            return self.scale(self.atom(("inv", self.key(q)), self.deps(q), (q,)), 1 / lead)
        ((m, c),) = p.items()
        out = {0: 1 / c}
        for a, n in self.monomials[m]:
            out = self.mul(out, self.power(self.inverse_of(a), n))
        return out

    def inverse_of(self, a: int) -> Poly:
        """The inverse 1/a of an atom a."""
        base = {self.monomial(((a, 1),)): fmpq(1)}
        return self.atom(("inv", self.key(base)), self.deps(base), (base,))

    def function(self, name: str, p: Poly) -> Poly:
        """f(p) by rule 3 of the normal form, for a function f of the format."""
        if not p or (len(p) == 1 and 0 in p):
            c = p.get(0, fmpq(0))
            if name == "abs":
                return self.number(abs(c))
            for at in (0, 1):
                if c == at and (name, at) in FIXED:
                    return self.number(FIXED[name, at])
        return self.atom(("f", name, self.key(p)), self.deps(p), (p,))

    def applied(self, name: str, p: Poly) -> Poly:
        return self.atom(("F", name, self.key(p)), self.deps(p), (p,))

    def symbol(self, name: str) -> Poly:
        return self.atom(("x", name), KINDS[self.context.symbols[name]], name=name)

    def pi(self) -> Poly:
        return self.atom(("pi",), 0)

    def key(self, p: Poly) -> Key:
        self.work.spend(len(p))
        return tuple(sorted(p.items()))

    def deps(self, p: Poly) -> int:
        out = 0
        for m in p:
            out |= self._deps[m]
        return out

    def atoms_of(self, p: Poly) -> list[Atom]:
        return [self.atoms[a] for a in {a for m in p for a, _ in self.monomials[m]}]

    def inside(self, p: Poly) -> list[Atom]:
        """All atoms of p, and the atoms inside them at any depth, except under operators."""
        within: set[int] = set()
        todo = [a for m in p for a, _ in self.monomials[m]]
        while todo:
            a = todo.pop()
            if a not in within:
                within.add(a)
                head = self.atoms[a].head
                key = head[1] if head[0] == "inv" else head[2] if head[0] in ("f", "F") else ()
                todo += [b for m, _ in key for b, _ in self.monomials[m]]
        self.work.spend(len(within))
        return [self.atoms[a] for a in sorted(within)]

    def names(self, p: Poly) -> frozenset[str]:
        return frozenset().union(*(a.names for a in self.atoms_of(p)))

    def has_bound(self, p: Poly) -> bool:
        return any(a.bound for a in self.atoms_of(p))

    # -- operators

    def operator(self, op: str, p: Poly) -> Poly:
        """op(p) by linearity, rule 5. A factor comes out only if it does not depend on a letter that the operator binds."""
        binds, out = BINDS[op], {}
        for m, c in p.items():
            if op == "I" and self._deps[m] & W:
                raise Invalid("a time integral of a random term")
            free = tuple((a, n) for a, n in self.monomials[m] if not self.atoms[a].deps & binds)
            rest = tuple((a, n) for a, n in self.monomials[m] if self.atoms[a].deps & binds)
            inner = self._operator_of_monomial(op, self.monomial(rest))
            self.accumulate(out, self.mul({self.monomial(free): c}, inner))
        return out

    def _operator_of_monomial(self, op: str, m: int) -> Poly:
        if op == "EI" and not self._deps[m] & W:
            op = "I"
        if m == 0:
            name = {"E": "", "I": self.context.horizon, "C": self.context.clients}.get(op, self.context.dimension)
            if name is None:
                raise Invalid(f"{op}(1) is a constant that the context does not name")
            return self.symbol(name) if name else {0: fmpq(1)}
        part = {m: fmpq(1)}
        if op == "Si":
            if self._deps[m] & J:
                raise Invalid("a sum over i of a term with both coordinates in it")
            return self.operator("S", self.rename(part))
        return self.atom((op, m), self._deps[m] & ~BINDS[op], (part,), bound=True)

    def rename(self, p: Poly) -> Poly:
        """p with j in place of i. This is refused if i occurs under a sum over j, since that sum would capture the new j."""
        return self.replace(p, lambda tag, name: self.symbol(name) if tag == "xi" else None, renaming=True)

    def replace(self, p: Poly, leaf: Leaf, renaming: bool = False, memo: dict[int, Poly] | None = None) -> Poly:
        """p with leaf(tag, name) in place of symbols. Refused under an operator, which could capture them, except in `rename`."""
        memo, out = {} if memo is None else memo, {}
        for m, c in p.items():
            term = {0: c}
            for a, n in self.monomials[m]:
                if a not in memo:
                    memo[a] = self._replace_atom(a, leaf, renaming, memo)
                term = self.mul(term, self.power(memo[a], n))
            self.accumulate(out, term)
        return out

    def _replace_atom(self, a: int, leaf: Leaf, renaming: bool, memo: dict[int, Poly]) -> Poly:
        atom = self.atoms[a]
        head = atom.head
        same = {self.monomial(((a, 1),)): fmpq(1)}
        if head[0] in ("x", "xi"):
            new = leaf(head[0], head[1])
            return same if new is None else new
        if head[0] == "inv":
            return self.inverse(self.replace(dict(head[1]), leaf, renaming, memo))
        if head[0] in ("f", "F"):
            apply = self.function if head[0] == "f" else self.applied
            return apply(head[1], self.replace(dict(head[2]), leaf, renaming, memo))
        if head[0] in BINDS:
            if not renaming or (head[0] == "S" and atom.deps & I):
                raise Invalid("a replacement under an operator")
            return self.operator(head[0], self.replace({head[1]: fmpq(1)}, leaf, renaming, memo))
        return same
