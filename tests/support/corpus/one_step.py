"""Claims of polynomials, quotients, roots and moduli for the search of one certify step and for the refuter.

The true ones have a certificate of one step, the kernel's laws of quotients, roots and moduli given; what the search finds is
checked by the rule itself, which is why no proof stands beside them. A false one carries a point that refutes it.
"""

from tests.support.corpus.cases import Case, no, yes
from tests.support.corpus.textbook import FALSE, SCHUR, TRUE

#: those of the textbooks that one step proves without a hint
_SHARED = {
    "young_eps", "young_cubic", "g_at_most_kappa", "cauchy_3", "am_gm_3", "am_gm_4_power", "schur_ordered", "motzkin", "nesbitt",
    "floor_6_3_small", "fraction_monotone", "engel",
}  # fmt: skip
ONE_STEP: tuple[Case, ...] = (
    *(case._replace(hints=()) for case in TRUE if case.name in _SHARED),
    yes("young K", "K eps a b", "2*a*b <= eps*K*a^2 + b^2/(eps*K)", "K > 0; eps > 0"),
    yes("schur strict", "x y z", f"0 <= {SCHUR}", "x > 0; y > 0; z > 0"),
    yes("motzkin hints", "x y", "3*x^2*y^2 <= x^4*y^2 + x^2*y^4 + 1",
        hints="x^2*y - y; x*y^2 - x; x^2*y^2 - 1; x*y^3 - x*y; x^3*y - x*y"),
    yes("descent strict", "L eta G f1 f0", "f1 < f0", "L > 0; eta > 0; eta*L < 2; G > 0; f1 <= f0 - eta*G^2 + L*eta^2*G^2/2"),
    yes("descent noise", "L N s eta f1 f0 G", "f1 <= f0 - eta*G^2/2 + L*eta^2*s/(2*N)",
        "L > 0; N > 0; s >= 0; eta >= 0; eta*L <= 1; f1 <= f0 - eta*G^2 + L*eta^2*(G^2 + s/N)/2"),
    yes("PL", "mu L eta G f0 f1", "f1 <= (1 - eta*mu)*f0",
        "mu > 0; L > 0; eta >= 0; eta*L <= 1; G^2 >= 2*mu*f0; f1 <= f0 - eta*G^2 + L*eta^2*G^2/2"),
    yes("6.2 quotient", "G L0 L1 A D0 N eta h eps D", "D <= -(1 - eps)*h*G^2 + eta*h^2*(L0 + L1)*D0/(2*N)",
        "G >= 0; L0 >= 0; L1 >= 0; A >= 0; D0 >= 0; N > 0; eta >= 0; h >= 0; 0 < (L0 + L1*G)*A + L1*D0/N; "
        "eta*h <= 2*eps/((L0 + L1*G)*A + L1*D0/N); D <= -h*G^2 + eta*h^2/2*(L0 + L1*G)*(A*G^2 + D0/N)"),
    yes("6.3 chained", "G L0 L1 A D0 N kap s eta eps c K h D", "D <= -(1 - eps)*s*G^2/K + eta*s^2*D0*(L0 + L1*G)/(2*N*K^2)",
        "G >= 0; L0 > 0; L1 >= 0; A >= 0; D0 >= 0; N > 0; kap > 0; s >= 0; eta >= 0; eta*s <= 2*eps; eps <= 1; "
        "c == kap*L1*D0/N; K == (L0 + L1*G)*A + c; 0 < K; h == s/K; "
        "D <= -h*G^2 + eta*h^2/2*(L0 + L1*G)*(A*G^2 + D0/N)"),
    yes("sign 1/4", "a x P", "P >= a*(x - 1)", "a > 0; x >= 0; P >= a*x^2/(1 + x)"),
    yes("discriminant", "a b c x", "0 <= a*x^2 + b*x + c", "a > 0; b^2 <= 4*a*c"),
    yes("discriminant back", "a b c x", "a*x^2 + b*x + c < 0", "a > 0; b^2 > 4*a*c; x == -b/(2*a)"),
    yes("inconsistent square", "x y z", "y <= z", "x^2 <= -1"),
    yes("inconsistent eq", "x y z", "y <= z", "x*y == 1; x == 0"),
    yes("sqrt am-gm", "a b", "2*sqrt(a*b) <= a + b", "a > 0; b > 0"),
    yes("sqrt mono", "a b", "sqrt(a) <= sqrt(b)", "a >= 0; b >= a; 0 < b"),
    yes("abs triangle", "x y", "abs(x)*abs(y) <= (x^2 + y^2)/2"),
    yes("abs", "x", "abs(x) == x", "x > 0"),
    yes("strict quartic", "x y", "0 < x^4 - x^2*y + y^2 + 1/10"),
    yes("equality", "x y", "x*y == 2", "x + y == 3; x - y == 1"),
    yes("equality quotient", "x y", "1/x - 1/y == (y - x)/(x*y)", "x > 0; y > 0"),
    yes("inverse mono", "x y", "1/y <= 1/x", "x > 0; y >= x"),
    yes("ball", "x y", "x + y <= 3/2", "x^2 + y^2 <= 1"),
    yes("box cubic", "x", "x^2*(1 - x) <= 4/27", "x >= 0; x <= 1"),
    yes("hurwitz 6", "a b c d e f", "6*a*b*c*d*e*f <= a^6 + b^6 + c^6 + d^6 + e^6 + f^6"),
    yes("quartic sos", "x y", "0 <= 2*x^4 + 2*x^3*y - x^2*y^2 + 5*y^4"),
    yes("robust", "x y z", "3 <= x + y + z", "x > 0; y > 0; z > 0; x*y*z == 1"),
    yes("6.9", "r q s", "q <= r*q*(q - 1)^2", "r > 0; r <= 1; q >= 1 + s; s >= 1; s^2*r == 1"),
)  # fmt: skip
#: harder, and for the search alone: the refuter need not try them
HARD: tuple[Case, ...] = (
    yes("vasc", "a b c", "3*(a^3*b + b^3*c + c^3*a) <= (a^2 + b^2 + c^2)^2"),
    yes("robinson dehom", "x y", "0 <= x^6 + y^6 + 1 - (x^4*y^2 + x^4 + y^4*x^2 + y^4 + x^2 + y^2) + 3*x^2*y^2"),
    yes("choi-lam 4", "y z x", "0 <= 1 + y^2*z^2 + z^2*x^2 + x^2*y^2 - 4*x*y*z"),
    yes("6.4 1/N", "a h eta L0 L1 d s P M S N G B2 T D",
        "D <= -h*P*(1 - eta*h*(M*L0/S + L1*d/2 + L1*d/(2*a*N))) + eta*h^2*d/(2*N)*(L0 + L1*d*s/4)",
        "a > 0; h >= 0; eta >= 0; L0 >= 0; L1 >= 0; d >= 0; s >= 0; P >= 0; M >= 0; S > 0; N > 0; G >= 0; "
        "G <= P/a + d*s/4; B2 <= 2*M*P/S; G*B2 <= d*P; T <= d; B2 >= 0; T >= 0; "
        "D <= -h*P + eta*h^2/2*(L0 + L1*G)*(B2 + T/N)"),
    yes("chebyshev sum", "a1 a2 a3 b1 b2 b3", "(a1 + a2 + a3)*(b1 + b2 + b3) <= 3*(a1*b1 + a2*b2 + a3*b3)",
        "a1 >= a2; a2 >= a3; b1 >= b2; b2 >= b3"),
    yes("norm sum sq", "x y", "sqrt(x^2 + y^2) <= abs(x) + abs(y) + 1/10"),
    yes("1/sqrt", "t", "1/sqrt(1 + t) <= 1", "t > 0; 0 < sqrt(t)"),
    yes("ratio cyc", "a b c", "3 <= a/b + b/c + c/a", "a > 0; b > 0; c > 0"),
    yes("constrained", "x y z", "x*y + y*z + z*x <= 1", "x^2 + y^2 + z^2 == 1"),
    yes("sphere lin", "x y q", "x + y <= q", "x^2 + y^2 == 1; q >= 0; q^2 == 2"),
    yes("poly irr zeros", "x", "0 <= (x^2 - 2)^2*(x^2 + 1)"),
    yes("interval poly", "x", "0 <= 1/2 - x + x^3", "x >= 0; x <= 1"),
    yes("box 3", "x y z", "x + y + z - x*y - y*z - z*x <= 1", "x >= 0; x <= 1; y >= 0; y <= 1; z >= 0; z <= 1"),
    yes("ball prod", "x y u v", "x*u + y*v <= 1", "x^2 + y^2 <= 1; u^2 + v^2 <= 1"),
    yes("contraction", "L mu eta", "(1 - eta*mu)^2 >= (1 - eta*L)^2", "L > 0; mu > 0; mu <= L; eta > 0; eta <= 2/(L + mu)"),
    yes("strong conv", "m L r g ip eta R", "R <= (1 - 2*eta*m*L/(m + L))*r^2",
        "m > 0; L >= m; r >= 0; g >= 0; ip >= m*L/(m + L)*r^2 + g^2/(m + L); eta > 0; eta <= 2/(m + L); "
        "R == r^2 - 2*eta*ip + eta^2*g^2"),
    yes("nesterov", "t s", "t <= s", "t > 0; s > 0; s^2 - s == t^2"),
    yes("heavy many", "a1 a2 a3 a4 a5 a6 a7 a8 b1 b2 b3 b4 x y D", "D <= b1*x - a2*y",
        "a1 >= 0; a2 >= 0; a3 >= 0; a4 >= 0; a5 >= 0; a6 >= 0; a7 >= 0; a8 >= 0; b1 >= a1; b2 >= a2; b3 >= a3; "
        "b4 >= a4; x >= 0; y >= 0; D <= a1*x - b2*y"),
    yes("clip", "G c", "G^2*(c/(c + G)) >= c*(G - c)", "G > 0; c > 0"),
    yes("tanh-like", "x y", "abs(x - y)/(1 + abs(x - y)) <= abs(x - y)", "x >= 0; y >= 0"),
    yes("exp opaque", "e1 e2 x", "2 <= e1 + e2", "e1 > 0; e2 > 0; e1*e2 == 1; e1 >= 1 + x; e2 >= 1 - x"),
    yes("psd 3", "a c b f d e x y z", "0 <= a*x^2 + c*y^2 + f*z^2 + 2*b*x*y + 2*d*x*z + 2*e*y*z",
        "a > 0; a*c - b^2 > 0; a*c*f + 2*b*d*e - a*e^2 - c*d^2 - f*b^2 >= 0"),
    yes("rational3", "x y", "x*y/(1 + x^2 + y^2) < 1/2"),
    yes("hard quot", "a b c", "(a + b + c)^2/(2*(a*b + b*c + c*a)) <= a/(b + c) + b/(c + a) + c/(a + b)",
        "a > 0; b > 0; c > 0"),
    yes("triangle ineq", "a b c", "(a + b - c)*(b + c - a)*(c + a - b) <= a*b*c",
        "a > 0; b > 0; c > 0; a < b + c; b < c + a; c < a + b"),
    yes("elim", "u x y v", "x < y", "u == x + y; v == x*y; u^2 < 4*v"),
    yes("claims eq", "G K h s L", "h*G == s/L", "G > 0; K > 0; h == s/K; K == L*G"),
    yes("eq inv", "a b", "1/(1/a + 1/b) == a*b/(a + b)", "a > 0; b > 0"),
    yes("cubic mono", "x y", "x^3 <= y^3", "x <= y"),
)  # fmt: skip
REFUTED: tuple[Case, ...] = (
    *(case for case in FALSE if case.name == "motzkin_coefficient"),
    no("G kap, false", "kap G", "G <= kap*G^2 + 1/(5*kap)", "kap > 0", witness="G = 1, kap = 1/2"),
    no("am-gm 3, false", "x y z", "3*x*y*z <= x^3 + y^3 + z^3", "x >= 0; y >= 0", witness="x = 0, y = 0, z = -1"),
    no("descent, false", "L eta f1 f0 G", "f1 <= f0 - eta*G^2/2",
        "L > 0; eta >= 0; eta <= 2/L; f1 <= f0 - eta*G^2 + L*eta^2*G^2/2", witness="G = -1, L = 1, eta = 2, f0 = 1, f1 = 1"),
    no("6.2 no N, false", "G L0 L1 A D0 N eta h eps D", "D <= -(1 - eps)*h*G^2 + eta*h^2*L0*D0/(2*N)",
        "G >= 0; L0 >= 0; L1 >= 0; A >= 0; D0 >= 0; N > 0; eta >= 0; h >= 0; "
        "eta*h*((L0 + L1*G)*A + L1*D0/N) <= 2*eps; D <= -h*G^2 + eta*h^2/2*(L0 + L1*G)*(A*G^2 + D0/N)",
        witness="A = 0, D = 0, D0 = 1, G = 1/2, L0 = 0, L1 = 1, N = 1, eps = 3/4, eta = 1, h = 1"),
    no("discriminant, false", "a b c x", "0 <= a*x^2 + b*x + c", "a > 0; b^2 <= 4.1*a*c",
        witness="a = 1/2, b = -1, c = 32/65, x = 1"),
    no("strict, false", "x", "0 < x", "x >= 0", witness="x = 0"),
    no("sqrt, false", "a b", "2*sqrt(a*b) <= a + b - 1/1000", "a > 0; b > 0", witness="a = 1, b = 1"),
    no("abs, false", "x", "abs(x) == x", "x < 0", witness="x = -1"),
    no("equality, false", "x y", "x*y == 2", "x + y == 3", witness="x = 3, y = 0"),
    no("box cubic, false", "x", "x^2*(1 - x) <= 4/27 - 1/10000", "x >= 0; x <= 1", witness="x = 2/3"),
    no("6.9, false", "r q s", "q <= r*q*(q - 1)^2", "r > 0; r <= 1; q >= 1; s >= 1; s^2*r == 1",
        witness="q = 1, r = 1, s = 1"),
)  # fmt: skip
