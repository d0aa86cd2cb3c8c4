"""Inequalities of textbooks and of theory.md, true and false, to try the prover on: its data, and the data of its tests.

A true one carries its known proof in a phrase; a false one carries a point that refutes it. Nothing here is believed:
test_claims_corpus.py samples every true one and checks every witness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Case(NamedTuple):
    """A claim and what is known of it.

    Args:
        name: unique.
        variables, assume, claim, hints: as in a claim file.
        truth: whether the claim holds wherever the assumptions do.
        why: the proof, of a true one.
        witness: a point of the assumptions where the claim fails, of a false one: a term without variables for each variable.
        given: for assumptions == the terms in the other variables that solve them, in order, so that they can be sampled.
        vacuous: no point satisfies the assumptions.
    """

    name: str
    variables: tuple[str, ...]
    assume: tuple[str, ...]
    claim: str
    hints: tuple[str, ...]
    truth: bool
    why: str
    witness: Mapping[str, str]
    given: tuple[tuple[str, str], ...]
    vacuous: bool


def _split(text: str, by: str | None = None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(by) if part.strip())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs of "x = 1, y = 2/3"."""
    pairs = (part.partition("=") for part in _split(text, ","))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def _yes(
    name: str,
    variables: str,
    claim: str,
    assume: str = "",
    why: str = "",
    hints: str = "",
    given: str = "",
    vacuous: bool = False,
) -> Case:
    assumed, hinted = _split(assume, ";"), _split(hints, ";")
    return Case(name, _split(variables), assumed, claim, hinted, True, why, {}, _pairs(given), vacuous)


def _no(name: str, variables: str, claim: str, assume: str = "", witness: str = "", hints: str = "") -> Case:
    assumed, hinted = _split(assume, ";"), _split(hints, ";")
    return Case(name, _split(variables), assumed, claim, hinted, False, "", dict(_pairs(witness)), (), False)


_POSITIVE3, _NONNEGATIVE3 = "x > 0; y > 0; z > 0", "x >= 0; y >= 0; z >= 0"
_SCHUR = "x*(x - y)*(x - z) + y*(y - x)*(y - z) + z*(z - x)*(z - y)"
_MOTZKIN = "x^4*y^2 + x^2*y^4 + 1 - 3*x^2*y^2"
_MOTZKIN_HINTS = "x^2*y - y; x*y^2 - x; x^2*y^2 - 1; x*y^3 - x^3*y; x*y^3 + x^3*y - 2*x*y"
_MOTZKIN_3 = "x^4*y^2 + x^2*y^4 + z^6 - 3*x^2*y^2*z^2"
_MOTZKIN_3_HINTS = "x^2*y*z - y*z^3; x*y^2*z - x*z^3; x^2*y^2 - z^4; x*y^3 - x^3*y; x*y^3 + x^3*y - 2*x*y*z^2"
_NESBITT = "x/(y + z) + y/(z + x) + z/(x + y)"
_COSH = "(exp(x) + exp(-x))/2"
# one step of 6.2: generator and conditions of the corrected model
_SIGNS = "L0 >= 0; L1 >= 0; A >= 0; D0 >= 0; N >= 1; G >= 0; h >= 0; eta >= 0; eps >= 0"
_LF = "-h*G^2 + eta*h^2*(L0 + L1*G)*(A*G^2 + D0/N)/2"
_STEP = "L0 L1 A D0 N G h eta eps"
_FLOOR = "-(1 - eps)*h*G^2 + eta*h^2*(L0 + L1)*D0/(2*N)"

TRUE: tuple[Case, ...] = (
    # Young, Cauchy, means
    _yes("young", "a b", "a*b <= a^2/2 + b^2/2", why="(a - b)^2/2"),
    _yes("young_eps", "a b eps", "a*b <= eps*a^2 + b^2/(4*eps)", "eps > 0", "(2 eps a - b)^2/(4 eps)"),
    _yes("young_eps_minus", "a b eps", "-2*a*b <= eps*a^2 + b^2/eps", "eps > 0", "(eps a + b)^2/eps"),
    _yes("young_eps_sum", "a b eps", "(a + b)^2 <= (1 + eps)*a^2 + (1 + 1/eps)*b^2", "eps > 0", "(eps a - b)^2/eps"),
    _yes("young_cubic", "x y", "x*y^2 <= x^3/3 + 2*y^3/3", "x >= 0; y >= 0", "(x - y)^2 (x + 2y)/3"),
    _yes("young_quartic", "a b", "a^3*b <= 3*a^4/4 + b^4/4", why="(a - b)^2 (3a^2 + 2ab + b^2)/4"),
    _yes("square_of_2", "a b", "(a + b)^2 <= 2*a^2 + 2*b^2", why="(a - b)^2"),
    _yes("square_of_3", "a b c", "(a + b + c)^2 <= 3*(a^2 + b^2 + c^2)", why="squares of differences"),
    _yes("square_of_4", "a b c d", "(a + b + c + d)^2 <= 4*(a^2 + b^2 + c^2 + d^2)", why="squares of differences"),
    _yes("cauchy_2", "a b x y", "(a*x + b*y)^2 <= (a^2 + b^2)*(x^2 + y^2)", why="Lagrange: (a y - b x)^2"),
    _yes("cauchy_3", "a b c x y z", "(a*x + b*y + c*z)^2 <= (a^2 + b^2 + c^2)*(x^2 + y^2 + z^2)", why="Lagrange",
         hints="a*y - b*x; a*z - c*x; b*z - c*y"),
    _yes("cauchy_roots", "a b x y", "a*x + b*y <= sqrt(a^2 + b^2)*sqrt(x^2 + y^2)", why="the root of cauchy_2"),
    _yes("minkowski", "a b x y", "sqrt((a + x)^2 + (b + y)^2) <= sqrt(a^2 + b^2) + sqrt(x^2 + y^2)", why="from cauchy_roots"),
    _yes("engel", "a b x y", "(a + b)^2/(x + y) <= a^2/x + b^2/y", "x > 0; y > 0", "(a y - b x)^2/(x y (x + y))"),
    _yes("lagrange", "a b x y", "(a^2 + b^2)*(x^2 + y^2) == (a*x + b*y)^2 + (a*y - b*x)^2", why="identity"),
    _yes("am_gm_2", "a b", "4*a*b <= (a + b)^2", why="(a - b)^2"),
    _yes("am_gm_2_root", "a b", "sqrt(a*b) <= (a + b)/2", "a >= 0; b >= 0", "(sqrt a - sqrt b)^2/2"),
    _yes("am_gm_2_strict", "a b", "4*a*b < (a + b)^2", "a < b", "(a - b)^2 > 0"),
    _yes("am_gm_3", "x y z", "3*x*y*z <= x^3 + y^3 + z^3", _NONNEGATIVE3, "(x + y + z)(sum of squared differences)/2"),
    _yes("am_gm_3_cubed", "x y z", "27*x*y*z <= (x + y + z)^3", _NONNEGATIVE3, "am_gm_3 at the cube roots"),
    _yes("am_gm_4", "a b c d", "4*a*b*c*d <= a^4 + b^4 + c^4 + d^4", "", "(a^2 - b^2)^2 + (c^2 - d^2)^2 + 2 (a b - c d)^2",
         "a^2 - b^2; c^2 - d^2; a*b - c*d"),
    _yes("am_gm_4_power", "a b c d", "256*a*b*c*d <= (a + b + c + d)^4", "a >= 0; b >= 0; c >= 0; d >= 0", "am_gm_2 twice"),
    _yes("gm_hm", "a b", "2*a*b/(a + b) <= sqrt(a*b)", "a > 0; b > 0", "am_gm_2_root times 2 sqrt(a b)/(a + b)"),
    _yes("qm_am", "a b", "(a + b)/2 <= sqrt((a^2 + b^2)/2)", "", "the root of square_of_2"),
    _yes("power_mean_3", "a b", "((a + b)/2)^3 <= (a^3 + b^3)/2", "a >= 0; b >= 0", "3 (a + b)(a - b)^2/8"),
    _yes("power_mean_4", "a b", "((a + b)/2)^4 <= (a^4 + b^4)/2", why="square_of_2 twice"),
    _yes("products_of_3", "a b c", "a*b + b*c + c*a <= a^2 + b^2 + c^2", why="squares of differences"),
    _yes("products_of_sum", "a b c", "3*(a*b + b*c + c*a) <= (a + b + c)^2", why="squares of differences"),
    _yes("schur", "x y z", f"{_SCHUR} >= 0", _NONNEGATIVE3, "Schur, degree 1"),
    _yes("schur_ordered", "x y z", f"{_SCHUR} >= 0", "x >= y; y >= z; z >= 0", "(x - y)(x(x - z) - y(y - z)) + z(x - z)(y - z)"),
    _yes("motzkin", "x y", f"{_MOTZKIN} >= 0", "", "times x^2 + y^2 + 1 it is the sum of squares of the hints", _MOTZKIN_HINTS),
    _yes("motzkin_3", "x y z", f"{_MOTZKIN_3} >= 0", "", "times x^2 + y^2 + z^2 likewise", _MOTZKIN_3_HINTS),
    _yes("choi_lam", "x y z", "3*x^2*y^2*z^2 <= x^4*y^2 + y^4*z^2 + z^4*x^2", why="am_gm_3"),
    _yes("nesbitt", "x y z", f"{_NESBITT} >= 3/2", _POSITIVE3, "Nesbitt"),
    _yes("x_and_inverse", "x", "x + 1/x >= 2", "x > 0", "(x - 1)^2/x"),
    _yes("sum_of_inverses", "x y z", "(x + y + z)*(1/x + 1/y + 1/z) >= 9", _POSITIVE3, "x/y + y/x >= 2, three times"),
    # one variable
    _yes("bernoulli_3", "x", "(1 + x)^3 >= 1 + 3*x", "x >= -1", "x^2 (3 + x)"),
    _yes("bernoulli_4", "x", "(1 + x)^4 >= 1 + 4*x", why="convex, tangent at 0"),
    _yes("bernoulli_7", "x", "(1 + x)^7 >= 1 + 7*x", "x >= -1", "Bernoulli"),
    _yes("bernoulli_minus_2", "x", "(1 + x)^-2 >= 1 - 2*x", "x > -1", "convex, tangent at 0"),
    _yes("cubic_double_root", "x", "x^3 - 3*x + 2 >= 0", "x >= 0", "(x - 1)^2 (x + 2)"),
    _yes("quartic_double_root", "x", "x^4 - 4*x + 3 >= 0", why="(x - 1)^2 (x^2 + 2x + 3)"),
    _yes("quartic_positive", "x", "x^4 + x^3 + x^2 + x + 1 > 0", why="cyclotomic: no real root"),
    _yes("octic_positive", "x", "x^8 - x^5 + x^2 - x + 1 > 0", why="groups of two on each side of 1"),
    _yes("quadratic_vertex", "x", "x^2 - x + 1 >= 3/4", why="(x - 1/2)^2"),
    _yes("unit_interval_square", "t", "t^2 <= t", "t >= 0; t <= 1", "t (1 - t)"),
    _yes("unit_interval_variance", "t", "t*(1 - t) <= 1/4", why="(t - 1/2)^2"),
    _yes("fraction_below_1", "x", "x^2/(1 + x^2) < 1", why="1/(1 + x^2) > 0"),
    _yes("fraction_at_most_1", "x", "2*x/(1 + x^2) <= 1", why="(1 - x)^2/(1 + x^2)"),
    # orders and products
    _yes("convex_square", "t x y", "(t*x + (1 - t)*y)^2 <= t*x^2 + (1 - t)*y^2", "t >= 0; t <= 1", "t (1 - t)(x - y)^2"),
    _yes("chebyshev_2", "a b x y", "(a + b)*(x + y) <= 2*(a*x + b*y)", "(a - b)*(x - y) >= 0", "the difference is the assumption"),
    _yes("chebyshev_weights", "p a b", "(p*a + (1 - p)*b)*(p*a^2 + (1 - p)*b^2) <= p*a^3 + (1 - p)*b^3",
         "p >= 0; p <= 1; a >= 0; b >= 0", "p (1 - p)(a - b)^2 (a + b)"),
    _yes("rearrangement", "a b x y", "a*y + b*x <= a*x + b*y", "a <= b; x <= y", "(b - a)(y - x)"),
    _yes("union_bound", "a b", "(1 - a)*(1 - b) >= 1 - a - b", "a >= 0; b >= 0", "a b"),
    _yes("product_above_1", "x y", "x*y >= x + y - 1", "x >= 1; y >= 1", "(x - 1)(y - 1)"),
    _yes("fraction_monotone", "a b", "a/(1 + a) <= b/(1 + b)", "a >= 0; a <= b", "(b - a)/((1 + a)(1 + b))"),
    _yes("inverse_antitone", "a b", "1/b < 1/a", "a > 0; a < b", "(b - a)/(a b)"),
    _yes("midpoint", "a b", "a < (a + b)/2", "a < b", "(b - a)/2"),
    _yes("strict_sum", "a b c d", "a + c < b + d", "a < b; c <= d", "the sum of the assumptions"),
    _yes("squares_ordered", "a b", "a^2 <= b^2", "a >= 0; a <= b", "(b - a)(b + a)"),
    # identities
    _yes("sum_of_cubes", "a b c", "(a + b + c)*(a^2 + b^2 + c^2 - a*b - b*c - c*a) == a^3 + b^3 + c^3 - 3*a*b*c", why="identity"),
    _yes("sophie_germain", "a b", "a^4 + 4*b^4 == (a^2 + 2*b^2 + 2*a*b)*(a^2 + 2*b^2 - 2*a*b)", why="identity"),
    _yes("partial_fractions", "x", "1/(x*(x + 1)) == 1/x - 1/(x + 1)", "x > 0", "identity where x (x + 1) != 0"),
    _yes("cancelled", "x", "(x^2 - 1)/(x - 1) == x + 1", "x > 1", "identity where x != 1"),
    # steps of theory.md
    _yes("descent", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "L > 0; eta >= 0; eta <= 1/L", "eta G^2 (1 - eta L)/2"),
    _yes("descent_product", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "eta >= 0; eta*L <= 1", "eta G^2 (1 - eta L)/2"),
    _yes("descent_limit", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= 0", "L > 0; eta >= 0; eta <= 2/L", "eta G^2 (2 - eta L)/2"),
    _yes("g_at_most_square", "G", "G <= 1 + G^2", why="(G - 1/2)^2 + 3/4"),
    _yes("g_at_most_kappa", "G kap", "G <= kap*G^2 + 1/(4*kap)", "kap > 0", "(2 kap G - 1)^2/(4 kap)"),
    _yes("step_6_2", _STEP, f"{_LF} <= {_FLOOR}", f"{_SIGNS}; eta*h*((L0 + L1*G)*A + L1*D0/N) <= 2*eps", "G <= 1 + G^2"),
    _yes("step_6_2_quotient", _STEP, f"{_LF} <= {_FLOOR}",
         f"{_SIGNS}; (L0 + L1*G)*A + L1*D0/N > 0; eta*h <= 2*eps/((L0 + L1*G)*A + L1*D0/N)", "step_6_2"),
    _yes("step_6_2_kappa", f"{_STEP} kap", f"{_LF} <= -(1 - eps)*h*G^2 + eta*h^2*(L0 + L1/(4*kap))*D0/(2*N)",
         f"{_SIGNS}; kap > 0; eta*h*((L0 + L1*G)*A + kap*L1*D0/N) <= 2*eps", "g_at_most_kappa"),
    _yes("floor_6_3_small", "L0 L1 A c G", "(L0 + L1*G)/((L0 + L1*G)*A + c)^2 <= L0/(L0*A + c)^2",
         "L0 > 0; L1 >= 0; A > 0; c >= 0; G >= 0; c <= A*L0", "y/(A y + c)^2 falls for y >= c/A"),
    _yes("floor_6_3_large", "y A c", "y/(A*y + c)^2 <= 1/(4*A*c)", "y >= 0; A > 0; c > 0", "(A y - c)^2"),
    _yes("normalised_psi", "G c", "G^2/(c + G) >= G - c", "c > 0; G >= 0", "c^2/(c + G)"),
    _yes("uniform_6_4", "x", "x^2 >= x - 1/4", "x >= 0; x <= 1", "(x - 1/2)^2"),
    _yes("step_6_5", "mu r G f", "-r*G^2 <= -2*mu*r*f", "mu > 0; r >= 0; f >= 0; G^2 >= 2*mu*f", "r times the assumption"),
    _yes("growth_6_9", "q s", "q*(q - 1)^2/s^2 >= q", "s >= 1; q >= 1 + s", "q - 1 >= s"),
    _yes("contraction", "eta lam L", "abs(1 - eta*lam) <= 1", "L > 0; eta >= 0; eta <= 2/L; lam >= 0; lam <= L", "eta lam <= 2"),
    _yes("contraction_square", "eta lam", "(1 - eta*lam)^2 <= 1 - eta*lam", "eta >= 0; lam >= 0; eta*lam <= 1", "t^2 <= t"),
    _yes("cocoercive", "lam mu L", "lam^2 + mu*L <= (mu + L)*lam", "mu <= lam; lam <= L", "(lam - mu)(L - lam)"),
    _yes("stationary_order", "eta s N lam", "eta*s/(2*N*lam) <= eta*s/(N*lam*(2 - eta*lam))",
         "eta >= 0; s >= 0; N >= 1; lam > 0; eta*lam < 2", "2 - eta lam <= 2"),
    _yes("natural_omega", "r", "(r - 1)*(2 - r) <= r^2/8", "r >= 1; r <= 2", "(3 r - 4)^2/8"),
    _yes("rounding_variance", "v l u", "(v - l)*(u - v) <= (u - l)^2/4", "l <= v; v <= u", "(2 v - l - u)^2/4"),
    # absolute values and roots
    _yes("triangle", "a b", "abs(a + b) <= abs(a) + abs(b)", why="triangle"),
    _yes("triangle_3", "a b c", "abs(a + b + c) <= abs(a) + abs(b) + abs(c)", why="triangle"),
    _yes("reverse_triangle", "a b", "abs(abs(a) - abs(b)) <= abs(a - b)", why="triangle, twice"),
    _yes("abs_product", "a b", "abs(a*b) == abs(a)*abs(b)", why="signs"),
    _yes("abs_below", "x", "-abs(x) <= x", why="signs"),
    _yes("abs_square_equal", "x", "abs(x)^2 == x^2", why="signs"),
    _yes("abs_young", "x", "abs(x) <= (1 + x^2)/2", why="(abs(x) - 1)^2/2"),
    _yes("abs_quarter", "x", "abs(x) - 1/4 <= x^2", why="(abs(x) - 1/2)^2"),
    _yes("abs_metric", "a b", "abs(a + b)/(1 + abs(a + b)) <= abs(a)/(1 + abs(a)) + abs(b)/(1 + abs(b))",
         why="t/(1 + t) is subadditive"),
    _yes("root_of_square", "x", "sqrt(x^2) == abs(x)", why="both are the root >= 0"),
    _yes("root_tangent", "x", "sqrt(1 + x) <= 1 + x/2", "x >= -1", "concave"),
    _yes("root_taylor", "x", "sqrt(1 + x) >= 1 + x/2 - x^2/8", "x >= 0", "alternating Taylor"),
    _yes("root_subadditive", "x y", "sqrt(x + y) <= sqrt(x) + sqrt(y)", "x >= 0; y >= 0", "squares"),
    _yes("root_hoelder", "x y", "abs(sqrt(x) - sqrt(y)) <= sqrt(abs(x - y))", "x >= 0; y >= 0", "root_subadditive"),
    _yes("root_step", "x", "sqrt(x + 1) - sqrt(x) <= 1/(2*sqrt(x))", "x > 0", "concave, tangent at x"),
    _yes("root_norms", "x", "sqrt(1 + x^2) <= 1 + abs(x)", why="squares"),
    _yes("root_of_2", "", "sqrt(2) < 1.4143", why="1.4143^2 > 2"),
    # equalities as assumptions
    _yes("simplex", "a b c", "a*b + b*c + c*a <= 1/3", "a + b + c == 1; a >= 0; b >= 0; c >= 0", "products_of_sum",
         given="c = 1 - a - b"),
    _yes("hyperbola", "x y", "x + y >= 2", "x*y == 1; x > 0", "x_and_inverse", given="y = 1/x"),
    _yes("circle_product", "x y", "x*y <= 1/2", "x^2 + y^2 == 1", "young", given="y = sqrt(1 - x^2)"),
    _yes("circle_sum", "x y", "x + y <= sqrt(2)", "x^2 + y^2 == 1", "qm_am", given="y = sqrt(1 - x^2)"),
    _yes("substitution", "a b c", "a^3 == c*a^2", "a == b; b == c", "a = c", given="b = c, a = b"),
    # inconsistent assumptions
    _yes("vacuous_signs", "x", "1 <= 0", "x > 0; x < 0", "x > 0 > x", vacuous=True),
    _yes("vacuous_square", "x", "x == 5", "x^2 <= -1", "x^2 >= 0", vacuous=True),
    _yes("vacuous_product", "x y", "x + y < 1", "x >= 1; y >= 1; x*y < 1/2", "x y >= 1", vacuous=True),
    _yes("vacuous_values", "x", "x > 7", "x == 1; x == 2", "1 != 2", vacuous=True),
    _yes("vacuous_exp", "x", "x < x", "exp(x) <= 0", "exp > 0", vacuous=True),
    # exp
    _yes("exp_tangent", "x", "exp(x) >= 1 + x", why="convex"),
    _yes("exp_minus_tangent", "x", "exp(-x) >= 1 - x", why="convex"),
    _yes("exp_strict", "x", "exp(x) > 1 + x", "x > 0", "strictly convex"),
    _yes("exp_geometric", "x", "exp(x) <= 1/(1 - x)", "x < 1", "exp_minus_tangent"),
    _yes("exp_rational", "x", "1 - exp(-x) >= x/(1 + x)", "x >= 0", "exp(x) >= 1 + x"),
    _yes("exp_linear", "x", "1 - exp(-x) <= x", why="exp_minus_tangent"),
    _yes("exp_taylor_2", "x", "exp(x) >= 1 + x + x^2/2", "x >= 0", "Taylor"),
    _yes("exp_minus_taylor_2", "x", "exp(-x) <= 1 - x + x^2/2", "x >= 0", "alternating Taylor"),
    _yes("exp_quadratic", "x", "exp(x) <= 1 + x + x^2", "x >= 0; x <= 1", "e - 2 < 1"),
    _yes("exp_through_0", "x", "exp(x) >= 2.718*x", "x >= 0", "exp(x) >= e x"),
    _yes("x_exp", "x", "x*exp(-x) <= 0.37", why="1/e < 0.368"),
    _yes("x2_exp", "x", "x^2*exp(-x) <= 0.5414", "x >= 0", "4/e^2 < 0.54135"),
    _yes("cosh_quadratic", "x", f"{_COSH} >= 1 + x^2/2", why="Taylor"),
    _yes("cosh_gauss", "x", f"{_COSH} <= exp(x^2/2)", why="(2n)! >= 2^n n!"),
    _yes("sinh_linear", "x", "(exp(x) - exp(-x))/2 >= x", "x >= 0", "Taylor"),
    _yes("exp_sum", "a b", "exp(a + b) == exp(a)*exp(b)", why="functional equation"),
    _yes("exp_inverse", "x", "exp(x)*exp(-x) == 1", why="functional equation"),
    _yes("logistic_slope", "x", "exp(x)/(1 + exp(x))^2 <= 1/4", why="am_gm_2"),
    # log
    _yes("log_tangent", "x", "log(x) <= x - 1", "x > 0", "concave"),
    _yes("log_inverse", "x", "log(x) >= 1 - 1/x", "x > 0", "log_tangent at 1/x"),
    _yes("log1p_rational", "x", "log(1 + x) >= x/(1 + x)", "x > -1", "log_inverse"),
    _yes("log1p_pade", "x", "log(1 + x) >= 2*x/(2 + x)", "x >= 0", "derivatives"),
    _yes("log1p_root", "x", "log(1 + x) <= x/sqrt(1 + x)", "x >= 0", "derivatives"),
    _yes("log_root", "x", "log(x) <= sqrt(x)", "x > 0", "2/e < 1"),
    _yes("log_product", "x y", "log(x*y) == log(x) + log(y)", "x > 0; y > 0", "functional equation"),
    _yes("log_of_exp", "x", "log(exp(x)) == x", why="inverse"),
    _yes("x_log_x", "x", "x*log(x) >= -0.3679", "x > 0", "-1/e > -0.36788"),
    _yes("softplus_below", "x", "log(1 + exp(x)) >= x/2 + 0.693", why="log(2 cosh(x/2)) >= log 2"),
    _yes("softplus_above", "x", "log(1 + exp(x)) <= 0.6932 + x/2 + x^2/8", why="log cosh u <= u^2/2"),
    _yes("softplus_positive", "x", "log(1 + exp(x)) > x", why="exp(x) + 1 > exp(x)"),
    _yes("log_sum", "x y", "x*log(x/y) >= x - y", "x > 0; y > 0", "log_inverse"),
    _yes("fenchel", "x y", "x*y <= exp(x) + y*log(y) - y", "y > 0", "exp_tangent at x - log y"),
    # atan, erf, tanh
    _yes("atan_linear", "x", "atan(x) <= x", "x >= 0", "derivatives"),
    _yes("atan_rational", "x", "atan(x) >= x/(1 + x^2)", "x >= 0", "derivatives"),
    _yes("atan_cubic", "x", "atan(x) >= x - x^3/3", "x >= 0", "derivatives"),
    _yes("atan_shafer", "x", "atan(x) >= 3*x/(1 + 2*sqrt(1 + x^2))", "x >= 0", "Shafer"),
    _yes("atan_bounded", "x", "atan(x) < 1.5708", why="pi/2 < 1.5708"),
    _yes("atan_complement", "x", "atan(x) + atan(1/x) >= 1.5707", "x > 0", "it is pi/2"),
    _yes("atan_odd", "x", "atan(-x) == -atan(x)", why="odd"),
    _yes("atan_monotone", "x y", "atan(x) <= atan(y)", "x <= y", "increasing"),
    _yes("erf_linear", "x", "erf(x) <= 1.1284*x", "x >= 0", "2/sqrt(pi) < 1.1284"),
    _yes("erf_chord", "x", "erf(x) >= 0.8427*x", "x >= 0; x <= 1", "concave, erf(1) > 0.8427"),
    _yes("erf_rational", "x", "erf(x) >= x/(1 + x)", "x >= 0", "derivatives"),
    _yes("erf_cubic", "x", "erf(x) >= 1.128*(x - x^3/3)", "x >= 0", "exp(-x^2) >= 1 - x^2"),
    _yes("erf_bounded", "x", "erf(x) < 1", why="a probability"),
    _yes("erf_even", "x", "x*erf(x) >= 0", why="odd and increasing"),
    _yes("erf_6_4", "x", "x*erf(x) >= 0.8427*(abs(x) - 1/4)", why="concave: erf(x) >= erf(1) min(1, x)"),
    _yes("tanh_linear", "x", "tanh(x) <= x", "x >= 0", "derivatives"),
    _yes("tanh_rational", "x", "tanh(x) >= x/(1 + x)", "x >= 0", "tanh_exp"),
    _yes("tanh_exp", "x", "tanh(x) >= 1 - exp(-x)", "x >= 0", "with q = exp(-x): q >= q^2"),
    _yes("tanh_cubic", "x", "tanh(x) >= x - x^3/3", "x >= 0", "derivatives"),
    _yes("tanh_bounded", "x", "tanh(x) < 1", why="exp > 0"),
    _yes("tanh_square", "x", "tanh(x)^2 <= x^2", why="tanh_linear and odd"),
    _yes("tanh_monotone", "x y", "tanh(x) < tanh(y)", "x < y", "increasing"),
    _yes("number_e", "", "exp(1) < 2.7183", why="2.71828"),
    _yes("number_pi", "", "4*atan(1) > 3.1415", why="3.14159"),
    _yes("number_log", "", "log(2) > 0.693", why="0.69314"),
)  # fmt: skip

FALSE: tuple[Case, ...] = (
    # constants a little too small
    _no("young_constant", "a b", "a*b <= 0.499*(a^2 + b^2)", witness="a = 1, b = 1"),
    _no("young_eps_constant", "a b eps", "a*b <= eps*a^2 + b^2/(4.01*eps)", "eps > 0", witness="a = 1, b = 2, eps = 1"),
    _no("young_eps_both", "a b eps", "(a + b)^2 <= (1 + eps)*a^2 + (1 + eps)*b^2", "eps > 0", witness="a = 1, b = 1, eps = 1/2"),
    _no("square_of_2_constant", "a b", "(a + b)^2 <= 1.99*(a^2 + b^2)", witness="a = 1, b = 1"),
    _no("square_of_3_constant", "a b c", "(a + b + c)^2 <= 2*(a^2 + b^2 + c^2)", witness="a = 1, b = 2, c = 1"),
    _no("square_of_4_constant", "a b c d", "(a + b + c + d)^2 <= 3.99*(a^2 + b^2 + c^2 + d^2)",
        witness="a = 2, b = 2, c = 2, d = 2"),
    _no("cauchy_2_constant", "a b x y", "(a*x + b*y)^2 <= 0.99*(a^2 + b^2)*(x^2 + y^2)", witness="a = 0, b = 1, x = 0, y = 1"),
    _no("cauchy_roots_constant", "a b x y", "a*x + b*y <= 0.999*sqrt(a^2 + b^2)*sqrt(x^2 + y^2)",
        witness="a = 0, b = 1, x = 0, y = 1"),
    _no("engel_constant", "a b x y", "(a + b)^2/(x + y) <= a^2/x + b^2/(2*y)", "x > 0; y > 0",
        witness="a = 1, b = 1, x = 2, y = 1"),
    _no("am_gm_2_constant", "a b", "4.01*a*b <= (a + b)^2", witness="a = 1, b = 1"),
    _no("am_gm_2_root_constant", "x y", "sqrt(x*y) <= 0.499*(x + y)", "x >= 0; y >= 0", witness="x = 1, y = 1"),
    _no("am_gm_3_constant", "x y z", "27.1*x*y*z <= (x + y + z)^3", _NONNEGATIVE3, witness="x = 1, y = 1, z = 1"),
    _no("schur_constant", "x y z", f"{_SCHUR} >= x*y*z/100", _NONNEGATIVE3, witness="x = 1, y = 1, z = 1"),
    _no("motzkin_constant", "x y", f"{_MOTZKIN} >= 0.001", "", hints=_MOTZKIN_HINTS, witness="x = 1, y = 1"),
    _no("motzkin_coefficient", "x y", "x^4*y^2 + x^2*y^4 + 1 >= 3.01*x^2*y^2", witness="x = 1, y = 1"),
    _no("choi_lam_coefficient", "x y z", "3.01*x^2*y^2*z^2 <= x^4*y^2 + y^4*z^2 + z^4*x^2", witness="x = 1, y = 1, z = 1"),
    _no("nesbitt_constant", "x y z", f"{_NESBITT} >= 1.501", _POSITIVE3, witness="x = 1, y = 1, z = 1"),
    _no("x_and_inverse_constant", "x", "x + 1/x >= 2.01", "x > 0", witness="x = 1"),
    _no("bernoulli_slope", "x", "(1 + x)^3 >= 1 + 3.01*x", "x >= -1", witness="x = 1/1000"),
    _no("unit_interval_constant", "t", "t*(1 - t) <= 0.2499", "t >= 0; t <= 1", witness="t = 1/2"),
    _no("quartic_constant", "x", "x^4 - 4*x + 2.99 >= 0", witness="x = 1"),
    _no("quartic_floor", "x", "x^4 + x^3 + x^2 + x + 1 >= 0.7", witness="x = -1/2"),
    _no("octic_floor", "x", "x^8 - x^5 + x^2 - x + 1 >= 0.75", witness="x = 1/2"),
    _no("quadratic_floor", "x", "x^2 - x + 1 >= 0.7501", witness="x = 1/2"),
    _no("fraction_constant", "x", "x^2/(1 + x^2) <= 0.999", witness="x = 95"),
    _no("descent_constant", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "L > 0; eta >= 0; eta <= 1.01/L",
        witness="eta = 101/100, L = 1, G = 1"),
    _no("descent_limit_constant", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= 0", "L > 0; eta >= 0; eta <= 2.01/L",
        witness="eta = 67/100, L = 3, G = 2"),
    _no("g_at_most_kappa_constant", "G kap", "G <= kap*G^2 + 1/(4.1*kap)", "kap > 0", witness="G = 1/2, kap = 1"),
    _no("g_at_most_fifth", "G", "G <= G^2/5 + 1", witness="G = 2"),
    _no("step_6_2_fifth", _STEP, f"{_LF} <= {_FLOOR}", f"{_SIGNS}; eta*h*((L0 + L1*G)*A + L1*D0/(5*N)) <= 2*eps",
        "L0 = 0, L1 = 1, A = 1, D0 = 1, N = 1, G = 5/2, h = 1, eta = 1, eps = 27/20"),
    _no("step_6_2_twice", _STEP, f"{_LF} <= {_FLOOR}", f"{_SIGNS}; eta*h*((L0 + L1*G)*A + L1*D0/N) <= 4*eps",
        "L0 = 1, L1 = 0, A = 1, D0 = 0, N = 1, G = 1, h = 1, eta = 4, eps = 1"),
    _no("step_6_2_no_variance", _STEP, f"{_LF} <= {_FLOOR}", f"{_SIGNS}; eta*h*((L0 + L1*G)*A) <= 2*eps",
        "L0 = 0, L1 = 1, A = 0, D0 = 1, N = 1, G = 2, h = 1, eta = 1, eps = 0"),
    _no("floor_6_3_large_constant", "y A c", "y/(A*y + c)^2 <= 1/(4.1*A*c)", "y >= 0; A > 0; c > 0",
        witness="y = 2, A = 1, c = 2"),
    _no("natural_omega_constant", "r", "(r - 1)*(2 - r) <= r^2/9", "r >= 1; r <= 2", witness="r = 4/3"),
    _no("rounding_variance_constant", "v l u", "(v - l)*(u - v) <= (u - l)^2/5", "l <= v; v <= u", witness="v = 1, l = 0, u = 2"),
    _no("uniform_6_4_constant", "x", "x^2 >= x - 0.2", "x >= 0; x <= 1", witness="x = 1/2"),
    _no("abs_young_constant", "x", "abs(x) <= (1 + x^2)/2.01", witness="x = 1"),
    _no("abs_quarter_constant", "x", "abs(x) - 0.24 <= x^2", witness="x = 1/2"),
    _no("root_slope", "x", "sqrt(1 + x) <= 1 + 0.49*x", "x >= 0", witness="x = 1/50"),
    _no("root_step_constant", "x", "sqrt(x + 1) - sqrt(x) <= 0.49/sqrt(x)", "x > 0", witness="x = 20"),
    _no("root_of_2_constant", "", "sqrt(2) <= 1.4142"),
    # a hypothesis dropped
    _no("young_eps_negative", "a b eps", "a*b <= eps*a^2 + b^2/(4*eps)", "eps < 0", witness="a = 1, b = 0, eps = -1"),
    _no("young_cubic_signs", "x y", "x*y^2 <= x^3/3 + 2*y^3/3", witness="x = 0, y = -1"),
    _no("am_gm_3_signs", "x y z", "3*x*y*z <= x^3 + y^3 + z^3", witness="x = -1, y = 0, z = 0"),
    _no("am_gm_4_signs", "a b c d", "256*a*b*c*d <= (a + b + c + d)^4", witness="a = 1, b = 1, c = -1, d = -1"),
    _no("schur_signs", "x y z", f"{_SCHUR} >= 0", witness="x = -1, y = 0, z = 0"),
    _no("power_mean_3_signs", "a b", "((a + b)/2)^3 <= (a^3 + b^3)/2", witness="a = 0, b = -1"),
    _no("bernoulli_3_range", "x", "(1 + x)^3 >= 1 + 3*x", witness="x = -4"),
    _no("bernoulli_7_range", "x", "(1 + x)^7 >= 1 + 7*x", "x >= -5", witness="x = -3"),
    _no("cubic_range", "x", "x^3 - 3*x + 2 >= 0", witness="x = -3"),
    _no("unit_interval_range", "t", "t^2 <= t", "t >= 0", witness="t = 2"),
    _no("convex_range", "t x y", "(t*x + (1 - t)*y)^2 <= t*x^2 + (1 - t)*y^2", "t >= 0", witness="t = 2, x = 1, y = 2"),
    _no("chebyshev_order", "a b x y", "(a + b)*(x + y) <= 2*(a*x + b*y)", witness="a = 0, b = 1, x = 1, y = 0"),
    _no("union_bound_signs", "a b", "(1 - a)*(1 - b) >= 1 - a - b", "a >= 0", witness="a = 1, b = -1"),
    _no("product_above_1_half", "x y", "x*y >= x + y - 1", "x >= 1", witness="x = 2, y = 0"),
    _no("squares_signs", "a b", "a^2 <= b^2", "a <= b", witness="a = -1, b = 0"),
    _no("inverse_signs", "a b", "1/b < 1/a", "a < b; a < 0; b > 0", witness="a = -1, b = 1"),
    _no("descent_no_step", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= -eta*G^2/2", "L > 0; eta >= 0",
        witness="eta = 2, L = 1, G = 2"),
    _no("descent_no_sign", "eta L G", "-eta*G^2 + L*eta^2*G^2/2 <= 0", "L > 0; eta <= 2/L", witness="eta = -1, L = 1, G = 1"),
    _no("floor_6_3_small_range", "L0 L1 A c G", "(L0 + L1*G)/((L0 + L1*G)*A + c)^2 <= L0/(L0*A + c)^2",
        "L0 > 0; L1 >= 0; A > 0; c >= 0; G >= 0",
        witness="L0 = 1, L1 = 1, A = 1, c = 2, G = 1"),
    _no("growth_6_9_weak", "q s", "q*(q - 1)^2/s^2 >= q", "s >= 1; q >= s", witness="q = 1, s = 1"),
    _no("contraction_range", "eta lam L", "abs(1 - eta*lam) <= 1", "L > 0; eta >= 0; eta <= 2/L; lam >= 0",
        witness="eta = 2, lam = 2, L = 1"),
    _no("contraction_square_range", "eta lam", "(1 - eta*lam)^2 <= 1 - eta*lam", "eta >= 0; lam >= 0; eta*lam <= 2",
        witness="eta = 2, lam = 1"),
    _no("exp_taylor_2_signs", "x", "exp(x) >= 1 + x + x^2/2", witness="x = -1"),
    _no("exp_quadratic_range", "x", "exp(x) <= 1 + x + x^2", "x >= 0; x <= 2", witness="x = 2"),
    _no("atan_linear_signs", "x", "atan(x) <= x", witness="x = -1"),
    _no("atan_rational_signs", "x", "atan(x) >= x/(1 + x^2)", witness="x = -1"),
    _no("tanh_linear_signs", "x", "tanh(x) <= x", witness="x = -1"),
    _no("sinh_signs", "x", "(exp(x) - exp(-x))/2 >= x", witness="x = -1"),
    # the wrong way round
    _no("square_of_2_plain", "a b", "(a + b)^2 <= a^2 + b^2", witness="a = 1, b = 1"),
    _no("young_cubic_weights", "x y", "x*y^2 <= 2*x^3/3 + y^3/3", "x >= 0; y >= 0", witness="x = 1, y = 2"),
    _no("young_quartic_weights", "a b", "a^3*b <= a^4/4 + 3*b^4/4", witness="a = 2, b = 1"),
    _no("cauchy_3_reversed", "a b c x y z", "(a*x + b*y + c*z)^2 >= (a^2 + b^2 + c^2)*(x^2 + y^2 + z^2)",
        witness="a = 1, b = 1, c = 0, x = 0, y = 1, z = 1"),
    _no("minkowski_reversed", "a b x y", "sqrt((a + x)^2 + (b + y)^2) >= sqrt(a^2 + b^2) + sqrt(x^2 + y^2)",
        witness="a = 0, b = 1, x = 1, y = 0"),
    _no("am_gm_2_reversed", "a b", "(a + b)/2 <= sqrt(a*b)", "a >= 0; b >= 0", witness="a = 0, b = 1"),
    _no("am_gm_4_reversed", "a b c d", "a^4 + b^4 + c^4 + d^4 <= 4*a*b*c*d", witness="a = 0, b = 0, c = 0, d = 1"),
    _no("gm_hm_reversed", "a b", "sqrt(a*b) <= 2*a*b/(a + b)", "a > 0; b > 0", witness="a = 2, b = 1"),
    _no("motzkin_negated", "x y", f"{_MOTZKIN} <= 0", witness="x = 0, y = 1"),
    _no("nesbitt_above", "x y z", f"{_NESBITT} <= 2", _POSITIVE3, witness="x = 1, y = 4, z = 1"),
    _no("rearrangement_reversed", "a b x y", "a*x + b*y <= a*y + b*x", "a <= b; x <= y", witness="a = 1, b = 2, x = 0, y = 1"),
    _no("fraction_antitone", "a b", "b/(1 + b) <= a/(1 + a)", "a >= 0; a <= b", witness="a = 0, b = 1"),
    _no("expectation_of_cubes", "p a b", "p*a^3 + (1 - p)*b^3 <= (p*a + (1 - p)*b)*(p*a^2 + (1 - p)*b^2)",
        "p >= 0; p <= 1; a >= 0; b >= 0",
        witness="p = 1/2, a = 1, b = 0"),
    _no("step_6_5_reversed", "mu r G f", "-2*mu*r*f <= -r*G^2", "mu > 0; r >= 0; f >= 0; G^2 >= 2*mu*f",
        witness="mu = 3, r = 4, G = 3, f = 0"),
    _no("stationary_reversed", "eta s N lam", "eta*s/(2*N*lam) <= eta*s/(N*lam*(2 + eta*lam))",
        "eta >= 0; s >= 0; N >= 1; lam > 0",
        witness="eta = 2, s = 1, N = 1, lam = 2"),
    _no("normalised_psi_half", "G c", "G^2/(c + G) >= G - c/2", "c > 0; G >= 0", witness="G = 2, c = 1"),
    _no("triangle_reversed", "a b", "abs(a + b) >= abs(a) + abs(b)", witness="a = -1, b = 1"),
    _no("reverse_triangle_reversed", "a b", "abs(a) - abs(b) >= abs(a - b)", witness="a = 0, b = 1"),
    _no("abs_half", "a b", "abs(a - b) <= abs(a) + abs(b)/2", witness="a = 0, b = 1"),
    _no("abs_above", "x", "abs(x) <= x", witness="x = -1"),
    _no("root_superadditive", "x y", "sqrt(x + y) >= sqrt(x) + sqrt(y)", "x >= 0; y >= 0", witness="x = 1, y = 1"),
    _no("root_taylor_reversed", "x", "sqrt(1 + x) <= 1 + x/2 - x^2/8", "x >= 0", witness="x = 1"),
    _no("root_below", "x", "sqrt(x) <= x", "x >= 0", witness="x = 1/2"),
    _no("root_lipschitz", "x y", "abs(sqrt(x) - sqrt(y)) <= abs(x - y)", "x >= 0; y >= 0", witness="x = 0, y = 1/2"),
    # strict where there is equality
    _no("young_strict", "a b", "a*b < a^2/2 + b^2/2", witness="a = 0, b = 0"),
    _no("cauchy_2_strict", "a b x y", "(a*x + b*y)^2 < (a^2 + b^2)*(x^2 + y^2)", witness="a = 0, b = 0, x = 0, y = 1"),
    _no("am_gm_3_strict", "x y z", "3*x*y*z < x^3 + y^3 + z^3", _POSITIVE3, witness="x = 1, y = 1, z = 1"),
    _no("schur_strict", "x y z", f"{_SCHUR} > 0", _POSITIVE3, witness="x = 1, y = 1, z = 1"),
    _no("motzkin_strict", "x y", f"{_MOTZKIN} > 0", witness="x = 1, y = 1"),
    _no("nesbitt_strict", "x y z", f"{_NESBITT} > 3/2", _POSITIVE3, witness="x = 1, y = 1, z = 1"),
    _no("fraction_strict", "x", "2*x/(1 + x^2) < 1", witness="x = 1"),
    _no("midpoint_weak", "a b", "a < (a + b)/2", "a <= b", witness="a = 1, b = 1"),
    _no("exp_everywhere_strict", "x", "exp(x) > 1 + x", witness="x = 0"),
    _no("log_everywhere_strict", "x", "log(x) < x - 1", "x > 0", witness="x = 1"),
    _no("tanh_weak_order", "x y", "tanh(x) < tanh(y)", "x <= y", witness="x = 0, y = 0"),
    # identities
    _no("lagrange_sign", "a b x y", "(a^2 + b^2)*(x^2 + y^2) == (a*x + b*y)^2 + (a*x - b*y)^2",
        witness="a = 0, b = 1, x = 1, y = 0"),
    _no("partial_fractions_sign", "x", "1/(x*(x + 1)) == 1/x + 1/(x + 1)", "x > 0", witness="x = 1"),
    _no("germain_square", "a b", "a^4 + 4*b^4 == (a^2 + 2*b^2)^2", witness="a = 1, b = 1"),
    _no("root_of_square_signed", "x", "sqrt(x^2) == x", witness="x = -1"),
    _no("abs_sum_equal", "a b", "abs(a + b) == abs(a) + abs(b)", witness="a = -1, b = 1"),
    _no("exp_sum_wrong", "a b", "exp(a + b) == exp(a) + exp(b)", witness="a = 0, b = 1"),
    _no("log_sum_wrong", "x y", "log(x + y) == log(x) + log(y)", "x > 0; y > 0", witness="x = 1, y = 1"),
    # assumptions that leave little
    _no("simplex_constant", "a b c", "a*b + b*c + c*a <= 0.333", "a + b + c == 1; a >= 0; b >= 0; c >= 0",
        "a = 1/3, b = 1/3, c = 1/3"),
    _no("hyperbola_constant", "x y", "x + y >= 2.001", "x*y == 1; x > 0", "x = 1, y = 1"),
    _no("circle_product_constant", "x y", "x*y <= 0.49", "x^2 + y^2 == 1", "x = 20/29, y = 21/29"),
    _no("circle_sum_constant", "x y", "x + y <= 1.41", "x^2 + y^2 == 1", "x = 20/29, y = 21/29"),
    _no("diagonal", "x", "x <= 1.414", "x^2 == 2; x > 0", "x = sqrt(2)"),
    _no("golden", "x", "x <= 1.618", "x^2 == x + 1; x > 0", "x = (1 + sqrt(5))/2"),
    _no("one_point", "x", "x > 0", "x >= 0; x <= 0", "x = 0"),
    _no("one_point_square", "x", "x <= 0.99", "(x - 1)^2 <= 0", "x = 1"),
    _no("one_point_circle", "x y", "x + 1 <= y", "x^2 + y^2 <= 0", "x = 0, y = 0"),
    # exp, log
    _no("exp_slope", "x", "exp(x) >= 1 + 1.01*x", witness="x = 1/100"),
    _no("exp_rational_constant", "x", "1 - exp(-x) >= x/(1 + 0.99*x)", "x >= 0", witness="x = 337"),
    _no("exp_curvature", "x", "1 - exp(-x) >= x - 0.49*x^2", "x >= 0", witness="x = 1/50"),
    _no("exp_through_0_constant", "x", "exp(x) >= 2.72*x", witness="x = 1"),
    _no("x_exp_constant", "x", "x*exp(-x) <= 0.36", witness="x = 1"),
    _no("x_exp_tight", "x", "x*exp(-x) <= 0.36787", witness="x = 1"),
    _no("x2_exp_constant", "x", "x^2*exp(-x) <= 0.5413", "x >= 0", witness="x = 2"),
    _no("cosh_curvature", "x", f"{_COSH} >= 1 + 0.51*x^2", witness="x = 1/3"),
    _no("cosh_gauss_constant", "x", f"{_COSH} <= exp(0.49*x^2)", witness="x = 1/3"),
    _no("logistic_slope_constant", "x", "exp(x)/(1 + exp(x))^2 <= 0.2499", witness="x = 0"),
    _no("log_tangent_constant", "x", "log(x) <= x - 1.001", "x > 0", witness="x = 1"),
    _no("log1p_pade_constant", "x", "log(1 + x) >= x/(1 + 0.49*x)", "x >= 0", witness="x = 1/10"),
    _no("log1p_pade_reversed", "x", "log(1 + x) <= 2*x/(2 + x)", "x >= 0", witness="x = 1"),
    _no("log_root_constant", "x", "log(x) <= 0.7357*sqrt(x)", "x > 0", witness="x = 37/5"),
    _no("log_line_constant", "x", "log(x) <= 0.3678*x", "x > 0", witness="x = 27/10"),
    _no("x_log_x_constant", "x", "x*log(x) >= -0.3678", "x > 0", witness="x = 3/8"),
    _no("softplus_below_constant", "x", "log(1 + exp(x)) >= x/2 + 0.6932", witness="x = 0"),
    _no("softplus_curvature", "x", "log(1 + exp(x)) <= 0.6932 + x/2 + x^2/9", witness="x = 1"),
    _no("fenchel_constant", "x y", "x*y <= exp(x) + y*log(y) - 1.01*y", "y > 0", witness="x = 0, y = 1"),
    # atan, erf, tanh
    _no("atan_slope", "x", "atan(x) <= 0.999*x", "x >= 0", witness="x = 1/50"),
    _no("atan_cubic_constant", "x", "atan(x) >= x - x^3/4", "x >= 0", witness="x = 1/2"),
    _no("atan_bound", "x", "atan(x) <= 1.57", witness="x = 10000"),
    _no("atan_complement_constant", "x", "atan(x) + atan(1/x) >= 1.5708", "x > 0", witness="x = 1"),
    _no("erf_slope", "x", "erf(x) <= 1.128*x", "x >= 0", witness="x = 1/50"),
    _no("erf_chord_constant", "x", "erf(x) >= 0.8428*x", "x >= 0; x <= 1", witness="x = 1"),
    _no("erf_chord_range", "x", "erf(x) >= 0.8427*x", "x >= 0; x <= 1.01", witness="x = 101/100"),
    _no("erf_bound", "x", "erf(x) < 0.99999", witness="x = 4"),
    _no("erf_tanh", "x", "erf(x) <= tanh(1.2*x)", "x >= 0", witness="x = 1"),
    _no("erf_6_4_constant", "x", "x*erf(x) >= 0.8427*(abs(x) - 0.1)", witness="x = 1/2"),
    _no("tanh_above", "x", "tanh(x) >= x", "x >= 0", witness="x = 1"),
    _no("tanh_slope", "x", "tanh(x) <= 0.999*x", "x >= 0", witness="x = 1/50"),
    _no("tanh_cubic_constant", "x", "tanh(x) >= x - x^3/4", "x >= 0", witness="x = 1/2"),
    _no("tanh_bound", "x", "tanh(x) <= 0.9999", witness="x = 5"),
    _no("number_e_constant", "", "exp(1) < 2.7182"),
    _no("number_pi_constant", "", "4*atan(1) < 3.1415"),
    _no("number_log_constant", "", "log(2) > 0.6932"),
)  # fmt: skip

CASES = TRUE + FALSE
