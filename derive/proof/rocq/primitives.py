"""The rules primitive and summation: integrals over time and sums over steps by means of a primitive.

The fundamental theorem of calculus is proved here, for an integral that equals Riemann's on continuous functions.
"""

from sdescent.derive.proof.kernel.one_variable_forms import endpoints
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.terms import Relation, Term, substitute, under, x
from sdescent.derive.proof.rocq.as_written import as_written
from sdescent.derive.proof.rocq.derivatives import derived
from sdescent.derive.proof.rocq.notation import ZERO
from sdescent.derive.proof.rocq.operators import number_of_steps
from sdescent.derive.proof.rocq.script import Proved, RocqStep, Script


def primitive(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The conclusion I(u) = P(T) - P(0) with P' = u; the symbol of kind clock is the time itself."""
    d, terms = step.data, script.terms
    clock, whole, integrand = d["time"], d["primitive"], d["integrand"]
    kernel = Kernel(terms.context)
    # raises if a side condition fails
    kernel.primitive(clock, whole, integrand, [kernel.assume(r) for r, _ in premises])
    [((atom, _),)] = terms.polynomial(x(clock))

    def text(t: Term) -> str:
        return terms.show(t, lambda a: "x__" if a == atom else terms.atom_text(a), as_written=True)

    def written_proof(*forms: Relation) -> str:
        """A proof, at the time t, of the first relation as written, from a premise that states one of the relations."""
        keys = [terms.key(r) for r in forms]
        claim, proof = next(g for g in premises if terms.key(g[0]) in keys)
        return as_written(script, forms[0], script.bridge(claim, proof, forms[0]))

    def nonzero(t: Term) -> str:
        return written_proof(Relation(("!=", t, ZERO)), ZERO.lt(t), t.lt(ZERO))

    def positive(t: Term) -> str:
        return written_proof(ZERO.lt(t))

    def derivative(t: Term) -> tuple[Term, str]:
        slope, proof = derived(text, t, clock, nonzero, positive)
        return slope, proof.replace("y__", script.show(x(clock)))

    slope, proof = derivative(whole)
    same = as_written(script, slope.eq(integrand), script.bridge(*premises[0], slope.eq(integrand)))
    functions = f"(fun x__ => {text(whole)}) (fun x__ => {text(integrand)})"
    rises = f"(fun t => d__same (fun x__ => {text(whole)}) {script.show(x(clock))} _ _ {same} {proof})"
    _, smooth = derivative(integrand)
    words = "on functions continuous on [0, T] Int is the integral of Riemann"
    riemann = f"{script.fact('riemann__ integrable_t Int', words)} {script.horizon_is_positive()}"
    proof = f"(fundamental__ {riemann} {functions} {rises} (fun t => continuous__ {smooth}))"
    first, last = endpoints(whole, clock, str(terms.context.horizon))
    claim = under("I", integrand).eq(last - first)
    return claim, as_written(script, claim, proof, back=True)


def summation(script: Script, step: RocqStep, _premises: list[Proved]) -> Proved:
    """The conclusion I(P(t + 1) - P(t)) = P(T) - P(0); the symbol of kind clock is the number of the step."""
    terms, kernel, clock, whole = script.terms, Kernel(script.terms.context), step.data["time"], step.data["primitive"]
    kernel.summation(clock, whole)  # raises if a side condition fails
    [((atom, _),)] = terms.polynomial(x(clock))
    text = terms.show(whole, lambda a: "x__" if a == atom else terms.atom_text(a), as_written=True)
    first, last = endpoints(whole, clock, str(terms.context.horizon))
    claim = under("I", substitute(whole, clock, x(clock) + 1) - whole).eq(last - first)
    return claim, as_written(script, claim, f"(summation__ {number_of_steps(script)} (fun x__ => {text}))", back=True)
