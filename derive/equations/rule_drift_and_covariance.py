"""The SDE of an update rule with memory: drift and covariance over x and the memory (one-step operators; Li, Tai, E 2017).

Let F be the increment of a step of time tau = s^2, with E F = s^2 b_2 + s^3 b_3 + .. and E F F' = s^2 C_2 + .. in powers of s:

    first-order    drift b_2 + s b_3, covariance C_2 + s C_3: weak order 1. If C_2 = C_3 = 0, the limit is an ODE; as in the
                   literature, the covariance s^2 (C_4 - b_2 b_2') is then kept for the components whose variance needs at most
                   the second moment of the noise
    second-order   + s^2 (b_4 - (D b_2) b_2 / 2) + s^3 (b_5 - ((D b_2) b_3 + (D b_3) b_2)/2), covariance to the same orders:
                   weak order 2 (`sdescent.derive.equations.step.operators`: L_1 = A_2 - A_1^2/2)
"""

from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement

import sympy as sp

from sdescent.derive.equations import rule_equation
from sdescent.derive.equations.averaged import Averaged, Signs, averaged
from sdescent.derive.equations.kinks import kinks_in
from sdescent.derive.equations.sde import NO_CORRECTED
from sdescent.derive.equations.step.covariance import WEAK_ORDER, Condition, sharpest
from sdescent.derive.equations.step.draws import MessageLeaf, spoken
from sdescent.derive.equations.step.increments import Expanded, root
from sdescent.derive.equations.step.mean_over_step import Expectation, divided, noise_degree, random_letters
from sdescent.derive.expressions.coordinates import Hvp, Node, hvp, to_slot
from sdescent.derive.expressions.derivatives import along, factored, gathered
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.vanishing import vanishes_in_letters
from sdescent.derive.expressions.written import formula, refusal
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss, Separable
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import eta

Entries = dict[rule_equation.Pair, sp.Expr]
#: the drift, the covariance at one coordinate, and the covariance at two different coordinates
Coefficients = tuple[dict[str, sp.Expr], Entries, Entries]


def derived_rule(method: Method, model: Model, loss: Loss | None, dim: int | None) -> rule_equation.RuleEquation:
    """The equation of a method's update rule in its regime.

    Raises Refusal: "no-diffusion" (a step moves by more than its time), "no-drift" or "infinite-variance" (a moment
    does not exist), "no-second-order-sde", "not-differentiable", "no-corrected-model", "no-averaged-model";
    NoClosedForm: moments without a closed form; BadInput if a formula of the regime cannot be expanded.
    """
    method.rule.require_shared_memory("the derivation of an SDE")
    if model == "corrected":
        raise Refusal("no-corrected-model", NO_CORRECTED)
    derivation = _Derivation(method, loss, dim)
    try:
        return _equation(derivation, model)
    except NoClosedForm as error:
        if not derivation.localise():
            raise
        try:
            return _equation(derivation, model)
        except NoClosedForm:
            raise error from None


def _equation(derivation: "_Derivation", model: Model) -> rule_equation.RuleEquation:
    method, loss, dim = derivation.method, derivation.loss, derivation.dim
    settled = derivation.averaged
    if isinstance(settled, Signs):
        return _of_signs(derivation, model, settled)
    settled = settled or Averaged({})
    drift = {a: derivation.mean(a, 2) + root * derivation.mean(a, 3) for a in derivation.letters}
    first = derivation.conditions("the drift exists", {a: derivation.degree(a) for a in derivation.letters}, "no-drift")
    # checked before the covariance is computed: an infinite one may have no closed form
    linear = {a: 2 * derivation.degree(a) for a in derivation.letters if derivation.degree(a) <= 1}
    first += derivation.conditions("the covariance exists", linear, "infinite-variance")
    limit = derivation.covariances(2), derivation.covariances(3)
    noisy = any(not zero(e) for at in limit for table in at for e in table.values())
    covariance, pair = ({key: one[key] + root * two[key] for key in one} for one, two in zip(*limit, strict=True))
    left: tuple[rule_equation.LeftOut, ...] = ()
    if model == "second-order":
        kept = derivation.letters
        # checked before the terms are computed: beyond the tail index the formulas for moments give meaningless values
        degrees = {a: derivation.degree(a, 5) for a in derivation.letters}
        first += derivation.conditions("the drift exists", degrees, "no-drift")
        drift, covariance, pair = derivation.second_order(noisy)
    elif not noisy:
        kept = tuple(a for a in derivation.letters if derivation.degree(a) <= 1)
        covariance, pair = derivation.spreads(4, letters=kept)
        left = tuple(derivation.left_out(kept))
    else:
        kept = derivation.letters
    squares = {a: 2 * derivation.degree(a) for a in kept}
    conditions = first + derivation.conditions("the covariance exists", squares, "infinite-variance")
    conditions += derivation.for_weak_order(2 if model == "second-order" else 1)
    written = derivation.in_step_size
    skewed = derivation.skewness() if noisy and model == "first-order" else None
    leaf = derivation.leaf_in([*drift.values(), *covariance.values(), *pair.values()])
    conditions += () if leaf is None else leaf.moments.conditions
    return rule_equation.RuleEquation(
        method, model, loss, dim, {a: written(e) for a, e in drift.items()}, {k: written(e) for k, e in covariance.items()},
        {k: written(e) for k, e in pair.items()}, settled.conditions + sharpest(conditions), left, derivation.letters,
        settled.shift, local=derivation.local, skewed=skewed, message=leaf,
    )  # fmt: skip


def _of_signs(derivation: "_Derivation", model: Model, signs: Signs) -> rule_equation.RuleEquation:
    """The first-order model if x moves by signs of a fast memory."""
    if model != "first-order":
        limits = "the averaged model of signs is known to first order; use the first-order model"
        raise Refusal("no-second-order-sde", limits, beyond=True)
    drift, covariance = derivation.in_step_size(signs.drift), derivation.in_step_size(root**2 * signs.covariance)
    follows = rule_equation.Range(rule_equation.RangeKind.MEMORY_LAG, derivation.in_step_size(root**2 * signs.behind))
    asked = derivation.method, model, derivation.loss, derivation.dim
    return rule_equation.RuleEquation(
        *asked, {"x": drift}, {("x", "x"): covariance}, {("x", "x"): sp.S.Zero}, signs.conditions, ranges=(follows,)
    )


class _Derivation:
    """The moments of the increments, and the terms of the generator that follow from them."""

    def __init__(self, method: Method, loss: Loss | None, dim: int | None) -> None:
        self.method, self.loss, self.dim, self.local = method, loss, dim, False
        self.expanded = Expanded(method, loss, dim)
        self.size = dimension if dim is None else sp.Integer(dim)
        self.expect = Expectation(method, self.size, root, self.expanded.scales, self.expanded.growth, letters=True)
        self.letters, self.increments = method.rule.letters, self.expanded.increments
        self.averaged = averaged(self.expanded, self.expect) if self.expanded.fast else None
        if isinstance(self.averaged, Averaged):
            self.letters = tuple(self.averaged.moves)
            self.increments = {a: Series.monomial(move, 2) for a, move in self.averaged.moves.items()}
        self._take_moments()

    def _take_moments(self) -> None:
        letters, moved, mean = self.letters, self.increments, self.expect.series
        self.means = {a: mean(moved[a]) for a in letters}
        self.covariance = {(a, b): mean(moved[a] * moved[b]) for a, b in combinations_with_replacement(letters, 2)}
        self.pair = {(a, b): mean(moved[a].map(_other) * moved[b], ("i", "j")) for a in letters for b in letters}

    def localise(self) -> bool:
        """Restrict the increments to one coordinate if each coordinate can be a chain of its own; return whether it can.

        The mean of a product of Hessian products of random vectors then needs only the entry H_j of the Hessian.
        """
        apart = self.dim == 1 or isinstance(self.loss, Separable) or (self.loss is None and self.dim is None)
        if not apart or self.averaged is not None or not (self.dim == 1 or self.expect.independent):
            return False
        self.local = True
        self.increments = {a: f.map(lambda e: rule_equation.localised(e, self.dim)) for a, f in self.increments.items()}
        self._take_moments()
        self.pair = {}
        return True

    def leaf_in(self, expressions: Iterable[sp.Expr]) -> MessageLeaf | None:
        """The letters for mean and covariance of a message, if one of the expressions contains them; else None."""
        leaf = self.expect.messages.leaf
        return leaf if leaf is not None and leaf.occurs_in(expressions) else None

    def mean(self, letter: str, n: int) -> sp.Expr:
        """The coefficient of s^n in E F. Raises Refusal: "no-diffusion" if a coefficient below s^2 does not vanish."""
        self._start(self.means[letter], f"mean of {letter} in a step")
        return gathered(self.means[letter][n])

    def covariances(self, n: int) -> tuple[Entries, Entries]:
        """The coefficients of s^n in E F F', at one coordinate and at two. Raises Refusal "no-diffusion" if one below
        s^2 remains.
        """
        for (a, b), series in self.covariance.items():
            self._start(series, f"covariance of {a} and {b} in a step")
        same, apart = ({k: gathered(f[n]) for k, f in table.items()} for table in (self.covariance, self.pair))
        return same, apart

    def spread(self, a: str, b: str, n: int, apart: bool = False) -> sp.Expr:
        """The coefficient of s^n in the covariance of a step, n = 4 or 5, if the limit has no noise."""
        product = (self.pair if apart else self.covariance)[a, b][n]
        for m in range(2, n - 1):
            first = self.mean(a, m)
            product -= (_other(first) if apart else first) * self.mean(b, n - m)
        return gathered(product)

    def spreads(self, *powers: int, letters: tuple[str, ...] | None = None) -> tuple[Entries, Entries]:
        """The terms s^n of a step's covariance divided by its time, n in `powers`, at one coordinate and at two different ones."""

        def spread(table: Iterable[rule_equation.Pair], apart: bool) -> Entries:
            kept = [key for key in table if letters is None or set(key) <= set(letters)]
            return {key: sp.Add(*[root ** (n - 2) * self.spread(*key, n, apart) for n in powers]) for key in kept}

        return spread(self.covariance, False), spread(self.pair, True)

    def skewness(self) -> tuple[str, sp.Expr] | None:
        """The letters and value of the first third moment of the increments at one coordinate that does not vanish at s^3.

        It leaves an error of order s. Moments without a closed form are skipped.
        """
        for letters in combinations_with_replacement(self.letters, 3):
            one, two, three = (self.increments[a] for a in letters)
            try:
                moment = self.expect.series(one * two * three)[3]
            except NoClosedForm:
                continue
            if not zero(moment):
                return " ".join(letters), self.in_step_size(gathered(moment))
        return None

    def left_out(self, kept: tuple[str, ...]) -> Iterator[rule_equation.LeftOut]:
        """The entries of the covariance that need more than the second moment of the noise."""
        for a, b in self.covariance:
            if {a, b} <= set(kept):
                continue
            needs = self.degree(a) + self.degree(b)
            condition = Condition(self.method.noise.law.tail, needs, "the covariance exists")
            try:
                term = None if condition.met is False else self.spread(a, b, 4)
            except NoClosedForm:
                term = None
            if term is None or not zero(term):
                yield rule_equation.LeftOut(
                    (a, b), None if term is None else self.in_step_size(root**2 * term), int(needs),
                    None if condition.met else condition,
                )  # fmt: skip

    def second_order(self, noisy: bool) -> Coefficients:
        """The drift and covariance of weak order 2. Raises Refusal: "not-differentiable" at a kink,
        "no-second-order-sde"; NoClosedForm.
        """
        b2, b3 = ({a: self.mean(a, n) for a in self.letters} for n in (2, 3))
        if self.leaf_in([*b2.values(), *b3.values()]):
            alone = "only the first-order model does without it"
            raise NoClosedForm(f"the second-order model needs the mean of the step in closed form; {alone}")
        for a in self.letters:
            if kinks := [e for e in kinks_in(b2[a] + b3[a]) if not random_letters(e)]:
                said = f"the drift of ${a}$ has a kink or a jump, {{kink}}: the second-order model differentiates it"
                said += "; use the first-order model"
                raise refusal("not-differentiable", said, formula(kinks[0]), kink=kinks[0])
        if noisy or self.local:
            return self._local_second_order()
        if isinstance(self.averaged, Averaged):
            if self.averaged.second is None:
                limits = "only if the whole memory is averaged out and settles linearly; use the first-order model"
                said = f"with an averaged memory, the second-order model is known {limits}"
                raise Refusal("no-second-order-sde", said, beyond=True)
            return {"x": b2["x"] + root**2 * self.averaged.second}, *self.spreads(4)
        try:
            return self._in_any_dimension(b2, b3)
        except NoClosedForm as error:
            try:
                return self._local_second_order()
            except NoClosedForm:
                raise error from None

    def _in_any_dimension(self, b2: dict[str, sp.Expr], b3: dict[str, sp.Expr]) -> Coefficients:
        half = sp.Rational(1, 2)
        try:
            b4 = {a: self.mean(a, 4) - half * along(b2[a], b2) for a in self.letters}
            b5 = {a: self.mean(a, 5) - half * (along(b2[a], b3, 0) + along(b3[a], b2)) for a in self.letters}
        except TypeError as error:
            said = f"the second-order model needs the derivative of the drift: {error}"
            raise Refusal("not-differentiable", said) from None
        drift = {a: b2[a] + root * b3[a] + root**2 * b4[a] + root**3 * b5[a] for a in self.letters}
        return drift, *self.spreads(4, 5)

    def _local_second_order(self) -> Coefficients:
        """The coefficients if each coordinate is a chain of its own: in dimension one, or for a loss that is a sum over them."""
        if self.leaf_in(e for entry in self.covariance.values() for e in (entry[2], entry[3])):
            what = "the second-order model needs derivatives of a message's covariance, which has no closed form"
            raise NoClosedForm(what)
        if self.dim != 1 and self.loss is not None and not isinstance(self.loss, Separable):
            what = "the second-order model if the limit has noise and the loss is not a sum over coordinates"
            raise NoClosedForm(what)
        if self.dim is not None and self.dim > 1 and self.loss is None:
            limits = "it is known for losses that are sums over coordinates. Give such a loss, or dimension 1"
            raise NoClosedForm(f"the second-order model in more than one dimension if the limit has noise: {limits}")
        self.local = True
        drift, covariance = rule_equation.local_generator(self.increments, self.expect, self.dim)
        return drift, covariance, {}

    def degree(self, letter: str, last: int = 3) -> sp.Expr:
        """The order of the noise moment that the mean of a letter's increment needs, up to the power `last` of s."""
        return max(self._degree(letter, n) for n in range(self.increments[letter].low, last + 1))

    def _degree(self, letter: str, n: int) -> sp.Expr:
        return sp.S(noise_degree(gathered(self.increments[letter][n]), self.method.compressor.growth))

    def for_weak_order(self, order: int) -> tuple[Condition, ...]:
        """The conditions, unless certainly met, for an error of order s^(2 order + 2) on bounded smooth functions.

        A part s^n Z^q of an increment exceeds 1 with a probability of order s^(n tail/q), an error that no derivative captures.
        """
        tail, local = self.method.noise.law.tail, 2 * order + 2
        needs = {a: local * max(self._degree(a, n) / n for n in range(1, local)) for a in self.letters}
        conditions = (Condition(tail, sp.S(r), f"{WEAK_ORDER} {order}") for r in needs.values() if r)
        return tuple(c for c in conditions if not c.met)

    def conditions(self, purpose: str, orders: dict[str, sp.Expr], kind: str) -> tuple[Condition, ...]:
        """The conditions r < tail that are not certainly met.

        Raises Refusal of `kind` if one certainly fails; NoClosedForm if the increment is then divided by the noise.
        """
        tail, conditions = self.method.noise.law.tail, list[Condition]()
        for letter, order in orders.items():
            condition = Condition(tail, order, purpose)
            if order == 0 or condition.met:
                continue
            if condition.met is False and any(divided(gathered(self.increments[letter][n])) for n in range(1, 4)):
                raise NoClosedForm(f"the growth of the increment of {letter} in the noise, by which it is divided")
            if condition.met is False:
                what = "mean" if kind == "no-drift" else "second moment"
                needed = f"it needs the moment of order {order} of the noise, which has tail index {{tail}}"
                said = f"the {what} of the increment of ${letter}$ does not exist: {needed}"
                raise refusal(kind, said, f"E |Z|^{order}", tail=tail)
            conditions.append(condition)
        return tuple(conditions)

    def in_step_size(self, e: sp.Expr) -> sp.Expr:
        """An expression in eta instead of s, shortened a little, also inside Hessian products."""
        c, power = self.method.regime.power
        in_eta = e.xreplace({root: sp.sqrt(c) * eta ** (power / 2)})
        inner = {node: hvp(factored(to_slot(node.args[0], "k", "j"))) for node in in_eta.atoms(Hvp)}
        return factored(exchange(in_eta, {node: to_slot(e, "j", node.slot) for node, e in inner.items()}))

    def _start(self, series: Series, what: str) -> None:
        for n in range(series.low, 2):
            if not zero(series[n]):
                term = spoken(sp.factor(sp.expand(series[n])))
                said = f"the {what} is of the order s^{n} in the root s of its time, which is more than the time itself: {{left}}"
                raise refusal("no-diffusion", said, formula(term), left=term)


def zero(a: sp.Expr) -> bool:
    """Whether an expression in generic coordinates vanishes."""
    return vanishes_in_letters(gathered(a), Node)


def _other(a: sp.Expr) -> sp.Expr:
    return to_slot(a, "j", "i")
