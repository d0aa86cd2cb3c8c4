"""Ito, Gronwall and the fundamental theorem of calculus: their instances, from what they say in general.

Of Ito it is a premise what it says of the declared process, for all functions of its state; Gronwall follows from that. The
fundamental theorem is proved, for an integral that is Riemann's where functions are continuous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.kernel.calculus import endpoints
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.normal import added
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, num, plus, trprod, under, x
from sdescent.derive.proof.rocq.as_written import as_written, written_equal
from sdescent.derive.proof.rocq.derivatives import derived
from sdescent.derive.proof.rocq.geometry import positive_semidefinite
from sdescent.derive.proof.rocq.notation import ZERO
from sdescent.derive.proof.rocq.operators import EXPECTATION, absolute, function_of, integrable, summed, time_mean
from sdescent.derive.proof.rocq.script import Given, RocqStep, Script, abstracted

HALF = num("1/2")


@dataclass(frozen=True)
class Diffusion:
    """The process behind a potential V, and what is known of it.

    Args:
        facts: proofs that Ito's formula holds for the process, and that V is what it is declared to be.
        covariance: a proof that A is positive semidefinite, for all w and t.
        equal: a proof of b'grad V + Tr(A hess V)/2 = LV, where w and t are bound.
    """

    facts: str
    covariance: str
    equal: str


def process(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """E(end) - start <= EI(LV), or Gronwall's E(end) <= start exp(-k T) + c/k (1 - exp(-k T)), from their own premises."""
    d, terms = step.data, script.terms
    name, kernel = d["potential"], Kernel(terms.context)
    entry = terms.context.potentials[name]
    generator, bound = _generator(entry), len(entry["diffusion"])
    needs = [*(ZERO.le(a) for a, _ in entry["diffusion"]), _below(script, given[bound][0], name)]
    k, c = d.get("rate", ZERO), d.get("offset", ZERO)
    if step.rule == "gronwall":
        needs += [generator.le(-k * x(name) + c), ZERO.lt(k)]
    known = [script.bridge(*g, r) for g, r in zip(given, needs, strict=True)]
    facts = [kernel.assume(r) for r in needs]
    diffusion = _diffusion(script, name, known)
    lower = script.show(needs[bound].left)
    bounded = f"{diffusion.covariance} {abstracted('wt', known[bound])} {integrable(script, 'E', x(entry['end']))}"
    if step.rule == "ito":
        found = kernel.ito(name, facts).claim
        mean = f"{script.show(under('EI', generator))} {function_of(script, 'EI', generator)}"
        sums = f"{summed(script, 'EI', generator)} {absolute(script, generator)}"
        return (
            found,
            f"(ito__rule {diffusion.facts} {lower} {mean} {bounded} {sums} {abstracted('wt', diffusion.equal)})",
        )
    kernel.gronwall(name, k, c, facts)  # raises what its side conditions say
    below = f"(between__le {known[-2]} (sym__ {diffusion.equal}) (sym__ {written_equal(script, needs[-2].right)}))"
    means = f"{script.fact(*EXPECTATION)} {time_mean(script)}"
    sides = f"{as_written(script, ZERO.lt(k), known[-1])} {abstracted('wt', below)}"
    written = " ".join(script.show(t, as_written=True) for t in (k, c))
    coords, horizon, *others = diffusion.facts.split(" ", 2)
    proof = f"(gronwall__rule {coords} {horizon} {means} {others[0]} {lower} {written} {bounded} {sides})"
    decay = fn("exp", -k * x(str(terms.context.horizon)))
    found = under("E", x(entry["end"])).le(x(entry["start"]) * decay + c * (1 / k) * (1 - decay))
    return found, as_written(script, found, proof, back=True)


def _below(script: Script, bound: Relation, name: str) -> Relation:
    """c <= V, whatever side its terms stand on: c is V less the relation's slack."""
    terms, v = script.terms, x(name)
    return terms.term(added([terms.polynomial(v), terms.polynomial(-bound.slack)])).le(v)


def _generator(entry: Mapping[str, Any]) -> Term:
    """LV, as the kernel writes it."""
    gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
    spread = (HALF * a * trprod(hessian, k) for a, k in entry["diffusion"])
    return plus(*(a * dot(gradient, v) for a, v in entry["drift"]), *spread)


def _diffusion(script: Script, name: str, known: list[str]) -> Diffusion:
    """The process behind a potential; `known` begins with the proofs that the coefficients of the covariance are >= 0."""
    terms = script.terms
    entry, vector = terms.context.potentials[name], terms.vector
    gradient, hessian = ("v", entry["gradient"]), ("m", entry["hessian"])
    h = vector(hessian)
    b, b_equal, b_total = drift_of(script, gradient, entry["drift"])
    m, m_equal, m_total, m_psd = "0", f"(trprod__0 coords {h})", ZERO, "psd__0"
    for n, (coefficient, k) in reversed(list(enumerate(entry["diffusion"]))):
        a, form = script.show(coefficient), trprod(hessian, k)
        m_equal = (
            f"(noise__lin coords {a} _ _ {h} {vector(k)} (fun i j => {m}) {written_equal(script, form)} {m_equal})"
        )
        m_psd = f"(psd__lin {a} {vector(k)} (fun i j => {m}) {known[n]} {positive_semidefinite(script, k)} {m_psd})"
        m, m_total = f"({a} * {vector(k)} i j + {m})", coefficient * form + m_total
    total = b_total + HALF * m_total
    equal = f"(cong__add {b_equal} (cong__mul (same__ {script.show(HALF)}) {m_equal}))"
    facts = _facts(script, name, f"(fun w t j => {b})", f"(fun w t i j => {m})")
    return Diffusion(facts, abstracted("wt", m_psd), f"(trans__ {equal} {script.identity(total, _generator(entry))})")


def drift_of(script: Script, gradient: Any, combination: Any) -> tuple[str, str, Term]:
    """b = sum of a_n v_n, its coordinate j; a proof of gradient'b = sum of a_n gradient'v_n, w and t being bound; and that sum."""
    vector, g = script.terms.vector, script.terms.vector(gradient)
    b, equal, total = "0", f"(drift__0 coords {g})", ZERO
    for coefficient, v in reversed(combination):
        a, form = script.show(coefficient), dot(gradient, v)
        equal = f"(drift__lin coords {a} _ _ {g} {vector(v)} (fun j => {b}) {written_equal(script, form)} {equal})"
        b, total = f"({a} * {vector(v)} j + {b})", coefficient * form + total
    return b, equal, total


def _facts(script: Script, name: str, drift: str, covariance: str) -> str:
    """Premises: Ito for dX = b dt + L dW with L L' = A, and that the potential is a function of X with its derivatives."""
    names, entry = script.terms.identifiers, script.terms.context.potentials[name]
    horizon = script.horizon_is_positive()
    state, first, value, slope, second = (f"{part}__{name}" for part in ("state", "first", "value", "slope", "second"))
    real = "(J -> R)"
    script.variables_once(
        f"Variables ({state} : W -> Time -> J -> R) ({first} : J -> R) ({value} : {real} -> R) ({slope} : {real} -> J -> R)"
        f" ({second} : {real} -> J -> J -> R)."
    )
    means = "integrable E integrable_t Int"
    ito = script.fact(
        f"ito__ coords {horizon} {means} {state} {drift} {covariance} {first}",
        f"Ito's formula as an inequality (weak existence, localisation, Fatou), for all C^2 functions bounded below of {state},"
        f" dX = b dt + L dW with L L' = A, b = {drift[1:-1]}, A = {covariance[1:-1]}",
    )
    objects = " ".join(names[entry[part]] for part in ("gradient", "hessian", "end", "start"))
    potential = script.declared(
        f"potential__ coords {horizon} {state} {first} {value} {slope} {second} {names[name]} {objects}",
        f"{names[name]} is a C^2 function of {state} with this gradient and Hessian, {names[entry['end']]} its value at the horizon"
        f" and {names[entry['start']]} its value at 0",
    )
    return f"coords {horizon} {ito} {potential}"


def primitive(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """I(u) = P(T) - P(0), P' = u: the symbol of kind clock is the time itself."""
    d, terms = step.data, script.terms
    clock, whole, integrand = d["time"], d["primitive"], d["integrand"]
    kernel = Kernel(terms.context)
    kernel.primitive(
        clock, whole, integrand, [kernel.assume(r) for r, _ in given]
    )  # raises what its side conditions say
    [((atom, _),)] = terms.polynomial(x(clock))

    def text(t: Term) -> str:
        return terms.show(t, lambda a: "x__" if a == atom else terms.atom_text(a), as_written=True)

    def shown(*wanted: Relation) -> str:
        """A proof of the first of the relations, as written, at the time t, from a premise that says one of them."""
        keys = [terms.key(r) for r in wanted]
        claim, proof = next(g for g in given if terms.key(g[0]) in keys)
        return as_written(script, wanted[0], script.bridge(claim, proof, wanted[0]))

    def nonzero(t: Term) -> str:
        return shown(Relation(("!=", t, ZERO)), ZERO.lt(t), t.lt(ZERO))

    def positive(t: Term) -> str:
        return shown(ZERO.lt(t))

    def derivative(t: Term) -> tuple[Term, str]:
        slope, proof = derived(text, t, clock, nonzero, positive)
        return slope, proof.replace("y__", script.show(x(clock)))

    slope, proof = derivative(whole)
    same = as_written(script, slope.eq(integrand), script.bridge(*given[0], slope.eq(integrand)))
    functions = f"(fun x__ => {text(whole)}) (fun x__ => {text(integrand)})"
    rises = f"(fun t => d__same (fun x__ => {text(whole)}) {script.show(x(clock))} _ _ {same} {proof})"
    _, smooth = derivative(integrand)
    riemann = script.fact(
        "riemann__ integrable_t Int", "on functions continuous on [0, T] Int is the integral of Riemann"
    )
    proof = (
        f"(fundamental__ {riemann} {script.horizon_is_positive()} {functions} {rises} (fun t => continuous__ {smooth}))"
    )
    first, last = endpoints(whole, clock, str(terms.context.horizon))
    found = under("I", integrand).eq(last - first)
    return found, as_written(script, found, proof, back=True)
