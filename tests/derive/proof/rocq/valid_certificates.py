"""Valid certificates written by hand: every rule of FORMAT.md is in one of them, those about potentials in steps and in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.derive.proof.rocq.drafts import Certificate, Draft, in_one
from tests.derive.proof.rocq.laws import functions, laws_of_psi

VALID: list[Callable[[], Certificate]] = []
SIDES = {"H": ["symmetric"], "S": ["psd"]}


def valid(make: Callable[[], Certificate]) -> Callable[[], Certificate]:
    VALID.append(make)
    return make


@valid
def young() -> Certificate:
    """x y <= x^2/2 + y^2/2."""
    d = Draft("random x; rv y")
    d.certify([], "x*y <= 1/2*x**2 + 1/2*y**2", [["1/2", [], ["x - y"]]])
    return d.done(title='Young *) "quoted" (* nested')


@valid
def below_square() -> Certificate:
    """G <= 1 + G^2 and, strictly, G < 2 + G^2; by 4 (1 + G^2 - G) = (2 G - 1)^2 + 3."""
    d = Draft("random G")
    d.certify([], "G <= 1 + G**2", [["1", [], ["2*G - 1"]], ["3", [], []]], mult=[["4", [], []]])
    d.certify([0], "G < 2 + G**2", [["1", [0], []], ["1", [], []]])
    return d.done()


@valid
def divided() -> Certificate:
    """b/a + a/b >= 2 for a, b > 0: a b (b/a + a/b - 2) = (a - b)^2 + b^2 (a/a - 1) + a^2 (b/b - 1)."""
    d = Draft("const a; random b")
    d.assume("0 < a", "0 < b")
    d.step("inverse", [0], {"of": "a"}, "a*(1/a) == 1")
    d.step("inverse", [1], {"of": "b"}, "1 == 1/b*b")
    by_inverses = [[2, "-b**2"], [3, "a**2"]]
    d.certify([0, 1, 2, 3], "2 <= b/a + a/b", [["1", [], ["a - b"]]], by_inverses, mult=[["1", [0, 1], []]])
    return d.done()


@valid
def inverses() -> Certificate:
    """Inverses of a monomial, of a sum that is scaled, and of a number."""
    d = Draft("const a; random b")
    monomial, total = "3/4*a**2*b", "2*a + 3 + 2*b**2"
    d.assume(f"{monomial} != 0", f"{total} < 0")
    d.certify([], "0 < 2/3", [["2/3", [], []]])
    for n, p in enumerate((monomial, total, "2/3")):
        d.step("inverse", [n], {"of": p}, f"({p})*(1/({p})) == 1")
    whole = f"({monomial})/({monomial}) + ({total})/({total}) + (2/3)/(2/3) == 3"
    d.certify([3, 4, 5], whole, [], [[0, "1"], [1, "1"], [2, "1"]])
    return d.done()


@valid
def all_functions() -> Certificate:
    return in_one(functions())


@valid
def psi() -> Certificate:
    return in_one(laws_of_psi())


@valid
def split() -> Certificate:
    """x abs(x) <= y + x^2 by cases, from x^2 <= y."""
    d = Draft("random x y")
    d.assume("x <= 0", "0 < x", "x**2 <= y")
    claim = "x*abs(x) <= y + x**2"
    d.law("abs_nonneg", ["x"], "0 <= abs(x)")
    # x <= 0: y + x^2 - x |x| = (y - x^2) + 2 x^2 + (-x) |x|
    d.certify([0, 2, 3], claim, [["1", [1], []], ["2", [], ["x"]], ["1", [0, 2], []]])
    d.law("abs_square", ["x"], "abs(x)**2 == x**2")
    # 0 < x: y + x^2 - x |x| = (y - x^2) + (x - |x|)^2 / 2 + (3 x^2 - |x|^2) / 2, and |x|^2 = x^2
    members = [["1", [1], []], ["1/2", [], ["x - abs(x)"]], ["1", [], ["x"]]]
    d.certify([1, 2, 5], claim, members, [[2, "1/2"]])
    d.step("cases", [4, 6], {"split": "x <= 0"}, claim)
    return d.done("x**2 <= y")


@valid
def instantiated() -> Certificate:
    """c/(1 + c^2) <= 1/2 for a constant, then for 2 x - 1; p (1/2 - c/p) = (c - 1)^2 / 2 + c (1 - p/p)."""
    d = Draft("const c; random x")
    d.certify([], "0 < 1 + c**2", [["1", [], []], ["1", [], ["c"]]])
    d.step("inverse", [0], {"of": "1 + c**2"}, "(1 + c**2)*(1/(1 + c**2)) == 1")
    d.certify([0, 1], "c/(1 + c**2) <= 1/2", [["1/2", [], ["c - 1"]]], [[1, "c"]], mult=[["1", [0], []]])
    d.step("instantiate", [2], {"symbol": "c", "term": "2*x - 1"}, "(2*x - 1)/(1 + (2*x - 1)**2) <= 1/2")
    return d.done()


@valid
def contradicted() -> Certificate:
    """Anything from x <= -1 and 0 <= x."""
    d = Draft("random x")
    d.assume("x <= -1", "0 <= x")
    d.certify([0, 1], "1 <= 0", [["1", [0], []], ["1", [1], []]])
    d.step("absurd", [2], {}, "exp(x) < 0")
    return d.done()


@valid
def drift() -> Certificate:
    """-G^2 + eta/2 (g'Hg + Tr(H S)) <= -G^2 + eta/2 (L0 G^2 + L1 G^3 + (L0 + L1 G) s) for |H| <= L0 + L1 G and Tr S <= s."""
    d = Draft("const eta L0 L1 s", vectors=["g"], matrices=SIDES)
    d.assume("opnorm(H) <= L0 + L1*norm(g)", "tr(S) <= s", "0 < eta")
    d.step("nonnegative", [], {"of": "opnorm(H)"}, "0 <= opnorm(H)")
    data = {"matrix": "H", "vector": "g", "sign": 1}
    d.step("quad_bound", [], data, "quad(H, g) <= opnorm(H)*norm(g)**2")
    d.step("trace_bound", [], {"matrix": "H", "psd": "S", "sign": 1}, "trprod(H, S) <= opnorm(H)*tr(S)")
    d.step("nonnegative", [], {"of": "tr(S)"}, "0 <= tr(S)")
    low = "-dot(g, g) + 1/2*eta*(dot(g, Mv(H, g)) + trprod(S, H))"
    growth = "L0*norm(g)**2 + L1*norm(g)**3 + (L0 + L1*norm(g))*s"
    # (L0 + L1 G) s - |H| Tr S = (L0 + L1 G - |H|) Tr S + (L0 + L1 G - |H|) (s - Tr S) + |H| (s - Tr S)
    members = [["1/2", [2, n], []] for n in (4, 5)] + [["1/2", [2, 0], ["norm(g)"]]]
    members += [["1/2", [2, *pair], []] for pair in ((0, 6), (0, 1), (3, 1))]
    d.certify([*range(7)], f"{low} <= -norm(g)**2 + 1/2*eta*({growth})", members)
    return d.done()


@valid
def cauchy() -> Certificate:
    """2 u'v <= |u|^2 + |v|^2 with v = K w."""
    d = Draft("", vectors=["u", "w"], matrices={"K": ["psd"]})
    data = {"u": ["v", "u"], "v": d.t("Mv(K, w)")}
    d.step("cauchy_schwarz", [], data, "dot(Mv(K, w), u) <= norm(u)*norm(Mv(K, w))")
    claim = "2*dot(u, Mv(K, w)) <= dot(u, u) + dot(Mv(K, w), Mv(K, w))"
    d.certify([0], claim, [["2", [0], []], ["1", [], ["norm(u) - norm(Mv(K, w))"]]])
    return d.done()


@valid
def declared() -> Certificate:
    """Every property of a declared function, whose name is one of the format's too."""
    properties: dict[str, Any] = dict.fromkeys(("odd", "nondecreasing", "concave_right"), True)
    properties |= {"bounded": ["x", "b"], "slope": ["*", ["q", "2"], ["x", "b"]]}
    d = Draft("random s t a; const b", functions={"exp": properties})
    d.assume("0 <= s", "0 <= t", "0 <= a", "a <= 1", "s <= t")
    low, mean = "a*exp(s) + (1 - a)*exp(t)", "a*s + (1 - a)*t"
    for prop, premises, args, claim in (
        ("odd", [], ["s - t"], "exp(t - s) == -exp(s - t)"),
        ("bounded", [], ["s"], "exp(s) <= b"),
        ("bounded_below", [], ["s"], "-b <= exp(s)"),
        ("nondecreasing", [4], ["s", "t"], "exp(s) <= exp(t)"),
        ("slope", [1], ["t"], "exp(t) <= 2*b*t"),
        ("concave_right", [0, 1, 2, 3], ["s", "t", "a"], f"{low} <= exp({mean})"),
        ("bounded", [], [mean], f"exp({mean}) <= b"),
    ):
        d.step("declared", premises, {"function": "exp", "property": prop, "args": args}, claim)
    d.certify([11, 10, 4], f"{low} <= b", [["1", [0], []], ["1", [1], []]])
    return d.done()


def diffusing(drift: list[Any], diffusion: list[Any]) -> Draft:
    """A potential V of a state with this drift and covariance."""
    names = {"gradient": "g", "hessian": "H", "end": "end", "start": "start", "smooth": True}
    potentials = {"V": {**names, "drift": drift, "diffusion": diffusion}}
    symbols = "random V; rv end; const start T k c eta"
    return Draft(symbols, vectors=["g"], matrices=SIDES, horizon="T", potentials=potentials)


MINUS_G = [["q", "-1"], ["v", "g"]]


@valid
def descent() -> Certificate:
    """EI |g|^2 <= start + eta T for dX = -g dt + sqrt(2 eta) L dW with 0 <= V and Tr(H S) <= 1: Ito and a monotone EI."""
    d = diffusing([MINUS_G], [[["*", ["q", "2"], ["x", "eta"]], ["m", "S"]]])
    d.assume("0 <= V", "0 <= eta", "trprod(H, S) <= 1")
    d.certify([1], "0 <= 2*eta", [["2", [0], []]])
    generator = "-norm(g)**2 + eta*trprod(H, S)"
    d.step("ito", [3, 0], {"potential": "V"}, f"E(end) - start <= EI({generator})")
    d.certify([1, 2], f"{generator} <= eta - norm(g)**2", [["1", [0, 1], []]])
    d.step("monotone", [5], {"operator": "EI"}, f"EI({generator}) <= eta*T - EI(norm(g)**2)")
    d.assume("0 <= end")
    d.step("monotone", [7], {"operator": "E"}, "0 <= E(end)")
    d.certify([4, 6, 8], "EI(norm(g)**2) <= start + eta*T", [["1", [n], []] for n in range(3)])
    return d.done()


@valid
def decay() -> Certificate:
    """E V(X_T) <= start exp(-k T) + c/k (1 - exp(-k T)) from LV <= -k V + c, the lower bound being -1."""
    d = diffusing([MINUS_G], [[["q", "1"], ["m", "S"]]])
    d.assume("-1 <= V", "-norm(g)**2 + 1/2*trprod(H, S) <= c - k*V", "0 < k")
    d.certify([], "0 <= 1", [["1", [], []]])
    data = {"potential": "V", "rate": "k", "offset": "c"}
    d.step("gronwall", [3, 0, 1, 2], data, "E(end) <= start*exp(-(k*T)) + c/k*(1 - exp(-(k*T)))")
    return d.done()


@valid
def coordinates() -> Certificate:
    """2 S(a x y) + D <= S(a x^2) + S(a y^2) + D and the same at the other coordinates, for weights a >= 0."""
    d = Draft("detcoord a; coord x y; const D", dimension="D")
    d.assume("0 <= a")
    d.certify([0], "2*a*x*y + 1 <= a*(x**2 + y**2) + 1", [["1", [0], ["x - y"]]])
    d.step("monotone", [1], {"operator": "S"}, "S(2*a*x*y + 1) <= S(a*(x**2 + y**2) + 1)")
    d.assume("0 <= x")
    low, high = "2*x*xi(x)*xi(y)", "x*(xi(x)**2 + xi(y)**2)"
    d.certify([3], f"{low} <= {high}", [["1", [0], ["xi(x) - xi(y)"]]])
    d.step("monotone", [4], {"operator": "Si"}, f"Si({low}) <= Si({high})")
    claim = "2*(S(a*x*y) + x*S(x*y)) <= S(a*x**2) + S(a*y**2) + x*(S(x**2) + S(y**2))"
    d.certify([2, 5], claim, [["1", [0], []], ["1", [1], []]])
    return d.done()


@valid
def equal_parts() -> Certificate:
    """One of D equal parts, of N too: a_i^2 <= D a_i^2, a_i being of the other coordinate, and a_i^2 <= N a_i^2."""
    d = Draft("detcoord a; const D N", dimension="D", clients="N")
    d.certify([], "0 <= xi(a)**2", [["1", [], ["xi(a)"]]])
    d.step("component", [0], {"operator": "S"}, "xi(a)**2 <= D*xi(a)**2")
    d.step("component", [0], {"operator": "C"}, "xi(a)**2 <= N*xi(a)**2")
    d.certify([1, 2], "2*xi(a)**2 <= (D + N)*xi(a)**2", [["1", [0], []], ["1", [1], []]])
    return d.done()


@valid
def scheduled() -> Certificate:
    """I(1/(1 + tau)) = log(1 + T), tau the time."""
    d = Draft("clock tau; const T", horizon="T")
    d.assume("0 <= tau")
    d.certify([0], "0 < 1 + tau", [["1", [], []], ["1", [0], []]])
    d.certify([], "1/(1 + tau) == 1/(1 + tau)*1")
    data = {"time": "tau", "primitive": "log(1 + tau)", "integrand": "1/(1 + tau)"}
    d.step("primitive", [2, 1], data, "I(1/(1 + tau)) == log(1 + T)")
    return d.done()


@valid
def written() -> Certificate:
    """The statement is what is written, whatever its normal form: quotients, powers of them and functions at special values."""
    d = Draft("const a; random x")
    nothing, quarter, root = (
        "(x - x)",
        ["/", ["q", "1"], ["q", "4"]],
        ["/", ["q", "1"], ["/", ["q", "1"], ["q", "2/3"]]],
    )
    values = ["+", quarter, d.t(f"exp{nothing}"), d.t(f"a/{nothing}"), root]
    hypothesis = ["<=", d.t("x/(3/2*a**2*x)"), values]
    fraction = "1/(2*a + 4)"
    log = f"log({fraction}/({fraction}))"
    low = f"6*(x/(9*a**2*x)) - ({fraction})**2/1"
    d.assume(hypothesis, f"exp{nothing} <= a")
    claim = f"{low} <= {log} - {log} + sqrt({nothing} + 1) + abs(-2) - 13/12"
    d.certify([0, 1], claim, [["1", [0], []], ["1", [], [fraction]]])
    return d.done()


@valid
def hostile_names() -> Certificate:
    """Names that mean something else to Rocq, at every kind."""
    words = "exp S I E R fun forall w t j Type h0 a0 ln PI O True Theorem IZR Qed Time J Int Sum coords erf mod at IF cons or"
    names = words.split()
    kinds = ["random", "const", "coord", "time", "rv", "detcoord"]
    d = Draft({name: kinds[n % len(kinds)] for n, name in enumerate(names)}, dimension="S")
    one, total = ["q", "1"], ["+", *(["*", ["q", str(n + 1)], ["x", name]] for n, name in enumerate(names))]
    d.assume(["<", one, total])
    d.certify([0], ["<", ["q", "0"], total], [["1", [0], []], ["1", [], []]])
    d.step("inverse", [1], {"of": total}, ["==", ["*", total, ["/", one, total]], one])
    d.certify([2], ["==", ["/", total, total], one], [], [[0, "1"]])
    return d.done(title='"unclosed (* *) \\ string é')


# Potentials that are known by how they change, in steps and in continuous time

STATE, PATH = "random V rise; rv last; const begin T", {"change": "rise", "end": "last", "start": "begin"}


def stepping(symbols: str, matrices: Any = None, **more: Any) -> Draft:
    """V of a point that steps by -eta g and more on average."""
    potentials = {"V": {**PATH, "gradient": "g", **more}}
    steps = {"horizon": "T", "potentials": potentials, "steps": True, "matrices": matrices or {}}
    return Draft(f"{STATE}; {symbols}", vectors=["g"] if matrices else ["g", "m"], **steps)


def terms(text: str) -> list[Any]:
    """Terms over symbols alone."""
    return [Draft("").t(part) for part in text.split("; ")]


@valid
def descent_() -> Certificate:
    """E V_T - V_0 <= E sum of -eta |g|^2 + 2 g'm + (L0 + L1 |g|) eta^2 B^2 psi(L1 eta B) for steps at most eta B long."""
    down, two, low, growth, square, radius = terms("-eta; 2; L0; L1; (eta*B)**2; eta*B")
    mean = [[down, ["v", "g"]], [two, ["v", "m"]]]
    d = stepping("const eta L0 L1; random B", mean=mean, smoothness=[low, growth], square=square, radius=radius)
    d.assume("0 <= L1", "0 <= V")
    d.certify([], "eta*B*L1 <= L1*(eta*B)")
    change = "-eta*norm(g)**2 + 2*dot(m, g) + (L0 + L1*norm(g))*eta**2*B**2*psi(L1*(eta*B))"
    d.step("descent", [0, 2], {"potential": "V", "reach": "L1*(eta*B)"}, f"rise <= {change}")
    d.step("telescope", [1], {"potentials": [["1", "V"]]}, "E(last) - begin <= EI(rise)")
    d.step("monotone", [3], {"operator": "EI"}, f"EI(rise) <= EI({change})")
    d.certify([4, 5], f"E(last) - begin <= EI({change})", [["1", [0], []], ["1", [1], []]])
    return d.done()


@valid
def unbounded() -> Certificate:
    """V(x + D) <= V(x) + g'D + L/2 |D|^2 on average, for steps of any length whose mean is -eta g + 2 H g."""
    down, two, low, zero, square = terms("-eta; 2; eta/3; 0; s")
    mean = [[down, ["v", "g"]], [two, ["Mv", ["m", "H"], ["v", "g"]]]]
    more = {"mean": mean, "smoothness": [low, zero], "square": square, "radius": None}
    d = stepping("const eta; random s", {"H": ["symmetric"]}, **more)
    claim = "rise <= -eta*dot(g, g) + 2*quad(H, g) + 1/6*eta*s"
    d.step("descent", [], {"potential": "V", "reach": "0"}, claim)
    return d.done()


def moving(steps: bool, symbols: str = "") -> Draft:
    """Two potentials, of which W = V/a + 2 U."""
    second = "random U fall; rv final; const first a"
    potentials = {"V": PATH, "U": {"change": "fall", "end": "final", "start": "first"}}
    time = {"steps": True} if steps else {}
    return Draft(f"{STATE}; {second}; {symbols}", horizon="T", potentials=potentials, **time)


WEIGHTED = {"potentials": [["1/a", "V"], ["2", "U"]]}
W, CHANGE, LAST, FIRST = "(V/a + 2*U)", "(rise/a + 2*fall)", "(last/a + 2*final)", "(begin/a + 2*first)"


def telescope(steps: bool) -> Certificate:
    """E W_T - W_0 <= E of the sum or the integral of the changes."""
    d = moving(steps)
    d.step("telescope", d.assume(f"-3 <= {W}"), WEIGHTED, f"E{LAST} - {FIRST} <= EI{CHANGE}")
    return d.done()


def decayed(steps: bool) -> Certificate:
    """E W_T <= e W_0 + 2 c/k (1 - e), e = (1 - k/2)^T or exp(-k T/2)."""
    d = moving(steps, "const k c")
    h = d.assume(f"-3 <= {W}", f"{CHANGE} <= c - k/2*{W}", "0 < k/2", *(["k/2 < 1"] if steps else []))
    e = "exp(T*log(1 - k/2))" if steps else "exp(-(k/2*T))"
    claim = f"E{LAST} <= {FIRST}*{e} + c/(k/2)*(1 - {e})"
    d.step("decay", h, {**WEIGHTED, "rate": "k/2", "offset": "c"}, claim)
    return d.done()


def summable(steps: bool) -> Certificate:
    """E W_T + E of all y <= exp(all of 2 up) (W_0 + all of b)."""
    d = moving(steps, "time up b; random y")
    h = d.assume(f"0 <= {W}", f"{CHANGE} <= 2*up*{W} + b - y", "0 <= 2*up", "0 <= b", "0 <= y")
    claim = f"E{LAST} + EI(y) <= exp(I(2*up))*({FIRST} + I(b))"
    d.step("summable", h, {**WEIGHTED, "growth": "2*up", "floor": "b", "drop": "y"}, claim)
    return d.done()


def in_both(make: Callable[[bool], Certificate]) -> tuple[Callable[[], Certificate], Callable[[], Certificate]]:
    """The certificate in steps, and that in continuous time."""

    def of_steps() -> Certificate:
        return make(True)

    def in_time() -> Certificate:
        return make(False)

    of_steps.__name__, in_time.__name__ = f"{make.__name__}_of_steps", f"{make.__name__}_in_time"
    return valid(of_steps), valid(in_time)


telescope_of_steps, telescope_in_time = in_both(telescope)
decay_of_steps, decay_in_time = in_both(decayed)
summable_of_steps, summable_in_time = in_both(summable)


@valid
def summed() -> Certificate:
    """The sum of 2 n + 1 over n < T is T^2, and that of exp(n) (e - 1) is exp(T) - 1, both from what a sum of differences is."""
    d = Draft("clock n; const T", horizon="T", steps=True)
    d.step("summation", [], {"time": "n", "primitive": "n**2"}, "I(2*n + 1) == T**2")
    d.step("summation", [], {"time": "n", "primitive": "exp(n)"}, "I(exp(n + 1) - exp(n)) == exp(T) - 1")
    claim = "I(2*n) + I(exp(1 + n)) == (T**2 - T) + (exp(T) - 1) + I(exp(n))"
    d.certify([0, 1], claim, [], [[0, "1"], [1, "1"]])
    return d.done()


@valid
def scheduled_steps() -> Certificate:
    """A monotone EI over steps, of what depends on time alone too, and of an equality."""
    d = Draft("clock n; time h; random y z; const T", horizon="T", steps=True)
    d.assume("0 <= h", "(y - z)**2 <= 1")
    d.certify([0, 1], "h*(y - z)**2 <= h", [["1", [0, 1], []]])
    d.step("monotone", [2], {"operator": "EI"}, "EI(h*(y - z)**2) <= I(h)")
    d.assume("y == z + n")
    d.step("monotone", [4], {"operator": "EI"}, "EI(y) == EI(z) + I(n)")
    claim = "EI(h*(y - z)**2) + EI(y) <= I(h) + EI(z) + I(n)"
    d.certify([3, 5], claim, [["1", [0], []]], [[1, "1"]])
    return d.done()


@valid
def equal_over_time() -> Certificate:
    """EI of two that are equal, in continuous time."""
    d = Draft("random y z; const T", horizon="T")
    d.step("monotone", d.assume("y == z + 1"), {"operator": "EI"}, "EI(y) == EI(z) + T")
    return d.done()


@valid
def ball_of_psi() -> Certificate:
    """psi(t^2) < 18/25 for 0 <= t <= 1 (psi(1) = e - 2)."""
    d = Draft("random t")
    data = {
        "variable": "z",
        "term": "18/25 - psi(z**2)",
        "strict": True,
        "low": "0",
        "high": "1",
        "domain": [],
        "at": "t",
    }
    d.step("ball", d.assume("0 <= t", "t <= 1"), {**data, "proof": ["eval", 128]}, "psi(t**2) < 18/25")
    return d.done()
