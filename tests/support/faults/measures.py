"""Faults in what numerics measures and judges, a row each: name, file in numerics, tests in tests/numerics, text, fault."""

from __future__ import annotations

from tests.support.faults.fault import Fault

_ESTIMATES, _SEQUENCES, _DECISIONS = (f"statistics/test_{name}.py" for name in ("estimates", "sequential", "verdicts"))
_GRID = "simulate/test_edges.py simulate/test_ensemble.py simulate/test_method.py"
_ROWS = [
    ("a spread of all paths, not of one fewer", "statistics/estimates.py", _ESTIMATES,
     "float(student(level, n - 1) * np.std(finite, ddof=1)", "float(student(level, n - 1) * np.std(finite, ddof=0)"),
    ("the upper limit of a proportion", "statistics/estimates.py", _ESTIMATES,
     "betaincinv(count + 1, total - count, 1 - tail)", "betaincinv(count, total - count + 1, 1 - tail)"),
    ("Welch's degrees of freedom", "statistics/estimates.py", _ESTIMATES,
     "freedom = (va + vb) ** 2", "freedom = (va - vb) ** 2"),
    ("a difference the wrong way round", "statistics/estimates.py", _ESTIMATES,
     "gap = float(np.mean(a) - np.mean(b))", "gap = float(np.mean(b) - np.mean(a))"),
    ("the last order statistic is no upper end", "statistics/estimates.py", _ESTIMATES,
     "ordered[:, above - 1] if above <= n", "ordered[:, above - 2] if above <= n"),
    ("a one-sided sequence said to be two-sided", "statistics/sequential.py", _SEQUENCES,
     "self._log = math.log(2 / (1 - level))", "self._log = math.log(0.5 / (1 - level))"),
    ("predictable means without the first half", "statistics/sequential.py", _SEQUENCES,
     "means = sums / (at + 1)", "means = sums / at"),
    ("a bet is paid too little for", "statistics/sequential.py", _SEQUENCES,
     "-(np.log1p(-bet) + bet)", "-(np.log1p(-bet) + bet) / 2"),
    ("the solver's error narrows an interval", "statistics/verdicts.py", _DECISIONS,
     "estimate.lower - error, estimate.upper + error", "estimate.lower + error, estimate.upper - error"),
    ("more paths than there may be", "statistics/verdicts.py", _DECISIONS,
     "size = min(paths, most - paths)", "size = paths"),
    ("fewer paths than there must be", "statistics/verdicts.py", _DECISIONS,
     "and paths >= least) or", ") or"),
    ("tightness upside down", "statistics/verdicts.py", _DECISIONS,
     "return bound / value if value > 0", "return value / bound if value > 0"),
    ("a digest's variance with n for n - 1", "statistics/digests.py", "statistics/test_digests.py",
     "np.maximum(self.count - 1, 1)", "np.maximum(self.count, 1)"),
    ("negative values one bin further", "statistics/digests.py", "statistics/test_digests.py",
     "np.where(bits < 0, _HALF - 1 - size,", "np.where(bits < 0, _HALF - size,"),
    ("the sine in the second quarter", "laws/elementary.py", "laws/test_counter.py",
     "quarter ^ (quarter << np.uint32(1))", "quarter"),
    ("odd powers of two in a root", "laws/elementary.py", "laws/test_counter.py",
     "(1 + (n & 1)).astype", "(1 + 0 * n).astype"),
    ("the sum of copies for their mean", "laws/gauss_rules.py", "laws/test_gauss_rules.py",
     "return total[0] / copies, total[1]", "return total[0], total[1]"),
    ("the last step is lost to rounding", "simulate/settings.py", _GRID,
     "math.floor(horizon / eta * (1 + 1e-12))", "math.floor(horizon / eta)"),
    ("a likelihood ratio without its 2", "tasks/tails.py", "tasks/test_tails.py",
     "2.0 * (profile(lam) - profile(", "(profile(lam) - profile("),
    ("a sum over clients runs over coordinates", "evidence/checks/formulas.py", "evidence/test_verify.py",
     "self._summed(self.value(t[1]), CLIENT)", "self._summed(self.value(t[1]), COORDINATE)"),
    ("Gauss' weights of twice the interval", "evidence/checks/facts.py", "evidence/test_verify.py",
     "(b - a) * w / 2)", "(b - a) * w)"),
    ("votes counted from one side", "evidence/checks/method_bounded.py", "evidence/test_method_bounded.py",
     "(2 * np.arange(count + 1) - count) / count", "np.arange(count + 1) / count"),
]  # fmt: skip

FAULTS = tuple(
    Fault(name, f"numerics/{file}", old, new, tuple(f"tests/numerics/{test}" for test in tests.split()))
    for name, file, tests, old, new in _ROWS
)
