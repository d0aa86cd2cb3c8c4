"""Inequalities for the tests of search, refutation and oracle, and what reads and verifies them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.proof.language.context import Context
from derive.proof.language.normal import Normal, Polynomial, added, multiplied, scaled
from derive.proof.language.terms import Relation, Term, fn, num, x
from derive.proof.search.certify import Found
from derive.proof.search.ring import Member


@dataclass(frozen=True)
class Claim:
    """Variables are the names that occur. `laws` adds what the kernel's rules give of 1/p, sqrt(p), abs(p)."""

    name: str
    assume: str
    claim: str
    hints: str = ""


def read(text: str) -> Term:
    """A term from Python's notation."""
    return _term(ast.parse(text.replace("^", "**").strip(), mode="eval").body)


def relation(text: str) -> Relation:
    """`a <= b`, `a < b`, `a >= b`, `a > b` or `a == b`."""
    node = ast.parse(text.replace("^", "**").strip(), mode="eval").body
    assert isinstance(node, ast.Compare) and len(node.ops) == 1
    left, right, op = _term(node.left), _term(node.comparators[0]), type(node.ops[0])
    if op in (ast.GtE, ast.Gt):
        left, right = right, left
    return {ast.GtE: left.le, ast.LtE: left.le, ast.Gt: left.lt, ast.Lt: left.lt, ast.Eq: left.eq}[op](right)


def relations(text: str) -> list[Relation]:
    """Relations between commas."""
    return [relation(part) for part in text.split(",") if part.strip()]


def _term(node: ast.expr) -> Term:
    if isinstance(node, ast.Constant):
        return num(Fraction(str(node.value)))
    if isinstance(node, ast.Name):
        return x(node.id)
    if isinstance(node, ast.UnaryOp):
        return -_term(node.operand)
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return fn(node.func.id, _term(node.args[0]))
    assert isinstance(node, ast.BinOp)
    left = _term(node.left)
    if isinstance(node.op, ast.Pow):
        assert isinstance(node.right, ast.Constant) and isinstance(node.right.value, int)
        return left**node.right.value
    right = _term(node.right)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    return left * right if isinstance(node.op, ast.Mult) else left / right


def names(terms: Sequence[Term | Relation]) -> list[str]:
    """The symbols that occur."""
    found: set[str] = set()
    stack: list[object] = list(terms)
    while stack:
        t = stack.pop()
        if isinstance(t, tuple):
            if len(t) == 2 and t[0] == "x":
                found.add(t[1])
            stack.extend(t)
    return sorted(found)


def laws(terms: Sequence[Term | Relation]) -> list[Relation]:
    """p (1/p) == 1 of each denominator, sqrt(p)^2 == p and 0 <= sqrt(p), abs(p)^2 == p^2 and 0 <= abs(p)."""
    found: list[Relation] = []
    stack: list[object] = list(terms)
    while stack:
        t = stack.pop()
        if isinstance(t, Term) and t[0] == "/" and t[2][0] != "q":
            found.append((t[2] * (1 / t[2])).eq(1))
        if isinstance(t, Term) and t[0] == "f":
            square = t[2] if t[1] == "sqrt" else t[2] ** 2
            found += [(t**2).eq(square), num(0).le(t)] if t[1] in ("sqrt", "abs") else []
        if isinstance(t, tuple):
            stack.extend(t)
    return list(dict.fromkeys(found))


def problem(entry: Claim) -> tuple[Normal, Relation, list[Relation], list[Term]]:
    """What find() takes."""
    claim, premises = relation(entry.claim), relations(entry.assume)
    hints = [read(part) for part in entry.hints.split(",") if part.strip()]
    premises += laws([claim, *premises, *hints])
    context = Context({name: "const" for name in names([claim, *premises, *hints])})
    return Normal(context), claim, premises, hints


def valid(normal: Normal, claim: Relation, premises: Sequence[Relation], found: Found) -> bool:
    """Whether `found` is a certify step by FORMAT.md."""

    def value(cone: Sequence[Member]) -> Polynomial:
        parts: list[Polynomial] = []
        for c, indices, squares in cone:
            part: Polynomial = {(): c}
            for i in indices:
                assert premises[i].op in ("<=", "<")
                part = multiplied(part, normal.polynomial(premises[i].slack))
            for square in squares:
                part = multiplied(part, normal.polynomial(square**2))
            parts.append(part)
        return added(parts)

    def strict(cone: Sequence[Member]) -> bool:
        return any(not squares and all(premises[i].op == "<" for i in indices) for _, indices, squares in cone)

    rest = [multiplied(value(found.mult), normal.polynomial(claim.slack)), scaled(value(found.sum), Fraction(-1))]
    for i, t in found.equalities:
        assert premises[i].op == "=="
        rest.append(scaled(multiplied(normal.polynomial(t), normal.polynomial(premises[i].slack)), Fraction(-1)))
    assert all(isinstance(c, Fraction) and c > 0 for c, _, _ in (*found.mult, *found.sum))
    good = not added(rest) and strict(found.mult)
    if claim.op == "<":
        good = good and strict(found.sum)
    return good and (claim.op != "==" or not found.sum)


POS3 = "x>=0, y>=0, z>=0"
TRUE = [
    Claim("linear", "x>=1, y>=2*x", "x+y>=3"),
    Claim("young eps", "eps>0", "a*b <= eps*a^2 + b^2/(4*eps)"),
    Claim("young K", "K>0, eps>0", "2*a*b <= eps*K*a^2 + b^2/(eps*K)"),
    Claim("young weighted", "a>=0, b>=0", "a*b^2 <= a^3/3 + 2*b^3/3"),
    Claim("square", "", "0 <= x^2 - 2*x + 1"),
    Claim("G", "", "G <= 1 + G^2"),
    Claim("G kap", "kap>0", "G <= kap*G^2 + 1/(4*kap)"),
    Claim("cauchy 2", "", "(a*x+b*y)^2 <= (a^2+b^2)*(x^2+y^2)"),
    Claim("cauchy 3", "", "(a*x+b*y+c*z)^2 <= (a^2+b^2+c^2)*(x^2+y^2+z^2)"),
    Claim("am-gm 2", "", "4*x*y <= (x+y)^2"),
    Claim("am-gm 3", POS3, "3*x*y*z <= x^3+y^3+z^3"),
    Claim("am-gm 3 cube", POS3, "27*x*y*z <= (x+y+z)^3"),
    Claim("am-gm 4", "", "4*a*b*c*d <= a^4+b^4+c^4+d^4"),
    Claim("am-gm 4 pow", "a>=0,b>=0,c>=0,d>=0", "256*a*b*c*d <= (a+b+c+d)^4"),
    Claim("xyz", "", "x*y+y*z+z*x <= x^2+y^2+z^2"),
    Claim("schur ordered", "z>=0, y>=z, x>=y", "0 <= x*(x-y)*(x-z)+y*(y-x)*(y-z)+z*(z-x)*(z-y)"),
    Claim("schur", "x>0, y>0, z>0", "0 <= x*(x-y)*(x-z)+y*(y-x)*(y-z)+z*(z-x)*(z-y)"),
    Claim("motzkin", "", "3*x^2*y^2 <= x^4*y^2 + x^2*y^4 + 1"),
    Claim("motzkin hints", "", "3*x^2*y^2 <= x^4*y^2 + x^2*y^4 + 1", "x^2*y-y, x*y^2-x, x^2*y^2-1, x*y^3-x*y, x^3*y-x*y"),
    Claim("nesbitt", "a>0, b>0, c>0", "3/2 <= a/(b+c) + b/(c+a) + c/(a+b)"),
    Claim("nesbitt cleared", "a>0, b>0, c>0", "3*(a+b)*(b+c)*(c+a) <= 2*(a*(a+b)*(a+c) + b*(b+a)*(b+c) + c*(c+a)*(c+b))"),
    Claim("descent", "L>0, eta>=0, eta<=1/L, f1 <= f0 - eta*G^2 + L*eta^2*G^2/2", "f1 <= f0 - eta*G^2/2"),
    Claim("descent eps", "L>0, eta>=0, eta*L<=2*eps, f1 <= f0 - eta*G^2 + L*eta^2*G^2/2", "f1 <= f0 - (1-eps)*eta*G^2"),
    Claim("descent strict", "L>0, eta>0, eta*L<2, G>0, f1 <= f0 - eta*G^2 + L*eta^2*G^2/2", "f1 < f0"),
    Claim("descent noise", "L>0, N>0, s>=0, eta>=0, eta*L<=1, f1 <= f0 - eta*G^2 + L*eta^2*(G^2+s/N)/2",
          "f1 <= f0 - eta*G^2/2 + L*eta^2*s/(2*N)"),
    Claim("PL", "mu>0, L>0, eta>=0, eta*L<=1, G^2>=2*mu*f0, f1 <= f0 - eta*G^2 + L*eta^2*G^2/2", "f1 <= (1-eta*mu)*f0"),
    Claim("6.2 pathwise", "G>=0, L0>=0, L1>=0, A>=0, D0>=0, N>0, eta>=0, h>=0, "
          "eta*h*((L0+L1*G)*A + L1*D0/N) <= 2*eps, "
          "D <= -h*G^2 + eta*h^2/2*(L0+L1*G)*(A*G^2+D0/N)",
          "D <= -(1-eps)*h*G^2 + eta*h^2*(L0+L1)*D0/(2*N)"),
    Claim("6.2 quotient", "G>=0, L0>=0, L1>=0, A>=0, D0>=0, N>0, eta>=0, h>=0, 0<(L0+L1*G)*A + L1*D0/N, "
          "eta*h <= 2*eps/((L0+L1*G)*A + L1*D0/N), "
          "D <= -h*G^2 + eta*h^2/2*(L0+L1*G)*(A*G^2+D0/N)",
          "D <= -(1-eps)*h*G^2 + eta*h^2*(L0+L1)*D0/(2*N)"),
    Claim("6.2 kap", "G>=0, L0>=0, L1>=0, A>=0, D0>=0, N>0, kap>0, eta>=0, h>=0, "
          "eta*h*((L0+L1*G)*A + kap*L1*D0/N) <= 2*eps, "
          "D <= -h*G^2 + eta*h^2/2*(L0+L1*G)*(A*G^2+D0/N)",
          "D <= -(1-eps)*h*G^2 + eta*h^2*(L0+L1/(4*kap))*D0/(2*N)"),
    Claim("6.3 c_f large", "G>=0, L0>0, L1>=0, A>0, c>0, A*L0<=c", "(L0+L1*G)/((L0+L1*G)*A+c)^2 <= 1/(4*A*c)"),
    Claim("6.3 c_f small", "G>=0, L0>0, L1>=0, A>0, c>=0, c<=A*L0", "(L0+L1*G)/((L0+L1*G)*A+c)^2 <= L0/(A*L0+c)^2"),
    Claim("6.3 chained", "G>=0, L0>0, L1>=0, A>=0, D0>=0, N>0, kap>0, s>=0, eta>=0, eta*s<=2*eps, eps<=1, c==kap*L1*D0/N, "
          "K==(L0+L1*G)*A+c, 0<K, h==s/K, D <= -h*G^2 + eta*h^2/2*(L0+L1*G)*(A*G^2+D0/N)",
          "D <= -(1-eps)*s*G^2/K + eta*s^2*D0*(L0+L1*G)/(2*N*K^2)"),
    Claim("sign 1/4", "a>0, x>=0, P>=a*x^2/(1+x)", "P >= a*(x-1)"),
    Claim("discriminant", "a>0, b^2<=4*a*c", "0 <= a*x^2+b*x+c"),
    Claim("discriminant strict", "a>0, b^2<4*a*c", "0 < a*x^2+b*x+c"),
    Claim("discriminant back", "a>0, b^2>4*a*c, x==-b/(2*a)", "a*x^2+b*x+c < 0"),
    Claim("inconsistent", "x>=1, x<=0", "y <= -5"),
    Claim("inconsistent strict", "x>0, x<0", "y < -5"),
    Claim("inconsistent square", "x^2<=-1", "y <= z"),
    Claim("inconsistent eq", "x*y==1, x==0", "y <= z"),
    Claim("inconsistent disc", "x^2+x+1<=0", "y <= z"),
    Claim("sqrt am-gm", "a>0, b>0", "2*sqrt(a*b) <= a+b"),
    Claim("sqrt positive", "t>0", "0 < sqrt(t)"),
    Claim("sqrt mono", "a>=0, b>=a, 0<b", "sqrt(a) <= sqrt(b)"),
    Claim("sqrt bound", "t>=0", "sqrt(1+t) <= 1+t/2"),
    Claim("abs triangle", "", "abs(x)*abs(y) <= (x^2+y^2)/2"),
    Claim("abs", "x>0", "abs(x) == x"),
    Claim("abs le", "0<=x+1, 0 < abs(x) + 1", "-1 - x^2 <= abs(x)"),
    Claim("abs upper", "0 < abs(x)", "x <= abs(x)"),
    Claim("strict sum", "x>0, y>=0", "0 < x + y + x*y"),
    Claim("strict square", "", "0 < x^2 - x + 1"),
    Claim("strict quot", "x>0", "1/(1+x) < 1"),
    Claim("strict quartic", "", "0 < x^4 - x^2*y + y^2 + 1/10"),
    Claim("equality", "x+y==3, x-y==1", "x*y == 2"),
    Claim("equality inverse", "G>0, h*G==s", "h == s/G"),
    Claim("equality quotient", "x>0, y>0", "1/x - 1/y == (y-x)/(x*y)"),
    Claim("quot mono", "x>=0, y>=x", "x/(1+x) <= y/(1+y)"),
    Claim("inverse mono", "x>0, y>=x", "1/y <= 1/x"),
    Claim("product pos", "x>0, x*y>0", "y > 0"),
    Claim("inverse pos", "x>0", "1/x > 0"),
    Claim("ball", "x^2+y^2<=1", "x+y <= 3/2"),
    Claim("bernoulli 4", "x>=-1", "1+4*x <= (1+x)^4"),
    Claim("box", "x>=0, x<=1, y>=0, y<=1", "x*y <= x/2 + y/2"),
    Claim("box cubic", "x>=0, x<=1", "x^2*(1-x) <= 4/27"),
    Claim("cubic", "x>=0", "3*x <= x^3 + 2"),
    Claim("hurwitz 6", "", "6*a*b*c*d*e*f <= a^6+b^6+c^6+d^6+e^6+f^6"),
    Claim("quartic sos", "", "0 <= 2*x^4+2*x^3*y-x^2*y^2+5*y^4"),
    Claim("power mean", "", "(a+b+c+d)^2 <= 4*(a^2+b^2+c^2+d^2)"),
    Claim("robust", "x>0,y>0,z>0,x*y*z==1", "3 <= x+y+z"),
    Claim("titu", "u>0, v>0", "(a+b)^2/(u+v) <= a^2/u + b^2/v"),
    Claim("6.9", "r>0, r<=1, q>=1+s, s>=1, s^2*r==1", "q <= r*q*(q-1)^2"),
]  # fmt: skip
HARD = [
    Claim("vasc", "", "3*(a^3*b+b^3*c+c^3*a) <= (a^2+b^2+c^2)^2"),
    Claim("robinson dehom", "", "0 <= x^6+y^6+1-(x^4*y^2+x^4+y^4*x^2+y^4+x^2+y^2)+3*x^2*y^2"),
    Claim("choi-lam dehom", "", "0 <= x^4*y^2+y^4+x^2-3*x^2*y^2"),
    Claim("choi-lam 4", "", "0 <= 1+y^2*z^2+z^2*x^2+x^2*y^2-4*x*y*z"),
    Claim("6.4 global", "a > 0, h >= 0, eta >= 0, c >= 0, L0 >= 0, L1 >= 0, d >= 0, s >= 0, P >= 0, G <= G1, G1 <= P/a+d*s/4, "
          "D <= -h*P+eta*h^2*c*(L0+L1*G), eta*h*c*L1/a <= eps",
          "D <= -(1-eps)*h*P+eta*h^2*c*(L0+L1*d*s/4)"),
    Claim("6.4 1/N", "a > 0, h >= 0, eta >= 0, L0 >= 0, L1 >= 0, d >= 0, s >= 0, P >= 0, M >= 0, S > 0, N > 0, G >= 0, "
          "G <= P/a+d*s/4, B2 <= 2*M*P/S, G*B2 <= d*P, T <= d, B2 >= 0, T >= 0, "
          "D <= -h*P+eta*h^2/2*(L0+L1*G)*(B2+T/N)",
          "D <= -h*P*(1-eta*h*(M*L0/S+L1*d/2+L1*d/(2*a*N)))+eta*h^2*d/(2*N)*(L0+L1*d*s/4)"),
    Claim("sign classic", "h >= 0, eta >= 0, N > 0, d >= 0, L0 >= 0, L1 >= 0, G >= 0, D <= -h*P+eta*h^2/2*(L0+L1*G)*d/N",
          "D <= -h*P+eta*h^2/(2*N)*d*(L0+L1*G)"),
    Claim("young p3", "a >= 0, b >= 0", "3*a^2*b <= 2*a^3+b^3"),
    Claim("cs 4", "", "(a*x+b*y+c*z+d*w)^2 <= (a^2+b^2+c^2+d^2)*(x^2+y^2+z^2+w^2)"),
    Claim("qm-am 5", "", "(a+b+c+d+e)^2 <= 5*(a^2+b^2+c^2+d^2+e^2)"),
    Claim("chebyshev sum", "a1 >= a2, a2 >= a3, b1 >= b2, b2 >= b3", "(a1+a2+a3)*(b1+b2+b3) <= 3*(a1*b1+a2*b2+a3*b3)"),
    Claim("norm sum sq", "", "sqrt(x^2+y^2) <= abs(x)+abs(y)+1/10"),
    Claim("sqrt concave", "a > 0, b > 0", "sqrt(a)+sqrt(b) <= 2*sqrt((a+b)/2)"),
    Claim("sqrt sub", "a > 0, b > 0", "sqrt(a+b) <= sqrt(a)+sqrt(b)"),
    Claim("sqrt quot", "a > 0", "2*sqrt(a) <= a/2+2"),
    Claim("1/sqrt", "t > 0, 0 < sqrt(t)", "1/sqrt(1+t) <= 1"),
    Claim("frac", "x > 0, y > 0", "1/(x+y) <= (1/x+1/y)/4"),
    Claim("HM", "x > 0, y > 0, z > 0", "9/(x+y+z) <= 1/x+1/y+1/z"),
    Claim("imo 2000-ish", "a > 0, b > 0, c > 0, a*b*c == 1", "3 <= a^2+b^2+c^2"),
    Claim("ratio cyc", "a > 0, b > 0, c > 0", "3 <= a/b+b/c+c/a"),
    Claim("pythag", "a > 0, b > 0, c > 0, a+b+c == 1", "1/3 <= a^2+b^2+c^2"),
    Claim("abc cubic", "a >= 0, b >= 0, c >= 0, a+b+c == 1", "a*b*c <= 1/27"),
    Claim("constrained", "x^2+y^2+z^2 == 1", "x*y+y*z+z*x <= 1"),
    Claim("trig", "c^2+s^2 == 1", "a*c+b*s <= (a^2+b^2+1)/2"),
    Claim("sphere lin", "x^2+y^2 == 1, q >= 0, q^2 == 2", "x+y <= q"),
    Claim("quartic strict", "", "0 < x^4+y^4+z^4-4*x*y*z+2"),
    Claim("quartic tight", "", "0 <= x^4+y^4+z^4-4*x*y*z+1"),
    Claim("poly 1d", "", "0 <= x^6 - 3*x^4+3*x^2-1+ (x^3-x)^2 + 1"),
    Claim("poly 1d irr", "", "0 < x^4 - 3*x + 5/2"),
    Claim("poly irr zeros", "", "0 <= (x^2-2)^2*(x^2+1)"),
    Claim("poly irr zeros2", "", "0 <= (x^2-2*y^2)^2 + (x*z-y)^2"),
    Claim("interval poly", "x >= 0, x <= 1", "0 <= 1/2 - x + x^3"),
    Claim("interval poly2", "x >= 0, x <= 1", "x^3*(1-x)^2 <= 108/3125"),
    Claim("interval 3", "x >= -1, x <= 1", "-1 <= 4*x^3-3*x"),
    Claim("T4", "x >= -1, x <= 1", "8*x^4-8*x^2+1 <= 1"),
    Claim("box 3", "x >= 0, x <= 1, y >= 0, y <= 1, z >= 0, z <= 1", "x+y+z-x*y-y*z-z*x <= 1"),
    Claim("box 4", "x >= 0, x <= 1, y >= 0, y <= 1, z >= 0, z <= 1", "x*(1-y)+y*(1-z)+z*(1-x) <= 1"),
    Claim("ball prod", "x^2+y^2 <= 1, u^2+v^2 <= 1", "x*u+y*v <= 1"),
    Claim("disc of ball", "x^2+y^2 <= 1", "x*y <= 1/2"),
    Claim("hyper", "x > 0, x*y >= 1", "2 <= x+y"),
    Claim("hyper3", "x > 0, y > 0, x*y*z >= 1", "3 <= x+y+z"),
    Claim("contraction", "L > 0, mu > 0, mu <= L, eta > 0, eta <= 2/(L+mu)", "(1-eta*mu)^2 >= (1-eta*L)^2"),
    Claim("contraction2", "L > 0, mu > 0, mu <= L, eta == 2/(L+mu)", "(1-eta*mu)^2 == ((L-mu)/(L+mu))^2"),
    Claim("strong conv", "m > 0, L >= m, r >= 0, g >= 0, ip >= m*L/(m+L)*r^2+g^2/(m+L), eta > 0, eta <= 2/(m+L), "
          "R == r^2-2*eta*ip+eta^2*g^2",
          "R <= (1-2*eta*m*L/(m+L))*r^2"),
    Claim("nesterov", "t > 0, s > 0, s^2-s == t^2", "t <= s"),
    Claim("nesterov2", "t > 0, s > 0, s^2-s == t^2", "t+1/2 <= s"),
    Claim("nesterov3", "t > 0, s > 0, s^2-s == t^2", "s <= t+1"),
    Claim("heavy many", "a1 >= 0, a2 >= 0, a3 >= 0, a4 >= 0, a5 >= 0, a6 >= 0, a7 >= 0, a8 >= 0, b1 >= a1, b2 >= a2, b3 >= a3, "
          "b4 >= a4, x >= 0, y >= 0, D <= a1*x-b2*y",
          "D <= b1*x-a2*y"),
    Claim("momentum", "b >= 0, b < 1, m2 <= b*m1+(1-b)*g, m1 <= g", "m2 <= g"),
    Claim("adam", "v > 0, g^2 <= v, 0 < sqrt(v), 0 <= g", "g/sqrt(v) <= 1"),
    Claim("clip", "G > 0, c > 0", "G^2*(c/(c+G)) >= c*(G-c)"),
    Claim("normalized", "G >= 0, c > 0", "G-c <= G^2/(G+c)"),
    Claim("tanh-like", "x >= 0, y >= 0", "abs(x-y)/(1+abs(x-y)) <= abs(x-y)"),
    Claim("exp opaque", "e1 > 0, e2 > 0, e1*e2 == 1, e1 >= 1+x, e2 >= 1-x", "2 <= e1+e2"),
    Claim("gronwall", "k > 0, c >= 0, E > 0, E <= 1, f <= f0*E+c/k*(1-E)", "f <= f0*E+c/k+0*f0"),
    Claim("quad strict", "a > 0, c > 0, b^2 < a*c", "0 < a*x^2+2*b*x*y+c*y^2+1"),
    Claim("psd 3", "a > 0, a*c-b^2 > 0, a*c*f+2*b*d*e-a*e^2-c*d^2-f*b^2 >= 0", "0 <= a*x^2+c*y^2+f*z^2+2*b*x*y+2*d*x*z+2*e*y*z"),
    Claim("even", "x > 0", "x^2/(1+x^2) <= x/2"),
    Claim("rational", "", "x/(1+x^2) <= 1/2"),
    Claim("rational2", "", "-1/2 <= x/(1+x^2)"),
    Claim("rational3", "", "x*y/(1+x^2+y^2) < 1/2"),
    Claim("hard quot", "a > 0, b > 0, c > 0", "(a+b+c)^2/(2*(a*b+b*c+c*a)) <= a/(b+c)+b/(c+a)+c/(a+b)"),
    Claim("sq cyc", "a > 0, b > 0, c > 0", "a+b+c <= a^2/b+b^2/c+c^2/a"),
    Claim("schur deg2", "x > 0, y > 0, z > 0", "0 <= x^2*(x-y)*(x-z)+y^2*(y-x)*(y-z)+z^2*(z-x)*(z-y)"),
    Claim("triangle ineq", "a > 0, b > 0, c > 0, a < b+c, b < c+a, c < a+b", "(a+b-c)*(b+c-a)*(c+a-b) <= a*b*c"),
    Claim("ineq eq", "x+y == 1, x >= 0, y >= 0", "x^2*y+x*y^2 <= 1/4"),
    Claim("elim", "u == x+y, v == x*y, u^2 < 4*v", "x < y"),
    Claim("neq", "x*y == 1", "0 < x^2"),
    Claim("claims eq", "G > 0, K > 0, h == s/K, K == L*G", "h*G == s/L"),
    Claim("eq inv", "a > 0, b > 0", "1/(1/a+1/b) == a*b/(a+b)"),
    Claim("neg", "x <= -1", "1 <= x^2"),
    Claim("neg2", "x < 0, y < 0", "0 < x*y"),
    Claim("neg3", "x < 0, y <= x", "1/x <= 1/y"),
    Claim("cubic mono", "x <= y", "x^3 <= y^3"),
    Claim("cubic mono+", "x <= y", "x^3+x <= y^3+y"),
    Claim("quintic", "x >= 0, y >= 0", "x^4*y+x*y^4 <= x^5+y^5"),
]  # fmt: skip
FALSE = [
    Claim("young eps", "eps>0", "a*b <= eps*a^2 + b^2/(5*eps)"),
    Claim("G", "", "G <= 1/5 + G^2"),
    Claim("G kap", "kap>0", "G <= kap*G^2 + 1/(5*kap)"),
    Claim("cauchy 2", "", "(a*x+b*y)^2 <= (a^2+b^2)*(x^2+y^2) - x^2/100"),
    Claim("am-gm 3", "x>=0, y>=0", "3*x*y*z <= x^3+y^3+z^3"),
    Claim("am-gm 4", "", "4.01*a*b*c*d <= a^4+b^4+c^4+d^4"),
    Claim("schur", "x>0, y>0", "0 <= x*(x-y)*(x-z)+y*(y-x)*(y-z)+z*(z-x)*(z-y)"),
    Claim("motzkin", "", "3.01*x^2*y^2 <= x^4*y^2 + x^2*y^4 + 1"),
    Claim("nesbitt", "a>0, b>0, c>0", "151/100 <= a/(b+c) + b/(c+a) + c/(a+b)"),
    Claim("descent", "L>0, eta>=0, eta<=2/L, f1 <= f0 - eta*G^2 + L*eta^2*G^2/2", "f1 <= f0 - eta*G^2/2"),
    Claim("6.2 no N", "G>=0, L0>=0, L1>=0, A>=0, D0>=0, N>0, eta>=0, h>=0, "
          "eta*h*((L0+L1*G)*A + L1*D0/N) <= 2*eps, "
          "D <= -h*G^2 + eta*h^2/2*(L0+L1*G)*(A*G^2+D0/N)",
          "D <= -(1-eps)*h*G^2 + eta*h^2*L0*D0/(2*N)"),
    Claim("6.2 kap 1/5", "G>=0, L0>=0, L1>=0, A>=0, D0>=0, N>0, eta>=0, h>=0, "
          "eta*h*((L0+L1*G)*A + L1*D0/(5*N)) <= 2*eps, "
          "D <= -h*G^2 + eta*h^2/2*(L0+L1*G)*(A*G^2+D0/N)",
          "D <= -(1-eps)*h*G^2 + eta*h^2*(L0+L1)*D0/(2*N)"),
    Claim("discriminant", "a>0, b^2<=4.1*a*c", "0 <= a*x^2+b*x+c"),
    Claim("strict", "x>=0", "0 < x"),
    Claim("strict square", "", "0 < x^2 - 2*x + 1"),
    Claim("sqrt", "a>0, b>0", "2*sqrt(a*b) <= a+b-1/1000"),
    Claim("abs", "x<0", "abs(x) == x"),
    Claim("equality", "x+y==3", "x*y == 2"),
    Claim("box cubic", "x>=0, x<=1", "x^2*(1-x) <= 4/27 - 1/10000"),
    Claim("6.9", "r>0, r<=1, q>=1, s>=1, s^2*r==1", "q <= r*q*(q-1)^2"),
    Claim("no domain", "", "x <= abs(x) - 1/100"),
]  # fmt: skip
