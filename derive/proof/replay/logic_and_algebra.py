"""The rules about hypotheses, arithmetic, functions, operators and linear algebra (FORMAT.md, "Steps")."""

from typing import Any, NamedTuple

from flint import fmpq

from sdescent.derive.proof.replay.algebra import BINDS, Key, Poly, Unreadable
from sdescent.derive.proof.replay.context import looks_ahead, stepping_terms
from sdescent.derive.proof.replay.terms import Fact, Relation, Step, Terms, check, fields, items, rational, symbols_in

AXIOMS = frozenset(("integrability", "weak-existence", "localisation", "fatou"))


class Rules:
    def __init__(self, terms: Terms) -> None:
        self.terms, self.context = terms, terms.context
        self.tied = self._tied()

    def _tied(self) -> set[str | None]:
        """The constants that cannot be instantiated: the context gives them a meaning that a fact without axioms may use."""
        context = self.context
        tied = {context.horizon, context.dimension, context.clients} | {p["start"] for p in context.potentials.values()}
        for potential in context.potentials.values():  # `descent` uses a stepping potential without an axiom
            tied |= {n for raw in stepping_terms(potential) for n in symbols_in(raw)}
        for properties in context.functions.values():
            tied |= {n for key in ("bounded", "slope") if key in properties for n in symbols_in(properties[key])}
        return tied

    # -- helpers

    def leq(self, left: Poly, right: Poly, strict: bool = False) -> Relation:
        return Relation("<" if strict else "<=", self.terms.sub(right, left))

    def equal(self, left: Poly, right: Poly) -> Relation:
        return Relation("==", self.terms.sub(right, left))

    def premises(self, step: Step, count: int) -> list[Fact]:
        check(len(step.facts) == count, f"the step has {len(step.facts)} premises, and the rule takes {count}")
        return step.facts

    def need(self, fact: Fact, slack: Poly, strict: bool = False) -> None:
        """Check that the fact says 0 <= slack, or 0 < slack if `strict`."""
        op = fact.claim.op
        same = (op == "<" or (op == "<=" and not strict)) and fact.claim.slack == slack
        check(same, "a premise is not the relation that the rule needs")

    def seal(self, step: Step, letters: int | None = None) -> None:
        """Seal the hypotheses that depend on one of the letters (all hypotheses, if no letters are given)."""

        def depends(key: Key) -> bool:
            return letters is None or bool(self.terms.deps(dict(key)) & letters)

        step.sealed |= {hypothesis for hypothesis in step.hypotheses if depends(hypothesis[1])}

    # -- logic and algebra

    def assume(self, step: Step) -> Relation:
        """C holds where C holds."""
        fields(step.data)
        self.premises(step, 0)
        step.hypotheses = frozenset((self.terms.relation_key(step.claim),))
        return step.claim

    def cone(self, step: Step, raw: Any) -> tuple[Poly, bool]:
        """sum c prod slack prod term^2 >= 0, and whether it is > 0, that is, a member without squares has only slacks > 0."""
        terms, total, strict = self.terms, {}, False
        for member in items(raw):
            number, factors, squares = items(member, 3)
            c = rational(number)
            check(c > 0, "a coefficient of a cone is not positive")
            part, only = terms.number(c), True
            for fact in [self.numbered(step, n) for n in items(factors)]:
                check(fact.claim.op in ("<=", "<"), "a premise in a cone is neither <= nor <")
                part, only = terms.mul(part, fact.claim.slack), only and fact.claim.op == "<"
            for square in items(squares):
                part = terms.mul(part, terms.power(terms.term(square), 2))
            terms.accumulate(total, part)
            strict = strict or (only and not squares)
        return total, strict

    def numbered(self, step: Step, n: Any) -> Fact:
        if type(n) is not int:
            raise Unreadable("the number of a premise is not an integer")
        check(0 <= n < len(step.facts), f"the step has no premise {n}")
        return step.facts[n]

    def certify(self, step: Step) -> Relation:
        """mult (r - l) = sum + equalities, with mult > 0, sum >= 0 (or > 0, or empty) and equalities 0, gives the sign of r - l."""
        mult_raw, sum_raw, equalities = fields(step.data, "mult", "sum", "equalities")
        terms, (op, slack) = self.terms, step.claim
        check(op != "!=", "!= is not a claim that can be proved")
        mult, positive = self.cone(step, mult_raw)
        total, strict = self.cone(step, sum_raw)
        check(positive, "the multiplier is not known to be positive")
        check(op != "<" or strict, "the sum is not known to be positive")
        check(op != "==" or not sum_raw, "the sum is not empty, and the claim is ==")
        rest = terms.sub(terms.mul(mult, slack), total)
        for equality in items(equalities):
            number, raw = items(equality, 2)
            fact = self.numbered(step, number)
            check(fact.claim.op == "==", "a premise in equalities is not ==")
            rest = terms.sub(rest, terms.mul(terms.term(raw), fact.claim.slack))
        check(not rest, "the identity does not hold")
        return step.claim

    def inverse(self, step: Step) -> Relation:
        """p (1/p) = 1 if p is not 0."""
        (raw,) = fields(step.data, "of")
        (fact,) = self.premises(step, 1)
        p, (op, slack) = self.terms.term(raw), fact.claim
        minus = self.terms.scale(p, fmpq(-1))
        check(op in ("<", "!=") and slack in (p, minus), "the premise does not say that the denominator is not 0")
        return self.equal(self.terms.mul(p, self.terms.inverse(p)), self.terms.number(1))

    def absurd(self, step: Step) -> Relation:
        """The premise is false, so its hypotheses hold nowhere and nothing is left to prove."""
        fields(step.data)
        (fact,) = self.premises(step, 1)
        op, slack = fact.claim
        check(op in ("<=", "<") and not slack.keys() - {0}, "the premise is not a relation between rationals")
        c = -slack.get(0, fmpq(0))
        check(c > 0 or (op == "<" and c == 0), "the premise is not false")
        check(step.claim.op != "!=", "!= is not a claim that can be proved")
        return step.claim

    def cases(self, step: Step) -> Relation:
        """At each point l <= r or r < l, so a claim that holds in both cases holds.

        The case may vary from point to point, so neither may have been used as true everywhere (sealed).
        """
        (raw,) = fields(step.data, "split")
        first, second = self.premises(step, 2)
        terms, split = self.terms, self.terms.relation(raw)
        check(split.op == "<=", "the split is not a relation <=")
        p = terms.relation_key(split)
        opposite = terms.scale(split.slack, fmpq(-1))
        others = {terms.relation_key(Relation(op, opposite)) for op in ("<=", "<")} & second.hypotheses
        check(p in first.hypotheses and bool(others), "a premise does not have its case as a hypothesis")
        check(p not in first.sealed and not others & second.sealed, "a case is sealed: it was used under an operator")
        same = terms.relation_key(first.claim) == terms.relation_key(second.claim)
        check(same, "the claims of the two premises differ")
        step.hypotheses = (first.hypotheses - {p}) | (second.hypotheses - others)
        step.sealed = step.sealed & step.hypotheses
        return first.claim

    def cut(self, step: Step) -> Relation:
        """The lemma proves P where its hypotheses hold, so these may replace P; if P was sealed, all of them are sealed too."""
        fields(step.data)
        main, lemma = self.premises(step, 2)
        p = self.terms.relation_key(lemma.claim)
        check(p in main.hypotheses, "the claim of the second premise is not a hypothesis of the first")
        step.hypotheses = (main.hypotheses - {p}) | lemma.hypotheses
        step.sealed |= lemma.hypotheses if p in main.sealed else frozenset()
        step.sealed &= step.hypotheses
        return main.claim

    def instantiate(self, step: Step) -> Relation:
        """A fact without operators that holds for all real x holds at each point for the value of t there.

        Under an operator or in a sealed hypothesis, x would have to be the same number everywhere, so both are refused. Without
        axioms the fact does not rest on the equation of a process, in which x may occur.
        """
        name, raw = fields(step.data, "symbol", "term")
        (fact,) = self.premises(step, 1)
        context, terms = self.context, self.terms
        constant = type(name) is str and context.symbols.get(name) == "const"
        check(constant, "the symbol to instantiate is not of kind const")
        check(name not in self.tied, "the context gives the symbol a meaning, so that it has no instances")
        check(not fact.sealed and not fact.axioms, "the premise has sealed hypotheses or axioms")
        value = terms.term(raw)
        polys = [fact.claim.slack, *(dict(key) for _, key in fact.hypotheses)]
        check(not any(terms.has_bound(p) for p in [value, *polys]), "an operator or another coordinate occurs")
        memo: dict[int, Poly] = {}

        def put(relation: Relation) -> Relation:
            slack = terms.replace(relation.slack, lambda _, n: value if n == name else None, memo=memo)
            return Relation(relation.op, slack)

        step.hypotheses = frozenset(terms.relation_key(put(Relation(op, dict(key)))) for op, key in fact.hypotheses)
        return put(fact.claim)

    # -- functions

    def function(self, step: Step) -> Relation:
        """Laws of abs, sqrt, exp, log, psi. exp, atan, erf, tanh and psi increase strictly, and so do log and sqrt where defined.

        psi(t) is the integral of (1 - s) exp(s t) over s from 0 to 1, so it is positive and increases.
        """
        law, raw = fields(step.data, "law", "args")
        if type(law) is not str:
            raise Unreadable("the law is not a name")
        if law.startswith("monotone:"):
            return self.increasing(step, law.removeprefix("monotone:"), raw)
        terms, f, zero = self.terms, self.terms.function, self.terms.number(0)
        args = [terms.term(arg) for arg in items(raw, 2 if law in ("exp_add", "log_mul") else 1)]
        s, t = args[0], args[-1]
        minus = terms.scale(t, fmpq(-1))
        signs = {"sqrt_square": (t,), "sqrt_of_square": (t,), "abs_of_positive": (t,), "abs_of_negative": (minus,)}
        signs |= {"exp_log": (t,), "log_mul": (s, t)}
        needs = signs.get(law, ())
        for fact, slack in zip(self.premises(step, len(needs)), needs, strict=True):
            self.need(fact, slack, strict=law in ("exp_log", "log_mul"))
        psi, tangent = f("psi", t), terms.add(terms.number(1), t)
        laws = {
            "psi_positive": lambda: self.leq(zero, psi, strict=True),
            "psi_square": lambda: self.equal(terms.mul(psi, terms.power(t, 2)), terms.sub(f("exp", t), tangent)),
            "exp_positive": lambda: self.leq(zero, f("exp", t), strict=True),
            "abs_nonneg": lambda: self.leq(zero, f("abs", t)),
            "sqrt_nonneg": lambda: self.leq(zero, f("sqrt", t)),
            "abs_square": lambda: self.equal(terms.power(f("abs", t), 2), terms.power(t, 2)),
            "abs_of_positive": lambda: self.equal(f("abs", t), t),
            "abs_of_negative": lambda: self.equal(f("abs", t), minus),
            "sqrt_square": lambda: self.equal(terms.power(f("sqrt", t), 2), t),
            "sqrt_of_square": lambda: self.equal(f("sqrt", terms.power(t, 2)), t),
            "exp_add": lambda: self.equal(f("exp", terms.add(s, t)), terms.mul(f("exp", s), f("exp", t))),
            "log_exp": lambda: self.equal(f("log", f("exp", t)), t),
            "exp_log": lambda: self.equal(f("exp", f("log", t)), t),
            "log_mul": lambda: self.equal(f("log", terms.mul(s, t)), terms.add(f("log", s), f("log", t))),
        }
        check(law in laws, f"there is no law {law[:40]!r}")
        return laws[law]()

    def increasing(self, step: Step, name: str, raw: Any) -> Relation:
        check(name in ("exp", "atan", "erf", "tanh", "psi", "log", "sqrt"), f"there is no law 'monotone:{name[:40]}'")
        s, t = (self.terms.term(arg) for arg in items(raw, 2))
        facts = list(self.premises(step, 2 if name in ("log", "sqrt") else 1))
        order = facts.pop()
        for domain in facts:
            self.need(domain, s, strict=name == "log")
        self.need(order, self.terms.sub(t, s))
        return self.leq(self.terms.function(name, s), self.terms.function(name, t), strict=order.claim.op == "<")

    def declared(self, step: Step) -> Relation:
        """A model of the context interprets F by a function with the declared properties, so their instances hold."""
        name, prop, raw = fields(step.data, "function", "property", "args")
        if type(name) is not str or name not in self.context.functions or type(prop) is not str:
            raise Unreadable("the function is not declared in the context")
        counts = {"odd": 1, "bounded": 1, "bounded_below": 1, "nondecreasing": 2, "concave_right": 3, "slope": 1}
        count = counts.get(prop, 0)
        properties, terms = self.context.functions[name], self.terms
        key = "bounded" if prop == "bounded_below" else prop
        check(key in properties and count > 0, f"the context does not declare {prop[:40]} of {name}")
        args = [terms.term(arg) for arg in items(raw, count)]
        s, one = args[0], terms.number(1)

        def value(p: Poly) -> Poly:
            return terms.applied(name, p)

        if prop == "nondecreasing":
            self.need(self.premises(step, 1)[0], terms.sub(args[1], s))
            return self.leq(value(s), value(args[1]))
        if prop == "concave_right":
            _, t, a = args
            rest = terms.sub(one, a)
            for fact, slack in zip(self.premises(step, 4), (s, t, a, rest), strict=True):
                self.need(fact, slack)
            mean = terms.add(terms.mul(a, value(s)), terms.mul(rest, value(t)))
            return self.leq(mean, value(terms.add(terms.mul(a, s), terms.mul(rest, t))))
        if prop == "slope":
            self.need(self.premises(step, 1)[0], s)
            return self.leq(value(s), terms.mul(terms.term(properties[key]), s))
        self.premises(step, 0)
        if prop == "odd":
            return self.equal(value(terms.scale(s, fmpq(-1))), terms.scale(value(s), fmpq(-1)))
        bound = terms.term(properties[key])
        return self.leq(value(s), bound) if prop == "bounded" else self.leq(terms.scale(bound, fmpq(-1)), value(s))

    def signed(self, value: Any, p: Poly) -> Poly:
        if type(value) is not int or value not in (1, -1):
            raise Unreadable("the sign is not 1 or -1")
        return self.terms.scale(p, fmpq(value))

    # -- operators

    def monotone(self, step: Step) -> Relation:
        """A sum, integral or mean is >= 0 if the term under it is >= 0 at all points over which it runs."""
        (op,) = fields(step.data, "operator")
        (fact,) = self.premises(step, 1)
        check(type(op) is str and op in BINDS, "the operator is not one of E, I, EI, S, Si, C")
        check(fact.claim.op != "!=", "the premise is !=, of which an operator says nothing")
        self.seal(step, BINDS[op])
        step.axioms |= {"integrability"} if op in ("E", "I", "EI") else set()
        return Relation("==" if fact.claim.op == "==" else "<=", self.terms.operator(op, fact.claim.slack))

    def component(self, step: Step) -> Relation:
        """One summand is at most the sum, since all other summands are >= 0 too."""
        (op,) = fields(step.data, "operator")
        (fact,) = self.premises(step, 1)
        check(op in ("S", "C"), "the operator is not S or C, a sum over coordinates or clients")
        check(fact.claim.op in ("<=", "<"), "the premise is neither <= nor <, so that the summands need not be >= 0")
        self.seal(step, BINDS[op])
        return self.leq(fact.claim.slack, self.terms.operator(op, fact.claim.slack))


class Bound(NamedTuple):
    """A bound left <= product of right, for objects of the given kinds: "v" for any vector, else the flag of a matrix."""

    objects: dict[str, str]  # key of the data -> kind
    left: str  # tag of the term whose arguments are all objects
    right: tuple[tuple[str, str, int], ...]  # (tag of a term in one object, key of the object, power)
    signed: bool


#: tag of a term that is >= 0 -> how many of its first arguments must be psd. Norms are >= 0; tr(M) is the sum of the eigenvalues;
#: v'Mv >= 0 is the definition of psd; Tr(MK) = |sqrt(M) sqrt(K)|^2
NONNEGATIVE = {"norm": 0, "opnorm": 0, "tr": 1, "quad": 1, "trprod": 2}
BOUNDS: dict[str, Bound] = {
    # |v'Mv| <= |M| |v|^2: the eigenvalues of a symmetric M are at most |M| in absolute value
    "quad_bound": Bound(
        {"matrix": "symmetric", "vector": "v"}, "quad", (("opnorm", "matrix", 1), ("norm", "vector", 2)), True
    ),
    # |Tr(MS)| <= |M| Tr(S) for S psd: the trace of S is the sum of its eigenvalues, all >= 0
    "trace_bound": Bound(
        {"matrix": "symmetric", "psd": "psd"}, "trprod", (("opnorm", "matrix", 1), ("tr", "psd", 1)), True
    ),
    # u'v <= |u| |v|, by Cauchy and Schwarz
    "cauchy_schwarz": Bound({"u": "v", "v": "v"}, "dot", (("norm", "u", 1), ("norm", "v", 1)), False),
}


def flagged(rules: Rules, matrix: str, flag: str) -> None:
    check(flag in rules.context.matrices[matrix], f"the context does not declare the matrix {matrix} {flag}")


def nonnegative(rules: Rules, step: Step) -> Relation:
    """0 <= t, if the tag of t is in `NONNEGATIVE` and the matrices that must be psd are declared so."""
    (raw,) = fields(step.data, "of")
    rules.premises(step, 0)
    p = rules.terms.term(raw)
    tag = raw[0]
    check(tag in NONNEGATIVE, f"the rule nonnegative is for {', '.join(NONNEGATIVE)}, and the term is another")
    for matrix in raw[1 : 1 + NONNEGATIVE[tag]]:
        flagged(rules, matrix[1], "psd")
    return rules.leq(rules.terms.number(0), p)


def bound(rules: Rules, step: Step, rule: str) -> Relation:
    """The bound of the rule's row in `BOUNDS`, for the objects that the step names."""
    row, terms = BOUNDS[rule], rules.terms
    keys = [*row.objects, "sign"] if row.signed else [*row.objects]
    values = dict(zip(keys, fields(step.data, *keys), strict=True))
    rules.premises(step, 0)
    named = {key: _object(values[key], "v" if kind == "v" else "m") for key, kind in row.objects.items()}
    for key, kind in row.objects.items():
        if kind != "v":
            flagged(rules, terms.matrix(named[key]), kind)
    left = terms.term([row.left, *named.values()])
    right: Poly = terms.number(1)
    for tag, key, n in row.right:
        right = terms.mul(right, terms.power(terms.term([tag, named[key]]), n))
    return rules.leq(rules.signed(values["sign"], left) if row.signed else left, right)


def squared_norm(rules: Rules, step: Step) -> Relation:
    """0 <= |sum c_i v_i|^2 = sum_ij c_i c_j v_i'v_j, for c_i that are numbers at each outcome and time."""
    (raw,) = fields(step.data, "parts")
    rules.premises(step, 0)
    terms = rules.terms
    pairs = [items(part, 2) for part in items(raw)]
    check(bool(pairs), "the squared norm is of no vectors")
    check(
        not any(looks_ahead(terms, c) for c, _ in pairs),
        "a coefficient depends on more than the outcome and the time, or on the end",
    )
    parts = [(terms.term(c), ["v", v]) for c, v in pairs]
    total: Poly = {}
    for c, v in parts:
        for a, w in parts:
            terms.accumulate(total, terms.mul(terms.mul(c, a), terms.term(["dot", v, w])))
    return rules.leq(terms.number(0), total)


def _object(raw: Any, tag: str) -> Any:
    """The vector or matrix of a term, which a step may also give by its name alone."""
    return [tag, raw] if type(raw) is str else raw
