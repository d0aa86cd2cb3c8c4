"""One method a rule of FORMAT.md: the relation that the rule gives, with its proof in Rocq from the proofs of the premises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from derive.proof.rocq import premises as facts
from derive.proof.rocq.one_variable import ball
from derive.proof.rocq.script import (
    ZERO,
    Evidence,
    Given,
    Local,
    RocqStep,
    Script,
    abstracted,
    const,
    of_poly,
    relation,
)
from derive.proof.rocq.terms import FUNCTIONS, ExportError, Poly, Relation, Term


class Rules:
    """The proofs of steps. `use(n, evidence)` is the claim of step n and its proof at the bound variables."""

    def __init__(self, script: Script, use: Callable[[int, Evidence], Given], steps: list[RocqStep]) -> None:
        self.script = script
        self.terms = script.terms
        self.context = script.terms.context
        self.use = use
        self.steps = steps

    def prove(self, step: RocqStep, evidence: Evidence) -> str:
        """A proof of the step's claim."""
        given = [self.use(n, evidence) for n in step.premises] if step.rule not in ("cases", "cut") else []
        match step.rule:
            case "certify":
                d = step.data
                prove = self.script.certify([r for r, _ in given], step.claim, d["mult"], d["sum"], d["equalities"])
                return prove([p for _, p in given])
            case "absurd":
                return self._absurd(step, given)
            case "inverse":
                return self._inverse(step, given[0])
            case "cases":
                return self._cases(step, evidence)
            case "cut":
                found = self._cut(step, evidence)
            case "instantiate":
                found = given[0]
            case "function":
                found = self._function(step, given)
            case "ball":
                found = ball(self.script, step, given)
            case "component":
                found = facts.component(self.script, step, given[0])
            case "monotone":
                found = facts.monotone(self.script, step, given[0])
            case "ito" | "gronwall":
                found = facts.ito(self.script, step, given)
            case "primitive":
                found = facts.primitive(self.script, step, given)
            case "declared":
                found = facts.declared(self.script, step, given)
            case "nonnegative" | "quad_bound" | "trace_bound" | "cauchy_schwarz":
                found = facts.geometric(self.script, step)
            case _:
                raise ExportError(f"no such rule: {step.rule!r}"[:80])
        return self.script.bridge(*found, step.claim)

    # Algebra and logic

    def _absurd(self, step: RocqStep, given: list[Given]) -> str:
        (premise, proof), *_ = given
        q = self.terms.difference(premise).constant()

        def body(local: Local) -> str:
            lemma = "below__lt" if premise[0] == "<" else "below__"
            texts = f"{local.show(premise[1])} {local.show(premise[2])} {local.show(const(q or 0))}"
            return f"exfalso. refine ({lemma} {texts} h0 _ _); [field | lra]."

        return self.script.algebra([premise], step.claim, body)([proof])

    def _inverse(self, step: RocqStep, given: Given) -> str:
        """p (1/p) = 1: every factor of p is not 0 since p is not, so that each times its inverse is 1."""
        premise, proof = given
        p = self.terms.normal(step.data["of"])
        difference = self.terms.difference(premise)
        if premise[0] == "<":
            premise, proof = ("!=", premise[1], premise[2]), f"(ne__lt {proof})"
        _, factors = self.terms.factors(p) if p else (0, [])
        pairs: list[Relation] = []
        proofs: list[str] = []
        for f, _ in factors:
            unequal: Relation = ("!=", of_poly(f), ZERO)
            factor = self.script.algebra([premise], unequal, lambda local, f=f: self._factor(local, premise, difference, f))
            proofs.append(f"(inv__pair {self.script.show(of_poly(f))} {factor([proof])})")
            pairs.append(("==", ["*", of_poly(f), of_poly(self.terms.inverse(f))], ["q", "1"]))

        def body(local: Local) -> str:
            products = [f"{local.show(pair[1])} ^ {n}" for pair, (_, n) in zip(pairs, factors, strict=True)]
            v = " * ".join(products) or "1"
            rewrites = "".join(f"rewrite h{n}; " for n in range(len(pairs)))
            low, high = local.show(step.claim[1]), local.show(step.claim[2])
            return f"refine (by__product {low} {high} ({v}) _ _); [{rewrites}ring | first [left; field | right; field]]."

        return self.script.algebra(pairs, step.claim, body)(proofs)

    def _factor(self, local: Local, premise: Relation, difference: Poly, f: Poly) -> str:
        """The rest g with r - l = f g, f a factor of the polynomial r - l."""
        if len(f) == 1:
            [((atom, _),)] = f
            rest = Poly({tuple((a, n - (a == atom)) for a, n in m if n > (a == atom)): c for m, c in difference.items()})
        else:
            rest = Poly({(): difference.get(min(f), Fraction(0)) / f[min(f)]})
        return f"refine (ne__factor {' '.join(local.show(t) for t in (*premise[1:], of_poly(f), of_poly(rest)))} h0 _). field."

    def _cases(self, step: RocqStep, evidence: Evidence) -> str:
        split = relation(step.data["split"])
        branches: list[str] = []
        for n, (name, found) in zip(
            step.premises, (("h__low", split), ("h__high", ("<", split[2], split[1]))), strict=True
        ):
            here = dict(evidence.here)
            weaker = [found] if name == "h__low" else [found, ("<=", found[1], found[2])]
            for r in weaker:
                key = self.terms.key(r)
                if key in self.steps[n].sealed:
                    raise ExportError(f"step {step.number}: a sealed hypothesis is split")
                registered = self.steps[n].hypotheses.get(key)
                if registered is not None:
                    here[key] = self.script.bridge(found, name, registered)
            claim, proof = self.use(n, Evidence(here, evidence.everywhere))
            branches.append(f"(fun {name} => {self.script.bridge(claim, proof, step.claim)})")
        low, high, claim = self.script.show(split[1]), self.script.show(split[2]), self.script.relation(step.claim)
        return f"(split__ {low} {high} ({claim}) {branches[0]} {branches[1]})"

    def _cut(self, step: RocqStep, evidence: Evidence) -> Given:
        """The first premise, its hypothesis being what the second proves."""
        first, second = step.premises
        claim, proof = self.use(second, evidence)
        key = self.terms.key(claim)
        registered = self.steps[first].hypotheses[key]
        proof = self.script.bridge(claim, proof, registered)
        here, everywhere = dict(evidence.here), dict(evidence.everywhere)
        everywhere.pop(key, None)
        if key in self.steps[first].sealed:
            everywhere[key] = abstracted(self.script.deps(registered), proof)
        else:
            here[key] = proof
        return self.use(first, Evidence(here, everywhere))

    # Functions

    def _poly(self, term: Term) -> Term:
        return of_poly(self.terms.normal(term))

    def _function(self, step: RocqStep, given: list[Given]) -> Given:
        law: str = step.data["law"]
        args = [self._poly(t) for t in step.data["args"]]
        name = {"abs": "abs", "sqrt": "sqrt", "exp": "exp", "log": "log"}.get(law.split("_")[0], "")
        value, show = self._value, self.script.show
        t = args[0]
        if law.startswith("monotone:"):
            return self._rising(law.removeprefix("monotone:"), args, given)
        match law:
            case "abs_square" | "sqrt_square":
                found: Relation = ("==", ["^", ["f", name, t], 2], t if name == "sqrt" else ["^", t, 2])
                return found, self._law(law, [t, ["f", name, t]], [value(name, t)], given, [("<=", ZERO, t)])
            case "abs_nonneg" | "sqrt_nonneg":
                return ("<=", ZERO, ["f", name, t]), self._law(law, [t, ["f", name, t]], [value(name, t)])
            case "abs_of_positive" | "abs_of_negative":
                positive = law == "abs_of_positive"
                wanted: Relation = ("<=", ZERO, t) if positive else ("<=", t, ZERO)
                found = ("==", ["f", "abs", t], t if positive else ["*", ["q", "-1"], t])
                return found, self._law(law, [t, ["f", "abs", t]], [value("abs", t)], given, [wanted])
            case "sqrt_of_square":
                s = self._poly(["^", t, 2])
                root: Term = ["f", "sqrt", s]
                proofs = [value("sqrt", s), self.script.identity(s, ["^", t, 2])]
                return ("==", root, t), self._law(law, [t, s, root], proofs, given, [("<=", ZERO, t)])
            case "exp_positive":
                return ("<", ZERO, ["f", "exp", t]), self._law(law, [t, ["f", "exp", t]], [value("exp", t)])
            case "exp_add" | "log_mul":
                s, t = args
                u = self._poly(["+" if name == "exp" else "*", s, t])
                f = [["f", name, a] for a in (s, t, u)]
                proofs = [*(value(name, a) for a in (s, t, u)), self.script.identity(u, ["+" if name == "exp" else "*", s, t])]
                found = ("==", f[2], ["*" if name == "exp" else "+", f[0], f[1]])
                return found, self._law(law, [s, t, u, *f], proofs, given, [("<", ZERO, s), ("<", ZERO, t)])
            case "log_exp" | "exp_log":
                outer = "exp" if name == "log" else "log"
                inner = self._poly(["f", outer, t])
                found = ("==", ["f", name, inner], t)
                proofs = [value(outer, t), value(name, inner)]
                return found, self._law(law, [t, inner, found[1]], proofs, given, [("<", ZERO, t)])
        raise ExportError(f"no such law: {law!r} {show(t)}"[:80])

    def _value(self, name: str, t: Term) -> str:
        return self.script.value(name, self.terms.normal(t))

    def _law(
        self, law: str, args: list[Term], proofs: list[str], given: Sequence[Given] = (), wanted: Sequence[Relation] = ()
    ) -> str:
        sides = [self.script.bridge(*g, w) for g, w in zip(given, wanted, strict=False)]
        return f"(law__{law} {' '.join([*(self.script.show(a) for a in args), *proofs, *sides])})"

    def _rising(self, name: str, args: list[Term], given: list[Given]) -> Given:
        if name not in ("exp", "atan", "erf", "tanh", "log", "sqrt"):
            raise ExportError(f"no such law: monotone:{name}"[:80])
        s, t = args
        f = FUNCTIONS[name]
        rising, where, side = f"{f}__rise", "any__", f"(here__ {self.script.show(s)})"
        if name in ("log", "sqrt"):
            where = "(Rlt 0)" if name == "log" else "(Rle 0)"
            side = self.script.bridge(*given[0], ("<" if name == "log" else "<=", ZERO, s))
        if name == "erf":
            rising = self.script.fact("rising__ erf any__", "erf is strictly increasing")
        strict = given[-1][0][0] == "<"
        op = "<" if strict else "<="
        order = self.script.bridge(*given[-1], (op, s, t))
        a, b = ["f", name, s], ["f", name, t]
        texts = " ".join(self.script.show(x) for x in (s, t, a, b))
        values = f"{self._value(name, s)} {self._value(name, t)}"
        return (op, a, b), f"(rise__{'lt' if strict else 'le'} {f} {where} {rising} {texts} {values} {side} {order})"
