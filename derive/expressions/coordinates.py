"""Expressions for one generic coordinate, and scalars made from all coordinates.

A vector of any dimension is written as the expression of its generic coordinate in `Coordinate` symbols: the free
coordinate j (slot "j"), the coordinate that an aggregate runs over (slot "k"), or the other coordinate of a pair
(slot "i"). Everything here is dimensionless. The same expression is lowered to array code in any dimension, and expanded to
named coordinates on request (`sdescent.derive.expressions.gradient_form`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from sdescent.derive.expressions.graphs import exchange, remade
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import coerce
from sdescent.derive.vocabulary.symbols import d as dimension


class Coordinate(sp.Symbol):
    """The generic coordinate of the vector `base`, at `slot` "j" (free), "k" (bound by an aggregate) or "i" (the other).

    At "ij" it is the entry of the symmetric matrix `base` at two coordinates. `entries` are the numbers of a constant vector; they
    are empty for a letter, whose entries are symbols (`by_coordinate`).
    """

    base: str
    slot: str
    entries: sp.Tuple

    def __new__(
        cls, base: str, slot: str = "j", positive: bool | None = None, entries: Iterable[sp.Expr] = ()
    ) -> "Coordinate":
        assumptions: dict[str, bool] = {"real": True} if positive is None else {"positive": positive}
        symbol = sp.Symbol.__xnew__(cls, f"{base}_{slot}", **assumptions)  # pyright: ignore[reportAttributeAccessIssue]
        symbol.base, symbol.slot, symbol.entries = base, slot, sp.Tuple(*entries)
        return symbol

    def __getnewargs_ex__(self) -> tuple[tuple[str, str, bool | None, tuple[Any, ...]], dict[str, Any]]:
        return (self.base, self.slot, self.is_positive, tuple(self.entries)), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        name, *assumptions = super()._hashable_content()  # pyright: ignore[reportAttributeAccessIssue]
        return (name, self.entries, *assumptions)

    def __repr__(self) -> str:
        """The numbers, if given; formulas print p_j. Settings of runs and reports identify a method by the `repr` of its parts."""
        return str(tuple(self.entries)) if self.entries else super().__repr__()

    def entry(self, index: int) -> sp.Expr:
        """Entry `index`, from 1: its number, or for a letter w the symbol w1, w2, .. with the same assumptions."""
        if self.entries:
            return self.entries[index - 1]
        positive = self.is_positive
        return sp.Symbol(f"{self.base}{index}", positive=positive, real=None if positive else True)

    def between(self, i: int, j: int) -> sp.Symbol:
        """The symbol of entry (i, j) of the symmetric matrix, counted from 1; the same for (j, i)."""
        low, high = sorted((i, j))
        return sp.Symbol(f"{self.base}{low}_{high}", real=True)

    def vector(self, dim: int) -> list[sp.Expr]:
        """All entries in this dimension.

        Raises:
            BadInput: the vector has another number of entries.
        """
        if self.entries and len(self.entries) != dim:
            raise BadInput(f"vector {self.base}", f"{len(self.entries)} numbers", f"{dim} numbers, one per coordinate")
        return [self.entry(m + 1) for m in range(dim)]

    def with_entries(self, entries: Iterable[sp.Expr]) -> "Coordinate":
        """The vector with numbers for its entries.

        Raises:
            BadInput: the letter's assumptions exclude a number.
        """
        listed = list(entries)
        positive = all(e.is_positive for e in listed)
        if self.is_positive and not positive:
            raise BadInput(f"vector {self.base}", ", ".join(map(str, listed)), "numbers > 0, one per coordinate")
        return Coordinate(self.base, self.slot, positive or None, listed)

    @property
    def printed(self) -> tuple[str, str]:
        """The name and the index in print: Sigma and jj for the base Sigma_diag, H and jj for H_jj, otherwise the base and slot."""
        name, _, kind = self.base.rpartition("_")
        count = 2 if kind == "diag" else len(kind) if name and not kind.strip("j") else 0
        return (name, self.slot * count) if count else (self.base, self.slot)

    def at(self, slot: str) -> "Coordinate":
        """The coordinate of the vector in another slot."""
        return Coordinate(self.base, slot, self.is_positive, self.entries)


def by_coordinate(
    name: str, value: Any, field: str, check: Callable[[sp.Expr], Any] = lambda e: e > 0, accepted: str = "numbers > 0"
) -> sp.Expr:
    """A positive constant of a compressor or noise that may have a value for each coordinate, for formulas and samplers.

    Args:
        name: the name of the vector, such as p.
        value: None for a letter, whose entries p1, p2, .. get their numbers from params = {"p": [..]} of a run; a list of exact
            numbers, one per coordinate; or one number, or the name of a symbol, for all coordinates. A result of this function is
            returned unchanged.
        field: the user's name of this input, for the error message.
        check, accepted: whether a number is in the domain, and the domain in words.

    Raises:
        BadInput: a value is not an exact number or not in the domain.

    Example:
        >>> p = by_coordinate("p", ("1/2", "1/4", 1), "importance:p", lambda e: 0 < e <= 1, "numbers in (0, 1]")
        >>> 1 / p, p.vector(3)
        (1/p_j, [1/2, 1/4, 1])
    """
    if value is None:
        return Coordinate(name, "j", True)
    listed = value.entries if isinstance(value, Coordinate) else value if isinstance(value, (tuple, list)) else None
    values = [coerce(e, field) for e in ((value,) if listed is None else listed)]
    for e in values:
        if not e.is_positive or (e.is_number and not check(e)) or not (e.is_number or listed is None):
            letters = f"no value leaves the letters {name}1, {name}2, .."
            raise BadInput(field, e, f"{accepted}: one for all coordinates, or a list with one for each; {letters}")
    if isinstance(value, Coordinate):
        return value
    if listed is None:
        return values[0]
    if not values:
        raise BadInput(field, "0 values", f"{accepted}, one per coordinate")
    return Coordinate(name, "j", True, values)


g, gi, gk = Coordinate("g", "j"), Coordinate("g", "i"), Coordinate("g", "k")  # gradient
v, vi, vk = Coordinate("v", "j"), Coordinate("v", "i"), Coordinate("v", "k")  # a client's message before compression
#: the derivatives of a coordinate's loss, f'', f''', .., by their orders, if the loss is a sum over coordinates; a letter of a
#: memory has no underscore, so that none can be mistaken for these
DERIVATIVES = {n: Coordinate(f"{base}_{n * 'j'}") for n, base in enumerate(("H", "T", "D4", "D5"), 2)}


class Node(sp.Expr):
    """Base class of expressions that depend on all coordinates; the first argument is an expression in the coordinate k."""

    # and finite; declared for the class, so that SymPy does not derive the consequences for each instance
    is_real = True

    @property
    def free_symbols(self) -> set[sp.Basic]:
        free = {s for s in self.args[0].free_symbols if not (isinstance(s, Coordinate) and s.slot == "k")}
        return free | self._own_slot()

    def _own_slot(self) -> set[sp.Basic]:
        return set()

    def _eval_subs(self, old: sp.Basic, new: sp.Basic) -> sp.Basic | None:
        return self if isinstance(old, Coordinate) and old.slot == "k" else None

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({printer._print(self.args[0])})"


#: nodes of an expression; a sum over coordinates of a longer one is split at its summands, without expanding products
LONG = 150


class Aggregate(Node):
    """A scalar made from all coordinates; it is nonnegative if its argument is."""

    def _eval_is_extended_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative

    _eval_is_nonnegative = _eval_is_extended_nonnegative


class CoordSum(Aggregate):
    """The scalar sum_k expr(k): constant factors are taken out of the sum, and a constant summand is multiplied by d."""

    def __new__(cls, expr: Any) -> Any:
        body, back = frozen(sp.sympify(expr))  # the sum does not bind symbols inside nodes
        expr = exchange(body if longer_than(body, LONG) else _expand(body), back)
        if isinstance(expr, sp.Add):
            return sp.Add(*[cls(term) for term in expr.args])
        constant, dependent = split_product(expr, _bound)
        if dependent == 1:
            return dimension * constant
        return constant * sp.Expr.__new__(cls, dependent)


def _expand(expr: sp.Expr) -> sp.Expr:
    """Multiply expr out, except powers of sums: (1 + g^2/nu)^(-99/2) would become a polynomial of 50 terms and a root."""
    sums = [e for e in expr.atoms(sp.Pow) if e.base.is_Add and e.exp.is_Rational and e.exp not in (1, 2, 3, 4)]
    powers = {e: sp.Dummy("P") for e in sums}
    return exchange(sp.expand(exchange(expr, powers)), {dummy: e for e, dummy in powers.items()})


class CoordMax(Aggregate):
    """The scalar max_k expr(k)."""

    def __new__(cls, expr: Any) -> Any:
        body = sp.sympify(expr)
        if not depends_on(body, "k"):
            return body
        read = body.free_symbols
        # the length of constant vectors is the dimension
        if read and all(isinstance(s, Coordinate) and s.entries for s in read):
            size = {len(s.entries) for s in read}
            if len(size) == 1:
                return sp.Max(*[body.xreplace({s: s.entries[m] for s in read}) for m in range(size.pop())])
        return sp.Expr.__new__(cls, body)


class Slot(sp.Symbol):
    """The name of a slot as an argument of a node; it is not a mathematical symbol."""


class VectorNode(Node):
    """A vector-valued node, at the coordinate of the slot that its second argument names."""

    def __new__(cls, expr: Any, slot: str | sp.Symbol = "j") -> Any:
        return sp.Expr.__new__(cls, sp.sympify(expr), slot if isinstance(slot, Slot) else Slot(str(slot)))

    @property
    def slot(self) -> str:
        return str(self.args[1])

    def _own_slot(self) -> set[sp.Basic]:
        return {Coordinate("g", self.slot)}

    def _sympystr(self, printer: Any) -> str:
        # not a symbol: k may be a parameter
        return f"{type(self).__name__}_{self.slot}({printer._print(self.args[0])})"


class Rank(VectorNode):
    """The number of coordinates whose expr is larger, or equal at a lower index."""

    is_integer = True
    is_nonnegative = True


class OfLoss(VectorNode):
    """A derivative of the loss applied to `copies` copies of the vector with coordinates expr(k); constants are factored out."""

    copies = 1

    def __new__(cls, expr: Any, slot: str | sp.Symbol = "j") -> Any:
        constant, vector = split_product(sp.sympify(expr), _bound)
        if constant == 0:
            return sp.S.Zero
        return constant**cls.copies * super().__new__(cls, vector, slot)


class Hvp(OfLoss):
    """The product (H c)_j of the Hessian of the loss and the vector c."""


class Third(OfLoss):
    """The third derivative applied to c twice: sum_kl (d^3 f / dx_j dx_k dx_l) c_k c_l."""

    copies = 2


class Fourth(OfLoss):
    """The fourth derivative applied to c three times: sum_klm (d^4 f / dx_j dx_k dx_l dx_m) c_k c_l c_m."""

    copies = 3


def depends_on(expr: sp.Basic, slot: str = "j") -> bool:
    """Whether expr depends on the coordinate in `slot`; aggregates, which are scalars, do not."""
    if isinstance(expr, (Coordinate, VectorNode)):
        return expr.slot == slot
    return not isinstance(expr, Node) and any(depends_on(a, slot) for a in expr.args)


def split_product(product: sp.Expr, dependent: Callable[[sp.Expr], bool] = depends_on) -> tuple[sp.Expr, sp.Expr]:
    """The independent and the dependent part of a product; by default, factors with the free coordinate are dependent."""
    parts = [sp.S.One, sp.S.One]
    for factor in sp.Mul.make_args(product):
        parts[bool(dependent(factor))] *= factor
    return parts[0], parts[1]


def _bound(factor: sp.Expr) -> bool:
    """Whether a factor depends on the coordinate k, which aggregates bind."""
    return depends_on(factor, "k")


def to_slot(expr: sp.Expr, old: str, new: str) -> sp.Expr:
    """The expression with slot `new` in place of slot `old`, outside aggregates."""
    if isinstance(expr, Coordinate):
        return expr.at(new) if expr.slot == old else expr
    if isinstance(expr, VectorNode):
        return type(expr)(expr.args[0], new) if expr.slot == old else expr
    if isinstance(expr, Node) or not expr.args:
        return expr
    return remade(expr, [to_slot(a, old, new) for a in expr.args])


def coord_sum(expr: sp.Expr) -> sp.Expr:
    """The sum over all coordinates of an expression written for coordinate j."""
    return CoordSum(to_slot(sp.sympify(expr), "j", "k"))


def coord_max(expr: sp.Expr) -> sp.Expr:
    """The maximum over all coordinates of an expression written for coordinate j."""
    return CoordMax(to_slot(sp.sympify(expr), "j", "k"))


def hvp(expr: sp.Expr) -> sp.Expr:
    """The product (H c)_j for the vector whose coordinate j is expr."""
    return Hvp(to_slot(sp.sympify(expr), "j", "k"))


def third(c: sp.Expr, other: sp.Expr | None = None) -> sp.Expr:
    """The third derivative sum_kl (d^3 f / dx_j dx_k dx_l) c_k other_l along the vectors c and `other`, which is c by default."""
    if other is None:
        return Third(to_slot(sp.sympify(c), "j", "k"))
    return (third(c + other) - third(c) - third(other)) / 2


def fourth(c: sp.Expr) -> sp.Expr:
    """The fourth derivative sum_klm (d^4 f / dx_j dx_k dx_l dx_m) c_k c_l c_m for the vector whose coordinate j is c."""
    return Fourth(to_slot(sp.sympify(c), "j", "k"))


def rank(expr: sp.Expr) -> sp.Expr:
    """The rank of expr (written for coordinate j) in decreasing order, from 0."""
    return Rank(to_slot(sp.sympify(expr), "j", "k"))


def nodes(expr: sp.Basic) -> list[Node]:
    """The outermost nodes of expr: aggregates, ranks and derivatives of the loss."""
    return [expr] if isinstance(expr, Node) else list(dict.fromkeys(n for a in expr.args for n in nodes(a)))


def longer_than(expr: sp.Basic, limit: int) -> bool:
    """Whether expr has more than `limit` nodes; the count stops there."""
    return any(n >= limit for n, _ in enumerate(sp.preorder_traversal(expr)))


def symbols_of(expressions: Iterable[sp.Basic]) -> set[sp.Symbol]:
    """The symbols of expressions, including coordinates bound by aggregates, but no indices of sums or integrals."""
    parts = parts_of(expressions)
    bound = {limit[0] for e in parts if isinstance(e, ExprWithLimits) for limit in e.limits}
    return {e for e in parts if isinstance(e, sp.Symbol) and not isinstance(e, Slot)} - bound


def parts_of(expressions: Iterable[sp.Basic]) -> set[sp.Basic]:
    """All subexpressions; each shared one is visited once."""
    seen: set[sp.Basic] = set()
    stack = list(expressions)
    while stack:
        e = stack.pop()
        if e not in seen:
            seen.add(e)
            stack += e.args
    return seen


def rename_vector(expr: sp.Expr, old: str, new: str) -> sp.Expr:
    """The expression with the vector `new` in place of `old`, also inside aggregates."""
    if isinstance(expr, Coordinate):
        return Coordinate(new, expr.slot, expr.is_positive, expr.entries) if expr.base == old else expr
    if not expr.args:
        return expr
    return remade(expr, [rename_vector(a, old, new) for a in expr.args])


def frozen(expr: sp.Expr) -> tuple[sp.Expr, dict[sp.Dummy, Node]]:
    """The expression with fresh symbols in place of its nodes, and the table that undoes this."""
    back = {
        sp.Dummy(f"A{n}", **({"nonnegative": True} if node.is_nonnegative else {"real": True})): node
        for n, node in enumerate(nodes(expr))
    }
    return exchange(expr, {node: dummy for dummy, node in back.items()}), back
