"""Rules whose facts Rocq is not asked to prove: analysis of vectors, matrices, expectations and integrals. They are premises."""

from __future__ import annotations

from typing import Any

from derive.proof.rocq.calculus import derivative, replaced, singular
from derive.proof.rocq.script import (
    VARIABLES,
    ZERO,
    Given,
    RocqStep,
    Script,
    abstracted,
    applied,
    const,
    of_poly,
    quantified,
    relation,
)
from derive.proof.rocq.terms import BINDS, ExportError, Poly, Relation, Term

SORTS = {"S": "coords", "Si": "coords", "C": "clients"}


def geometric(script: Script, step: RocqStep) -> Given:
    """Signs and bounds of norms, traces and quadratic forms, for every w and t."""
    d, context = step.data, script.terms.context
    match step.rule:
        case "nonnegative":
            term = d["of"]
            head, *args = term
            allowed = {
                "norm": True,
                "opnorm": True,
                "tr": head == "tr" and context.psd(script.terms.matrix(args[0])),
                "quad": head == "quad" and context.psd(script.terms.matrix(args[0])),
                "trprod": head == "trprod" and all(context.psd(script.terms.matrix(m)) for m in args),
            }
            if not allowed.get(head):
                raise ExportError(f"step {step.number}: no such term is nonnegative by nature")
            found: Relation = ("<=", ZERO, term)
        case "quad_bound":
            matrix, vector, sign = _matrix(d["matrix"]), _vector(d["vector"]), const(_sign(d["sign"]))
            if not context.symmetric(script.terms.matrix(matrix)):
                raise ExportError(f"step {step.number}: the matrix is not symmetric")
            found = ("<=", ["*", sign, ["quad", matrix, vector]], ["*", ["opnorm", matrix], ["^", ["norm", vector], 2]])
        case "trace_bound":
            matrix, psd, sign = _matrix(d["matrix"]), _matrix(d["psd"]), const(_sign(d["sign"]))
            if not context.symmetric(script.terms.matrix(matrix)) or not context.psd(script.terms.matrix(psd)):
                raise ExportError(f"step {step.number}: the matrices are not symmetric and psd")
            found = ("<=", ["*", sign, ["trprod", matrix, psd]], ["*", ["opnorm", matrix], ["tr", psd]])
        case _:
            u, v = _vector(d["u"]), _vector(d["v"])
            found = ("<=", ["dot", u, v], ["*", ["norm", u], ["norm", v]])
    text = script.closed(found)
    return found, applied(script.fact(text, f"step {step.number}, {step.rule}: {text}"), script.deps(found))


def _matrix(raw: Any) -> Term:
    return ["m", raw] if isinstance(raw, str) else raw


def _vector(raw: Any) -> Term:
    return ["v", raw] if isinstance(raw, str) else raw


def _sign(raw: Any) -> int:
    if raw not in (1, -1):
        raise ExportError("a sign is 1 or -1")
    return raw


def declared(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """The property that the context declares, for all arguments, as a premise; its instance from that."""
    context = script.terms.context

    def poly(t: Term) -> Term:
        return of_poly(script.terms.normal(t))

    name, prop = step.data["function"], step.data["property"]
    args = [poly(t) for t in step.data["args"]]
    f, show = context.identifiers[name], script.show
    value = context.functions[name].get("bounded" if prop == "bounded_below" else prop)
    if value is None or value is False:
        raise ExportError(f"{name} is not declared {prop}"[:80])

    def of(t: Term) -> Term:
        return ["F", name, t]

    def sides(*wanted: Relation) -> str:
        return " ".join(script.bridge(*g, w) for g, w in zip(given, wanted, strict=True))

    words = f"{name} is {prop.replace('_', ' ')} (declared)"
    match prop:
        case "odd":
            u = poly(["*", ["q", "-1"], args[0]])
            fact = script.fact(f"forall x__, {f} (- x__) = - {f} x__", words)
            minus = ["*", ["q", "-1"], args[0]]
            proof = f"(is__odd {f} {fact} {show(args[0])} {show(u)} (trans__ {script.identity(u, minus)} (minus__ _)))"
            return ("==", of(u), ["*", ["q", "-1"], of(args[0])]), f"(trans__ {proof} (sym__ (minus__ _)))"
        case "bounded" | "bounded_below":
            fact = script.fact(f"forall x__, Rabs ({f} x__) <= {show(value)}", f"{name} is bounded (declared)")
            if prop == "bounded":
                return ("<=", of(args[0]), value), f"(above__ _ _ ({fact} {show(args[0])}))"
            found = ("<=", ["*", ["q", "-1"], value], of(args[0]))
            return found, f"(under__abs _ _ ({fact} {show(args[0])}))"
        case "nondecreasing":
            fact = script.fact(f"forall x__ y__, x__ <= y__ -> {f} x__ <= {f} y__", words)
            s, t = args
            return ("<=", of(s), of(t)), f"({fact} {show(s)} {show(t)} {sides(('<=', s, t))})"
        case "slope":
            fact = script.fact(f"forall x__, 0 <= x__ -> {f} x__ <= {show(value)} * x__", words)
            return ("<=", of(args[0]), ["*", value, args[0]]), f"({fact} {show(args[0])} {sides(('<=', ZERO, args[0]))})"
        case "concave_right":
            s, t, a = args
            fact = script.fact(f"concave__ {f}", words)
            rest = ["+", ["q", "1"], ["*", ["q", "-1"], a]]
            mean = ["+", ["*", a, s], ["*", rest, t]]
            u = poly(mean)
            order = sides(("<=", ZERO, s), ("<=", ZERO, t), ("<=", ZERO, a), ("<=", a, ["q", "1"]))
            texts = " ".join(show(x) for x in (s, t, a, u))
            found = ("<=", ["+", ["*", a, of(s)], ["*", rest, of(t)]], of(u))
            return found, f"(is__concave {f} {fact} {texts} {script.identity(u, mean)} {order})"
    raise ExportError(f"no such property: {prop!r}"[:80])


def monotone(script: Script, step: RocqStep, given: Given) -> Given:
    """op(l) <= op(r) from l <= r everywhere: proved for sums over coordinates, a premise for expectations and integrals."""
    (op, low, high), proof = given
    operator: str = step.data["operator"]
    if operator not in BINDS or op not in ("<=", "<", "=="):
        raise ExportError(f"step {step.number}: no such operator")
    weaker: Relation = ("==" if op == "==" else "<=", low, high)
    found: Relation = (weaker[0], [operator, low], [operator, high])
    proof = script.bridge(given[0], proof, weaker)
    bound = BINDS[operator]
    if operator in SORTS:
        sort = SORTS[operator]
        left, right = _sum(script, operator, low), _sum(script, operator, high)
        functions = " ".join(f"(fun {bound} => {script.show(t)})" for t in (low, high))
        between = f"(sum__{'eq' if op == '==' else 'le'} {sort} {functions} {abstracted(bound, proof)})"
        return found, f"(between__{'eq' if op == '==' else 'le'} {between} {left} {right})"
    inner, outer = script.deps(weaker), script.deps(found)
    outer = "".join(v for v in VARIABLES if v in outer or (v in inner and v not in bound))
    statement = quantified(outer, f"{quantified(bound, script.relation(weaker))} -> {script.relation(found)}")
    words = f"step {step.number}, monotone {operator} (integrability): {statement}"
    return found, f"({applied(script.fact(statement, words), outer)} {abstracted(bound, proof)})"


def _sum(script: Script, operator: str, term: Term) -> str:
    """A proof of Sum (fun j => term) = N(S(term)), member by member."""
    terms, v, sort = script.terms, BINDS[operator], SORTS[operator]
    rest, under, proof = ZERO, ZERO, f"(sum__0 {sort})"
    for m, c in reversed(terms.normal(term).items()):
        outer, inner = terms.parted(operator, m)
        a, f = of_poly(Poly({outer: c})), of_poly(Poly({inner: type(c)(1)}))
        value: Term = [operator, f]
        if inner:
            proof = f"(sum__lin {sort} {script.show(a)} (fun {v} => {script.show(f)}) (fun {v} => {script.show(rest)}) _ {proof})"
        else:
            size = script.show(value)
            fact = script.size_of(sort, size)
            proof = f"(sum__const {sort} {script.show(a)} {size} (fun {v} => {script.show(rest)}) _ {fact} {proof})"
        rest, under = ["+", ["*", a, f], rest], ["+", ["*", a, value], under]
    functions = f"(fun {v} => {script.show(term)}) (fun {v} => {script.show(rest)})"
    split = f"(sum__eq {sort} {functions} (fun {v} => {script.identity(term, rest)}))"
    return f"(trans__ {split} (trans__ {proof} {script.identity(under, [operator, term])}))"


def component(script: Script, step: RocqStep, given: Given) -> Given:
    """r - l <= Sum (r - l): one of what is >= 0 everywhere."""
    (op, low, high), proof = given
    operator: str = step.data["operator"]
    if operator not in ("S", "C") or op not in ("<=", "<"):
        raise ExportError(f"step {step.number}: a component is of a sum of what is >= 0")
    slack: Term = ["+", high, ["*", ["q", "-1"], low]]
    v, sort = BINDS[operator], SORTS[operator]
    positive = script.bridge((op, low, high), proof, ("<=", ZERO, slack))
    listed = script.fact(f"forall {v} : {VARIABLES[v]}, In {v} {sort}", f"{sort} lists every one")
    function = f"(fun {v} => {script.show(slack)})"
    least = f"(sum__one {sort} {function} {abstracted(v, positive)} {v} ({listed} {v}))"
    return ("<=", slack, [operator, slack]), f"(between__le {least} (same__ _) {_sum(script, operator, slack)})"


def ito(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """E(end) - start <= EI(LV), or Grönwall's E(end) <= start exp(-k T) + c/k (1 - exp(-k T)), from their own premises."""
    d, context = step.data, script.terms.context
    name = d["potential"]
    potential = context.potentials.get(name)
    if potential is None or potential.get("smooth") is not True or context.kinds.get(name) != "random":
        raise ExportError(f"step {step.number}: {name} is no smooth potential"[:80])
    gradient, hessian = _vector(potential["gradient"]), _matrix(potential["hessian"])
    if not context.symmetric(script.terms.matrix(hessian)):
        raise ExportError(f"step {step.number}: the Hessian is not symmetric")
    if any(not context.psd(script.terms.matrix(_matrix(m))) for _, m in potential["diffusion"]):
        raise ExportError(f"step {step.number}: a matrix of the diffusion is not psd")
    end, start, v = ["x", potential["end"]], ["x", potential["start"]], ["x", name]
    generator = ["+", ZERO, *(["*", a, ["dot", gradient, _vector(u)]] for a, u in potential["drift"])]
    generator += [["*", ["q", "1/2"], a, ["trprod", hessian, _matrix(m)]] for a, m in potential["diffusion"]]
    wanted: list[Relation] = [("<=", ZERO, a) for a, _ in potential["diffusion"]]
    if len(given) <= len(wanted):
        raise ExportError(f"step {step.number}: premises are missing")
    bound = given[len(wanted)][0]
    low = _below(script, bound, v)
    if script.deps(("<=", low, ZERO)):
        raise ExportError(f"step {step.number}: the lower bound of the potential is not constant")
    wanted.append(("<=", low, v))
    found: Relation = ("<=", ["+", ["E", end], ["*", ["q", "-1"], start]], ["EI", generator])
    if step.rule == "gronwall":
        k, c = d["rate"], d["offset"]
        if script.deps(("<=", k, c)) or context.horizon is None:
            raise ExportError(f"step {step.number}: the rate and the offset are constants, and the horizon has a name")
        wanted.append(("<=", generator, ["+", ["*", ["q", "-1"], k, v], c]))
        wanted.append(("<", ZERO, k))
        decay = ["f", "exp", ["*", ["q", "-1"], k, ["x", context.horizon]]]
        rest = ["*", ["/", c, k], ["+", ["q", "1"], ["*", ["q", "-1"], decay]]]
        found = ("<=", ["E", end], ["+", ["*", start, decay], rest])
    if len(given) != len(wanted):
        raise ExportError(f"step {step.number}: {len(wanted)} premises are wanted")
    statement = " -> ".join([*(script.closed(r) for r in wanted), script.relation(found)])
    rule = "Ito" if step.rule == "ito" else "Gronwall"
    words = f"step {step.number}, {rule} (weak existence, localisation, Fatou, integrability) for V = {name}: {statement}"
    proofs = [abstracted(script.deps(r), script.bridge(*g, r)) for g, r in zip(given, wanted, strict=True)]
    return found, f"({script.fact(statement, words)} {' '.join(proofs)})"


def _below(script: Script, bound: Relation, v: Term) -> Term:
    """The bound c of c <= V, whatever side its terms stand on: V less the relation's slack."""
    slack = script.terms.difference(bound)
    return of_poly(script.terms.normal(v).plus(slack, type(next(iter(slack.values())))(-1))) if slack else v


def primitive(script: Script, step: RocqStep, given: list[Given]) -> Given:
    """I(u) = P(T) - P(0), P' = u: the symbol of kind clock is the time itself."""
    terms, d = script.terms, step.data
    time, p, u = d["time"], d["primitive"], d["integrand"]
    if terms.context.kinds.get(time) != "clock" or terms.context.horizon is None:
        raise ExportError(f"step {step.number}: {time} is not the time"[:80])
    wanted: list[Relation] = [("==", derivative(p, time), u)]
    keys = {terms.key(r) for r, _ in given}
    for name, q in singular(p, time):
        minus = ["*", ["q", "-1"], q]
        signs: list[Relation] = [("<", ZERO, q)] if name == "log" else [("<", ZERO, q), ("<", ZERO, minus), ("!=", q, ZERO)]
        if not any(terms.key(s) in keys for s in signs):
            raise ExportError(f"step {step.number}: a denominator or an argument of log has no sign")
    wanted += [relation(r) for r, _ in given[1:]]
    ends = [replaced(p, time, t) for t in (["x", terms.context.horizon], ZERO)]
    found: Relation = ("==", ["I", u], ["+", ends[0], ["*", ["q", "-1"], ends[1]]])
    statement = " -> ".join([*(script.closed(r) for r in wanted), script.relation(found)])
    words = f"step {step.number}, primitive, {time} being the time: {statement}"
    proofs = [abstracted(script.deps(r), script.bridge(*g, r)) for g, r in zip(given, wanted, strict=True)]
    return found, f"({script.fact(statement, words)} {' '.join(proofs)})"
