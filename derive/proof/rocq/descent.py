"""The rule descent: the descent lemma over one step, proved for the function and averaged over the step."""

from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.terms import Term, fn, norm, x
from sdescent.derive.proof.rocq.as_written import written_equal
from sdescent.derive.proof.rocq.gronwall import CONDITIONAL, assumed, conditional_mean, drift_of, moving
from sdescent.derive.proof.rocq.notation import ZERO
from sdescent.derive.proof.rocq.script import Proved, RocqStep, Script


def descent(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """The descent lemma, proved for the function and averaged over the step."""
    terms, kernel, name = script.terms, Kernel(script.terms.context), step.data["potential"]
    entry = terms.context.potentials[name]
    t0, t1, square, c = (terms.normal(t) for t in (*entry["smoothness"], entry["square"], step.data["reach"]))
    radius = None if entry["radius"] is None else terms.normal(entry["radius"])
    needs = [] if radius is None else [ZERO.le(t1), (t1 * radius).le(c)]
    proofs = [script.bridge(*g, r) for g, r in zip(premises, needs, strict=True)]
    kernel.descent(name, step.data["reach"], assumed(script, kernel, needs))  # raises if a side condition fails
    gradient = ("v", entry["gradient"])
    mean, equal, slope = drift_of(script, gradient, entry["mean"])
    start = f"{conditional_mean(script)} {moving(script, name)} {_stepping(script, name, mean, (t0, t1, square))}"
    if radius is None:
        proof = f"(descent__everywhere coords {start} w t {script.show(c)} (same__ 0) (same__ 0))"
    else:
        bound = _within(script, name, radius)
        proof = f"(descent__rule coords {start} (fun w t => {script.show(radius)}) w t {script.show(c)} {bound} {' '.join(proofs)})"
    bend = (t0 + t1 * norm(gradient)) * square * fn("psi", c)
    claim = x(entry["change"]).le(slope + bend)
    return claim, f"(between__le {proof} (same__ _) (cong__add {equal} {written_equal(script, bend)}))"


def _stepping(script: Script, name: str, mean: str, terms: tuple[Term, Term, Term]) -> str:
    """The premise that the potential is a C^2 function of a point that moves by this step."""
    gradient = script.terms.identifiers[script.terms.context.potentials[name]["gradient"]]
    point, value, slope, second = (f"{part}__{name}" for part in ("point", "value", "slope", "second"))
    script.variables_once(
        f"Variables ({point} : nat -> W -> J -> R) ({value} : (J -> R) -> R) ({slope} : (J -> R) -> J -> R)"
        f" ({second} : (J -> R) -> J -> J -> R)."
    )
    t0, t1, square = (script.show(t) for t in terms)
    function = f"{point} {value} {slope} {second} path__{name} {gradient} {t0} {t1}"
    return script.declared(
        f"stepping__ coords {CONDITIONAL} {function} (fun w t j => {mean}) (fun w t => {square})",
        f"path__{name} n = {value} ({point} n), C^2 with |hess| at most t0 + t1 |grad| everywhere, t0 = {t0}, t1 = {t1},"
        f" {gradient} its gradient there, and D = {point} (n + 1) - {point} n has E(D | F_n) = {mean} and E(|D|^2 | F_n) at most"
        f" {square}",
    )


def _within(script: Script, name: str, radius: Term) -> str:
    """The premise that bounds the length of the step by the radius."""
    text = script.show(radius)
    return script.declared(
        f"radius__ coords {CONDITIONAL} point__{name} (fun w t => {text})",
        f"|point__{name} (n + 1) - point__{name} n| is at most {text} almost surely, given what is known at n",
    )
