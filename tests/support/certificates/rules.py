"""Hand-written proof certificates, at least one for every rule of derive/proof/FORMAT.md, and a reader of terms in infix."""

import ast
import copy
import re
from typing import Any

VECTORS, MATRICES = ("g", "u", "v"), {"H": ["symmetric"], "A": ["psd"], "K": ["psd"], "N": []}
FUNCTIONS = ("sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi")
OPS = {ast.LtE: "<=", ast.Lt: "<", ast.Eq: "==", ast.NotEq: "!="}
KINDS = {**dict.fromkeys(("a", "b", "c", "k", "d", "T", "V0", "n"), "const"), "t": "clock", "eta": "time"}
KINDS |= {**dict.fromkeys(("X", "Y", "V"), "random"), "VT": "rv", "xj": "coord", "yj": "coord", "sj": "detcoord"}
KINDS |= {"qk": "client", "pk": "client", "wk": "detclient"}


def t(text: str) -> Any:
    """A term or relation: t("E(X**2) <= 3/4*a"); names g u v are vectors, H A K N matrices, F and G declared functions."""
    return _term(ast.parse(text, mode="eval").body)


def _term(node: ast.expr) -> Any:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return [OPS[type(op)], _term(left), _term(right)]
        case ast.Constant(value=value):
            return ["q", str(value)]
        case ast.Name(id=name):
            if name == "pi":
                return ["pi"]
            return ["v" if name in VECTORS else "m" if name in MATRICES else "x", name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
            return ["q", f"-{value}"]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return ["*", ["q", "-1"], _term(inner)]
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=value)):
            return ["^", _term(left), value]
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return ["+", _term(left), ["*", ["q", "-1"], _term(right)]]
        case ast.BinOp(left=left, op=op, right=right):
            return [{ast.Add: "+", ast.Mult: "*", ast.Div: "/"}[type(op)], _term(left), _term(right)]
        case ast.Call(func=ast.Name(id=name), args=args):
            if name == "xi":
                return ["xi", _term(args[0])[1]]
            if name in FUNCTIONS or name in ("F", "G"):
                return ["f" if name in FUNCTIONS else "F", name, _term(args[0])]
            return [name, *(_term(arg) for arg in args)]
    raise ValueError(ast.dump(node))


DYNAMICS = {"drift": [[t("-eta"), ["v", "g"]]], "diffusion": [[t("eta**2"), ["m", "A"]]]}
POTENTIAL: dict[str, Any] = {"gradient": "g", "hessian": "H", "end": "VT", "start": "V0", "smooth": True} | DYNAMICS


def context() -> dict[str, Any]:
    return {
        "symbols": dict(KINDS),
        "vectors": list(VECTORS),
        "matrices": copy.deepcopy(MATRICES),
        "functions": {
            "F": {"odd": True, "nondecreasing": True, "concave_right": True, "bounded": t("b"), "slope": t("2*c")},
            "G": {},
        },
        "horizon": "T",
        "dimension": "d",
        "clients": "n",
        "potentials": {"V": copy.deepcopy(POTENTIAL)},
    }


def step(rule: str, premises: list[int], data: dict[str, Any], claim: str) -> dict[str, Any]:
    return {"rule": rule, "premises": premises, "data": data, "claim": t(claim)}


def assume(claim: str) -> dict[str, Any]:
    return step("assume", [], {}, claim)


def certify(
    premises: list[int], claim: str, total: list | None = None, mult: list | None = None, equal: list | None = None
) -> dict:
    one = [["1", [], []]]
    return step("certify", premises, {"mult": mult or one, "sum": total or [], "equalities": equal or []}, claim)


def law(name: str, args: list[str], claim: str, premises: list[int] | None = None) -> dict[str, Any]:
    return step("function", premises or [], {"law": name, "args": [t(arg) for arg in args]}, claim)


def declared(prop: str, args: list[str], claim: str, premises: list[int] | None = None) -> dict[str, Any]:
    return step(
        "declared", premises or [], {"function": "F", "property": prop, "args": [t(arg) for arg in args]}, claim
    )


def ball(
    term: str, claim: str, proof: list, at: str, low: str | None = None, high: str | None = None, premises: Any = (),
    domain: Any = (),
) -> dict[str, Any]:  # fmt: skip
    strict = t(claim)[0] == "<"
    data = {"variable": "z", "term": t(term), "strict": strict, "low": low, "high": high, "proof": proof, "at": t(at)}
    return step("ball", list(premises), data | {"domain": list(domain)}, claim)


def certificate(
    *steps: dict[str, Any],
    axioms: tuple[str, ...] = (),
    definitions: tuple[str, ...] = (),
    assumptions: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """The last step is the claim; the assumptions are what is assumed and not a definition, unless they are given."""
    defined = [t(text) for text in definitions]
    assumed = (
        [s["claim"] for s in steps if s["rule"] == "assume"]
        if assumptions is None
        else [t(text) for text in assumptions]
    )
    statement = {
        "assumptions": [raw for k, raw in enumerate(assumed) if raw not in defined and raw not in assumed[:k]],
        "axioms": list(axioms),
        "claim": steps[-1]["claim"],
        "definitions": defined,
    }
    steps_list = copy.deepcopy(list(steps))
    return {
        "format": "sdescent-certificate-1",
        "title": "by hand",
        "context": context(),
        "statement": copy.deepcopy(statement),
        "steps": steps_list,
    }


def ball_certificate(
    term: str, strict: bool, proof: Any, low: str | None = None, high: str | None = None, domain: Any = (), name: str = "a",
    order: str = "<=",
) -> dict[str, Any]:  # fmt: skip
    """0 <= term(z), or 0 < term(z), at z = name, which is assumed to be in the interval: low <= name (or <, by `order`)."""
    bounds = [assume(f"{low} {order} {name}")] if low is not None else []
    bounds += [assume(f"{name} <= {high}")] if high is not None else []
    claim = f"0 {'<' if strict else '<='} " + re.sub(r"\bz\b", f"({name})", term)
    return certificate(*bounds, ball(term, claim, proof, name, low, high, [*range(len(bounds))], domain))


ALL_AXIOMS = ("integrability", "weak-existence", "localisation", "fatou")

CERTIFICATES: dict[str, dict[str, Any]] = {
    "assume": certificate(assume("a <= 1")),
    "certify squares": certificate(certify([], "2*a*b <= a**2 + b**2", [["1", [], [t("a - b")]]])),
    "certify premises": certificate(
        assume("0 <= a"), assume("a <= b"), certify([0, 1], "a**2 <= b**2", [["1", [1, 1], []], ["2", [0, 1], []]])
    ),
    "certify multiplier": certificate(
        assume("0 < a"), assume("0 < a*X"), certify([0, 1], "0 < X", [["1", [1], []]], mult=[["1", [0], []]])
    ),
    "certify equality": certificate(assume("X == Y"), certify([0], "X**2 == Y**2", equal=[[0, t("X + Y")]])),
    "definition": certificate(
        assume("a == 2*b + 1"),
        assume("0 <= b"),
        certify([0, 1], "1 <= a", [["2", [1], []]], equal=[[0, t("-1")]]),
        definitions=("a == 2*b + 1",),
    ),
    "inverse": certificate(
        assume("0 < a"),
        step("inverse", [0], {"of": t("a")}, "a*(1/a) == 1"),
        certify([0, 1], "0 <= 1/a", [["1", [0], [t("1/a")]]], equal=[[1, t("1/a")]]),
    ),
    "inverse !=": certificate(assume("a + b != 0"), step("inverse", [0], {"of": t("a + b")}, "(a + b)/(a + b) == 1")),
    "abs": certificate(
        law("abs_square", ["a"], "abs(a)**2 == a**2"),
        law("abs_nonneg", ["a"], "0 <= abs(a)"),
        certify([0, 1], "0 <= a**2 + abs(a)", [["1", [1], []], ["1", [], [t("a")]]]),
    ),
    "abs by sign": certificate(
        assume("0 <= X"),
        law("abs_of_positive", ["X"], "abs(X) == X", [0]),
        law("sqrt_of_square", ["X"], "sqrt(X**2) == X", [0]),
        certify([1, 2], "sqrt(X**2) == abs(X)", equal=[[0, t("-1")], [1, t("1")]]),
    ),
    "abs by the other sign": certificate(
        assume("X <= a"), law("abs_of_negative", ["X - a"], "abs(X - a) == a - X", [0])
    ),
    "sqrt": certificate(
        assume("0 <= a"),
        law("sqrt_nonneg", ["a"], "0 <= sqrt(a)"),
        law("sqrt_square", ["a"], "sqrt(a)**2 == a", [0]),
        certify([1, 2], "0 <= a*sqrt(a)", [["1", [0], [t("sqrt(a)")]]], equal=[[1, t("sqrt(a)")]]),
    ),
    "exp": certificate(
        law("exp_positive", ["X"], "0 < exp(X)"),
        law("exp_add", ["X", "-X"], "exp(X)*exp(-X) == 1"),
        certify([0, 1], "0 < exp(X) + exp(X)*exp(-X)", [["1", [0], []], ["1", [], []]], equal=[[1, t("-1")]]),
    ),
    "log": certificate(
        assume("0 < a"),
        assume("0 < b"),
        law("log_mul", ["a", "b"], "log(a*b) == log(a) + log(b)", [0, 1]),
        law("exp_log", ["a"], "exp(log(a)) == a", [0]),
        law("log_exp", ["b"], "log(exp(b)) == b"),
        certify(
            [2, 3, 4],
            "log(a*b) + exp(log(a)) + log(exp(b)) == log(a) + log(b) + a + b",
            equal=[[n, t("1")] for n in range(3)],
        ),
    ),
    "monotone functions": certificate(
        assume("0 < a"),
        assume("a < b"),
        law("monotone:exp", ["a", "b"], "exp(a) < exp(b)", [1]),
        law("monotone:log", ["a", "b"], "log(a) < log(b)", [0, 1]),
        law("monotone:sqrt", ["a", "b"], "sqrt(a) < sqrt(b)", [0, 1]),
        law("monotone:tanh", ["a", "b"], "tanh(a) < tanh(b)", [1]),
        law("monotone:atan", ["a", "b"], "atan(a) < atan(b)", [1]),
        law("monotone:erf", ["a", "b"], "erf(a) < erf(b)", [1]),
        certify(
            [*range(2, 8)],
            "exp(a) + log(a) + sqrt(a) + tanh(a) + atan(a) + erf(a) < exp(b) + log(b) + sqrt(b) + tanh(b) + atan(b) + erf(b)",
            [["1", [n], []] for n in range(6)],
        ),
    ),
    "declared": certificate(
        assume("0 <= X"),
        declared("slope", ["X"], "F(X) <= 2*c*X", [0]),
        declared("odd", ["X"], "F(-X) == -F(X)"),
        declared("bounded", ["Y"], "F(Y) <= b"),
        declared("bounded_below", ["X"], "-b <= F(X)"),
        certify(
            [1, 2, 3, 4],
            "F(Y) - F(-X) - F(X) <= 2*b + 2*c*X",
            [["1", [n], []] for n in (0, 2, 3)],
            equal=[[1, t("-1")]],
        ),
    ),
    "declared order": certificate(assume("X <= Y"), declared("nondecreasing", ["X", "Y"], "F(X) <= F(Y)", [0])),
    "declared concave": certificate(
        assume("0 <= X"),
        assume("0 <= Y"),
        assume("0 <= a"),
        assume("a <= 1"),
        declared("concave_right", ["X", "Y", "a"], "a*F(X) + (1 - a)*F(Y) <= F(a*X + (1 - a)*Y)", [0, 1, 2, 3]),
    ),
    "nonnegative": certificate(
        *(
            step("nonnegative", [], {"of": t(of)}, f"0 <= {of}")
            for of in ("norm(Mv(N, v))", "opnorm(N)", "tr(A)", "quad(A, v)", "trprod(A, K)")
        ),
        certify(
            [0, 1, 2, 3, 4],
            "0 <= norm(Mv(N, v)) + opnorm(N) + tr(A) + quad(A, v) + trprod(K, A)",
            [["1", [n], []] for n in range(5)],
        ),
    ),
    "quad_bound": certificate(
        step("quad_bound", [], {"matrix": "H", "vector": "v", "sign": -1}, "-dot(v, Mv(H, v)) <= opnorm(H)*dot(v, v)"),
    ),
    "trace_bound": certificate(
        step("trace_bound", [], {"matrix": "H", "psd": "A", "sign": 1}, "trprod(A, H) <= opnorm(H)*tr(A)")
    ),
    "cauchy_schwarz": certificate(step("cauchy_schwarz", [], {"u": "u", "v": "v"}, "dot(v, u) <= norm(u)*norm(v)")),
    "squared_norm": certificate(
        step(
            "squared_norm",
            [],
            {"parts": [[t("b"), "u"], [t("-1/a"), "v"]]},
            "0 <= b**2*norm(u)**2 - 2*b/a*dot(u, v) + norm(v)**2/a**2",
        )
    ),
    "squared_norm of several vectors": certificate(
        step(
            "squared_norm",
            [],
            {"parts": [[t("1/(a + b)"), "u"], [t("X/c - 1/2"), "v"], [t("-eta"), "g"], [t("1/a"), "u"], [t("0"), "v"]]},
            "0 <= (1/(a + b) + 1/a)**2*norm(u)**2 + (X/c - 1/2)**2*norm(v)**2 + eta**2*norm(g)**2"
            " + 2*(1/(a + b) + 1/a)*(X/c - 1/2)*dot(v, u) - 2*eta*(1/(a + b) + 1/a)*dot(g, u) + eta*(1 - 2*X/c)*dot(v, g)",
        )
    ),
    "absurd": certificate(assume("a < a"), step("absurd", [0], {}, "b == 3")),
}
