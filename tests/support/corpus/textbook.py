"""Textbook inequalities and steps of theory.md: those that hold, with a proof in a phrase, and those with one fault, with a point.

Nothing here is believed: tests/derive/proof/claims/test_corpus.py checks them without the prover.
"""

from tests.support.corpus.cases import Case, no, yes

POSITIVE3, NONNEGATIVE3 = "x > 0; y > 0; z > 0", "x >= 0; y >= 0; z >= 0"
SCHUR = "x*(x - y)*(x - z) + y*(y - x)*(y - z) + z*(z - x)*(z - y)"
MOTZKIN = "x^4*y^2 + x^2*y^4 + 1 - 3*x^2*y^2"
MOTZKIN_HINTS = "x^2*y - y; x*y^2 - x; x^2*y^2 - 1; x*y^3 - x^3*y; x*y^3 + x^3*y - 2*x*y"
NESBITT = "x/(y + z) + y/(z + x) + z/(x + y)"
COSH = "(exp(x) + exp(-x))/2"
# one step of 6.2: generator and conditions of the corrected model
SIGNS = "L0 >= 0; L1 >= 0; A >= 0; D0 >= 0; N >= 1; G >= 0; h >= 0; eta >= 0; eps >= 0"
LF = "-h*G^2 + eta*h^2*(L0 + L1*G)*(A*G^2 + D0/N)/2"
STEP = "L0 L1 A D0 N G h eta eps"
FLOOR = "-(1 - eps)*h*G^2 + eta*h^2*(L0 + L1)*D0/(2*N)"

TRUE: tuple[Case, ...] = (
    # Young, Cauchy, means
    yes("young", "a b", "a*b <= a^2/2 + b^2/2", why="(a - b)^2/2"),
    yes("young_eps", "a b eps", "a*b <= eps*a^2 + b^2/(4*eps)", "eps > 0", "(2 eps a - b)^2/(4 eps)"),
    yes("young_cubic", "x y", "x*y^2 <= x^3/3 + 2*y^3/3", "x >= 0; y >= 0", "(x - y)^2 (x + 2y)/3"),
    yes("cauchy_3", "a b c x y z", "(a*x + b*y + c*z)^2 <= (a^2 + b^2 + c^2)*(x^2 + y^2 + z^2)", why="Lagrange",
        hints="a*y - b*x; a*z - c*x; b*z - c*y"),
    yes("engel", "a b x y", "(a + b)^2/(x + y) <= a^2/x + b^2/y", "x > 0; y > 0", "(a y - b x)^2/(x y (x + y))"),
    yes("am_gm_2_strict", "a b", "4*a*b < (a + b)^2", "a < b", "(a - b)^2 > 0"),
    yes("am_gm_3", "x y z", "3*x*y*z <= x^3 + y^3 + z^3", NONNEGATIVE3, "(x + y + z)(sum of squared differences)/2"),
    yes("am_gm_4_power", "a b c d", "256*a*b*c*d <= (a + b + c + d)^4", "a >= 0; b >= 0; c >= 0; d >= 0", "am_gm_2 twice"),
    yes("schur_ordered", "x y z", f"{SCHUR} >= 0", "x >= y; y >= z; z >= 0", "(x - y)(x(x - z) - y(y - z)) + z(x - z)(y - z)"),
    yes("motzkin", "x y", f"{MOTZKIN} >= 0", "", "times x^2 + y^2 + 1 it is the sum of squares of the hints", MOTZKIN_HINTS),
    yes("nesbitt", "x y z", f"{NESBITT} >= 3/2", POSITIVE3, "Nesbitt"),
    # one variable
    yes("quartic_double_root", "x", "x^4 - 4*x + 3 >= 0", why="(x - 1)^2 (x^2 + 2x + 3)"),
    yes("quartic_positive", "x", "x^4 + x^3 + x^2 + x + 1 > 0", why="cyclotomic: no real root"),
    # orders and products
    yes("fraction_monotone", "a b", "a/(1 + a) <= b/(1 + b)", "a >= 0; a <= b", "(b - a)/((1 + a)(1 + b))"),
    # identities
    yes("cancelled", "x", "(x^2 - 1)/(x - 1) == x + 1", "x > 1", "identity where x != 1"),
    # steps of theory.md
    yes("descent", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "L > 0; eta >= 0; eta <= 1/L", "eta G^2 (1 - eta L)/2"),
    yes("g_at_most_kappa", "G kap", "G <= kap*G^2 + 1/(4*kap)", "kap > 0", "(2 kap G - 1)^2/(4 kap)"),
    yes("step_6_2", STEP, f"{LF} <= {FLOOR}", f"{SIGNS}; eta*h*((L0 + L1*G)*A + L1*D0/N) <= 2*eps", "G <= 1 + G^2"),
    yes("floor_6_3_small", "L0 L1 A c G", "(L0 + L1*G)/((L0 + L1*G)*A + c)^2 <= L0/(L0*A + c)^2",
        "L0 > 0; L1 >= 0; A > 0; c >= 0; G >= 0; c <= A*L0", "y/(A y + c)^2 falls for y >= c/A"),
    yes("stationary_order", "eta s N lam", "eta*s/(2*N*lam) <= eta*s/(N*lam*(2 - eta*lam))",
        "eta >= 0; s >= 0; N >= 1; lam > 0; eta*lam < 2", "2 - eta lam <= 2"),
    # absolute values and roots
    yes("triangle", "a b", "abs(a + b) <= abs(a) + abs(b)", why="triangle"),
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
    yes("exp_sum", "a b", "exp(a + b) == exp(a)*exp(b)", why="functional equation"),
    yes("logistic_slope", "x", "exp(x)/(1 + exp(x))^2 <= 1/4", why="am_gm_2"),
    # log
    yes("log1p_root", "x", "log(1 + x) <= x/sqrt(1 + x)", "x >= 0", "derivatives"),
    yes("x_log_x", "x", "x*log(x) >= -0.3679", "x > 0", "-1/e > -0.36788"),
    yes("log_sum", "x y", "x*log(x/y) >= x - y", "x > 0; y > 0", "log_inverse"),
    # atan, erf, tanh
    yes("atan_bounded", "x", "atan(x) < 1.5708", why="pi/2 < 1.5708"),
    yes("atan_odd", "x", "atan(-x) == -atan(x)", why="odd"),
    yes("erf_6_4", "x", "x*erf(x) >= 0.8427*(abs(x) - 1/4)", why="concave: erf(x) >= erf(1) min(1, x)"),
    yes("tanh_exp", "x", "tanh(x) >= 1 - exp(-x)", "x >= 0", "with q = exp(-x): q >= q^2"),
    yes("number_e", "", "exp(1) < 2.7183", why="2.71828"),
)  # fmt: skip
FALSE: tuple[Case, ...] = (
    # constants a little too small
    no("cauchy_roots_constant", "a b x y", "a*x + b*y <= 0.999*sqrt(a^2 + b^2)*sqrt(x^2 + y^2)",
        witness="a = 0, b = 1, x = 0, y = 1"),
    no("motzkin_constant", "x y", f"{MOTZKIN} >= 0.001", "", hints=MOTZKIN_HINTS, witness="x = 1, y = 1"),
    no("motzkin_coefficient", "x y", "x^4*y^2 + x^2*y^4 + 1 >= 3.01*x^2*y^2", witness="x = 1, y = 1"),
    no("quartic_floor", "x", "x^4 + x^3 + x^2 + x + 1 >= 0.7", witness="x = -1/2"),
    no("fraction_constant", "x", "x^2/(1 + x^2) <= 0.999", witness="x = 95"),
    no("step_6_2_fifth", STEP, f"{LF} <= {FLOOR}", f"{SIGNS}; eta*h*((L0 + L1*G)*A + L1*D0/(5*N)) <= 2*eps",
        "L0 = 0, L1 = 1, A = 1, D0 = 1, N = 1, G = 5/2, h = 1, eta = 1, eps = 27/20"),
    no("uniform_6_4_constant", "x", "x^2 >= x - 0.2", "x >= 0; x <= 1", witness="x = 1/2"),
    no("root_step_constant", "x", "sqrt(x + 1) - sqrt(x) <= 0.49/sqrt(x)", "x > 0", witness="x = 20"),
    # a hypothesis dropped
    no("young_eps_negative", "a b eps", "a*b <= eps*a^2 + b^2/(4*eps)", "eps < 0", witness="a = 1, b = 0, eps = -1"),
    no("schur_signs", "x y z", f"{SCHUR} >= 0", witness="x = -1, y = 0, z = 0"),
    no("inverse_signs", "a b", "1/b < 1/a", "a < b; a < 0; b > 0", witness="a = -1, b = 1"),
    no("exp_quadratic_range", "x", "exp(x) <= 1 + x + x^2", "x >= 0; x <= 2", witness="x = 2"),
    # the wrong way round
    no("minkowski_reversed", "a b x y", "sqrt((a + x)^2 + (b + y)^2) >= sqrt(a^2 + b^2) + sqrt(x^2 + y^2)",
        witness="a = 0, b = 1, x = 1, y = 0"),
    no("abs_above", "x", "abs(x) <= x", witness="x = -1"),
    no("root_superadditive", "x y", "sqrt(x + y) >= sqrt(x) + sqrt(y)", "x >= 0; y >= 0", witness="x = 1, y = 1"),
    # strict where there is equality
    no("schur_strict", "x y z", f"{SCHUR} > 0", POSITIVE3, witness="x = 1, y = 1, z = 1"),
    no("tanh_weak_order", "x y", "tanh(x) < tanh(y)", "x <= y", witness="x = 0, y = 0"),
    # identities
    no("root_of_square_signed", "x", "sqrt(x^2) == x", witness="x = -1"),
    no("exp_sum_wrong", "a b", "exp(a + b) == exp(a) + exp(b)", witness="a = 0, b = 1"),
    # assumptions that leave little
    no("hyperbola_constant", "x y", "x + y >= 2.001", "x*y == 1; x > 0", "x = 1, y = 1"),
    no("diagonal", "x", "x <= 1.414", "x^2 == 2; x > 0", "x = sqrt(2)"),
    no("one_point_circle", "x y", "x + 1 <= y", "x^2 + y^2 <= 0", "x = 0, y = 0"),
    # exp, log
    no("exp_slope", "x", "exp(x) >= 1 + 1.01*x", witness="x = 1/100"),
    no("exp_rational_constant", "x", "1 - exp(-x) >= x/(1 + 0.99*x)", "x >= 0", witness="x = 337"),
    no("cosh_gauss_constant", "x", f"{COSH} <= exp(0.49*x^2)", witness="x = 1/3"),
    no("x_log_x_constant", "x", "x*log(x) >= -0.3678", "x > 0", witness="x = 3/8"),
    # atan, erf, tanh
    no("atan_bound", "x", "atan(x) <= 1.57", witness="x = 10000"),
    no("erf_tanh", "x", "erf(x) <= tanh(1.2*x)", "x >= 0", witness="x = 1"),
    no("tanh_bound", "x", "tanh(x) <= 0.9999", witness="x = 5"),
    no("number_e_constant", "", "exp(1) < 2.7182"),
)  # fmt: skip
