"""Joint moments of the random letters of a step, of any order, for one coordinate or two.

A letter is a mean over clients. For independent clients the joint cumulants of such means are kappa = N^(1-n) mean_i kappa_i.
The cumulants of one client follow from its moments E C^a M^b v^c: first over the compressor given the message, then over the noise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from sdescent.derive.equations.step.covariance import Moments, moments
from sdescent.derive.equations.step.mean_over_noise import partitions, univariate
from sdescent.derive.expressions.coordinates import Coordinate, frozen, g, nodes, parts_of, to_slot, v
from sdescent.derive.expressions.gradient_form import DenseCov
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.compressors.base import Mask
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.methods.specialise import symbol_names
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal

#: the kinds of letters of a draw: the mean of C(g + Z), of g + Z, or of the factors M of C(v) = M v; a standard normal vector; a
#: value of the server after compression, about which nothing is known
MESSAGE, RAW, MASK, NORMAL, SENT = "draw", "raw", "mask", "normal", "sent"
_HEADS = (MESSAGE, RAW, MASK, NORMAL, SENT)
_SPOKEN = {MESSAGE: "G", RAW: "G", MASK: "C", NORMAL: "normal", SENT: "C"}
#: the largest number of clients whose joint outcomes are listed
MOST_OUTCOMES = 64

Letter = tuple[str, str]  # kind and slot


def letter(kind: str, draw: int, slot: str = "j") -> Coordinate:
    """The letter of a kind for a draw."""
    return Coordinate(f"{kind}{draw}", slot)


def kind_of(symbol: sp.Basic) -> tuple[str, int]:
    """The kind and draw of a random letter; ("", 0) for any other symbol."""
    if isinstance(symbol, Coordinate):
        for kind in _HEADS:
            if symbol.base.startswith(kind) and symbol.base[len(kind) :].isdigit():
                return kind, int(symbol.base[len(kind) :])
    return "", 0


def spoken(e: sp.Expr) -> sp.Expr:
    """An expression with random letters named as in update rules, for messages and not for computation."""
    random = [c for c in e.atoms(Coordinate) if kind_of(c)[0]]
    return e.xreplace({c: Coordinate(_SPOKEN[kind_of(c)[0]], c.slot) for c in random})


@dataclass(frozen=True)
class MessageLeaf:
    """Letters for the mean and covariance of a message over compressor and noise, if these have no closed form."""

    mean: Coordinate  # the letter for b_j
    covariance: DenseCov  # the letter for S, N times the covariance of the clients' mean
    moments: Moments  # the moments given the message; b and S are their integrals over the noise

    @property
    def pair(self) -> sp.Expr:
        """The entry S_ij for i != j; 0 if S is diagonal."""
        conditional = self.moments.conditional
        return sp.S.Zero if conditional is not None and conditional.uncorrelated else self.covariance.pair

    def occurs_in(self, expressions: Iterable[sp.Expr]) -> bool:
        """Whether an expression contains b or S, including inside sums and Hessian products."""
        bases = {self.mean.base, self.covariance.name, self.covariance.variance.base}
        return any(c.base in bases for c in parts_of(expressions) if isinstance(c, Coordinate))


class Messages:
    """The moments of one draw of a method's messages at the gradient g, in a dimension that is a number or the symbol d.

    There is one noise scale for all clients or one for each (a regime may make them large). `letters` says whether mean
    and covariance of a message may be letters (`MessageLeaf`) if they have no closed form.
    """

    def __init__(self, method: Method, dim: sp.Expr, scales: Sequence[sp.Expr], letters: bool = False) -> None:
        self.method, self.dim, self.scales, self._letters = method, dim, tuple(scales), letters
        self.law: Law = method.noise.law
        self.mask: Mask | None = method.compressor.mask(dim)
        self.message_moments = method.compressor.conditional_moments(dim)
        #: None until a moment without a closed form is needed
        self.leaf: MessageLeaf | None = None
        self._server: dict[tuple[Letter, ...], sp.Expr] = {}
        self._client: dict[tuple[tuple[Letter, ...], int], sp.Expr] = {}

    @cached_property
    def fixed(self) -> bool:
        """Whether C is a function of the message, coordinate by coordinate."""
        given_v = self.message_moments
        return given_v.diag == 0 and given_v.rank == 0 and not given_v.mean.atoms(Coordinate) - {v}

    def moment(self, letters: Sequence[Letter]) -> sp.Expr:
        """The mean of a product of letters, each at its slot ("j", or "i" for another coordinate). May raise NoClosedForm."""
        key = tuple(sorted(letters))
        if key not in self._server:
            total = sp.S.Zero
            for blocks in partitions(key):
                total += sp.Mul(*[self._cumulant(tuple(block)) for block in blocks])
            self._server[key] = sp.expand(total)
        return self._server[key]

    def _cumulant(self, letters: tuple[Letter, ...]) -> sp.Expr:
        """The joint cumulant of the clients' means."""
        of_message = len(letters) <= 2 and all(kind == MESSAGE for kind, _ in letters)
        if of_message and not self._by_client:
            return self._of_message(letters)
        try:
            each = sp.Add(*[self._own_cumulant(letters, n) for n in range(len(self.scales))]) / len(self.scales)
        except NoClosedForm as error:
            if not of_message:
                raise
            try:
                return self._of_message(letters)
            except Refusal:  # a missing moment is reported later, for the increment of a letter and all that it needs
                raise error from None
        return each * self.method.clients ** (1 - len(letters))

    @cached_property
    def _by_client(self) -> bool:
        """Whether the moments of one client are known coordinate by coordinate; else `moments` gives mean and covariance."""
        given_v = self.message_moments
        apart = given_v.rank == 0 and not nodes(given_v.mean) and not nodes(given_v.diag)
        return self.method.noise.dense is None and (self.mask is not None or apart)

    @cached_property
    def _moments(self) -> Moments:
        """Mean and covariance of a message; sets `leaf` if they have no closed form, or raises NoClosedForm if letters
        are not allowed.
        """
        if self.scales != tuple(map(sp.sympify, self.method.noise.scales)):
            when = "if it is correlated or if the compressor has no closed moments coordinate by coordinate"
            raise NoClosedForm(f"noise that grows as the step shrinks, {when}")
        step = moments(self.method, int(self.dim) if self.dim.is_number else None)
        if step.form is None and not self._letters:
            raise NoClosedForm("the mean and covariance of the compressor after the noise")
        if step.form is None:
            names = {*self.method.rule.letters, *symbol_names(self.method)}
            mean, covariance = (next(n for n in (a, f"C{a}", f"CC{a}") if n not in names) for a in ("b", "S"))
            self.leaf = MessageLeaf(Coordinate(mean), DenseCov(covariance), step)
        return step

    def _of_message(self, letters: tuple[Letter, ...]) -> sp.Expr:
        """The mean of the clients' mean message, or the covariance of two of its coordinates."""
        step, slots = self._moments, [slot for _, slot in letters]
        form, leaf = step.form, self.leaf
        if form is not None:
            dense = sp.Add(*[to_slot(c, "j", "i") * measured.pair for c, measured in form.dense])
            mean, variance, pair = form.mean, form.variance, form.pair + dense
        else:
            assert leaf is not None  # for the type checker: without a form there is a leaf
            mean = leaf.mean if step.mean is None else step.mean
            variance, pair = leaf.covariance.variance, leaf.pair
        if len(letters) == 1:
            return to_slot(mean, "j", slots[0])
        return (to_slot(variance, "j", slots[0]) if slots[0] == slots[1] else pair) / self.method.clients

    def _own_cumulant(self, letters: tuple[Letter, ...], client: int) -> sp.Expr:
        total = sp.S.Zero
        for blocks in partitions(letters):
            sign = (-1) ** (len(blocks) - 1) * sp.factorial(len(blocks) - 1)
            total += sign * sp.Mul(*[self._own_moment(tuple(block), client) for block in blocks])
        return sp.expand(total)

    def _own_moment(self, letters: tuple[Letter, ...], client: int) -> sp.Expr:
        """The mean of a product of letters of one client."""
        key = (tuple(sorted(letters)), client)
        if key not in self._client:
            self._client[key] = self._moment(key[0], client)
        return self._client[key]

    def _moment(self, letters: tuple[Letter, ...], client: int) -> sp.Expr:
        counts: dict[str, dict[str, int]] = {}
        for kind, slot in letters:
            counts.setdefault(slot, dict.fromkeys(_HEADS, 0))[kind] += 1
        moment = sp.S.One
        if any(n[SENT] for n in counts.values()):
            raise NoClosedForm("the compressor of a value that the server made")
        if self.mask is not None:
            masked = [n[MESSAGE] + n[MASK] for n in counts.values() if n[MESSAGE] + n[MASK]]
            if masked:
                moment *= self.mask.moment(*masked) if len(masked) == 1 else self.mask.pair(*masked)
            for slot, n in counts.items():
                moment *= to_slot(self.over_noise(v ** (n[MESSAGE] + n[RAW]), client), "j", slot)
            return moment
        if any(n[MASK] for n in counts.values()):
            raise NoClosedForm("the compressed gradient at another point with the same draw")
        for slot, n in counts.items():
            moment *= to_slot(self.over_noise(self._powers(n[MESSAGE]) * v ** n[RAW], client), "j", slot)
        return moment

    def _powers(self, n: int) -> sp.Expr:
        """The moment E[C_j^n | v]."""
        if n == 0:
            return sp.S.One
        if n == 1:
            return self.message_moments.mean
        if n == 2:
            return self.message_moments.variance + self.message_moments.mean**2
        if not self.fixed:
            raise NoClosedForm(f"the moment of order {n} of the compressor, of which mean and covariance are known")
        return self.message_moments.mean**n

    def over_noise(self, phi: sp.Expr, client: int) -> sp.Expr:
        """The mean of phi(v) over the noise of one client; phi must act coordinate by coordinate."""
        if not phi.has(v):
            return phi
        if self.method.noise.dense is not None:
            raise NoClosedForm("moments of correlated noise above the second")
        if nodes(phi):
            raise NoClosedForm("moments above the second of a compressor that mixes coordinates")
        return univariate(phi, g, self.scales[client], self.law)

    def function(self, phi: sp.Expr, symbol: sp.Symbol, kind: str) -> sp.Expr:
        """The mean of a function phi of one letter at coordinate j. Raises NoClosedForm if this mean is not known."""
        # a memory letter may be called v like the message; sums over the coordinates of the state are constants here
        letters = {c: sp.Dummy(str(c), real=True) for c in phi.atoms(Coordinate) if c.base == v.base}
        body, back = frozen(phi)
        mean = self._function(body.xreplace(letters), symbol, kind)
        return exchange(mean.xreplace({dummy: c for c, dummy in letters.items()}), back)

    def _function(self, phi: sp.Expr, symbol: sp.Symbol, kind: str) -> sp.Expr:
        through = self.message_moments.mean if kind == MESSAGE else v
        if kind in (MASK, SENT) or (kind == MESSAGE and not self.fixed):
            raise NoClosedForm(f"the mean of {formula(spoken(phi))}: the compressor is random")
        if kind == NORMAL:
            return univariate(phi.xreplace({symbol: v}), sp.S.Zero, sp.S.One, Gaussian())
        clients = self.method.clients
        if self.law.degenerate:
            return phi.xreplace({symbol: through.xreplace({v: g})})
        if clients == 1:
            return self.over_noise(phi.xreplace({symbol: through}), 0)
        if through == v and type(self.law) is Gaussian and self.method.noise.dense is None:
            spread = sp.Add(*[s**2 for s in self.scales]) / (len(self.scales) * clients)
            return univariate(phi.xreplace({symbol: v}), g, sp.sqrt(spread), self.law)
        if through == sp.sign(v) and clients.is_Integer and clients <= MOST_OUTCOMES:
            return self._over_votes(phi, symbol)
        raise NoClosedForm(f"the mean of {formula(spoken(phi))} over the mean of {clients} clients")

    def _over_votes(self, phi: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
        """The mean of phi at the mean of N signs: the number of positive signs has a Poisson-binomial law."""
        count = int(self.method.clients)
        chances = [(1 + self.over_noise(sp.sign(v), n % len(self.scales))) / 2 for n in range(len(self.scales))]
        chances = chances * (count if len(chances) == 1 else 1)
        p = [sp.Dummy(f"p{n}") for n in range(len(dict.fromkeys(chances)))]
        names = dict(zip(dict.fromkeys(chances), p, strict=True))
        law = [sp.S.One]
        for chance in chances:
            up, zero = names[chance], sp.S.Zero
            law = [sp.expand(a * (1 - up) + b * up) for a, b in zip([*law, zero], [zero, *law], strict=True)]
        total = sp.Add(*[q * phi.xreplace({symbol: sp.Rational(2 * m - count, count)}) for m, q in enumerate(law)])
        return sp.factor_terms(sp.expand(total)).xreplace({letter: chance for chance, letter in names.items()})
