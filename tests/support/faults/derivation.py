"""Faults in what derives an equation: methods, steps, equations, processes, expressions, and their print."""

from __future__ import annotations

from tests.support.faults.fault import Fault

_METHODS, _STEP, _EQUATIONS = "tests/derive/methods", "tests/derive/equations/step", "tests/derive/equations"
_PROCESS, _EXPRESSIONS, _PRINTING = (
    "tests/derive/equations/process",
    "tests/derive/expressions",
    "tests/derive/printing",
)

FAULTS: tuple[Fault, ...] = (
    # methods
    Fault(
        "a quartic with half of its smoothness", "derive/methods/losses.py",
        "Smoothness(4 / l1**2, l1", "Smoothness(2 / l1**2, l1", (f"{_METHODS}/test_checking.py",),
    ),
    Fault(
        "a quadratic bound for a linear one", "derive/methods/checking/losses.py",
        "l1 * np.sqrt(np.sum(gradient**2, axis=0))", "l1 * np.sum(gradient**2, axis=0)",
        (f"{_METHODS}/test_checking.py",),
    ),
    Fault(
        "the second signed moment is not tested", "derive/methods/checking/laws.py",
        "for m in range(SIGNED + 1):", "for m in range(SIGNED):", (f"{_METHODS}/test_checking_laws.py",),
    ),
    Fault(
        "the best pair is looked at, not the worst", "derive/methods/checking/findings.py",
        "gap.max() <= 1", "gap.min() <= 1", (f"{_METHODS}/test_checking_laws.py",),
    ),
    Fault(
        "a piece is refused where some numbers are outside of its domain", "derive/methods/checking/required.py",
        ' and "it holds at" not in f.detail', "", (f"{_METHODS}/test_checking_compressors.py",),
    ),
    Fault(
        "a bound of QSGD is said to be attained", "derive/methods/compressors/rounding.py",
        "else Omega(fine, False)", "else Omega(fine, True)", (f"{_METHODS}/test_enumeration.py",),
    ),
    Fault(
        "a clipped message is longer than its norm", "derive/methods/compressors/clipping.py",
        "        return self.c\n", "        return self.c * sp.sqrt(dim)\n", (f"{_METHODS}/test_enumeration.py",),
    ),
    Fault(
        "masks of two coordinates depend on each other", "derive/methods/compressors/sparsifiers.py",
        "self.p ** (2 - a - b)", "self.p ** (1 - a - b)", (f"{_STEP}/test_rule_steps.py",),
    ),
    Fault(
        "Top-k loses as Top-1 does", "derive/methods/compressors/sparsifiers.py",
        "return 1 - self.k / dim", "return 1 - 1 / dim", (f"{_METHODS}/test_enumeration.py",),
    ),
    Fault(
        "an odd signed moment of an unspecified law", "derive/methods/noise/generic.py",
        "(-1) ** (m + 1) * cls(m, -y)", "(-1) ** m * cls(m, -y)", (f"{_METHODS}/test_law_formulas.py",),
    ),
    Fault(
        "integration by parts with n for n - 1", "derive/methods/noise/integrals.py",
        "before = (n - 1) * values[n - 2]", "before = n * values[n - 2]", (f"{_METHODS}/test_law_integrals.py",),
    ),
    Fault(
        "half of what lies below is taken off a skewed moment", "derive/methods/noise/law.py",
        "self.moment(m) - 2 * below.subs", "self.moment(m) - below.subs", (f"{_METHODS}/test_law_integrals.py",),
    ),
    Fault(
        "affine Student noise is scaled by its variance", "derive/methods/noise/scales.py",
        "else (self.nu - 2) / self.nu", "else self.nu / (self.nu - 2)", (f"{_METHODS}/test_planted_factors.py",),
    ),
    Fault(
        "the finite sum of odd Student laws", "derive/methods/noise/student_t.py",
        "Fraction(2 * i + 1 + odd, 2 * i + 2 + odd)", "Fraction(2 * i + 1, 2 * i + 2)",
        (f"{_METHODS}/test_law_formulas.py",),
    ),
    Fault(
        "Nesterov's method without its look ahead", "derive/methods/optimisers/momentum.py",
        '"x = x + beta*v - eta*G")\n', '"x = x + v - eta*G")\n', (f"{_EQUATIONS}/test_published_rules.py",),
    ),
    Fault(
        "Adam's second average is slower than its regime", "derive/methods/optimisers/adam.py",
        'beta2="1 - c2*eta^2"', 'beta2="1 - c2*eta^3"', (f"{_EQUATIONS}/test_published_rules.py",),
    ),
    Fault(
        "a time whose root is no root of the step", "derive/methods/rules/regime.py",
        "if not (2 / p).is_Integer:", "if not p.is_Rational:", (f"{_METHODS}/rules/test_regimes.py",),
    ),
    Fault(
        "a new draw is the old one", "derive/methods/rules/update.py",
        'if term[1] in ("G", "raw") else next(numbers))', 'if term[1] != "local" else next(numbers))',
        (f"{_STEP}/test_rule_steps.py",),
    ),
    # one step
    Fault(
        "a cumulant of the clients' mean", "derive/equations/step/draws.py",
        "self.method.clients ** (1 - len(letters))", "self.method.clients ** -(len(letters) // 2)",
        (f"{_STEP}/test_rule_steps.py",),
    ),
    Fault(
        "two thresholds in the wrong order", "derive/equations/step/mean_over_noise.py",
        "(-coefficient, low), (coefficient, high)", "(coefficient, low), (-coefficient, high)",
        (f"{_STEP}/test_piecewise.py",),
    ),
    Fault(
        "a product grows like its largest factor", "derive/equations/step/mean_over_step.py",
        "        return sp.Add(*inner)\n", "        return max(inner)\n",
        (f"{_EQUATIONS}/test_rule_models.py",),
    ),
    Fault(
        "the weakest condition is kept", "derive/equations/step/covariance.py",
        "strongest = [max(same", "strongest = [min(same", (f"{_STEP}/test_refusals.py",),
    ),
    Fault(
        "the generator of half orders", "derive/equations/step/operators.py",
        "self.power(5) - sp.Rational(1, 2) * mixed", "self.power(5) - mixed",
        (f"{_STEP}/test_operators.py",),
    ),
    Fault(
        "a double zero counts as a crossing", "derive/equations/step/piecewise.py",
        ".items() if times % 2]", ".items() if times]", (f"{_STEP}/test_piecewise.py",),
    ),
    Fault(
        "the third derivative without its half", "derive/equations/step/increments.py",
        "third(away[m], away[n - m]) / 2", "third(away[m], away[n - m])", (f"{_STEP}/test_rule_steps.py",),
    ),
    Fault(
        "a free schedule does not move", "derive/expressions/derivatives.py",
        "(sp.diff(body, t) + sp.diff(body, u) * du)", "sp.diff(body, t)",
        (f"{_EQUATIONS}/test_rule_models.py", f"{_EQUATIONS}/test_averaged.py"),
    ),
    # equations
    Fault(
        "what an averaged memory lags behind", "derive/equations/averaged.py",
        "along(drift, field) / 2 - change", "along(drift, field) / 2 + change", (f"{_EQUATIONS}/test_averaged.py",),
    ),
    Fault(
        "a memory that swings is said to settle", "derive/equations/averaged.py",
        "room = 1 - sp.Abs(sp.factor(value.xreplace(below)))", "room = 1 - sp.factor(value.xreplace(below))",
        (f"{_EQUATIONS}/test_averaged.py",),
    ),
    Fault(
        "Stratonovich's correction in full", "derive/equations/in_coordinates.py",
        "self.drift - correction / 2", "self.drift - correction", (f"{_EQUATIONS}/test_in_coordinates.py",),
    ),
    Fault(
        "the Hessian of a game is symmetric", "derive/equations/in_coordinates.py",
        "lambda i, j: players[i] * upper[", "lambda i, j: upper[",
        (f"{_EQUATIONS}/test_in_coordinates.py",),
    ),
    Fault(
        "a loss with kinks has weak order 2", "derive/equations/kinks.py",
        ' and not kinks_of_loss(loss, dim, model) else 1', " else 1", (f"{_EQUATIONS}/test_kinks_of_losses.py",),
    ),
    Fault(
        "the fourth derivative along two vectors", "derive/equations/local_rules.py",
        "Fourth: (HIGHER[4], 3)", "Fourth: (HIGHER[4], 2)",
        (f"{_STEP}/test_rule_steps.py",),
    ),
    Fault(
        "two columns that share a row are diagonal", "derive/equations/noise_type.py",
        "if len(filled) != 1 or filled & set(places.values()):", "if len(filled) != 1:",
        (f"{_EQUATIONS}/test_noise_type.py",),
    ),
    Fault(
        "a root of a vanishing variance is smooth", "derive/equations/roots.py",
        "power.exp.q == 2 and power.base", "power.exp.q == 3 and power.base",
        (f"{_EQUATIONS}/test_in_coordinates.py",),
    ),
    Fault(
        "a measured covariance by its diagonal", "derive/expressions/expansion.py",
        'index["i"] + 1, index["j"] + 1', 'index["i"] + 1, index["i"] + 1',
        (f"{_EQUATIONS}/test_rule_models.py",),
    ),
    Fault(
        "a product of means is not taken off at s^5", "derive/equations/rule_models.py",
        "for m in range(2, n - 1):", "for m in range(2, 3):", (f"{_STEP}/test_rule_steps.py",),
    ),
    Fault(
        "steps are counted as time", "derive/equations/scaling.py",
        'tau = self.method.regime.power[1] * values["eta"]', 'tau = values["eta"]',
        (f"{_EQUATIONS}/test_scaling.py",),
    ),
    Fault(
        "the noise's own time runs backwards", "derive/equations/models.py",
        "* b - h * along(b, {})", "* b + h * along(b, {})", (f"{_EQUATIONS}/test_models.py",),
    ),
    # processes
    Fault(
        "a density without the conditions of its equation", "derive/equations/process/density.py",
        "sp.And(self.finite, *(sp.Gt(c.left, c.right) for c in self.conditions))", "self.finite",
        (f"{_PROCESS}/test_conditions.py", f"{_PROCESS}/test_density.py"),
    ),
    Fault(
        "the Jacobian towards an end of the support", "derive/equations/process/integrable.py",
        "sp.S.Zero: 0}", "sp.S.Zero: -2}", (f"{_PROCESS}/test_conditions.py", f"{_PROCESS}/test_density.py"),
    ),
    Fault(
        "the antiderivative of a Chebyshev polynomial", "derive/equations/process/quadrature.py",
        "(t[n + 1] / (n + 1) - t[n - 1] / (n - 1)) / 2", "(t[n + 1] / (n + 1) + t[n - 1] / (n - 1)) / 2",
        (f"{_PROCESS}/test_density.py",),
    ),
    Fault(
        "second moments about a mean that moves", "derive/equations/process/affine_moments.py",
        "if any(m.subs(dict.fromkeys(state, 0)) != 0 for m in means):", "if False:",
        (f"{_PROCESS}/test_affine_moments.py",),
    ),
    Fault(
        "the largest of several thresholds", "derive/equations/process/stationary.py",
        "return sp.Min(*(e for e in ends", "return sp.Max(*(e for e in ends", (f"{_PROCESS}/test_stationary.py",),
    ),
    Fault(
        "a step size of 0", "derive/equations/process/stationary_moments.py",
        "(s.is_positive and value <= 0)", "(s.is_positive and value < 0)",
        (f"{_PROCESS}/test_stationary.py", f"{_PROCESS}/test_stationary_moments.py"),
    ),
    # expressions
    Fault(
        "constants leave a third derivative once", "derive/expressions/coordinates.py",
        "constant**cls.copies", "constant", (f"{_EXPRESSIONS}/test_expansion.py",),
    ),
    Fault(
        "a minimum is positive where one of its arguments is", "derive/expressions/derivatives.py",
        "(sp.And if both else sp.Or)", "(sp.Or if both else sp.And)", (f"{_EXPRESSIONS}/test_derivatives.py",),
    ),
    Fault(
        "of equal coordinates the last has the rank 0", "derive/expressions/expansion.py",
        "if m < coordinate else _decided", "if m > coordinate else _decided", (f"{_METHODS}/test_enumeration.py",),
    ),
    Fault(
        "slopes from the left keep their sign", "derive/expressions/joints.py",
        "(-1) ** k * left", "left", (f"{_EXPRESSIONS}/test_joints.py",),
    ),
    Fault(
        "Taylor's formula without factorials", "derive/expressions/power_series.py",
        "slopes[m] = _at(derivative, argument, at) / sp.factorial(m)", "slopes[m] = _at(derivative, argument, at)",
        (f"{_STEP}/test_rule_steps.py",),
    ),
    # print
    Fault(
        "an open condition is said to be not met", "derive/printing/latex.py",
        '"" if condition.met is None else "; not met"', '"" if condition.met is False else "; not met"',
        (f"{_PRINTING}/test_latex.py",),
    ),
    Fault(
        "what is left out has no condition", "derive/printing/layout.py",
        'f" ({left.condition})"', '""', (f"{_PRINTING}/test_shown.py", f"{_PRINTING}/test_words.py"),
    ),
    Fault(
        "the signed square of a message", "derive/printing/message_moments.py",
        "2 * g * a - g**2 * r + second", "2 * g * a + g**2 * r + second", (f"{_PRINTING}/test_latex.py",),
    ),
    Fault(
        "a step counts from 0 in print", "derive/printing/method_latex.py",
        '"k": r"(n+1)"', '"k": "n"', (f"{_PRINTING}/test_shown.py",),
    ),
    Fault(
        "indices of an entry run together", "derive/printing/pretty.py",
        '== 1 else ","\n        return symbol_text', '== 1 else ""\n        return symbol_text',
        (f"{_PRINTING}/test_latex.py",),
    ),
    Fault(
        "a message is a parameter", "derive/printing/serialise.py",
        "isinstance(s, Coordinate)} - taken)", "isinstance(s, Coordinate)})", (f"{_PRINTING}/test_shown.py",),
    ),
    Fault(
        "the noise of all clients is that of one", "derive/printing/sde_latex.py",
        "page.show(eta / equation.method.clients)", "page.show(eta)",
        (f"{_PRINTING}/test_sde_latex.py", f"{_PRINTING}/test_latex.py"),
    ),
    Fault(
        "coordinates count from 0", "derive/printing/coordinate_latex.py",
        'state = {s: f"{x}_{{{i + 1}}}"', 'state = {s: f"{x}_{{{i}}}"', (f"{_PRINTING}/test_shown.py",),
    ),
    Fault(
        "a motion has the number of its column", "derive/printing/coordinate_latex.py",
        "enumerate(columns, 1)", "enumerate(columns)", (f"{_PRINTING}/test_shown.py",),
    ),
    Fault(
        "an exponent is as wide as its base", "derive/printing/width.py",
        "return _SMALL * self._argument()", "return self._argument()",
        (f"{_PRINTING}/test_latex.py", f"{_PRINTING}/test_sde_latex.py"),
    ),
    # the face of the package
    Fault(
        "samplers are drawn from though they are not to be", "sdescent/checks.py",
        "return check_piece(entry, sampling)", "return check_piece(entry)", ("tests/sdescent/test_face.py",),
    ),
    Fault(
        "a wrong section is said to be one of the command line", "sdescent/reporting.py",
        'raise BadInput("only", error.value', 'raise BadInput("--only", error.value', ("tests/sdescent/test_face.py",),
    ),
)  # fmt: skip
