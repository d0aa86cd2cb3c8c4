"""Faults in the engine that derives: words, expressions, methods, equations, reading."""

from __future__ import annotations

from tests.support.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    # vocabulary and expressions
    Fault(
        "a count may be 0",
        "derive/vocabulary/registry.py",
        "x.denominator == 1 and 1 <= x < 10**6",
        "x.denominator == 1 and 0 <= x < 10**6",
        ("tests/derive/reading/test_specs.py",),
    ),
    Fault(
        "a registered name is taken over",
        "derive/vocabulary/registry.py",
        "not None and (who is None or not again)",
        "not None and who is None",
        ("tests/derive/vocabulary/test_plugin_loading.py",),
    ),
    Fault(
        "one number stands for all paths",
        "numerics/simulate/runs.py",
        "if jnp.shape(value) != x.shape[1:]:",
        "if jnp.ndim(value) > 2:",
        ("tests/reports/commands/test_own_pieces.py",),
    ),
    Fault(
        "a name of the engine is free",
        "derive/vocabulary/names.py",
        'own": belongs_to_the_engine(text)',
        'own": False',
        ("tests/derive/reading/test_specs.py",),
    ),
    Fault(
        "a symbol that is declared to be more is taken for ours",
        "derive/vocabulary/symbols.py",
        "not in (None, ours.assumptions0.get(fact))",
        "not in (None, symbol.assumptions0.get(fact))",
        ("tests/derive/vocabulary/test_symbols.py",),
    ),
    Fault(
        "products of signs lose a part",
        "derive/expressions/derivatives.py",
        "even, odd = even * a + odd * b, even * b + odd * a",
        "even, odd = even * a, even * b + odd * a",
        ("tests/derive/expressions/test_derivatives.py",),
    ),
    # stated equations
    Fault(
        "a covariance with a negative eigenvalue is accepted",
        "derive/audit/validity.py",
        "< -NEGATIVE * size)",
        "< -1000 * size)",
        ("tests/derive/audit/test_stated.py",),
    ),
    Fault(
        "a symbol of the user's is a letter of its own",
        "derive/audit/stated_symbols.py",
        "for s, letter in exchanged.items() if s != letter}",
        "for s, letter in exchanged.items() if False}",
        ("tests/derive/audit/test_stated.py",),
    ),
    Fault(
        "what a Cholesky factor has taken is not subtracted",
        "numerics/lowering/factors.py",
        "rest = rows[i][j] - sum(",
        "rest = rows[i][j] - 0 * sum(",
        ("tests/numerics/simulate/test_named_equation.py::test_the_roots_of_blocks_and_what_is_not_a_covariance",),
    ),
    # methods
    Fault(
        "a compressor in a mean is drawn once for all clients",
        "derive/methods/rules/update.py",
        'if kind == "C":\n            return client',
        'if kind == "C":\n            return None',
        ("tests/derive/methods/test_rule_evaluation.py",),
    ),
    Fault(
        "assignments are evaluated from the last to the first",
        "derive/methods/rules/update.py",
        "return [c for c in self.closures if id(c) in needed]",
        "return []",
        ("tests/derive/methods/test_rule_evaluation.py",),
    ),
    Fault(
        "odd signed moments of Laplace noise",
        "derive/methods/noise/elementary.py",
        "if m % 2 == 0 else upper",
        "if m % 2 == 0 else -upper",
        ("tests/derive/methods/test_law_formulas.py",),
    ),
    Fault(
        "odd moments of a skewed law",
        "derive/equations/step/mean_over_noise.py",
        "if q % 2 and law.symmetric else",
        "if q % 2 else",
        ("tests/derive/methods/test_asymmetric_laws.py",),
    ),
    Fault(
        "pairs of coordinates of Rand-k",
        "derive/methods/compressors/sparsifiers.py",
        "(self.k * (dim - 1)) - 1",
        "(self.k * dim) - 1",
        ("tests/derive/methods/test_enumeration.py",),
    ),
    Fault(
        "the curvature of the quartic loss",
        "derive/methods/losses.py",
        "always(x**4 / 4)",
        "always(x**4 / 3)",
        ("tests/derive/equations/process",),
    ),
    Fault(
        "steps that are not normalised",
        "derive/methods/schedules.py",
        "1 / (self.k0 + self.k1 * sp.sqrt(coord_sum(g**2)))",
        "1 / (self.k0 + self.k1 * coord_sum(g**2))",
        ("tests/numerics/tasks/test_races.py", "-k", "family or signs"),
    ),
    # the step, the equations, their process, and how they are printed
    Fault(
        "a second moment instead of a variance",
        "derive/equations/step/covariance.py",
        "for_client = [b, second - b**2, pair - b_i * b]",
        "for_client = [b, second, pair - b_i * b]",
        ("tests/derive/equations/step/test_covariance.py",),
    ),
    Fault(
        "the correction with h for h^2",
        "derive/equations/models.py",
        "return -h * b + eta * h**2 / 2 * curvature(b)",
        "return -h * b + eta * h / 2 * curvature(b)",
        ("tests/derive/equations/test_models.py",),
    ),
    Fault(
        "the Ito term of the generator",
        "derive/equations/process/generator.py",
        "return first + second / 2",
        "return first + second",
        ("tests/derive/equations/process/test_generator.py",),
    ),
    Fault(
        "the Lyapunov equation near the optimum",
        "derive/equations/process/stationary.py",
        "at_rest[i, j] / (-slopes[i] - slopes[j])",
        "at_rest[i, j] / (-slopes[i])",
        ("tests/derive/equations/process",),
    ),
    Fault(
        "the sign of a term in a sum",
        "derive/expressions/latex_printer.py",
        "body = self._print(-term if _negative(term) else term)",
        "body = self._print(term)",
        ("tests/derive/printing",),
    ),
    Fault(
        "the ratio of two iterates on the quartic in place of its square",
        "derive/equations/process/model_table.py",
        "(1 + eta * drift / x) ** 2 - 1",
        "(1 + eta * drift / x) - 1",
        ("tests/derive/equations/process/test_model_table.py",),
    ),
    # reading
    Fault(
        "negative powers are read as positive ones",
        "derive/vocabulary/formulas/grammar.py",
        "return raised if exponent >= 0 else",
        "return raised if exponent >= -1 else",
        ("tests/derive/vocabulary/formulas/test_grammar.py", "tests/derive/reading/test_claims.py"),
    ),
    Fault(
        "a number loses its sign",
        "derive/vocabulary/formulas/grammar.py",
        "return built._replace(term=_number(-Fraction(term[1])))",
        "return built._replace(term=_number(Fraction(term[1])))",
        ("tests/derive/vocabulary/formulas/test_grammar.py", "tests/derive/reading/test_claims.py"),
    ),
    Fault(
        "the time of a step is eta",
        "derive/reading/method_tables.py",
        "return Fraction(int(value.p), int(value.q)) if value.is_Rational else Fraction(float(value))",
        "return eta",
        ("tests/derive/reading/test_method_tables.py",),
    ),
    # sweeps
    Fault(
        "a point of two blocks counts twice",
        "derive/reading/sweeps/points.py",
        "if code in earlier:",
        "if code is None:",
        ("tests/derive/reading/test_sweeps.py",),
    ),
    Fault(
        "a specification and a value inside it make two points of one",
        "derive/reading/sweeps/plans.py",
        "for a in moving for b in self.where)",
        "for a in moving for b in moving)",
        ("tests/derive/reading/test_sweeps.py",),
    ),
    Fault(
        "draws of several keys are one draw",
        "derive/reading/sweeps/ranges.py",
        "\\n{block}\\n{self.name}\\n{n}",
        "\\n{block}\\n{n}",
        ("tests/derive/reading/test_sweep_ranges.py",),
    ),
    Fault(
        "one value inside a specification is read as two",
        "derive/reading/sweeps/values.py",
        "isinstance(item, str) and is_a_word(item)",
        "isinstance(item, str)",
        ("tests/derive/reading/test_sweep_overrides.py",),
    ),
)
