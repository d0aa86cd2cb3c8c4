"""Expectations, integrals over time and sums: each is linear and monotone, and its values are computed summand by summand.

For sums these properties are proved. For E and the integral over time they are general premises, and EI is by definition E of the
integral. The integrability of a term's normal form under E, Int or EI is a premise too.
"""

from dataclasses import dataclass
from fractions import Fraction

from sdescent.derive.proof.language.normal import Monomial
from sdescent.derive.proof.language.terms import OPERATORS, Relation, Term, under
from sdescent.derive.proof.rocq.notation import OPERATOR_TEXTS, VARIABLES, ZERO, ExportError, applied, expanded
from sdescent.derive.proof.rocq.outcomes import MEAN
from sdescent.derive.proof.rocq.script import INTEGRABLE, Proved, RocqStep, Script, abstracted, quantified

SORTS = {"S": "coords", "Si": "coords", "C": "clients"}
#: the class of functions on which each operator is linear
_CLASSES = {"E": "integrable", "I": "integrable_t", "EI": "integrable_wt"}
EXPECTATION = MEAN, "E is linear and monotone on the integrable random variables, and E 1 = 1"


@dataclass(frozen=True)
class Mean:
    """The prefix of the lemmas about an operator, and their first argument: a proof that it is linear and monotone."""

    lemmas: str
    proof: str

    def lemma(self, name: str) -> str:
        return f"{self.lemmas}__{name} {self.proof}"


def number_of_steps(script: Script) -> str:
    """A proof that the horizon is the number of steps, count__: a premise unless the context has no horizon."""
    if script.terms.context.horizon is None:
        return "eq_refl"
    return script.declared(f"{script.horizon} = INR count__", f"{script.horizon} is the number of steps, count__")


def time_mean(script: Script) -> str:
    """A proof that Int is linear and monotone and Int 1 is the horizon: a premise for an integral, proved for a sum over steps."""
    if script.terms.context.steps:
        return f"(steps__mean count__ _ {number_of_steps(script)})"
    words = f"Int is linear and monotone on the integrable functions of time, and Int 1 = {script.horizon}"
    return script.fact(f"mean__ integrable_t Int {script.horizon}", words)


def mean_of(script: Script, operator: str) -> Mean:
    """The lemmas and the proof for the operator as a positive linear functional."""
    if operator in SORTS:
        return Mean("has", f"(sum__mean {SORTS[operator]})")
    if operator == "E":
        return Mean("has", script.fact(*EXPECTATION))
    if operator == "I":
        return Mean("has", time_mean(script))
    return Mean("each" if script.terms.context.steps else "both", f"{script.fact(*EXPECTATION)} {time_mean(script)}")


def _has_value(script: Script, operator: str, term: Term) -> str:
    """A proof that the operator has a value on the term."""
    if operator in SORTS or (operator == "I" and script.terms.context.steps):
        return f"(sum__own {SORTS.get(operator, '(steps__ count__)')} {function_of(script, operator, term)})"
    return f"(own__ {OPERATOR_TEXTS[operator]} {integrable(script, operator, term)})"


def function_of(script: Script, operator: str, term: Term, as_written: bool = False) -> str:
    return f"(fun {' '.join(OPERATORS[operator])} => {script.show(term, as_written)})"


def integrable(script: Script, operator: str, term: Term) -> str:
    """A proof that the term is integrable under E, Int or EI, for the bound variables."""
    free = script.terms.depends(script.terms.polynomial(term)) - set(OPERATORS[operator])
    outer = "".join(v for v in VARIABLES if v in free)
    words = f"{_CLASSES[operator]} {function_of(script, operator, term)}"
    return applied(script.fact(quantified(outer, words), words, INTEGRABLE), outer)


def absolute(script: Script, term: Term) -> str:
    """The premise that the absolute value of the term is integrable over outcomes and times."""
    statement = f"integrable_wt (fun w t => Rabs ({script.show(term)}))"
    return script.fact(statement, statement, INTEGRABLE)


def summed(script: Script, operator: str, term: Term) -> str:
    """A proof that the operator applied to the term has the value N(op(term)): has__ .. (fun .. => term) value."""
    terms, mean = script.terms, mean_of(script, operator)
    bound = OPERATORS[operator]

    def product(m: Monomial, c: Fraction, inside: bool) -> Term:
        """The factors of a monomial that depend on the operator's bound variable, or the other ones."""
        return expanded({tuple((a, n) for a, n in m if bool(set(bound) & terms.depends({((a, n),): c})) == inside): c})

    rest, total, proof = ZERO, ZERO, f"({mean.lemma('0')})"
    for m, c in reversed(terms.polynomial(term).items()):
        a, f = product(m, c, False), product(m, Fraction(1), True)
        value = under(operator, f)
        if f == expanded({(): Fraction(1)}):
            size = script.show(value)  # the number of summands, the length of time, or 1
            equal = script.size_of(SORTS[operator], size) if operator in SORTS else f"(same__ {size})"
            piece = f"({mean.lemma('1')} {size} {equal})"
        elif operator == "EI" and "w" not in terms.depends(terms.polynomial(f)):
            over_time = f"{function_of(script, 'I', f)} _ {_has_value(script, 'I', f)}"
            piece = f"({mean.lemmas}__time {script.fact(*EXPECTATION)} {over_time})"
        else:
            piece = _has_value(script, operator, f)
        functions = f"{script.show(a)} {function_of(script, operator, f)} {function_of(script, operator, rest)}"
        proof = f"({mean.lemma('lin')} {functions} _ _ {piece} {proof})"
        rest, total = a * f + rest, a * value + total
    functions = f"{function_of(script, operator, term)} {function_of(script, operator, rest)}"
    split = f"({mean.lemmas}__same {functions} _ {abstracted(bound, script.identity(term, rest))} {proof})"
    return f"(has__is {split} {script.identity(total, under(operator, term))})"


def monotone(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The conclusion op(l) <= op(r), proved from l <= r everywhere."""
    claim, proof = premises[0]
    op, low, high = claim
    operator: str = step.data["operator"]
    if operator not in OPERATORS or op == "!=":
        raise ExportError(f"step {step.number}: there is no rule for {operator!r} of {op}"[:80])
    weaker = Relation(("==" if op == "==" else "<=", low, high))
    conclusion = Relation((weaker.op, under(operator, low), under(operator, high)))
    everywhere = abstracted(OPERATORS[operator], script.bridge(claim, proof, weaker))
    functions = " ".join(function_of(script, operator, t) for t in (low, high))
    values = f"{summed(script, operator, low)} {summed(script, operator, high)}"
    lemma = mean_of(script, operator).lemma("eq" if op == "==" else "le")
    return conclusion, f"({lemma} {functions} _ _ {everywhere} {values})"


def component(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The conclusion r - l <= Sum (r - l): a summand is at most the sum if all summands are nonnegative."""
    claim, proof = premises[0]
    operator: str = step.data["operator"]
    if operator not in ("S", "C") or claim.op not in ("<=", "<"):
        raise ExportError(f"step {step.number}: component needs a sum of nonnegative terms")
    v, sort, slack = OPERATORS[operator], SORTS[operator], claim.slack
    positive = script.bridge(claim, proof, ZERO.le(slack))
    listed = script.declared(f"forall {v} : {VARIABLES[v]}, In {v} {sort}", f"{sort} lists every one")
    least = f"(sum__one {sort} {function_of(script, operator, slack)} {abstracted(v, positive)} {v} ({listed} {v}))"
    proof = f"(between__le {least} (same__ _) (proj2 {summed(script, operator, slack)}))"
    return slack.le(under(operator, slack)), proof


def written_under(script: Script, operator: str, term: Term, inside: str) -> str:
    """A proof of op(term as written) = N(op(term)), given the proof `inside` of the equality under the operator."""
    terms = script.terms
    value = terms.polynomial(under(operator, term))
    functions = function_of(script, operator, term, as_written=True)
    everywhere = abstracted(OPERATORS[operator], inside)
    if terms.under(operator, terms.poly(terms.polynomial(term), terms.atom_text)) == terms.poly(value, terms.atom_text):
        normal = expanded(terms.polynomial(term))
        everywhere = abstracted(OPERATORS[operator], f"(trans__ {inside} {script.identity(term, normal)})")
        lemma = f"same__under{'2' if operator == 'EI' else ''} {OPERATOR_TEXTS[operator]}"
        return f"({lemma} {functions} {function_of(script, operator, normal)} {everywhere})"
    same = f"{mean_of(script, operator).lemmas}__same {functions} {function_of(script, operator, term)} _ {everywhere}"
    return f"(proj2 ({same} {summed(script, operator, term)}))"
