"""The problems of the comparison with PEPit and AutoLyap, each as a theorem file of ours and as a call of the peer."""

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.potential_peers import (
    autolyap_rate,
    autolyap_steps,
    exact_method,
    fista,
    optimized,
    optimized_for_gradient,
    pep,
    pepit,
    silver,
    silver_strongly,
)  # fmt: skip

#: rules
GD, MOMENTUM = ["x = x - eta*G"], ["v = beta*v - eta*G", "x = x + v"]
NESTEROV = ["v = beta*v - eta*G(x + beta*v)", "x = x + v"]
SIMPLE_NESTEROV = ["v = (k-2)/(k+1)*v - eta*G(x + (k-2)/(k+1)*v)", "x = x + v"]
OPTIMIZED = ["v = a*(eta*G + v) + c*eta*G", "x = x - eta*G - v"]
TRIPLE = ["h = beta*v - eta*G(x + c*v)", "x = x - a*v + (1 + a)*h", "v = h"]
EXACT_METHOD = ["h = G(x + beta*v)", "x = x + a*beta*v - c*eta*h", "v = (1 - a)*beta*v - (1 - c)*eta*h"]
DISTANCE, LOSS = "||x - xstar||^2", "f - fstar"


@dataclass(frozen=True)
class Example:
    """One problem.

    Attributes:
        name: what is bounded.
        peer: whose value it is compared with.
        theirs: computes the peer's value; `Absent` where its package is missing.
        assume: the assumptions of our file; None if the problem cannot be stated.
        update: the rule.
        steps: the number of steps; None for a rate per step over all potentials of a family.
        initial, performance: what is measured.
        per_step: letter -> its number in each step.
        why: why the problem cannot be stated, or what the comparison is about.
    """

    name: str
    peer: str
    theirs: Callable[[], float]
    assume: tuple[str, ...] | None
    update: list[str]
    steps: int | None = 1
    initial: str = DISTANCE
    performance: str = LOSS
    per_step: Mapping[str, Sequence[float]] | None = None
    why: str = ""

    @property
    def table(self) -> dict[str, Any]:
        """The theorem file."""
        assert self.assume is not None
        lines = [f'noise = "none"\nassume = {json.dumps(self.assume)}']
        lines += [f'initial = "{self.initial}"\nperformance = "{self.performance}"']
        if self.per_step:
            lists = ", ".join(
                f"{name} = {json.dumps([repr(float(c)) for c in v])}" for name, v in self.per_step.items()
            )
            lines.append(f"per_step = {{{lists}}}")
        lines.append(f"[method]\nupdate = {json.dumps(self.update)}")
        if any("v" in line.partition("=")[2] for line in self.update):
            lines.append("memory = {v = 0}")
        return tomllib.loads("\n".join(lines))


CONVEX, NONCONVEX = ("convex", "smooth: 1"), ("smooth: 1",)
GD_1 = "eta == 1"


def of_table() -> list[Example]:
    """The rows of the table: gradient descent, heavy ball, Nesterov, at step counts and numbers that are fixed."""
    rows = []
    smooth_convex = ("SmoothConvexFunction", {"L": 1.0})
    for n in (1, 2, 5, 10):
        theirs = partial(pepit, "unconstrained_convex_minimization", "wc_gradient_descent", L=1, gamma=1, n=n)
        rows.append(Example(f"GD convex, last iterate, n = {n}", "PEPit", theirs, (*CONVEX, GD_1), GD, n))
    for n in (1, 2, 5, 10):
        theirs = partial(pep, ("SmoothFunction", {"L": 1.0}), partial(gradients_of_descent, n), False)
        rows.append(
            Example(
                f"GD nonconvex, min G^2 over 0..n, n = {n}", "PEPit", theirs, (*NONCONVEX, GD_1), GD, n, LOSS, "min(G^2)",
                why="f* instead of f(x_n); the exact value is 4/(3n + 2)",
            )
        )  # fmt: skip
    strong, pl = ("convex", "smooth: 1", "strongly convex: 1/10"), ("smooth: 1", "pl: 1/10")
    theirs = partial(autolyap_rate, "GradientMethod", lambda c: [c.SmoothStronglyConvex(0.1, 1.0)], True, gamma=1.0)
    rows.append(
        Example(
            "GD strongly convex, mu = L/10, one step", "AutoLyap", theirs, (*strong, GD_1), GD, 1, DISTANCE, DISTANCE
        )
    )
    theirs = partial(autolyap_rate, "GradientMethod", dominated(0.1), False, gamma=1.0)
    rows.append(Example("GD PL, mu = L/10, one step", "AutoLyap", theirs, (*pl, GD_1), GD, 1, LOSS, LOSS))
    for n in (1, 2, 5, 10):
        theirs = partial(pep, smooth_convex, partial(mean_of_heavy_ball, n))
        assume = (*CONVEX, "eta == 1/2", "beta == 1/2")
        name = f"heavy ball convex, average, eta = beta = 1/2, n = {n}"
        rows.append(Example(name, "PEPit", theirs, assume, MOMENTUM, n, DISTANCE, f"mean({LOSS})"))
    for n in (1, 2, 5, 10):
        name = "wc_accelerated_gradient_convex_simplified"
        theirs = partial(pepit, "unconstrained_convex_minimization", name, mu=0, L=1, n=n)
        rows.append(Example(f"Nesterov convex, n = {n}", "PEPit", theirs, (*CONVEX, GD_1), SIMPLE_NESTEROV, n))
    halves = ("eta == 1/2", "beta == 1/2")
    theirs = partial(
        autolyap_rate, "HeavyBallMethod", lambda c: [c.SmoothStronglyConvex(0.1, 1.0)], False, gamma=0.5, delta=0.5
    )
    rows.append(
        Example("heavy ball strongly convex, a step", "AutoLyap", theirs, (*strong, *halves), MOMENTUM, None, LOSS)
    )
    theirs = partial(autolyap_rate, "HeavyBallMethod", dominated(0.1), False, gamma=0.5, delta=0.5)
    rows.append(Example("heavy ball PL, a step", "AutoLyap", theirs, (*pl, *halves), MOMENTUM, None, LOSS))
    theirs = partial(
        autolyap_rate, "GradientNesterovMomentum", lambda c: [c.SmoothStronglyConvex(0.1, 1.0)], False, gamma=1.0, delta=0.52
    )  # fmt: skip
    rows.append(
        Example(
            "Nesterov strongly convex, beta = .52, a step", "AutoLyap", theirs, (*strong, GD_1, "beta == 13/25"), NESTEROV,
            None, LOSS,
        )
    )  # fmt: skip
    return rows


def gradients_of_descent(n: int, x: Any, f: Any, star: Any) -> list[Any]:
    """|g_0|^2, .., |g_n|^2 of gradient descent with step size 1, where f >= f* everywhere.

    PEPit's class of smooth functions only says that x* is stationary; Drori and Shamir (2020, Lemma 1) say what f >= f* adds.
    """
    measures = []
    for k in range(n + 1):
        g = f.gradient(x)
        f.add_constraint(f(x) - f(star) >= g**2 / 2)
        measures.append(g**2)
        x = x - g if k < n else x
    return measures


def mean_of_heavy_ball(n: int, x: Any, f: Any, star: Any) -> list[Any]:
    """The mean loss over x_0, .., x_(n-1) of heavy ball with eta = beta = 1/2."""
    total, v = 0, 0 * x
    for _ in range(n):
        total = total + (f(x) - f(star)) / n
        v = v / 2 - f.gradient(x) / 2
        x = x + v
    return [total]


def dominated(mu: float) -> Callable[[Any], Any]:
    """Smooth functions with L = 1 under the Polyak-Lojasiewicz inequality, in the words of AutoLyap."""
    return lambda c: [[c.GradientDominated(mu_gd=mu), c.Smooth(L=1.0)]]


def of_pepit() -> list[Example]:
    """The examples of PEPit's documentation about unconstrained deterministic gradient methods, with its numbers."""
    convex, nonconvex = "unconstrained_convex_minimization", "nonconvex_optimization"
    third = ("convex", "smooth: 3", "eta == 1/3")
    strong = ("convex", "smooth: 1", "strongly convex: 1/10")
    root = math.sqrt(0.1)
    rho = 1 - root
    triple = {
        "eta": 1 + rho, "beta": rho**2 / (2 - rho), "a": rho**2 / (1 - rho**2),
        "c": rho**2 / ((1 + rho) * (2 - rho)) - rho**2 / (1 - rho**2),
    }  # fmt: skip
    beta, gamma = math.sqrt(0.95 * 0.5), 1 / (2 * math.sqrt(7))
    halves = ("convex", "smooth: 1", "strongly convex: 1/10", "eta == 1/2")

    def example(name: str, where: str, function: str, arguments: dict[str, Any], *rest: Any, **more: Any) -> Example:
        return Example(f"{where}: {name}", "PEPit", partial(pepit, where, function, **arguments), *rest, **more)

    def always(n: int, **numbers: float) -> dict[str, list[float]]:
        return {name: [value] * n for name, value in numbers.items()}

    def potential(name: str, before: str, after: str) -> Example:
        arguments = {"L": 1, "gamma": 1.0, "n": 10}
        one = example(
            name, "potential_functions", f"wc_{name}", arguments, (*CONVEX, GD_1), GD, 1, before, after,
            why="V_(n+1) <= tau V_n with tau = 1, where PEPit has V_(n+1) - V_n <= 0",
        )  # fmt: skip
        return Example(**{**vars(one), "theirs": lambda: 1 + one.theirs()})

    def refused(name: str, where: str, function: str, arguments: dict[str, Any], why: str) -> Example:
        return example(name, where, function, arguments, None, [], why=why)

    polyak = {"L": 1, "mu": 0.1, "gamma": 2 / 1.1}
    return [
        example("gradient_descent", convex, "wc_gradient_descent", {"L": 3, "gamma": 1 / 3, "n": 4}, third, GD, 4),
        example(
            "accelerated_gradient_convex", convex, "wc_accelerated_gradient_convex", {"mu": 0, "L": 1, "n": 1},
            (*CONVEX, GD_1), NESTEROV, 1, per_step=fista(1),
        ),
        example(
            "accelerated_gradient_convex, n = 5", convex, "wc_accelerated_gradient_convex", {"mu": 0, "L": 1, "n": 5},
            (*CONVEX, GD_1), NESTEROV, 5, per_step=fista(5),
        ),
        example(
            "accelerated_gradient_convex_simplified", convex, "wc_accelerated_gradient_convex_simplified",
            {"mu": 0, "L": 1, "n": 1}, (*CONVEX, GD_1), SIMPLE_NESTEROV, 1,
        ),
        example(
            "accelerated_gradient_strongly_convex", convex, "wc_accelerated_gradient_strongly_convex",
            {"mu": 0.1, "L": 1, "n": 2}, (*strong, GD_1), NESTEROV, 2, f"{LOSS} + 1/20*{DISTANCE}",
            per_step=always(2, beta=(1 - root) / (1 + root)),
        ),
        example(
            "gradient_descent_silver_stepsize_convex", convex, "wc_gradient_descent_silver_stepsize_convex",
            {"L": 10, "n": 7}, ("convex", "smooth: 10"), GD, 7, per_step={"eta": silver(7, 10)},
        ),
        example(
            "gradient_descent_silver_stepsize_strongly_convex", convex,
            "wc_gradient_descent_silver_stepsize_strongly_convex", {"L": 3.2, "mu": 0.1, "n": 8},
            ("convex", "smooth: 16/5", "strongly convex: 1/10"), GD, 8, DISTANCE, DISTANCE,
            per_step={"eta": silver_strongly(8, 3.2, 0.1)},
        ),
        example(
            "heavy_ball_momentum", convex, "wc_heavy_ball_momentum",
            {"mu": 0.1, "L": 1, "alpha": 0.5, "beta": beta, "n": 2}, halves, MOMENTUM, 2, LOSS,
            per_step=always(2, beta=beta),
        ),
        example(
            "information_theoretic_exact_method", convex, "wc_information_theoretic", {"mu": 0.001, "L": 1, "n": 15},
            ("convex", "smooth: 1", "strongly convex: 1/1000", GD_1), EXACT_METHOD, 15, DISTANCE, DISTANCE,
            per_step=exact_method(15, 0.001),
        ),
        example(
            "optimized_gradient", convex, "wc_optimized_gradient", {"L": 3, "n": 4}, third, OPTIMIZED, 4,
            per_step=optimized(4),
        ),
        example(
            "optimized_gradient_for_gradient", convex, "wc_optimized_gradient_for_gradient", {"L": 3, "n": 4}, third,
            OPTIMIZED, 4, LOSS, "G^2", per_step=optimized_for_gradient(4),
        ),
        example(
            "triple_momentum", convex, "wc_triple_momentum", {"mu": 0.1, "L": 1.0, "n": 4}, strong, TRIPLE, 4,
            per_step=always(4, **triple),
        ),
        example(
            "subgradient_method", convex, "wc_subgradient_method", {"M": 2, "gamma": gamma, "n": 6},
            ("convex", "bounded gradient: 2"), GD, 6, f"({DISTANCE} + 1)/2", f"min({LOSS})",
            per_step={"eta": [gamma] * 6}, why="with (||x - xstar||^2 + 1)/2, which is 1 at PEPit's start",
        ),
        example(
            "gradient_descent_quadratic_lojasiewicz_naive", nonconvex, "wc_gradient_descent_quadratic_lojasiewicz_naive",
            {"L": 1, "mu": 0.2, "gamma": 1, "n": 1}, ("smooth: 1", "pl: 1/5", GD_1), GD, 1, LOSS,
        ),
        example(
            "gradient_descent_quadratic_lojasiewicz_intermediate", nonconvex,
            "wc_gradient_descent_quadratic_lojasiewicz_intermediate",
            {"L": 1, "mu": 0.2, "gamma": 1, "n": 1, "alpha": 0.4 / 2.2}, ("smooth: 1", "pl: 1/5", GD_1), GD, 1, LOSS,
        ),
        example(
            "gradient_descent_quadratic_lojasiewicz_expensive", nonconvex,
            "wc_gradient_descent_quadratic_lojasiewicz_expensive", {"L": 1, "mu": 0.2, "gamma": 1, "n": 1},
            ("smooth: 1", "pl: 1/5", GD_1), GD, 1, LOSS,
            why="PEPit adds inequalities at points between the iterates (Rubbens, Hendrickx and Taylor 2025)",
        ),
        potential("gradient_descent_lyapunov_1", f"10*({LOSS}) + 1/2*{DISTANCE}", f"11*({LOSS}) + 1/2*{DISTANCE}"),
        potential(
            "gradient_descent_lyapunov_2", f"21*({LOSS}) + 120*G^2 + {DISTANCE}", f"23*({LOSS}) + 143*G^2 + {DISTANCE}"
        ),
        refused(
            "gradient_descent", nonconvex, "wc_gradient_descent", {"L": 1, "gamma": 1.0, "n": 5},
            "the start is measured by f(x_0) - f(x_n), and `initial` knows x_0 alone",
        ),
        refused(
            "gradient_descent_contraction", "tutorials", "wc_gradient_descent_contraction",
            {"L": 1, "mu": 0.1, "gamma": 1.0, "n": 1}, "two runs of one method; a file has one",
        ),
        refused(
            "robust_momentum", convex, "wc_robust_momentum", {"mu": 0.1, "L": 1, "lam": 0.2},
            "a potential of any memory, and memory starts at 0 here",
        ),
        refused(
            "accelerated_gradient_method", "potential_functions", "wc_accelerated_gradient_method",
            {"L": 1, "gamma": 1.0, "lam": 10.0}, "a potential of any memory, and memory starts at 0 here",
        ),
        refused(
            "polyak_steps_in_distance_to_optimum", "adaptive_methods", "wc_polyak_steps_in_distance_to_optimum", polyak,
            "the step size depends on f - f* and on the gradient",
        ),
        refused(
            "polyak_steps_in_function_value", "adaptive_methods", "wc_polyak_steps_in_function_value", polyak,
            "the step size depends on f - f* and on the gradient",
        ),
        refused(
            "gradient_exact_line_search", convex, "wc_gradient_exact_line_search", {"L": 1, "mu": 0.1, "n": 2},
            "the step size is that of an exact line search",
        ),
        refused(
            "inexact_gradient_descent", convex, "wc_inexact_gradient_descent", {"L": 1, "mu": 0.1, "epsilon": 0.1, "n": 2},
            "gradients with a relative error",
        ),
        refused(
            "gradient_flow_strongly_convex", "continuous_time_models", "wc_gradient_flow_strongly_convex", {"mu": 0.1},
            "a rate in continuous time: `prove` has it with \"smooth: L\", `suggest --steps` has no time",
        ),
        refused(
            "gradient_flow_convex", "continuous_time_models", "wc_gradient_flow_convex", {"t": 2.5},
            "a potential whose weights depend on time",
        ),
    ]  # fmt: skip


def of_autolyap() -> list[Example]:
    """The examples of AutoLyap's documentation about unconstrained gradient methods, with its numbers."""

    def smooth(c: Any) -> list[Any]:
        return [c.SmoothConvex(1.0)]

    def distance_to_loss(K: int, **more: int) -> Callable[[Any, Any], Any]:
        return lambda d, m: (
            d.get_parameters_distance_to_solution(m, 0, i=1, j=more.get("j", 1)),
            d.get_parameters_function_value_suboptimality(m, K, **more),
        )

    def of_z(d: Any, m: Any) -> Any:
        return tuple(d.get_parameters_state_component_distance_to_solution(m, k=k, ell=2) for k in (0, 10))

    half, momentum = ("smooth: 1", "pl: 1/2", GD_1), ("smooth: 1", "pl: 1/2", GD_1, "beta == 1/2")
    sublinear = "a sum of f - f* that stays bounded for all times, with a free potential; not a number"
    return [
        Example(
            "gradient method, smooth and strongly convex", "AutoLyap",
            partial(autolyap_rate, "GradientMethod", lambda c: [c.SmoothStronglyConvex(1.0, 4.0)], True, gamma=0.2),
            ("convex", "smooth: 4", "strongly convex: 1", "eta == 1/5"), GD, 1, DISTANCE, DISTANCE,
        ),
        Example(
            "gradient method, gradient-dominated", "AutoLyap",
            partial(autolyap_rate, "GradientMethod", dominated(0.5), False, gamma=1.0), half, GD, 1, LOSS,
        ),
        Example(
            "heavy ball, gradient-dominated", "AutoLyap",
            partial(autolyap_rate, "HeavyBallMethod", dominated(0.5), False, gamma=1.0, delta=0.5), momentum, MOMENTUM,
            None, LOSS,
        ),
        Example(
            "Nesterov momentum, gradient-dominated", "AutoLyap",
            partial(autolyap_rate, "GradientNesterovMomentum", dominated(0.5), False, gamma=1.0, delta=0.5), momentum,
            NESTEROV, None, LOSS,
        ),
        Example("heavy ball, smooth and convex", "AutoLyap", lambda: math.nan, None, [], why=sublinear),
        Example("Nesterov momentum, smooth and convex", "AutoLyap", lambda: math.nan, None, [], why=sublinear),
        Example(
            "Nesterov's fast gradient method, K = 10", "AutoLyap",
            partial(autolyap_steps, "NesterovFastGradientMethod", smooth, 10, distance_to_loss(10, j=2), {"gamma": 1.0}),
            (*CONVEX, GD_1), NESTEROV, 10, per_step=fista(10, first=0),
        ),
        Example(
            "optimized gradient method, K = 5", "AutoLyap",
            lambda: autolyap_steps("OptimizedGradientMethod", smooth, 5, distance_to_loss(5), {"L": 1.0, "K": 5}),
            (*CONVEX, GD_1), OPTIMIZED, 5, per_step=optimized(5),
        ),
        Example(
            "information theoretic exact method, K = 10", "AutoLyap",
            partial(autolyap_steps, "ITEM", lambda c: [c.SmoothStronglyConvex(1.0, 200.0)], 10, of_z, {"mu": 1.0, "L": 200.0}),
            ("convex", "smooth: 200", "strongly convex: 1", "eta == 1/200"), EXACT_METHOD, 10, DISTANCE, DISTANCE,
            per_step=exact_method(10, 1 / 200),
        ),
    ]  # fmt: skip
