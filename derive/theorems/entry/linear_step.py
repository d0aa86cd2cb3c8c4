"""One step of an update rule on vectors: x' = x + D, and each letter of the memory, as combinations of state, gradients and noise.

`sdescent.derive.methods.rules.update.evaluate` evaluates a rule on combinations of named vectors with scalar coefficients, so the
rule must be linear in the vectors, like x' = x - eta G, heavy ball, averaged and Nesterov's momentum. A gradient may be taken at
another point than the state, G(x + beta*v), if that point is a combination too. Without noise norm(G) is a scalar, so a gradient
may also be normalised or clipped; then the letter `clip` stands for min(1, c/G).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from sdescent.derive.methods.compressors import Identity, NormClip
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.update import Draw, Expressions, evaluate
from sdescent.derive.theorems.entry.client_vectors import (
    Combination,
    deviation_of,
    deviations,
    is_deviation,
    mean_of,
    shared,
)
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import eta, parameter, u

#: the vector of the mean message: the mean of the messages over clients is MEAN plus a centred noise
MEAN = "<mean>"  # no letter can have this name
#: the gradient, which is the mean of the messages before compression
RAW = "<gradient>"
#: ||grad f||, and min(1, c/||grad f||) for a gradient clipped to the length c
LENGTH, CLIP = sp.Dummy("gradient_norm", positive=True), sp.Dummy("clip", positive=True)
#: lists of vectors of a step that an evaluation collects
LISTS = ("points", "compressed", "mixed", "sampled", "preconditioned")


@dataclass(frozen=True)
class Step:
    """A step as combinations of "x", the letters of the memory, MEAN, ("mean", i) and ("noise", n).

    ("mean", i) is the mean message at the i-th further point, and ("noise", n) the n-th centred draw of the messages. Where clients have
    their own values, each is the mean over the clients plus a deviation: for a letter the vectors `mean_of` and `deviation_of`, for draws
    ("noise mean", n) and ("noise deviation", n), for gradients ("mean", i) and ("spread", i), with None for i at x.

    Args:
        move: D = x' - x.
        memory: letter -> its next value.
        points: the further points at which the rule takes gradients, in the order in which it takes them.
        compressed: the arguments of C(..) in the rule; ("loss", i) is C(y) - y for the i-th argument y, and ("loss mean", i) and
            ("loss deviation", i) are its parts if each client compresses.
        raw: the numbers of the draws that are not compressed; ("vote", n) is the majority of the signs of g + Z with draw n.
        directed: the vectors by whose lengths the rule divides them; ("unit", i) is the i-th over its length.
        preconditioned: the arguments of precondition(..); ("P", v) is P v for each vector v in them.
        mixed: the arguments of gossip(..); ("gossip", i) is the deviation of the i-th after mixing.
        sampled: the deviations of the arguments of sample(..); ("sample", i) is that of the client which is drawn.
        coins: a symbol for each coin(..), which is 1 or 0 -> the probability of 1.
        drawn_at: number of a draw of the noise -> the further point at which it is drawn, or None for x.
        repeated: number of a draw -> the earlier number of the same draw at another point.
        level: the length c to which the gradient is clipped, or None.
        divides: whether the rule divides by the length of the gradient.
        numbers: letter of a scalar memory -> its next value, an expression.
    """

    move: Combination
    memory: Mapping[str, Combination]
    points: tuple[Combination, ...] = ()
    compressed: tuple[Combination, ...] = ()
    preconditioned: tuple[Combination, ...] = ()
    raw: frozenset[int] = frozenset()
    mixed: tuple[Combination, ...] = ()
    sampled: tuple[Combination, ...] = ()
    coins: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    directed: tuple[Combination, ...] = ()
    drawn_at: Mapping[int, int | None] = field(default_factory=dict)
    repeated: Mapping[int, int] = field(default_factory=dict)
    level: sp.Expr | None = None
    divides: bool = False
    numbers: Mapping[str, sp.Expr] = field(default_factory=dict)

    def averaged(self, e: sp.Expr) -> sp.Expr:
        """The mean of an expression over the coins."""
        for coin, p in self.coins.items():
            e = (1 - p) * e.subs(coin, 0) + p * e.subs(coin, 1) if e.has(coin) else e
        return e

    def outcomes(self, vector: Combination) -> list[tuple[sp.Expr, Combination]]:
        """A combination for each outcome of the coins in it, with a factor that is 1 for this outcome and else 0."""
        outcomes: list[tuple[sp.Expr, Combination]] = [(sp.S.One, vector)]
        for coin in self.coins:
            if any(c.has(coin) for c in vector.values()):
                outcomes = [
                    (factor * (coin if value else 1 - coin), {v: c.subs(coin, value) for v, c in each.items()})
                    for factor, each in outcomes
                    for value in (1, 0)
                ]
        return outcomes

    def change(self, letter: str) -> Combination:
        """The next value minus the present value of x or of a letter of the memory."""
        if letter == "x":
            return self.move
        return weighted_sum([(sp.S.One, self.memory[letter]), (sp.S.NegativeOne, {letter: sp.S.One})])


def weighted_sum(parts: Iterable[tuple[sp.Expr, Combination]]) -> dict[Any, sp.Expr]:
    """The sum of combinations, each times its weight."""
    total: dict[Any, sp.Expr] = {}
    for weight, combination in parts:
        for v, c in combination.items():
            total[v] = total.get(v, sp.S.Zero) + weight * c
    return total


def quiet(method: Method, any_noise: bool) -> bool:
    """Whether messages are deterministic: there is no noise and no compression except clipping."""
    return not any_noise and method.noise.law.degenerate and isinstance(method.compressor, Identity | NormClip)


def one_step(method: Method, any_noise: bool = False, differing: bool = False, coupled: bool = False) -> Step:
    """The step of a method, with eta u in place of eta.

    Args:
        any_noise: whether the noise may be any centred noise, instead of the method's own.
        differing: whether the clients have different losses.
        coupled: whether one draw of the noise may be used at several points.

    Raises:
        Refusal: "not-linear" if the step is not a combination of the state, the memory and messages at the state.
    """
    if method.rule.uses("G") and method.rule.uses("raw") and not isinstance(method.compressor, Identity):
        words = "both G and raw, which share a draw before the compressor adds its own: write C(raw) in place of G"
        raise _refused(words)
    algebra, values = _evaluated(method, any_noise, differing, coupled, frozenset())
    constants = {parameter(name): value for name, value in method.constants}
    numbers = {name: values.pop(name) for name in method.rule.scalars}
    if any(isinstance(value, dict) for value in numbers.values()):
        raise _refused("a vector in place of a number: write norm(G)^2, without noise")
    values["x"] = algebra.add([_vector(values["x"]), {"x": sp.S.NegativeOne}])

    def with_constants(vector: Combination) -> dict[Any, sp.Expr]:
        return {v: c for v, e in vector.items() if (c := sp.expand(e.xreplace(constants))) != 0}

    memory = {name: with_constants(_vector(value)) for name, value in values.items()}
    move = memory.pop("x")
    for letter in method.rule.of_clients:
        after = memory.pop(letter)
        memory |= {mean_of(letter): shared(after), deviation_of(letter): deviations(after)}
    level = None if algebra.level is None else algebra.level.xreplace(constants)
    directed = [vector for _, vector in algebra.lengths]
    lists: dict[str, Any] = {name: tuple(map(with_constants, getattr(algebra, name))) for name in LISTS}
    lists["directed"] = tuple(map(with_constants, directed))
    coins = {coin: p.xreplace(constants) for coin, p in algebra.coins.items()}
    if coins and any(c.has(*coins) for each in lists.values() for vector in each for c in vector.values()):
        raise _refused("a gradient, a message, a sample or a length that depends on a coin of the same step")
    if any(c.has(length) for part in (move, *memory.values()) for c in part.values() for length, _ in algebra.lengths):
        raise _refused("the length of a vector that it does not divide by that length")
    divides = any(c.has(LENGTH) for c in move.values())
    drawn = {"raw": frozenset(algebra.raw), "drawn_at": dict(algebra.draws), "repeated": dict(algebra.repeated)}
    return Step(move, memory, **lists, **drawn, coins=coins, level=level, divides=divides, numbers=numbers)


def _evaluated(
    method: Method, any_noise: bool, differing: bool, coupled: bool, zero: frozenset[str]
) -> tuple["_Vectors", dict[str, Any]]:
    """The values after a step; the means over the clients of the letters in `zero` vanish, and so do those that a step makes 0."""
    algebra = _Vectors(method, any_noise, differing, coupled, zero)
    values = evaluate(method.rule, algebra)
    starts = dict(method.rule.memory)
    gone = {a for a in method.rule.of_clients if starts[a] == 0 and not any(shared(_vector(values[a])).values())}
    return (algebra, values) if gone <= zero else _evaluated(method, any_noise, differing, coupled, zero | gone)


def _refused(what: str) -> Refusal:
    return Refusal(
        "not-linear",
        f"a bound of one's own needs a step that is linear in state, memory and messages, and this one has {what}",
    )


def _vector(value: Any) -> dict[Any, sp.Expr]:
    if not isinstance(value, dict):
        raise _refused("a number in place of a vector")
    return value


class _Vectors(Expressions):
    """The algebra of combinations, with SymPy expressions as scalars."""

    def __init__(self, method: Method, any_noise: bool, differing: bool, coupled: bool, zero: frozenset[str]) -> None:
        self.method, self.differing, self.coupled, self.zero = method, differing, coupled, zero
        #: whether messages are deterministic, and whether gradients before compression are
        self.quiet, self.silent = quiet(method, any_noise), not any_noise and method.noise.law.degenerate
        self.level: sp.Expr | None = None
        self.points: list[dict[Any, sp.Expr]] = []
        #: pairs (the symbol of a length, the vector)
        self.lengths: list[tuple[sp.Dummy, dict[Any, sp.Expr]]] = []
        self.draws: dict[int, Any] = {}
        self.repeated: dict[int, int] = {}
        self.compressed: list[dict[Any, sp.Expr]] = []
        self.preconditioned: list[dict[Any, sp.Expr]] = []
        self.mixed: list[dict[Any, sp.Expr]] = []
        self.sampled: list[dict[Any, sp.Expr]] = []
        self.coins: dict[sp.Symbol, sp.Expr] = {}
        self.raw: set[int] = set()

    def letter(self, name: str) -> Any:
        if name in self.method.rule.of_clients:
            return {**({} if name in self.zero else {mean_of(name): sp.S.One}), deviation_of(name): sp.S.One}
        if name in self.method.rule.letters and name not in self.method.rule.scalars:
            return {name: sp.S.One}
        if name == "t":
            raise _refused("the time of the step, t")
        return eta * u if name == "eta" else sp.pi if name == "pi" else parameter(name)

    def add(self, terms: Sequence[Any]) -> Any:
        if not any(isinstance(t, dict) for t in terms):
            return super().add(terms)
        return weighted_sum((sp.S.One, _vector(t)) for t in terms if t != 0)

    def multiply(self, factors: Sequence[Any]) -> Any:
        vectors = [f for f in factors if isinstance(f, dict)]
        scale = sp.Mul(*[f for f in factors if not isinstance(f, dict)])
        if len(vectors) > 1:
            raise _refused("a product of two vectors")
        return self._directed({v: scale * c for v, c in vectors[0].items()}) if vectors else scale

    def _directed(self, vector: dict[Any, sp.Expr]) -> dict[Any, sp.Expr]:
        """A vector, or a multiple of y/||y|| if it is a vector y divided by its length."""
        for n, (length, of) in enumerate(self.lengths):
            ratios = {sp.simplify(vector.get(v, sp.S.Zero) * length / c) for v, c in of.items()}
            if set(vector) == set(of) and len(ratios) == 1 and not (ratio := ratios.pop()).has(length):
                return {("unit", n): ratio}
        return vector

    def divide(self, above: Any, below: Any) -> Any:
        if isinstance(below, dict):
            raise _refused("a division by a vector")
        return self.multiply([above, 1 / below])

    def power(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, dict) or isinstance(exponent, dict):
            raise _refused("a power of a vector")
        return base**exponent

    raised = power

    def function(self, name: str, arguments: Sequence[Any]) -> Any:
        if name == "sqrt" and not isinstance(arguments[0], dict):
            return sp.sqrt(arguments[0])
        if name == "norm" and self.quiet and arguments[0] == {MEAN: sp.S.One}:
            return LENGTH
        if name == "norm" and isinstance(arguments[0], dict) and not any(map(is_deviation, arguments[0])):
            self.lengths.append((sp.Dummy("length", positive=True), arguments[0]))
            return self.lengths[-1][0]
        if name == "min" and len(arguments) == 2 and sp.S.One in arguments:
            return self._clipped(sp.expand(sp.Mul(*[a for a in arguments if a != 1]) * LENGTH))
        raise _refused(f"{name}(..)")

    def _clipped(self, level: sp.Expr) -> sp.Expr:
        """The letter for min(1, level/||grad f||)."""
        if level.has(LENGTH) or self.level not in (None, level):
            raise _refused("a minimum that does not clip the gradient to one length")
        self.level = level
        return CLIP

    def drawn(self, draw: Draw, argument: Any, client: Any) -> Any:
        if draw.kind == "C":
            return self._lossy(_vector(argument), client is not None)
        if draw.kind == "gossip":
            self.mixed.append(deviations(argument := _vector(argument)))
            return {**shared(argument), ("gossip", len(self.mixed) - 1): sp.S.One}
        if draw.kind == "sample":
            self.sampled.append(deviations(argument := _vector(argument)))
            return {**shared(argument), ("sample", len(self.sampled) - 1): sp.S.One}
        if draw.kind == "majority":
            return self._majority(_vector(argument))
        if draw.kind == "precondition":
            return self._preconditioned(_vector(argument))
        if draw.kind == "coin":
            return self._coin(argument)
        if draw.kind in ("local", "local_raw"):
            return self._of_a_client(draw, argument)
        if draw.kind not in ("G", "fresh", "raw"):
            raise _refused(f"{draw.kind} as a draw")
        if draw.kind == "raw":
            self.raw.add(draw.number)
        if argument is not None and argument != {"x": sp.S.One}:
            return self._at(draw, _vector(argument))
        noise = self._noise(draw, None)
        if draw.kind == "raw":
            return {RAW: sp.S.One, **noise}
        if isinstance(self.method.compressor, NormClip) and self.quiet:
            return {MEAN: self._clipped(self.method.compressor.c)}
        return {MEAN: sp.S.One, **noise}

    def _majority(self, argument: dict[Any, sp.Expr]) -> dict[Any, sp.Expr]:
        """The sign that most clients send in each coordinate, if each sends that of its own noisy gradient at x."""
        number = next((v[1] for v in argument if v[0] == "noise mean"), None)
        noise = {("noise mean", number): sp.S.One, ("noise deviation", number): sp.S.One}
        if number is None or argument != {RAW: sp.S.One, **noise}:
            words = "a majority of anything but the clients' own noisy gradients of one loss at x: write majority(local_raw)"
            raise _refused(words)
        return {("vote", number): sp.S.One}

    def _preconditioned(self, argument: dict[Any, sp.Expr]) -> Any:
        """P y as a sum over the vectors of y."""
        if any(v == "x" or is_deviation(v) or v[0] == "P" for v in argument if v == "x" or isinstance(v, tuple)):
            raise _refused("a matrix that is applied to the state, twice, or to what a client has of its own")
        self.preconditioned.append(argument)
        return {("P", v): c for v, c in argument.items()}

    def _coin(self, probability: Any) -> sp.Expr:
        if isinstance(probability, dict) or probability.has(*self.coins, CLIP, LENGTH):
            raise _refused("a coin whose probability is no constant")
        coin = sp.Dummy("coin", nonnegative=True)
        self.coins[coin] = probability
        return coin

    def _at(self, draw: Draw, point: dict[Any, sp.Expr]) -> Any:
        """The mean of the messages at another point, which may be shifted along the direction of the gradient."""
        along = sp.cancel(point.get(MEAN, sp.S.Zero) * LENGTH)
        if along != 0 and not along.has(LENGTH):
            if (of := {MEAN: sp.S.One}) not in [each for _, each in self.lengths]:
                self.lengths.append((sp.Dummy("length", positive=True), of))
            number = [each for _, each in self.lengths].index(of)
            point = {**{v: c for v, c in point.items() if v != MEAN}, ("unit", number): along}
        if any(map(is_deviation, point)):
            raise _refused("a gradient of all clients at one client's own point: write local(..) inside mean(..)")
        if point.get("x") != 1 or not (draw.kind == "raw" or isinstance(self.method.compressor, Identity)):
            raise _refused("a compressed gradient at another point, or one at a point that is no shift of the state")
        number = self._number(point)
        return {("mean", number): sp.S.One, **self._noise(draw, number)}

    def _number(self, point: dict[Any, sp.Expr]) -> int:
        if point not in self.points:
            self.points.append(point)
        return self.points.index(point)

    def _of_a_client(self, draw: Draw, argument: Any) -> Any:
        """A client's gradient with noise: the mean over the clients and the deviation of each."""
        point = {"x": sp.S.One} if argument is None else _vector(argument)
        if draw.kind == "local" and not isinstance(self.method.compressor, Identity):
            raise _refused("a compressed message of one client, local(..): write C(local_raw(..))")
        if point.get("x") != 1:
            raise _refused("a gradient at a point that is no shift of the state")
        if draw.kind == "local_raw":
            self.raw.add(draw.number)
        at = None if point == {"x": 1} else self._number(point)
        value: dict[Any, sp.Expr] = {RAW if at is None else ("mean", at): sp.S.One}
        if self.differing or any(map(is_deviation, point)):
            value[("spread", at)] = sp.S.One
        if not (self.quiet or (draw.kind == "local_raw" and self.silent)):
            self.draws[draw.number] = at
            value |= {("noise mean", draw.number): sp.S.One, ("noise deviation", draw.number): sp.S.One}
        return value

    def _lossy(self, argument: dict[Any, sp.Expr], client: bool) -> Any:
        """C(y), as y plus what the compressor adds to it; with a deviation if each client compresses its own y."""
        if isinstance(self.method.compressor, Identity):
            return argument
        self.compressed.append(argument)
        number = len(self.compressed) - 1
        kinds = ("loss mean", "loss deviation") if client else ("loss",)
        return self.add([argument, {(kind, number): sp.S.One for kind in kinds}])

    def _noise(self, draw: Draw, point: int | None) -> dict[Any, sp.Expr]:
        """The noise of a draw at a further point, or at x; one draw has a noise of its own at each point."""
        if self.quiet or (draw.kind == "raw" and self.silent):
            return {}
        places = {place: n for n, place in self.draws.items() if self.repeated.get(n, n) == draw.number}
        if point not in places:
            number = draw.number
            if places:
                number = 1 + max([*self.draws, *(d.number for d in self.method.rule.draws)])
                self._require_bound(draw.number, point)
                self.repeated[number] = draw.number
            places[point] = number
            self.draws[number] = point
        return {("noise", places[point]): sp.S.One}

    def _require_bound(self, number: int, point: int | None) -> None:
        """Refuse a draw at two points if nothing says how its noise changes, or if the second point depends on the draw."""
        if not self.coupled:
            words = (
                "one draw of the noise at two points: write fresh(..) for a draw of its own, or assume mean smooth: L"
            )
            raise _refused(words)
        left = [] if point is None else [self.points[point]]
        lists = {"mean": self.points, "spread": self.points, "loss": self.compressed, "gossip": self.mixed}
        lists |= {"sample": self.sampled, "unit": [vector for _, vector in self.lengths]}
        while left:
            for v in left.pop():
                word, n = v if isinstance(v, tuple) else ("", -1)
                kind = word.split(" ")[0]
                # the matrix P may depend on the draw itself
                if kind == "P" or (kind == "noise" and self.repeated.get(n, n) == number):
                    raise _refused("a draw of the noise at a point that depends on it: write fresh(..) for a new one")
                left += [lists[kind][n]] if kind in lists and n is not None else []

    def mean(self, of: Callable[[Any], Any]) -> Any:
        return shared(_vector(of(0)))
