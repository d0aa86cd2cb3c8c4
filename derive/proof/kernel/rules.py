"""The kernel: facts, and the rules that alone make them. No search, no solver, no float; every rule is sound by its docstring.

A fact H |- C says: in every model of its context (all names interpreted by real numbers, vectors, matrices, random processes as
declared) where all hypotheses H hold for every outcome, time, coordinate and client, the claim C does too. `FORMAT.md` states the
same rules for certificates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from derive.proof.kernel.function_laws import law_of
from derive.proof.kernel.one_variable import check_ball, needs_open
from derive.proof.kernel.time_derivative import derivative, endpoints
from derive.proof.language.context import Context, ProofError, exact, name_of, parts
from derive.proof.language.normal import Normal, Polynomial, added, freeze, multiplied, power, scaled
from derive.proof.language.terms import (
    OPERATORS,
    Relation,
    Term,
    declared,
    dot,
    fn,
    norm,
    num,
    opnorm,
    plus,
    quad,
    substitute,
    term,
    tr,
    trprod,
    under,
    x,
)

#: analytic facts that no algebra gives; every verdict lists those that it used
AXIOMS: Mapping[str, str] = {
    "weak-existence": "a weak solution exists up to explosion (Ikeda and Watanabe 1989, IV.2.3: continuous coefficients)",
    "localisation": "stopped, the stochastic integral is a martingale; bounds pass to the limit (Karatzas and Shreve 1991, 3.3)",
    "fatou": "for V bounded below, E lim inf V at the stopping times is at most lim inf E V (Fatou's lemma)",
    "integrability": "every expectation and integral that is written exists and is finite, so that it is linear",
}
_RECORDS: WeakKeyDictionary[Fact, tuple[Any, ...]] = WeakKeyDictionary()
_FIELDS = ("context", "claim", "hypotheses", "sealed", "axioms", "rule", "premises", "data")


class Fact:
    """H |- C, with its rule and premises. Made by the rules of a `Kernel`; immutable, not copied, not pickled."""

    __slots__ = ("__weakref__", *_FIELDS)
    context: Context
    claim: Relation
    #: what it assumes, by `Normal.key`
    hypotheses: Mapping[Any, Relation]
    #: keys of hypotheses that were used for all outcomes, times and coordinates at once
    sealed: frozenset[Any]
    axioms: frozenset[str]
    rule: str
    premises: tuple[Fact, ...]
    data: Mapping[str, Any]

    def __init__(self) -> None:
        raise ProofError("facts are made by the rules of a kernel")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise ProofError("a fact does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise ProofError("a fact does not change")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ProofError("a fact is not copied: its certificate is, and `replay` checks that")


def genuine(fact: Any) -> Fact:
    """The fact itself, when a rule made it and nothing in it was changed since.

    Raises:
        ProofError: otherwise.
    """
    record, hypotheses = _RECORDS.get(fact, (None, None)) if type(fact) is Fact else (None, None)
    changed = record is None or any(getattr(fact, name, Fact) is not v for name, v in zip(_FIELDS, record, strict=True))
    # what a read-only view shows can be changed by who gets hold of what is behind it
    if changed or tuple(fact.hypotheses.items()) != hypotheses:
        raise ProofError("this is no fact that a rule made")
    return fact


class Kernel:
    """The rules, for one context, of which it keeps a copy. Its facts are not those of another kernel: keys count its own atoms."""

    def __init__(self, context: Context) -> None:
        if type(context) is not Context:
            raise ProofError("a kernel works in a Context")
        try:
            self.context = replace(context)
        except (AttributeError, TypeError) as error:
            raise ProofError("a context whose fields were taken out or changed") from error
        self.normal = Normal(self.context)
        self._description = self.context.described()

    def __init_subclass__(cls) -> NoReturn:
        raise ProofError("a kernel with other rules is no kernel")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, "_description"):
            raise ProofError("a kernel does not change")
        object.__setattr__(self, name, value)

    # --- the one maker of facts -----------------------------------------------------------------------------------

    def _fact(
        self, rule: str, claim: Relation, premises: Sequence[Fact] = (), data: Mapping[str, Any] | None = None,
        hypotheses: Mapping[Any, Relation] | None = None, sealed: Iterable[Any] | None = None, axioms: Iterable[str] = (),
    ) -> Fact:  # fmt: skip
        self.context.check_relation(claim)
        self.normal.key(claim)  # raises where the claim has no normal form
        if hypotheses is None:
            hypotheses = {key: h for p in premises for key, h in p.hypotheses.items()}
        seals = frozenset(sealed if sealed is not None else (key for p in premises for key in p.sealed))
        used = frozenset(axioms).union(*[p.axioms for p in premises])
        fact = object.__new__(Fact)
        if self.context.described() != self._description or self.normal.context is not self.context:
            raise ProofError("the context was changed")
        kept, facts = MappingProxyType(dict(hypotheses)), MappingProxyType({k: exact(v) for k, v in (data or {}).items()})
        record = (self.context, claim, kept, seals, used, rule, tuple(premises), facts)
        for name, value in zip(_FIELDS, record, strict=True):
            object.__setattr__(fact, name, value)
        _RECORDS[fact] = record, tuple(kept.items())
        return fact

    def _premises(self, facts: Sequence[Fact], count: int | None = None) -> tuple[Fact, ...]:
        found = tuple(genuine(f) for f in facts)
        if any(f.context is not self.context for f in found):
            raise ProofError("a premise from another context, or from another kernel")
        if count is not None and len(found) != count:
            raise ProofError(f"{len(found)} premises where the rule has {count}")
        return found

    def _poly(self, t: Any) -> Polynomial:
        self.context.check(t)
        return self.normal.polynomial(t)

    def _says(self, fact: Fact, relation: Relation) -> None:
        """Raises unless a fact claims this relation; of <=, the strict one does too."""
        self.context.check_relation(relation)
        wanted = {self.normal.key(relation)}
        if relation.op == "<=":
            wanted.add(self.normal.key(Relation(("<", *relation[1:]))))
        if self.normal.key(fact.claim) not in wanted:
            raise ProofError(f"a premise says {fact.claim}, and the rule needs {relation}")

    # --- hypotheses and arithmetic --------------------------------------------------------------------------------

    def assume(self, relation: Relation) -> Fact:
        """C |- C."""
        self.context.check_relation(relation)
        return self._fact("assume", relation, hypotheses={self.normal.key(relation): relation})

    def certify(
        self, claim: Relation, premises: Sequence[Fact] = (), mult: Sequence[Any] = ((Fraction(1), (), ()),),
        sum: Sequence[Any] = (), equalities: Sequence[Any] = (),
    ) -> Fact:  # fmt: skip
        """From p_n >= 0 (or > 0) and e_n = 0: r - l >= 0, by an identity of polynomials mult * (r - l) = sum + equalities.

        The sum combines products of the p_n and of squares with positive coefficients, and so does mult, which is positive.
        For l < r the sum must be positive too, for l == r empty. The equalities are any multiples of the e_n.
        Sound: a positive multiple of r - l is shown to be >= 0 (> 0, = 0), whatever the atoms stand for.
        """
        facts = self._premises(premises)
        self.context.check_relation(claim)
        mult, sum, equalities = (exact(tuple(part)) for part in (mult, sum, equalities))
        left, strict = self._cone(mult, facts)
        right, positive = self._cone(sum, facts)
        if not strict or claim.op == "!=" or (claim.op == "<" and not positive) or (claim.op == "==" and len(sum)):
            raise ProofError("the multiplier is not positive, or the sum is not of the kind that the claim needs")
        pieces = [multiplied(left, self.normal.polynomial(claim.slack)), scaled(right, Fraction(-1))]
        for number, factor in equalities:
            if self._of(facts, number).claim.op != "==":
                raise ProofError("only equalities have multipliers of any sign")
            pieces.append(
                scaled(multiplied(self._poly(factor), self.normal.polynomial(facts[number].claim.slack)), Fraction(-1))
            )
        if added(pieces):
            raise ProofError("the identity of the certificate does not hold")
        return self._fact("certify", claim, facts, {"mult": mult, "sum": sum, "equalities": equalities})

    def _cone(self, members: Sequence[Any], facts: tuple[Fact, ...]) -> tuple[Polynomial, bool]:
        """sum of c * prod slack * prod square^2, and whether it is certainly positive."""
        total, positive = [], False
        for c, numbers, squares in members:
            if type(c) is not Fraction or c <= 0:
                raise ProofError("coefficients are positive Fractions")
            used = [self._of(facts, n) for n in numbers]
            if any(f.claim.op not in ("<=", "<") for f in used):
                raise ProofError("only inequalities stand in products")
            product = self._poly(num(c))
            for f in used:
                product = multiplied(product, self.normal.polynomial(f.claim.slack))
            for s in squares:
                product = multiplied(product, power(self._poly(s), 2))
            total.append(product)
            positive = positive or (not len(squares) and all(f.claim.op == "<" for f in used))
        return added(total), positive

    @staticmethod
    def _of(facts: tuple[Fact, ...], number: Any) -> Fact:
        if type(number) is not int or not 0 <= number < len(facts):
            raise ProofError("a premise that is not there")
        return facts[number]

    def inverse(self, of: Term, premise: Fact) -> Fact:
        """p * (1/p) == 1, from p != 0, 0 < p or p < 0."""
        (fact,) = self._premises([premise], 1)
        poly, said = self._poly(of), self.normal.polynomial(fact.claim.slack)
        if fact.claim.op not in ("<", "!=") or freeze(said) not in (freeze(poly), freeze(scaled(poly, Fraction(-1)))):
            raise ProofError("division needs that the denominator is not 0")
        return self._fact("inverse", (of * (1 / of)).eq(1), [fact], {"of": of})

    def absurd(self, claim: Relation, premise: Fact) -> Fact:
        """Anything, from c <= 0 with a number c > 0 (or c < 0 with c >= 0)."""
        (fact,) = self._premises([premise], 1)
        self.context.check_relation(claim)
        slack = self.normal.polynomial(fact.claim.slack)
        value = slack.get((), Fraction(0))
        false = value < 0 if fact.claim.op == "<=" else value <= 0 and fact.claim.op == "<"
        if any(m for m in slack) or not false or claim.op == "!=":
            raise ProofError("the premise is not absurd")
        return self._fact("absurd", claim, [fact])

    def cases(self, split: Relation, low: Fact, high: Fact) -> Fact:
        """C, from C under l <= r and C under r <= l (or r < l): one of them holds at every point.

        Not where either hypothesis was used under an operator: that X <= 0 always or X >= 0 always is no dichotomy.
        """
        first, second = self._premises([low, high], 2)
        self.context.check_relation(split)
        if split.op != "<=" or self.normal.key(first.claim) != self.normal.key(second.claim):
            raise ProofError("cases are of one claim, split by l <= r")
        here = self.normal.key(split)
        turned = (split.right, split.left)
        there = {self.normal.key(Relation((op, *turned))) for op in ("<=", "<")}
        found = there & set(second.hypotheses)
        if here not in first.hypotheses or not found:
            raise ProofError("the branches do not assume the cases")
        if here in first.sealed or found & second.sealed:
            raise ProofError("a case was used under an expectation, an integral or a sum")
        rest = {k: h for k, h in first.hypotheses.items() if k != here}
        rest |= {k: h for k, h in second.hypotheses.items() if k not in found}
        return self._fact("cases", first.claim, [first, second], {"split": split}, rest)

    def cut(self, fact: Fact, lemma: Fact) -> Fact:
        """C without the hypothesis P, from a proof of P: where the lemma's hypotheses hold always, so does P."""
        main, proof = self._premises([fact, lemma], 2)
        key = self.normal.key(proof.claim)
        if key not in main.hypotheses:
            raise ProofError("the lemma is no hypothesis of the fact")
        rest = {k: h for k, h in main.hypotheses.items() if k != key} | dict(proof.hypotheses)
        sealed = (main.sealed | proof.sealed | (set(proof.hypotheses) if key in main.sealed else set())) & set(rest)
        return self._fact("cut", main.claim, [main, proof], None, rest, sealed)

    def instantiate(self, premise: Fact, symbol: str, value: Term) -> Fact:
        """C[t/x] under H[t/x]: a fact about every number x holds at the value of t, at every outcome, time and coordinate.

        Not where x stands beside an operator (E(x) = x is no longer true of a random t), nor for names that a declaration uses.
        """
        (fact,) = self._premises([premise], 1)
        self.context.check(value)
        used = {self.context.horizon, self.context.dimension, self.context.clients} | {
            e["start"] for e in self.context.potentials.values()
        }
        bounds = [v for f in self.context.functions.values() for v in f.values() if v is not True]
        used |= {p[1] for bound in bounds for p in parts(bound) if p[0] == "x"}
        if self.context.symbols.get(name_of(symbol)) != "const" or symbol in used:
            raise ProofError(f"{symbol} is no free constant")
        relations = [fact.claim, *fact.hypotheses.values()]
        heads = {p[0] for r in relations for side in r[1:] for p in parts(side)} | {p[0] for p in parts(value)}
        if fact.sealed or fact.axioms or heads & {*OPERATORS, "xi"}:
            raise ProofError("a fact with operators, or one that used its hypotheses under one, has no instances")
        claim, *rest = [substitute(r, symbol, value) for r in relations]
        hypotheses = {self.normal.key(h): h for h in rest}
        return self._fact("instantiate", claim, [fact], {"symbol": symbol, "term": value}, hypotheses, ())

    # --- functions of one variable --------------------------------------------------------------------------------

    def function(self, law: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        """The laws of abs, sqrt, exp and log that FORMAT.md lists, and that exp, atan, erf, tanh, log and sqrt are increasing."""
        facts = self._premises(premises)
        claim, needs = law_of(law, list(args))
        for fact, need in zip(self._premises(facts, len(needs)), needs, strict=True):
            self._says(fact, need)
        if law.startswith("monotone:") and facts[-1].claim.op == "<":
            claim = Relation(("<", *claim[1:]))
        return self._fact("function", claim, facts, {"law": law, "args": tuple(args)})

    def ball(self, data: Mapping[str, Any], premises: Sequence[Fact] = ()) -> Fact:
        """0 <= phi(t) (or <), for low <= t <= high, as the analysis of one variable proves it of every number in the interval."""
        facts = self._premises(premises)
        data = {k: exact(v) for k, v in data.items()}
        check_ball({k: v for k, v in data.items() if k != "at"})
        self.context.check(data.get("at"))
        at, bounds = data["at"], [("low", 1), ("high", -1)]
        needs = [(num(data[k]).le(at) if s > 0 else at.le(num(data[k]))) for k, s in bounds if data[k] is not None]
        for fact, need in zip(self._premises(facts, len(needs)), needs, strict=True):
            self._says(fact, need)
        if needs_open(data) and facts[0].claim.op != "<":
            raise ProofError("the claim fails at the end of the interval, which the premise admits")
        value = substitute(data["term"], data["variable"], at)
        return self._fact("ball", num(0).lt(value) if data["strict"] else num(0).le(value), facts, data)

    def declared(self, function: str, prop: str, args: Sequence[Term], premises: Sequence[Fact] = ()) -> Fact:
        """An instance of a property that the context declares of a function F."""
        entry = self.context.functions.get(name_of(function), {})
        name = "bounded" if prop == "bounded_below" else prop
        if name_of(prop) not in (name, "bounded_below") or name not in entry:
            raise ProofError(f"{function} is not declared {name}")
        bound, zero, one = (entry[name] if entry[name] is not True else num(0)), num(0), num(1)
        args = [term(t) for t in args]
        at = [declared(function, t) for t in args]
        shapes: dict[str, tuple[int, Any]] = {
            "odd": (1, lambda s: (declared(function, -s).eq(-at[0]), [])),
            "bounded": (1, lambda s: (at[0].le(bound), [])),
            "bounded_below": (1, lambda s: ((-bound).le(at[0]), [])),
            "nondecreasing": (2, lambda s, t: (at[0].le(at[1]), [s.le(t)])),
            "slope": (1, lambda t: (at[0].le(bound * t), [zero.le(t)])),
            "concave_right": (3, lambda s, t, a: (
                (a * at[0] + (1 - a) * at[1]).le(declared(function, a * s + (1 - a) * t)),
                [zero.le(s), zero.le(t), zero.le(a), a.le(one)],
            )),
        }  # fmt: skip
        count, shape = shapes[prop]
        if len(args) != count:
            raise ProofError(f"{prop} has {count} arguments")
        claim, needs = shape(*args)
        for fact, need in zip(facts := self._premises(premises, len(needs)), needs, strict=True):
            self._says(fact, need)
        return self._fact("declared", claim, facts, {"function": function, "property": prop, "args": tuple(args)})

    # --- vectors and matrices -------------------------------------------------------------------------------------

    def nonnegative(self, of: Term) -> Fact:
        """0 <= ||v||, ||M||, and 0 <= Tr M, v'Mv, Tr(MK) of positive semidefinite M and K (Tr MK = ||M^(1/2) K^(1/2)||_F^2)."""
        self.context.check(of)
        psd = [self.context.psd(m[1]) for m in of[1:] if isinstance(m, tuple) and m[0] == "m"]
        good = of[0] in ("norm", "opnorm") or (of[0] in ("tr", "quad", "trprod") and all(psd))
        if not good:
            raise ProofError("its sign is not known")
        return self._fact("nonnegative", num(0).le(of), data={"of": of})

    def quad_bound(self, matrix: str, vector: str, sign: int = 1) -> Fact:
        """+-v'Mv <= ||M|| ||v||^2 for symmetric M: its eigenvalues are at most ||M|| in absolute value."""
        m, v = ("m", matrix), ("v", vector)
        if not self.context.symmetric(matrix) or type(sign) is not int or sign not in (1, -1):
            raise ProofError("the matrix is not declared symmetric")
        data = {"matrix": matrix, "vector": vector, "sign": sign}
        return self._fact("quad_bound", (sign * quad(m, v)).le(opnorm(m) * norm(v) ** 2), data=data)

    def trace_bound(self, matrix: str, psd: str, sign: int = 1) -> Fact:
        """+-Tr(MS) <= ||M|| Tr S for symmetric M and PSD S: Tr(MS) = sum of lambda_i(S) v_i'Mv_i over eigenvectors v_i of S."""
        if (
            not (self.context.symmetric(matrix) and self.context.psd(psd))
            or type(sign) is not int
            or sign not in (1, -1)
        ):
            raise ProofError("Tr(MS) <= ||M|| Tr S needs a symmetric M and a positive semidefinite S")
        m, s = ("m", matrix), ("m", psd)
        data = {"matrix": matrix, "psd": psd, "sign": sign}
        return self._fact("trace_bound", (sign * trprod(m, s)).le(opnorm(m) * tr(s)), data=data)

    def cauchy_schwarz(self, u: str, v: str) -> Fact:
        """u'v <= ||u|| ||v||."""
        return self._fact(
            "cauchy_schwarz", dot(("v", u), ("v", v)).le(norm(("v", u)) * norm(("v", v))), data={"u": u, "v": v}
        )

    # --- expectation, time, coordinates -----------------------------------------------------------------------------

    def monotone(self, operator: str, premise: Fact) -> Fact:
        """op(l) <= op(r) from l <= r at every outcome, time and coordinate: operators are positive linear functionals.

        A factor comes out only where it does not depend on what they bind (`Normal`), so a random one never leaves E.
        """
        (fact,) = self._premises([premise], 1)
        if operator not in OPERATORS or fact.claim.op == "!=":
            raise ProofError("monotone is for E, I, EI, S, Si and C of <=, < and ==")
        op = "==" if fact.claim.op == "==" else "<="
        claim = Relation((op, under(operator, fact.claim.left), under(operator, fact.claim.right)))
        used = ("integrability",) if operator in ("E", "I", "EI") else ()
        return self._fact("monotone", claim, [fact], {"operator": operator}, sealed=self._bound(operator, fact), axioms=used)

    def _bound(self, operator: str, fact: Fact) -> set[Any]:
        """Keys of the hypotheses that an operator uses at more than one point: those that depend on what it binds."""
        letters = frozenset(OPERATORS[operator])
        used = {
            k
            for k, h in fact.hypotheses.items()
            if (self.context.depends(h.left) | self.context.depends(h.right)) & letters
        }
        return used | fact.sealed

    def component(self, operator: str, premise: Fact) -> Fact:
        """t <= sum t for one summand of a sum over coordinates (S) or clients (C) of what is >= 0."""
        (fact,) = self._premises([premise], 1)
        if operator not in ("S", "C") or fact.claim.op not in ("<=", "<"):
            raise ProofError("a summand is at most the sum where all of them are >= 0")
        slack = fact.claim.slack
        claim, data = slack.le(under(operator, slack)), {"operator": operator}
        return self._fact("component", claim, [fact], data, sealed=self._bound(operator, fact))

    def _generator(self, potential: str, facts: Sequence[Fact]) -> Term:
        """L V = drift' grad V + Tr(hess V covariance)/2, once V is C^2 and bounded below and the covariance is PSD."""
        entry = self.context.potentials.get(name_of(potential))
        if entry is None or not entry["smooth"]:
            raise ProofError(f"Ito's formula needs a C^2 function, which {potential} is not declared to be")
        drift, diffusion = entry["drift"], entry["diffusion"]
        if len(facts) != len(diffusion) + 1:
            raise ProofError("Ito's formula needs nonnegative coefficients of the covariance, and a lower bound of V")
        for fact, (c, _) in zip(facts, diffusion, strict=False):
            self._says(fact, num(0).le(c))
        below = facts[-1].claim
        constant = {p[0] for p in parts(below.left)} <= {"q", "x", "+", "*", "^", "/"} and not self.context.depends(
            below.left
        )
        if below.op not in ("<=", "<") or not constant or below.right != x(potential):
            raise ProofError("the last premise of Ito's formula is c <= V with a constant c")
        gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
        own = [t * dot(gradient, v) for t, v in drift]
        return plus(*own, *[num("1/2") * t * trprod(hessian, m) for t, m in diffusion])

    def ito(self, potential: str, premises: Sequence[Fact]) -> Fact:
        """E V(X_T) - V(x_0) <= E int_0^T L V dt, by Ito's formula up to stopping times and Fatou's lemma."""
        facts = self._premises(premises)
        generator, entry = self._generator(potential, facts), self.context.potentials[potential]
        claim = (under("E", x(entry["end"])) - x(entry["start"])).le(under("EI", generator))
        return self._fact("ito", claim, facts, {"potential": potential}, sealed=_hypotheses(facts), axioms=AXIOMS)

    def gronwall(self, potential: str, rate: Term, offset: Term, premises: Sequence[Fact]) -> Fact:
        """E V(X_T) <= V(x_0) exp(-kT) + (c/k)(1 - exp(-kT)), from L V <= -k V + c and k > 0: Ito's formula for exp(kt) V."""
        facts = self._premises(premises)
        generator, entry = self._generator(potential, facts[:-2]), self.context.potentials[potential]
        for t in (rate, offset):
            if self.normal.depends(self._poly(t)):
                raise ProofError("rate and offset are constants")
        self._says(facts[-2], generator.le(-rate * x(potential) + offset))
        self._says(facts[-1], num(0).lt(rate))
        if self.context.horizon is None:
            raise ProofError("the context names no horizon")
        decay = fn("exp", -rate * x(self.context.horizon))
        claim = under("E", x(entry["end"])).le(x(entry["start"]) * decay + offset / rate * (1 - decay))
        data = {"potential": potential, "rate": rate, "offset": offset}
        return self._fact("gronwall", claim, facts, data, sealed=_hypotheses(facts), axioms=AXIOMS)

    def primitive(self, time: str, primitive: Term, integrand: Term, premises: Sequence[Fact]) -> Fact:
        """int_0^T u dt = P(T) - P(0), from P' = u and the domain of P: the fundamental theorem of calculus."""
        facts = self._premises(premises)
        slope, domain = derivative(self.context, primitive, name_of(time))
        if not facts or self.context.horizon is None:
            raise ProofError("the first premise is P' == u, and the context names a horizon")
        self._says(facts[0], slope.eq(integrand))
        shown = {self.normal.key(f.claim) for f in facts[1:]}
        for kind, p in domain:
            options = [num(0).lt(p)] if kind == "positive" else [num(0).lt(p), p.lt(0), Relation(("!=", p, num(0)))]
            if not any(self.normal.key(o) in shown for o in options):
                raise ProofError(f"{p} is not shown to be in the domain")
        first, last = endpoints(primitive, time, self.context.horizon)
        data = {"time": time, "primitive": primitive, "integrand": integrand}
        claim = under("I", integrand).eq(last - first)
        return self._fact("primitive", claim, facts, data, sealed=_hypotheses(facts))


def _hypotheses(facts: Sequence[Fact]) -> set[Any]:
    return {key for fact in facts for key in fact.hypotheses}

