"""Textbook inequalities and steps of theory.md that hold, each with its proof in a phrase.

Nothing here is believed: tests/derive/proof/claims/test_corpus.py samples every one.
"""

from __future__ import annotations

from tests.support.corpus.cases import (
    FLOOR,
    LF,
    MOTZKIN,
    MOTZKIN_HINTS,
    NESBITT,
    NONNEGATIVE3,
    POSITIVE3,
    SCHUR,
    SIGNS,
    STEP,
    Case,
    yes,
)  # fmt: skip

MOTZKIN_3 = "x^4*y^2 + x^2*y^4 + z^6 - 3*x^2*y^2*z^2"
MOTZKIN_3_HINTS = "x^2*y*z - y*z^3; x*y^2*z - x*z^3; x^2*y^2 - z^4; x*y^3 - x^3*y; x*y^3 + x^3*y - 2*x*y*z^2"

TRUE: tuple[Case, ...] = (
    # Young, Cauchy, means
    yes("young", "a b", "a*b <= a^2/2 + b^2/2", why="(a - b)^2/2"),
    yes("young_eps", "a b eps", "a*b <= eps*a^2 + b^2/(4*eps)", "eps > 0", "(2 eps a - b)^2/(4 eps)"),
    yes("young_cubic", "x y", "x*y^2 <= x^3/3 + 2*y^3/3", "x >= 0; y >= 0", "(x - y)^2 (x + 2y)/3"),
    yes("young_quartic", "a b", "a^3*b <= 3*a^4/4 + b^4/4", why="(a - b)^2 (3a^2 + 2ab + b^2)/4"),
    yes("square_of_4", "a b c d", "(a + b + c + d)^2 <= 4*(a^2 + b^2 + c^2 + d^2)", why="squares of differences"),
    yes("cauchy_2", "a b x y", "(a*x + b*y)^2 <= (a^2 + b^2)*(x^2 + y^2)", why="Lagrange: (a y - b x)^2"),
    yes("cauchy_3", "a b c x y z", "(a*x + b*y + c*z)^2 <= (a^2 + b^2 + c^2)*(x^2 + y^2 + z^2)", why="Lagrange",
        hints="a*y - b*x; a*z - c*x; b*z - c*y"),
    yes("engel", "a b x y", "(a + b)^2/(x + y) <= a^2/x + b^2/y", "x > 0; y > 0", "(a y - b x)^2/(x y (x + y))"),
    yes("am_gm_2", "a b", "4*a*b <= (a + b)^2", why="(a - b)^2"),
    yes("am_gm_2_strict", "a b", "4*a*b < (a + b)^2", "a < b", "(a - b)^2 > 0"),
    yes("am_gm_3", "x y z", "3*x*y*z <= x^3 + y^3 + z^3", NONNEGATIVE3, "(x + y + z)(sum of squared differences)/2"),
    yes("am_gm_3_cubed", "x y z", "27*x*y*z <= (x + y + z)^3", NONNEGATIVE3, "am_gm_3 at the cube roots"),
    yes("am_gm_4", "a b c d", "4*a*b*c*d <= a^4 + b^4 + c^4 + d^4", "", "(a^2 - b^2)^2 + (c^2 - d^2)^2 + 2 (a b - c d)^2",
        "a^2 - b^2; c^2 - d^2; a*b - c*d"),
    yes("am_gm_4_power", "a b c d", "256*a*b*c*d <= (a + b + c + d)^4", "a >= 0; b >= 0; c >= 0; d >= 0", "am_gm_2 twice"),
    yes("power_mean_4", "a b", "((a + b)/2)^4 <= (a^4 + b^4)/2", why="square_of_2 twice"),
    yes("products_of_3", "a b c", "a*b + b*c + c*a <= a^2 + b^2 + c^2", why="squares of differences"),
    yes("schur_ordered", "x y z", f"{SCHUR} >= 0", "x >= y; y >= z; z >= 0", "(x - y)(x(x - z) - y(y - z)) + z(x - z)(y - z)"),
    yes("motzkin", "x y", f"{MOTZKIN} >= 0", "", "times x^2 + y^2 + 1 it is the sum of squares of the hints", MOTZKIN_HINTS),
    yes("motzkin_3", "x y z", f"{MOTZKIN_3} >= 0", "", "times x^2 + y^2 + z^2 likewise", MOTZKIN_3_HINTS),
    yes("choi_lam", "x y z", "3*x^2*y^2*z^2 <= x^4*y^2 + y^4*z^2 + z^4*x^2", why="am_gm_3"),
    yes("nesbitt", "x y z", f"{NESBITT} >= 3/2", POSITIVE3, "Nesbitt"),
    # one variable
    yes("bernoulli_4", "x", "(1 + x)^4 >= 1 + 4*x", why="convex, tangent at 0"),
    yes("cubic_double_root", "x", "x^3 - 3*x + 2 >= 0", "x >= 0", "(x - 1)^2 (x + 2)"),
    yes("quartic_double_root", "x", "x^4 - 4*x + 3 >= 0", why="(x - 1)^2 (x^2 + 2x + 3)"),
    yes("quartic_positive", "x", "x^4 + x^3 + x^2 + x + 1 > 0", why="cyclotomic: no real root"),
    yes("unit_interval_square", "t", "t^2 <= t", "t >= 0; t <= 1", "t (1 - t)"),
    # orders and products
    yes("convex_square", "t x y", "(t*x + (1 - t)*y)^2 <= t*x^2 + (1 - t)*y^2", "t >= 0; t <= 1", "t (1 - t)(x - y)^2"),
    yes("union_bound", "a b", "(1 - a)*(1 - b) >= 1 - a - b", "a >= 0; b >= 0", "a b"),
    yes("fraction_monotone", "a b", "a/(1 + a) <= b/(1 + b)", "a >= 0; a <= b", "(b - a)/((1 + a)(1 + b))"),
    yes("midpoint", "a b", "a < (a + b)/2", "a < b", "(b - a)/2"),
    # identities
    yes("sophie_germain", "a b", "a^4 + 4*b^4 == (a^2 + 2*b^2 + 2*a*b)*(a^2 + 2*b^2 - 2*a*b)", why="identity"),
    yes("cancelled", "x", "(x^2 - 1)/(x - 1) == x + 1", "x > 1", "identity where x != 1"),
    # steps of theory.md
    yes("descent", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "L > 0; eta >= 0; eta <= 1/L", "eta G^2 (1 - eta L)/2"),
    yes("descent_product", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "eta >= 0; eta*L <= 1", "eta G^2 (1 - eta L)/2"),
    yes("g_at_most_square", "G", "G <= 1 + G^2", why="(G - 1/2)^2 + 3/4"),
    yes("g_at_most_kappa", "G kap", "G <= kap*G^2 + 1/(4*kap)", "kap > 0", "(2 kap G - 1)^2/(4 kap)"),
    yes("step_6_2", STEP, f"{LF} <= {FLOOR}", f"{SIGNS}; eta*h*((L0 + L1*G)*A + L1*D0/N) <= 2*eps", "G <= 1 + G^2"),
    yes("floor_6_3_small", "L0 L1 A c G", "(L0 + L1*G)/((L0 + L1*G)*A + c)^2 <= L0/(L0*A + c)^2",
        "L0 > 0; L1 >= 0; A > 0; c >= 0; G >= 0; c <= A*L0", "y/(A y + c)^2 falls for y >= c/A"),
    yes("floor_6_3_large", "y A c", "y/(A*y + c)^2 <= 1/(4*A*c)", "y >= 0; A > 0; c > 0", "(A y - c)^2"),
    yes("normalised_psi", "G c", "G^2/(c + G) >= G - c", "c > 0; G >= 0", "c^2/(c + G)"),
    yes("growth_6_9", "q s", "q*(q - 1)^2/s^2 >= q", "s >= 1; q >= 1 + s", "q - 1 >= s"),
    yes("stationary_order", "eta s N lam", "eta*s/(2*N*lam) <= eta*s/(N*lam*(2 - eta*lam))",
        "eta >= 0; s >= 0; N >= 1; lam > 0; eta*lam < 2", "2 - eta lam <= 2"),
    # absolute values and roots
    yes("triangle", "a b", "abs(a + b) <= abs(a) + abs(b)", why="triangle"),
    yes("triangle_3", "a b c", "abs(a + b + c) <= abs(a) + abs(b) + abs(c)", why="triangle"),
    yes("abs_square_equal", "x", "abs(x)^2 == x^2", why="signs"),
    yes("root_of_square", "x", "sqrt(x^2) == abs(x)", why="both are the root >= 0"),
    yes("root_subadditive", "x y", "sqrt(x + y) <= sqrt(x) + sqrt(y)", "x >= 0; y >= 0", "squares"),
    yes("root_hoelder", "x y", "abs(sqrt(x) - sqrt(y)) <= sqrt(abs(x - y))", "x >= 0; y >= 0", "root_subadditive"),
    # equalities as assumptions
    yes("simplex", "a b c", "a*b + b*c + c*a <= 1/3", "a + b + c == 1; a >= 0; b >= 0; c >= 0", "products_of_sum",
        given="c = 1 - a - b"),
    yes("substitution", "a b c", "a^3 == c*a^2", "a == b; b == c", "a = c", given="b = c, a = b"),
    # inconsistent assumptions
    yes("vacuous_values", "x", "x > 7", "x == 1; x == 2", "1 != 2", vacuous=True),
    # exp
    yes("exp_strict", "x", "exp(x) > 1 + x", "x > 0", "strictly convex"),
    yes("exp_taylor_2", "x", "exp(x) >= 1 + x + x^2/2", "x >= 0", "Taylor"),
    yes("x_exp", "x", "x*exp(-x) <= 0.37", why="1/e < 0.368"),
    yes("sinh_linear", "x", "(exp(x) - exp(-x))/2 >= x", "x >= 0", "Taylor"),
    yes("exp_sum", "a b", "exp(a + b) == exp(a)*exp(b)", why="functional equation"),
    yes("logistic_slope", "x", "exp(x)/(1 + exp(x))^2 <= 1/4", why="am_gm_2"),
    # log
    yes("log_tangent", "x", "log(x) <= x - 1", "x > 0", "concave"),
    yes("log1p_root", "x", "log(1 + x) <= x/sqrt(1 + x)", "x >= 0", "derivatives"),
    yes("x_log_x", "x", "x*log(x) >= -0.3679", "x > 0", "-1/e > -0.36788"),
    yes("log_sum", "x y", "x*log(x/y) >= x - y", "x > 0; y > 0", "log_inverse"),
    # atan, erf, tanh
    yes("atan_cubic", "x", "atan(x) >= x - x^3/3", "x >= 0", "derivatives"),
    yes("atan_bounded", "x", "atan(x) < 1.5708", why="pi/2 < 1.5708"),
    yes("atan_odd", "x", "atan(-x) == -atan(x)", why="odd"),
    yes("erf_rational", "x", "erf(x) >= x/(1 + x)", "x >= 0", "derivatives"),
    yes("erf_6_4", "x", "x*erf(x) >= 0.8427*(abs(x) - 1/4)", why="concave: erf(x) >= erf(1) min(1, x)"),
    yes("tanh_exp", "x", "tanh(x) >= 1 - exp(-x)", "x >= 0", "with q = exp(-x): q >= q^2"),
    yes("tanh_cubic", "x", "tanh(x) >= x - x^3/3", "x >= 0", "derivatives"),
    yes("number_e", "", "exp(1) < 2.7183", why="2.71828"),
)  # fmt: skip
