"""Faults in formulas of methods and in what reads files, a row each: name, file in derive, tests in tests/derive, text, fault."""

from __future__ import annotations

from tests.support.faults.fault import Fault

_LAWS, _OUTCOMES, _CHECKED = "methods/test_law_formulas.py", "methods/test_enumeration.py", "methods/test_checking.py"
_SPECS, _RANGES, _RULES = "reading/test_specs.py", "reading/test_sweep_ranges.py", "equations/test_published_rules.py"
_FILES = "reading/test_problem_files.py reading/test_hostile.py reading/test_specs.py"
_ROWS = [
    # compressors
    ("Bernoulli's variance with the square of the mean", "methods/compressors/sparsifiers.py", _OUTCOMES,
     "GradientForm(v, (1 / self.p - 1) * v**2)", "GradientForm(v, 1 / self.p * v**2)"),
    ("pairs of Rand-k drawn with replacement", "methods/compressors/sparsifiers.py", _OUTCOMES,
     "(self.k * (dim - 1)) - 1)", "(self.k * dim) - 1)"),
    ("Rand-k's omega is its second moment", "methods/compressors/sparsifiers.py", _OUTCOMES,
     "Omega(dim / self.k - 1, True)", "Omega(dim / self.k, True)"),
    ("all coordinates cannot be kept", "methods/compressors/sparsifiers.py", _OUTCOMES,
     "and self.k > dim:", "and self.k >= dim:"),
    ("QSGD's omega for many levels", "methods/compressors/rounding.py", f"{_OUTCOMES} methods/test_checking_compressors.py",
     "fine, coarse = dim / (4 * self.s**2)", "fine, coarse = dim / (8 * self.s**2)"),
    ("QSGD's cell is not squared", "methods/compressors/rounding.py", _OUTCOMES,
     "norm2 / self.s**2 * part", "norm2 / self.s * part"),
    ("TernGrad's omega is half of its own", "methods/compressors/rounding.py",
     f"{_OUTCOMES} methods/test_checking_compressors.py",
     "Omega((sp.sqrt(dim) - 1) / 2, True)", "Omega((sp.sqrt(dim) - 1) / 4, True)"),
    ("the upper end of a binade", "methods/compressors/rounding.py", _OUTCOMES,
     "(2 * low - size)", "(2 * size - low)"),
    ("the upper end of a cell of the grid", "methods/compressors/rounding.py", _OUTCOMES,
     "(low + self.step - v)", "(low + 2 * self.step - v)"),
    ("a long message is not clipped", "methods/compressors/clipping.py", f"{_OUTCOMES} methods/test_checking_compressors.py",
     "sp.Max(self.c, sp.sqrt(", "sp.Min(self.c, sp.sqrt("),
    ("the scaled sign loses nothing in two dimensions", "methods/compressors/sign.py",
     f"{_OUTCOMES} methods/test_checking_compressors.py", "return 1 - 1 / dim", "return 1 - 2 / dim"),
    # losses
    ("both players of a game minimise", "methods/losses.py", "equations/test_in_coordinates.py",
     "(1,) * half + (-1,) * half", "(1,) * half + (1,) * half"),
    # laws
    ("even moments of Student's law", "methods/noise/student_t.py", _LAWS,
     "(2 * i - 1) / (self.nu - 2 * i)", "(2 * i + 1) / (self.nu - 2 * i)"),
    ("Student's signed moments by parts", "methods/noise/student_t.py", _LAWS,
     "front * ((m - 1) * inner + boundary)", "front * (m * inner + boundary)"),
    ("Student's distribution for any nu", "methods/noise/student_t.py", _LAWS,
     "sp.hyper((half, (self.nu + 1) / 2)", "sp.hyper((half, self.nu / 2)"),
    ("moments of the stable law N(0, 2)", "methods/noise/stable.py", _LAWS,
     "sp.sqrt(2) ** m * Gaussian().moment(m)", "2**m * Gaussian().moment(m)"),
    ("the uniform law's odd signed moments", "methods/noise/elementary.py", _LAWS, "else 1 - power)", "else power - 1)"),
    ("the logistic law's moments", "methods/noise/elementary.py", _LAWS, "(2**m - 2)", "(2**m - 1)"),
    ("odd orders of a skewed law by symmetry", "methods/noise/law.py", "methods/test_law_integrals.py",
     "self.density(z) + (-1) ** m * self.density(-z)", "self.density(z) + self.density(-z)"),
    ("a variance about 0, not about the mean", "methods/noise/law.py", "methods/test_asymmetric_laws.py",
     "return self.moment(2) - self.mean**2", "return self.moment(2)"),
    # named methods
    ("RMSprop's eps under the root", "methods/optimisers/adam.py", _RULES,
     '"x = x - eta*G/(sqrt(v)+eps)"', '"x = x - eta*G/sqrt(v+eps)"'),
    ("the second bias of Adam by the first constant", "methods/optimisers/adam.py", _RULES,
     "(sqrt(v/(1-beta2^k))", "(sqrt(v/(1-beta1^k))"),
    ("local steps take the time of one", "methods/optimisers/without_averages.py", _RULES,
     'regime(BALLISTIC, f"{steps}*eta")', 'regime(BALLISTIC, "eta")'),
    # files
    ("a step size of 0 in a file", "reading/numbers.py", _FILES, "    if exact <= 0:", "    if exact < 0:"),
    ("a horizon of exactly one step", "reading/x0_and_sizes.py", f"{_FILES} reading/test_sweeps.py",
     "    if steps < 1:", "    if steps <= 1:"),
    ("some clients without noise", "reading/specs.py", _SPECS, "any(zeros) and not all(zeros)", "all(zeros)"),
    ("two meanings of one symbol", "reading/specs.py", _SPECS, "if omitted and other is not None:", "if omitted and False:"),
    ("the column of a later value", "reading/specs.py", _SPECS, "offset += len(part) + 1", "offset += len(part)"),
    ("steps of a range lead away", "reading/sweeps/ranges.py", _RANGES,
     "(stop - start) * step < 0", "(stop - start) * step > 10**9"),
    ("the end of a linear range", "reading/sweeps/ranges.py", _RANGES, "Fraction(n, count - 1)", "Fraction(n, count)"),
    ("an open range without its last step", "reading/sweeps/ranges.py", f"{_RANGES} reading/test_sweep_overrides.py",
     "else -(-steps.numerator // steps.denominator)", "else steps.numerator // steps.denominator"),
    ("ratios of a geometric range", "reading/sweeps/ranges.py", _RANGES,
     "_logarithms(low, high, count - 1)\n    return", "_logarithms(low, high, count)\n    return"),
    ("a decimal of too few places", "reading/sweeps/values.py", "reading/test_sweeps.py reading/test_sweep_ranges.py",
     "places = max(twos, fives)", "places = min(twos, fives)"),
]  # fmt: skip

FAULTS = tuple(
    Fault(name, f"derive/{file}", old, new, tuple(f"tests/derive/{test}" for test in tests.split()))
    for name, file, tests, old, new in _ROWS
)
