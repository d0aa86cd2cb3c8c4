"""Properties of declared functions, vectors and matrices: each declaration is a premise, and its consequences are proved."""

from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.terms import Relation, Term, declared, dot, norm
from sdescent.derive.proof.rocq.as_written import as_written, positive_semidefinite
from sdescent.derive.proof.rocq.notation import UNIT, ZERO, ExportError, number
from sdescent.derive.proof.rocq.script import Proved, RocqStep, Script


def geometric(script: Script, step: RocqStep, _premises: list[Proved]) -> Proved:
    """The sign or bound of a norm, a trace or a quadratic form, for all w and t."""
    d, kernel, vector = step.data, Kernel(script.terms.context), script.terms.vector
    if step.rule == "nonnegative":
        head, *parts = d["of"]
        claim = kernel.nonnegative(d["of"]).claim
        flagged = [part for part in parts if part[0] == "m" and head != "opnorm"]
        arguments = [*(vector(part) for part in parts), *(positive_semidefinite(script, m) for m in flagged)]
        proof = f"({head}__pos coords {' '.join(arguments)})"
    elif step.rule == "cauchy_schwarz":
        u, v = (("v", d[k]) if isinstance(d[k], str) else d[k] for k in ("u", "v"))
        claim = dot(u, v).le(norm(u) * norm(v))
        kernel.context.check_relation(claim)
        proof = f"(cauchy__ coords {vector(u)} {vector(v)})"
    else:
        form, other = ("quad", "vector") if step.rule == "quad_bound" else ("trprod", "psd")
        objects = ("m", _name(d["matrix"])), ("v" if form == "quad" else "m", _name(d[other]))
        rule = kernel.quad_bound if form == "quad" else kernel.trace_bound
        claim = rule(objects[0][1], objects[1][1], d["sign"]).claim
        flags = "" if form == "quad" else f"{positive_semidefinite(script, objects[1])} "
        side = "(or_introl eq_refl)" if d["sign"] == 1 else "(or_intror eq_refl)"
        lemma = "quad__bound" if form == "quad" else "trace__bound"
        sign = number(Fraction(d["sign"]))
        proof = f"({lemma} coords {sign} {vector(objects[0])} {vector(objects[1])} {flags}{side})"
    return claim, as_written(script, claim, proof, back=True)


def _name(raw: Any) -> str:
    """The name of a vector or a matrix, which is given either directly or as the object that occurs in terms."""
    return raw if isinstance(raw, str) else raw[1]


def property_of_function(script: Script, step: RocqStep, premises: list[Proved]) -> Proved:
    """An instance of a declared property, proved from the premise that the property holds for all arguments."""
    context, terms, show = script.terms.context, script.terms, script.show
    name, prop = step.data["function"], step.data["property"]
    args = [terms.normal(t) for t in step.data["args"]]
    f = terms.identifiers[name]
    value = context.functions[name].get("bounded" if prop == "bounded_below" else prop)
    if value is None:
        raise ExportError(f"{name} is not declared {prop}"[:80])

    def of(t: Term) -> Term:
        return declared(name, t)

    def sides(*needs: Relation) -> str:
        return " ".join(script.bridge(*g, w) for g, w in zip(premises, needs, strict=True))

    words = f"{name} is {prop.replace('_', ' ')}"
    match prop:
        case "odd":
            u = terms.normal(-args[0])
            fact = script.declared(f"forall x__, {f} (- x__) = - {f} x__", words)
            proof = (
                f"(is__odd {f} {fact} {show(args[0])} {show(u)} (trans__ {script.identity(u, -args[0])} (minus__ _)))"
            )
            return of(u).eq(-of(args[0])), f"(trans__ {proof} (sym__ (minus__ _)))"
        case "bounded" | "bounded_below":
            fact = script.declared(f"forall x__, Rabs ({f} x__) <= {show(value)}", f"{name} is bounded")
            if prop == "bounded":
                return of(args[0]).le(value), f"(above__ _ _ ({fact} {show(args[0])}))"
            return (-value).le(of(args[0])), f"(under__abs _ _ ({fact} {show(args[0])}))"
        case "nondecreasing":
            fact = script.declared(f"forall x__ y__, x__ <= y__ -> {f} x__ <= {f} y__", words)
            s, t = args
            return of(s).le(of(t)), f"({fact} {show(s)} {show(t)} {sides(s.le(t))})"
        case "slope":
            fact = script.declared(f"forall x__, 0 <= x__ -> {f} x__ <= {show(value)} * x__", words)
            return of(args[0]).le(value * args[0]), f"({fact} {show(args[0])} {sides(ZERO.le(args[0]))})"
        case "concave_right":
            s, t, a = args
            fact = script.declared(f"concave__ {f}", words)
            mean = a * s + (1 - a) * t
            u = terms.normal(mean)
            order = sides(ZERO.le(s), ZERO.le(t), ZERO.le(a), a.le(UNIT))
            texts = " ".join(show(p) for p in (s, t, a, u))
            claim = (a * of(s) + (1 - a) * of(t)).le(of(u))
            return claim, f"(is__concave {f} {fact} {texts} {script.identity(u, mean)} {order})"
    raise ExportError(f"there is no property {prop!r}"[:80])
