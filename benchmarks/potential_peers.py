"""Calls of PEPit and AutoLyap, and the coefficients of the methods in their examples."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.peers import package


def pepit(where: str, function: str, **arguments: Any) -> float:
    """The value of an example of PEPit."""
    module = package(f"PEPit.examples.{where}")
    return getattr(module, function)(verbose=-1, solver="CLARABEL", **arguments)[0]


def autolyap_rate(algorithm: str, classes: Any, distance: bool, **numbers: float) -> float:
    """The least rate of AutoLyap over its potentials, to the best of four tolerances at which its solver ends."""
    library, classes = package("autolyap"), classes(package("autolyap.problemclass"))
    method = getattr(package("autolyap.algorithms"), algorithm)(**numbers)
    linear = library.IterationIndependent.LinearConvergence
    found = (
        linear.get_parameters_distance_to_solution if distance else linear.get_parameters_function_value_suboptimality
    )
    P, p, T, t = found(method) if distance else found(method, tau=0)
    more = {"S_equals_T": True, "s_equals_t": True, "remove_C3": True} if distance else {}
    problem = package("autolyap.problemclass").InclusionProblem(classes)
    for tolerance in (1e-8, 1e-7, 1e-6, 1e-5):
        try:
            result = linear.bisection_search_rho(
                problem, method, P, T, p=p, t=t, tol=tolerance, verbosity=0, solver_options=_options(library), **more
            )
        except BaseException as error:  # clarabel panics near the border, with an exception outside of Exception
            if type(error).__name__ != "PanicException":
                raise
            continue
        if result["status"] == "feasible":
            return result["rho"]
    return math.nan


def autolyap_steps(
    algorithm: str, classes: Any, K: int, parts: Callable[[Any, Any], Any], numbers: Mapping[str, float]
) -> float:
    """The least constant of AutoLyap after K steps."""
    library = package("autolyap")
    method = getattr(package("autolyap.algorithms"), algorithm)(**numbers)
    problem = package("autolyap.problemclass").InclusionProblem(classes(package("autolyap.problemclass")))
    (Q_0, q_0), (Q_K, q_K) = parts(library.IterationDependent, method)
    result = library.IterationDependent.search_lyapunov(
        problem, method, K, Q_0, Q_K, q_0=q_0, q_K=q_K, verbosity=0, solver_options=_options(library)
    )
    return result["c_K"]


def _options(library: Any) -> Any:
    return library.SolverOptions(backend="cvxpy", cvxpy_solver="CLARABEL")


def pep(
    classes: tuple[str, dict[str, float]],
    steps: Callable[[Any, Any, Any], Any],
    distance: bool = True,
    over: str = "last",
) -> float:
    """A problem that is no example of PEPit, in its words: performance of the points that `steps` returns.

    Args:
        classes: the name of the class and its numbers.
        steps: from (x0, function, x*) to the measures; the least counts for "min".
        distance: whether the start is measured by the distance, and by the loss otherwise.
    """
    library, functions = package("PEPit"), package("PEPit.functions")
    problem = library.PEP()
    f = problem.declare_function(getattr(functions, classes[0]), **classes[1])
    star, start = f.stationary_point(), problem.set_initial_point()
    problem.set_initial_condition((start - star) ** 2 <= 1 if distance else f(start) - f(star) <= 1)
    for measure in steps(start, f, star):
        problem.set_performance_metric(measure)
    return problem.solve(verbose=0, solver="CLARABEL")


# --- sequences of coefficients


def thetas(n: int, last: bool = False) -> list[float]:
    """theta_0 = 1, theta_(k+1) = (1 + sqrt(1 + 4 theta_k^2))/2; with 8 in place of 4 in the last one."""
    values = [1.0]
    for k in range(n):
        values.append((1 + math.sqrt(1 + (8 if last and k == n - 1 else 4) * values[-1] ** 2)) / 2)
    return values


def optimized(n: int) -> dict[str, list[float]]:
    """The optimized gradient method (Kim and Fessler 2016)."""
    theta = thetas(n, last=True)
    return {"a": [(theta[k] - 1) / theta[k + 1] for k in range(n)], "c": [theta[k] / theta[k + 1] for k in range(n)]}


def optimized_for_gradient(n: int) -> dict[str, list[float]]:
    """The optimized gradient method for the gradient (Kim and Fessler 2021)."""
    t = thetas(n, last=True)[::-1]
    c = [(2 * t[k + 1] - 1) / (2 * t[k] - 1) for k in range(n)]
    return {"a": [(t[k] - 1) * c[k] / t[k] for k in range(n)], "c": c}


def fista(n: int, first: int = 1) -> dict[str, list[float]]:
    """Nesterov's momentum of 1983, which is not 0 for the first time in step 2 + first."""
    t = thetas(n + 1)
    return {"beta": [(t[k - first] - 1) / t[k - first + 1] if k >= first else 0.0 for k in range(n)]}


def exact_method(n: int, q: float) -> dict[str, list[float]]:
    """The information theoretic exact method (Taylor and Drori 2023)."""
    lists: dict[str, list[float]] = {"beta": [], "a": [], "c": []}
    new = 0.0
    for _ in range(n):
        old, new = new, ((1 + q) * new + 2 * (1 + math.sqrt((1 + new) * (1 + q * new)))) / (1 - q) ** 2
        delta = ((1 - q) ** 2 * new - (1 + q) * old) / (1 + q + q * old) / 2
        for name, value in (("beta", old / (1 - q) / new), ("a", q * delta), ("c", delta)):
            lists[name].append(value)
    return lists


def silver(n: int, L: float) -> list[float]:
    """Silver steps for convex functions (Altschuler and Parrilo 2023); n + 1 is a power of 2."""
    valuation = [(k & -k).bit_length() - 1 for k in range(1, n + 1)]
    return [(1 + (1 + math.sqrt(2)) ** (v - 1)) / L for v in valuation]


def silver_strongly(n: int, L: float, mu: float) -> list[float]:
    """Silver steps for strongly convex functions; n is a power of 2."""

    def psi(t: float) -> float:
        return (1 + L / mu * t) / (1 + t)

    y = z = mu / L
    steps = [psi(z)]
    for _ in range(n.bit_length() - 1):
        eta = 1 - z
        root = math.sqrt(1 + eta**2)
        y, z = z / (eta + root), z * (eta + root)
        steps = [*steps[:-1], psi(y), *steps[:-1], psi(z)]
    return [h / L for h in steps]
