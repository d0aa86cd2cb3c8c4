"""Faults in bounds and theorems, in the audit of stated equations, and in what is read."""

from __future__ import annotations

from tests.support.faults.fault import Fault

BOUNDS, THEOREMS, STATED = "tests/derive/theorems/bounds", "tests/derive/theorems", "tests/derive/audit"
READING, FORMULAS, VOCABULARY = "tests/derive/reading", "tests/derive/vocabulary/formulas", "tests/derive/vocabulary"

FAULTS: tuple[Fault, ...] = (
    # bounds
    Fault(
        "a step of a bound has no schedule",
        "derive/theorems/entry/linear_step.py", 'return eta * u if name == "eta"', 'return eta if name == "eta"',
        (f"{BOUNDS}/test_setting.py::test_the_mean_of_a_step_of_sgd",),
    ),
    Fault(
        "the noise of clients is added up, and not its mean taken",
        "derive/theorems/bounds/message_moments.py",
        "for s in scales]) / len(scales) * law.variance", "for s in scales]) * law.variance",
        (f"{BOUNDS}/test_setting.py::test_the_noise_is_that_of_a_client_in_the_mean",),
    ),
    Fault(
        "a law that is not symmetric is called not unimodal",
        "derive/theorems/bounds/sign_messages.py", '"asymmetric-noise" if key == "odd"', '"asymmetric-noise" if key == "even"',
        (f"{BOUNDS}/test_law_of_signs.py::test_a_law_that_is_not_symmetric_is_refused_as_such",),
    ),
    Fault(
        "cocoercivity without what the loss has left",
        "derive/theorems/bounds/language/hypotheses.py", "(2 * bound * (slope - gap))", "(2 * bound * slope - gap)",
        (f"{BOUNDS}/test_hypotheses.py",),
    ),
    Fault(
        "the state without a minimiser is a vector",
        "derive/theorems/bounds/language/vocabulary.py",
        'if added([coefficients.pop("xstar", {}), coefficients.get("x", {})]):', 'if coefficients.pop("xstar", None) and False:',
        (f"{BOUNDS}/test_setting.py",),
    ),
    Fault(
        "names of the proofs about signs are free",
        "derive/theorems/bounds/language/letters.py", "in PROOF or of_signs:", "in PROOF:", (f"{BOUNDS}/test_letters.py",),
    ),
    Fault(
        "a claim at the horizon is refuted with the step that it was to come from",
        "derive/theorems/bounds/answer.py", "    if stated.integrated:  # another", "    if False:  # another",
        (f"{BOUNDS}/test_runs.py::test_a_false_step_beside_a_true_claim_refutes_the_step_alone",),
    ),
    Fault(
        "a repair stays at the first number that is proved",
        "derive/theorems/bounds/answer.py", "best = sign * walked.certified", "best = near",
        (f"{BOUNDS}/test_proving.py::test_a_refuted_bound_is_repaired_by_the_nearest_number",),
    ),
    Fault(
        "the rate that is offered under PL is half of it",
        "derive/theorems/bounds/suggest.py", "sp.factor(2 * mu * decay),", "sp.factor(mu * decay),",
        (f"{BOUNDS}/test_suggest.py::test_what_is_found[pl]",),
    ),
    Fault(
        "a memory may be anywhere at the start",
        "derive/theorems/bounds/from_method.py", 'if key != "f" and any(', 'if key == "f" and any(',
        (f"{BOUNDS}/test_setting.py::test_the_changes_with_memory",),
    ),
    Fault(
        "growth and drop of a sum of changes trade signs",
        "derive/theorems/bounds/gronwall_and_telescoping.py", "growth, floor, drop = -rate,", "growth, floor, drop = rate,",
        (f"{BOUNDS}/test_proving.py::test_claims_at_the_horizon[summable]",),
    ),
    # runs that refute
    Fault(
        "the noise of a run is that of one client",
        "derive/theorems/bounds/runs/check.py", "n)), M) / self.clients", "n)), M)",
        (f"{BOUNDS}/test_runs.py::test_the_noise_of_a_run_is_that_of_the_mean_of_all_clients",),
    ),
    Fault(
        "a run refutes what its sides do not separate",
        "derive/theorems/bounds/runs/check.py", "if not (left[0] > right[1] or", "if not (left[1] >= right[0] or",
        (f"{BOUNDS}/test_runs.py::test_an_exact_bound_is_refuted_as_a_strict_one_alone",),
    ),
    Fault(
        "an exponential loss is smooth with any L1",
        "derive/theorems/bounds/runs/check.py", "and second >= b and not", "and not",
        (f"{BOUNDS}/test_runs.py::test_an_exponential_loss_has_a_least_L1",),
    ),
    Fault(
        "a run stays where its last state is",
        "derive/theorems/bounds/runs/check.py", "most = [max(pair) for pair in zip(most, size, strict=True)]", "most = size",
        (f"{BOUNDS}/test_runs.py",),
    ),
    Fault(
        "the mask of a compressor adds what it keeps",
        "derive/theorems/bounds/runs/trajectory.py", "* (square + noise) - square", "* (square + noise)",
        (f"{BOUNDS}/test_runs.py::test_an_exact_bound_is_refuted_as_a_strict_one_alone",),
    ),
    Fault(
        "one half of an interval is enough",
        "derive/theorems/bounds/runs/exact.py", "strict, depth - 1) and _positive(", "strict, depth - 1) or _positive(",
        (f"{BOUNDS}/test_runs.py::test_a_polynomial_is_looked_at_on_the_whole_interval",),
    ),
    # theorems
    Fault(
        "a witness refutes a claim that holds there",
        "derive/theorems/entry/checking.py", "    if holds(entry.claim, at):", "    if False:",
        (f"{THEOREMS}/test_catalogue.py::test_a_point_that_refutes_nothing",),
    ),
    Fault(
        "the covariance of signs is not looked at",
        "derive/theorems/entry/recompute.py", "if form.rank or not vanishes(", "if form.rank and not vanishes(",
        (f"{THEOREMS}/test_from_sde.py::test_the_covariance_of_signs_is_asked_of_the_engine",),
    ),
    Fault(
        "the square of a step has eta once",
        "derive/theorems/entry/from_method.py", 'spread = [x("eta") * c * tr(m)', "spread = [c * tr(m)",
        (f"{THEOREMS}/test_catalogue.py::test_an_entry[6.2-pathwise-method]",),
    ),
    Fault(
        "a point has a value for what it does not name",
        "derive/theorems/entry/points.py", 'raise ProofError(f"the point has no value for {t}")', "return num(1)",
        (f"{THEOREMS}/test_catalogue.py::test_a_point_without_a_value_is_refused",),
    ),
    Fault(
        "a corrected equation is taken for the first-order one",
        "derive/theorems/entry/checking.py", 'CORRECTED if len(process["drift"]) > 1', 'CORRECTED if len(process["drift"]) > 2',
        (f"{THEOREMS}/test_structure.py",),
    ),
    Fault(
        "a proof leaves out the lines that carry it",
        "derive/theorems/entry/checking.py", "if number.get(id(fact), line) < line:", "if number.get(id(fact), line) < line - 1:",
        (f"{THEOREMS}/test_structure.py",),
    ),
    Fault(
        "skewed noise is symmetric",
        "derive/theorems/facts/law_shape.py", "    if not law.symmetric:", "    if law.symmetric is None:",
        (f"{BOUNDS}/test_law_of_signs.py::test_a_law_that_is_not_symmetric_is_refused_as_such",),
    ),
    Fault(
        "the search for a constant stops at a whole number",
        "derive/theorems/sharpen.py", "walked if walked.refuted is None else between(judge, walked)", "walked",
        (f"{THEOREMS}/test_sharpen.py::test_stated_constants_are_optimal",),
    ),
    Fault(
        "the variance of a compressor is read in the wrong case",
        "derive/theorems/facts/compressors.py", "or when != self.where or positive_part", "or positive_part",
        (f"{THEOREMS}/test_from_sde.py::test_a_compressor_whose_variance_vanishes_in_another_case",),
    ),
    Fault(
        "the coupling of two coordinates counts one of them",
        "derive/theorems/stationary/line.py", "* (h1**2 / own_rate(model, h1) + h2**2 / own_rate(model, h2))",
        "* (h1**2 / own_rate(model, h1))", (f"{THEOREMS}/test_catalogue.py", "-k", "rand-k"),
    ),
    # stated equations
    Fault(
        "x is spoilt by letters that it does not depend on",
        "derive/audit/weak_order.py", "if set(term.entry.letters) <= near)])", "if set(term.entry.letters) & near)])",
        (f"{STATED}/test_audit.py::test_the_weak_order_that_is_left_and_the_weaker_claim",),
    ),
    Fault(
        "the second order of a prediction counts twice",
        "derive/audit/counterexample.py", "(over_time(drift[i]) * tau**2 / 2", "(over_time(drift[i]) * tau**2",
        (f"{STATED}/test_audit.py::test_the_example_shows_the_term",),
    ),
    Fault(
        "moments over a time that grow twice as fast",
        "derive/audit/affine_moments.py", "mpmath.matrix(rows) * time)", "mpmath.matrix(rows) * time * 2)",
        (f"{STATED}/test_audit.py::test_weak_orders_over_a_time",),
    ),
    Fault(
        "an entry of the covariance is given twice",
        "derive/audit/stated_equation.py", "if (first, second) in entries:", "if key in found:", (f"{STATED}/test_audit.py",),
    ),
    Fault(
        "a covariance need not be symmetric",
        "derive/audit/validity.py", "[i, j] - covariance[j, i]):", "[i, j] - covariance[i, j]):",
        (f"{STATED}/test_stated.py",),
    ),
    Fault(
        "a letter that is positive may be 0",
        "derive/audit/equation.py", 'for s in state_symbols if s.is_positive]', 'for s in state_symbols if s.is_zero]',
        (f"{STATED}/test_stated.py::test_letters_are_one_symbol_for_each_name",),
    ),
    Fault(
        "the letter for a referee has the example after one step where there is one after a time",
        "derive/audit/referee.py", "example.over_time or example.measured", "example.measured or example.over_time",
        (f"{STATED}/test_audit.py::test_one_step_of_heavy_ball_is_what_it_is",),
    ),
    # reading
    Fault(
        "the largest whole number is refused",
        "derive/reading/numbers.py", "not low <= value <= high", "not low <= value < high",
        (f"{READING}/test_specs.py", f"{READING}/test_hostile.py", f"{READING}/test_problem_files.py"),
    ),
    Fault(
        "times before the start are saved",
        "derive/reading/experiments.py", "if min(times) < 0 or max(times)", "if max(times)",
        (f"{READING}/test_method_tables.py",),
    ),
    Fault(
        "columns of the second pair are one short",
        "derive/reading/specs.py", "start += len(pair) + 1", "start += len(pair)", (f"{READING}/test_specs.py",),
    ),
    Fault(
        "a name of a claim is listed twice",
        "derive/reading/claims.py", "in value[: n - 1]:", "in value[: n - 2]:", (f"{READING}/test_claims.py",),
    ),
    Fault(
        "a decimal is cut to the shorter of two numbers of places",
        "derive/reading/sweeps/values.py", "places = max(twos, fives)", "places = min(twos, fives)",
        (f"{READING}/test_sweep_ranges.py",),
    ),
    Fault(
        "an axis that another one determines gets panels",
        "derive/reading/sweeps/panels.py", "if value_at.setdefault(key, value) != value:", "if value_at.setdefault(key, value):",
        (f"{READING}/test_sweep_figures.py",),
    ),
    Fault(
        "a letter of two fields is that of the first",
        "derive/reading/sweeps/formula_letters.py", "        if len(stands) > 1:", "        if not stands:",
        (f"{READING}/test_sweep_figures.py",),
    ),
    # formulas, sanity checks, vocabulary
    Fault(
        "relations are not turned around",
        "derive/vocabulary/formulas/grammar.py", '(op.replace(">", "<"), right, left)', '(op.replace(">", "<"), left, right)',
        (f"{READING}/test_claims.py", f"{FORMULAS}/test_grammar.py"),
    ),
    Fault(
        "exponentials in exponents have no height",
        "derive/vocabulary/formulas/expressions.py", "max(inner[0], inner[1] + 1)", "max(inner[0], inner[1])",
        (f"{FORMULAS}/test_psi.py",),
    ),
    Fault(
        "derivatives of psi at 0",
        "derive/vocabulary/formulas/psi.py", "return sp.Rational(1, (n + 1) * (n + 2))", "return sp.Rational(1, n + 2)",
        (f"{FORMULAS}/test_psi.py",),
    ),
    Fault(
        "the sum of signs counts each lag once",
        "derive/vocabulary/formulas/sign_sum.py", "total += 2 * h**2 * r**n", "total += h**2 * r**n",
        (f"{FORMULAS}/test_sign_sum.py",),
    ),
    Fault(
        "a statistic takes the name of a coordinate",
        "derive/vocabulary/registry.py", "_STATISTICS or _COORDINATE.fullmatch(name))", "_STATISTICS)",
        (VOCABULARY, f"{READING}/test_specs.py"),
    ),
    Fault(
        "a file that fails stays known",
        "derive/vocabulary/plugin_loading.py", "sys.modules.pop(module, None)", "pass", (f"{VOCABULARY}/test_plugin_loading.py",),
    ),
)  # fmt: skip
