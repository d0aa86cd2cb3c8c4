"""Proofs of steps, one method per rule of FORMAT.md: the rule's relation, proved in Rocq from the proofs of the premises."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from sdescent.derive.proof.kernel.functions import law_of
from sdescent.derive.proof.language.normal import Polynomial, as_number
from sdescent.derive.proof.language.terms import Relation, Term, fn, num
from sdescent.derive.proof.rocq import as_written, operators
from sdescent.derive.proof.rocq import ito_gronwall_descent as along_paths
from sdescent.derive.proof.rocq.notation import FUNCTIONS, UNIT, ZERO, ExportError, expanded
from sdescent.derive.proof.rocq.one_variable import ball
from sdescent.derive.proof.rocq.script import Evidence, Local, Proved, RocqStep, Script, abstracted

#: rules that use only what their premises state
FROM_PREMISES: dict[str, Callable[[Script, RocqStep, list[Proved]], Proved]] = {
    "ball": ball, "component": operators.component, "monotone": operators.monotone, "primitive": along_paths.primitive,
    "descent": along_paths.descent, "summation": along_paths.summation, "declared": as_written.property_of_function,
    **dict.fromkeys(("ito", "gronwall"), along_paths.process), **dict.fromkeys(along_paths.WEIGHTED, along_paths.weighted),
    **dict.fromkeys(("nonnegative", "quad_bound", "trace_bound", "cauchy_schwarz", "squared_norm"), as_written.geometric),
}  # fmt: skip


class Rules:
    """The proofs of steps; `use(n, evidence)` gives the claim of step n and its proof at the bound variables."""

    def __init__(self, script: Script, use: Callable[[int, Evidence], Proved], steps: list[RocqStep]) -> None:
        self.script = script
        self.terms = script.terms
        self.use = use
        self.steps = steps

    def prove(self, step: RocqStep, evidence: Evidence) -> str:
        """A proof of the step's claim."""
        premises = [self.use(n, evidence) for n in step.premises] if step.rule not in ("cases", "cut") else []
        match step.rule:
            case "certify":
                d = step.data
                prove = self.script.certify([r for r, _ in premises], step.claim, d["sum"], d["equalities"], d["mult"])
                return prove([p for _, p in premises])
            case "absurd":
                return self._absurd(step, premises)
            case "inverse":
                return self._inverse(step, premises[0])
            case "cases":
                return self._cases(step, evidence)
            case "cut":
                proved = self._cut(step, evidence)
            case "instantiate":
                proved = premises[0]
            case "function":
                proved = self._function(step, premises)
            case rule if rule in FROM_PREMISES:
                proved = FROM_PREMISES[rule](self.script, step, premises)
            case _:
                raise ExportError(f"there is no rule {step.rule!r}"[:80])
        return self.script.bridge(*proved, step.claim)

    # Algebra and logic

    def _absurd(self, step: RocqStep, premises: list[Proved]) -> str:
        (premise, proof), *_ = premises
        q = as_number(self.terms.difference(premise))

        def body(local: Local) -> str:
            lemma = "below__lt" if premise.op == "<" else "below__"
            texts = f"{local.show(premise.left)} {local.show(premise.right)} {local.show(num(q or 0))}"
            return f"exfalso. refine ({lemma} {texts} h0 _ _); [field | lra]."

        return self.script.algebra([premise], step.claim, body)([proof])

    def _inverse(self, step: RocqStep, proved: Proved) -> str:
        """A proof of p (1/p) = 1: since p is nonzero, so is every factor of p, and each factor times its inverse is 1."""
        premise, proof = proved
        p = self.terms.polynomial(step.data["of"])
        difference = self.terms.difference(premise)
        if premise.op == "<":
            premise, proof = Relation(("!=", *premise[1:])), f"(ne__lt {proof})"
        _, factors = self.terms.factors(p) if p else (0, [])
        pairs: list[Relation] = []
        proofs: list[str] = []
        for f, _ in factors:
            body = partial(self._factor, premise=premise, difference=difference, f=f)
            factor = self.script.algebra([premise], Relation(("!=", expanded(f), ZERO)), body)
            proofs.append(f"(inv__pair {self.script.show(expanded(f))} {factor([proof])})")
            pairs.append((expanded(f) * expanded(self.terms.inverse(f))).eq(UNIT))

        def body(local: Local) -> str:
            products = [f"{local.show(pair.left)} ^ {n}" for pair, (_, n) in zip(pairs, factors, strict=True)]
            v = " * ".join(products) or "1"
            rewrites = "".join(f"rewrite h{n}; " for n in range(len(pairs)))
            low, high = local.show(step.claim.left), local.show(step.claim.right)
            close = f"[{rewrites}ring | first [left; field | right; field]]"
            return f"refine (by__product {low} {high} ({v}) _ _); {close}."

        return self.script.algebra(pairs, step.claim, body)(proofs)

    def _factor(self, local: Local, premise: Relation, difference: Polynomial, f: Polynomial) -> str:
        """A tactic that proves f nonzero: it supplies the cofactor g in r - l = f g, where f divides the polynomial r - l."""
        if len(f) == 1:
            [((atom, _),)] = f
            rest = {tuple((a, n - (a == atom)) for a, n in m if n > (a == atom)): c for m, c in difference.items()}
        else:
            c = difference.get(min(f), Fraction(0)) / f[min(f)]
            rest = {(): c} if c else {}
        return f"refine (ne__factor {' '.join(local.show(t) for t in (*premise[1:], expanded(f), expanded(rest)))} h0 _). field."

    def _cases(self, step: RocqStep, evidence: Evidence) -> str:
        split: Relation = step.data["split"]
        branches: list[str] = []
        cases = (("h__low", split), ("h__high", split.right.lt(split.left)))
        for n, (name, case) in zip(step.premises, cases, strict=True):
            here = dict(evidence.here)
            for r in [case] if name == "h__low" else [case, case.left.le(case.right)]:
                key = self.terms.key(r)
                if key in self.steps[n].sealed:
                    raise ExportError(f"step {step.number}: a sealed hypothesis is split")
                registered = self.steps[n].hypotheses.get(key)
                if registered is not None:
                    here[key] = self.script.bridge(case, name, registered)
            claim, proof = self.use(n, Evidence(here, evidence.everywhere))
            branches.append(f"(fun {name} => {self.script.bridge(claim, proof, step.claim)})")
        low, high, claim = self.script.show(split.left), self.script.show(split.right), self.script.relation(step.claim)
        return f"(split__ {low} {high} ({claim}) {branches[0]} {branches[1]})"

    def _cut(self, step: RocqStep, evidence: Evidence) -> Proved:
        """The first premise, whose hypothesis is discharged by the second premise's proof."""
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

    def _function(self, step: RocqStep, premises: list[Proved]) -> Proved:
        law: str = step.data["law"]
        args = [self.terms.normal(t) for t in step.data["args"]]
        claim, needs = law_of(law, args)
        if law.startswith("monotone:"):
            return self._rising(law.removeprefix("monotone:"), args, claim, needs, premises)
        name, t = law.split("_")[0], args[0]
        match law:
            case "sqrt_of_square":
                s = self.terms.normal(t**2)
                terms, proofs = [t, s, fn("sqrt", s)], [self._value("sqrt", s), self.script.identity(s, t**2)]
            case "exp_add" | "log_mul":
                s, t = args
                both = s + t if name == "exp" else s * t
                three = [s, t, self.terms.normal(both)]
                terms = [*three, *(fn(name, a) for a in three)]
                proofs = [*(self._value(name, a) for a in three), self.script.identity(three[2], both)]
            case "psi_square":
                terms, proofs = [t, fn("psi", t), fn("exp", t)], [self._value("psi", t), self._value("exp", t)]
            case "log_exp" | "exp_log":
                outer = "exp" if name == "log" else "log"
                inner = self.terms.normal(fn(outer, t))
                terms, proofs = [t, inner, fn(name, inner)], [self._value(outer, t), self._value(name, inner)]
            case _:
                terms, proofs = [t, fn(name, t)], [self._value(name, t)]
        sides = [self.script.bridge(*g, need) for g, need in zip(premises, needs, strict=True)]
        return claim, f"(law__{law} {' '.join([*(self.script.show(a) for a in terms), *proofs, *sides])})"

    def _value(self, name: str, t: Term) -> str:
        return self.script.value(name, self.terms.polynomial(t))

    def _rising(
        self, name: str, args: list[Term], claim: Relation, needs: list[Relation], premises: list[Proved]
    ) -> Proved:
        s, t = args
        f = FUNCTIONS[name]
        rising, where, side = f"{f}__rise", "any__", f"(here__ {self.script.show(s)})"
        if name in ("log", "sqrt"):
            where = "(Rlt 0)" if name == "log" else "(Rle 0)"
            side = self.script.bridge(*premises[0], needs[0])
        op = "<" if premises[-1][0].op == "<" else "<="
        order = self.script.bridge(*premises[-1], Relation((op, s, t)))
        texts = " ".join(self.script.show(a) for a in (s, t, *claim[1:]))
        values = f"{self._value(name, s)} {self._value(name, t)}"
        proof = f"(rise__{'lt' if op == '<' else 'le'} {f} {where} {rising} {texts} {values} {side} {order})"
        return Relation((op, *claim[1:])), proof
