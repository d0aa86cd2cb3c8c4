"""Faults to plant, one edit of the source each, and the tests that must find them: `python -m tests.support.plant` tries them.

The list is what a change of the tests is measured by: a test may go where every fault that it found is still found.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """An edit that makes the code wrong.

    Args:
        name: unique.
        file: relative to the root.
        old, new: what stands there, exactly once, and what is put there.
        tests: arguments of pytest: files and tests, of which at least one must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


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
        ("tests/derive/vocabulary/test_plugins.py",),
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
        "belongs_to_the_engine(text)\n        or keyword",
        "keyword",
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
        "derive/stated/validity.py", "< -NEGATIVE * size)", "< -1000 * size)", ("tests/derive/stated/test_stated.py",),
    ),
    Fault(
        "a symbol of the user's is a letter of its own", "derive/stated/letters.py",
        "for s, letter in own.items() if s != letter}", "for s, letter in own.items() if False}",
        ("tests/derive/stated/test_stated.py",),
    ),
    Fault(
        "what a Cholesky factor has taken is not subtracted",
        "numerics/simulate/roots.py", "rest = rows[i][j] - sum(", "rest = rows[i][j] - 0 * sum(",
        ("tests/numerics/simulate/test_stated.py::test_the_roots_of_blocks_and_what_is_not_a_covariance",),
    ),
    # methods
    Fault(
        "a compressor in a mean is drawn once for all clients",
        "derive/methods/rules/rule.py",
        'if kind == "C":\n            return client',
        'if kind == "C":\n            return None',
        ("tests/derive/methods/test_rule_evaluation.py",),
    ),
    Fault(
        "assignments are evaluated from the last to the first",
        "derive/methods/rules/rule.py",
        "return [c for c in self.closures if id(c) in wanted]",
        "return []",
        ("tests/derive/methods/test_rule_evaluation.py",),
    ),
    Fault(
        "odd signed moments of Laplace noise",
        "derive/methods/noise/laplace.py",
        "if m % 2 == 0 else upper",
        "if m % 2 == 0 else -upper",
        ("tests/derive/methods/test_laws.py",),
    ),
    Fault(
        "odd moments of a skewed law",
        "derive/step/expectation.py",
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
        "return x**4 / 4",
        "return x**4 / 3",
        ("tests/derive/process", "tests/derive/sanity"),
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
        "derive/step/moments.py",
        "for_client = [b, second - b**2, pair - b_i * b]",
        "for_client = [b, second, pair - b_i * b]",
        ("tests/derive/step/test_moments.py",),
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
        "derive/process/generator.py",
        "return first + second / 2",
        "return first + second",
        ("tests/derive/process/test_generator.py",),
    ),
    Fault(
        "the Lyapunov equation near the optimum",
        "derive/process/stationary.py",
        "at_rest[i, j] / (-slopes[i] - slopes[j])",
        "at_rest[i, j] / (-slopes[i])",
        ("tests/derive/process",),
    ),
    Fault(
        "the sign of a term in a sum",
        "derive/printing/printer.py",
        "body = self._print(-term if _negative(term) else term)",
        "body = self._print(term)",
        ("tests/derive/printing",),
    ),
    Fault(
        "a sanity check that passes with a line that does not hold",
        "derive/sanity/check.py",
        "bool(compared) and all(compared)",
        "bool(compared) and any(compared)",
        ("tests/derive/sanity",),
    ),
    # reading
    Fault(
        "negative powers are read as positive ones",
        "derive/formulas/grammar.py",
        "return raised if exponent >= 0 else",
        "return raised if exponent >= -1 else",
        ("tests/derive/reading/test_grammar.py", "tests/derive/reading/test_claims.py"),
    ),
    Fault(
        "a number loses its sign",
        "derive/formulas/grammar.py",
        "return built._replace(term=_number(-Fraction(term[1])))",
        "return built._replace(term=_number(Fraction(term[1])))",
        ("tests/derive/reading/test_grammar.py", "tests/derive/reading/test_claims.py"),
    ),
    Fault(
        "the time of a step is eta",
        "derive/reading/methods.py",
        "return Fraction(int(value.p), int(value.q)) if value.is_Rational else Fraction(float(value))",
        "return eta",
        ("tests/derive/reading/test_method_tables.py",),
    ),
    # proofs: the kernel, and the checker that shares no code with it
    Fault(
        "a vector that is not declared",
        "derive/proof/language/context.py",
        'return len(v) == 2 and v[0] == "v" and v[1] in self.vectors',
        'return len(v) == 2 and v[0] == "v"',
        ("tests/derive/proof/kernel/test_refusals.py", "tests/derive/proof/kernel/test_rules.py"),
    ),
    Fault(
        "the kernel takes a coefficient 0",
        "derive/proof/kernel/arithmetic.py",
        "if type(c) is not Fraction or c <= 0:",
        "if type(c) is not Fraction or c < 0:",
        ("tests/derive/proof/kernel/test_refusals.py", "tests/derive/proof/kernel/test_rules.py"),
    ),
    Fault(
        "the logarithm rises where it has no meaning",
        "derive/proof/kernel/function_laws.py",
        '_rises("log", "<")',
        '_rises("log")',
        ("tests/derive/proof/kernel",),
    ),
    Fault(
        "the other checker takes a strict claim for a weak sum",
        "derive/proof/replay/rules.py",
        'check(op != "<" or strict, ',
        "check(True, ",
        ("tests/derive/proof/replay/test_check.py", "tests/derive/proof/replay/test_rules.py"),
    ),
    Fault(
        "a witness may have a negative entry on the diagonal of a psd matrix",
        "derive/proof/replay/witness.py",
        'check(psd or "psd" not in flags, ',
        "check(True, ",
        ("tests/derive/proof/replay/test_witness.py",),
    ),
    Fault(
        "a bound of a function is looked at on one side",
        "derive/proof/replay/witness.py",
        "number(abs(level) + abs(height))",
        "number(level + height)",
        ("tests/derive/proof/replay/test_witness.py",),
    ),
    Fault(
        "the state of a witness may move",
        "derive/proof/replay/witness.py",
        "check(not any(total), ",
        "check(True, ",
        ("tests/derive/proof/replay/test_witness.py",),
    ),
    Fault(
        "a witness is looked at for one coordinate",
        "derive/proof/replay/witness.py",
        "for j in range(self.size if deps & J else 1):",
        "for j in range(1):",
        ("tests/derive/proof/replay/test_witness.py",),
    ),
    Fault(
        "a certificate without a witness is said to have one",
        "derive/proof/replay/check.py",
        '"not shown" if self.witness is None else "shown"',
        '"shown"',
        ("tests/derive/proof/replay/test_witness.py", "tests/reports/commands/test_proving.py"),
    ),
    Fault(
        "a denominator without a sign is safe",
        "derive/proof/replay/conventions.py",
        'if op in ("<", "!="):',
        'if op in ("<", "!=", "<="):',
        ("tests/derive/proof/replay/test_witness.py",),
    ),
    # search, refutation, claims, repair
    Fault(
        "a claim that is built by hand is not looked at",
        "derive/proof/claims/prove.py",
        'Context({name: "const" for name in names}).check_relation(given)',
        "pass",
        ("tests/derive/proof/claims/test_prove.py",),
    ),
    Fault(
        "the smaller root of a quadratic is printed for the larger one",
        "derive/proof/refute/algebraic.py",
        "(index == 2) == (a > 0)",
        "index == 2",
        ("tests/derive/proof/refute/test_counterexample.py",),
    ),
    Fault(
        "assumptions that contradict one another are not searched for",
        "derive/proof/search/certify.py",
        "((other, False), (plain, False), (empty, True)):",
        "((other, False), (plain, False)):",
        ("tests/derive/proof/search/test_certify.py",),
    ),
    Fault(
        "a strict relation holds where both sides are equal",
        "derive/proof/refute/exact.py",
        '"<": sign > 0, "=="',
        '"<": sign >= 0, "=="',
        ("tests/derive/proof/refute/test_counterexample.py",),
    ),
    Fault(
        "a proof from nothing is not said to be one",
        "derive/proof/claims/prove.py",
        "return self.kernel.absurd(claim, absurd), True",
        "return self.kernel.absurd(claim, absurd), False",
        ("tests/derive/proof/claims/test_prove.py",),
    ),
    Fault(
        "a repair that only an edge satisfies is said to have room",
        "derive/proof/repair/smallest.py",
        "for wide, relations, most in ((True, strict, MODEL_SECONDS),",
        "for wide, relations, most in ((True, list(assume), MODEL_SECONDS),",
        ("tests/derive/proof/repair/test_room.py",),
    ),
    # Rocq and the theorems
    Fault(
        "what does not replay is exported",
        "derive/proof/rocq/export.py",
        "        replay_object(certificate)\n",
        "        pass\n",
        ("tests/derive/proof/rocq/test_claims.py",),
    ),
    Fault(
        "a variable hides a name of the library",
        "derive/proof/rocq/notation.py",
        "while chosen in taken:",
        "while chosen in KEYWORDS:",
        ("tests/derive/proof/rocq/test_claims.py",),
    ),
    Fault(
        "that there is a time is a premise, and not listed",
        "derive/proof/rocq/export.py",
        '            if f" {one}" in proof:\n',
        "            if not one:\n",
        ("tests/derive/proof/rocq/test_statement.py",),
    ),
    Fault(
        "Rocq's axioms are not looked at",
        "derive/proof/rocq/judge.py",
        "said and (STANDARD | MACHINE).issuperset(assumptions)",
        "said",
        ("tests/derive/proof/rocq", "-k", "standard_axioms or axiom"),
    ),
    Fault(
        "a theorem may assume more than it says",
        "derive/theorems/entry/checking.py",
        "    if extra:\n",
        "    if False:\n",
        ("tests/derive/theorems/test_catalogue.py",),
    ),
    Fault(
        "a stationary variance with another rate",
        "derive/theorems/stationary/pair.py",
        "return 2 * h - eta / N * (2 / k - 1) * h**2 -",
        "return 2 * h - eta / N * (2 / k) * h**2 -",
        ("tests/derive/theorems/test_catalogue.py", "-k", "6.7"),
    ),
    # numerics
    Fault(
        "a compiler that computes wrongly is used",
        "numerics/backend/compiler.py",
        "if not known_disagreeing(wide):",
        "if True:",
        ("tests/numerics/backend",),
    ),
    Fault(
        "ranks of equal entries",
        "numerics/lowering/functions.py",
        "(a == a[j]) & (before < j)",
        "(a == a[j]) & (before > j)",
        ("tests/numerics/lowering/test_to_jax.py",),
    ),
    Fault(
        "draws are used twice",
        "numerics/laws/single_use.py",
        "if self._home in (now, then) or then == now:",
        "if then is self:",
        ("tests/numerics/laws/test_single_use.py",),
    ),
    Fault(
        "Laplace noise without its sign",
        "numerics/laws/standardised.py",
        "    return sign * size\n",
        "    return size\n",
        ("tests/numerics/laws",),
    ),
    Fault(
        "the increment of two halves of a step",
        "numerics/simulate/schemes.py",
        "Increment(jnp.sqrt(step / 2), one + two)",
        "Increment(jnp.sqrt(step), one + two)",
        ("tests/numerics/simulate/test_refinement.py", "tests/numerics/simulate/test_equation.py"),
    ),
    Fault(
        "the noise of a step in the moment recursion",
        "numerics/without_sampling/closed_moments.py",
        "image + size * named.covariance[where[0], where[1]]",
        "image + size**2 * named.covariance[where[0], where[1]]",
        ("tests/numerics/without_sampling/test_closed_moments.py",),
    ),
    Fault(
        "the upper end for a proportion",
        "numerics/statistics/estimates.py",
        "stats.beta.ppf(1 - tail, count + 1, total - count)",
        "stats.beta.ppf(1 - tail, count, total - count + 1)",
        ("tests/numerics/statistics/test_estimates.py",),
    ),
    Fault(
        "weak orders from two step sizes only",
        "numerics/evidence/weak_order.py",
        "weights = np.linalg.pinv(shape)[1]",
        "weights = np.linalg.pinv(shape)[0]",
        ("tests/numerics/evidence/test_weak_order.py",),
    ),
    Fault(
        "the variance of Student noise in scales squared",
        "numerics/tasks/tails.py",
        "1.0 / np.where(lam < 0.5, 1.0 - 2.0 * lam, 1.0)",
        "1.0 / np.where(lam < 0.5, 1.0 - lam, 1.0)",
        ("tests/numerics/tasks/test_tails.py",),
    ),
    Fault(
        "new draws are those of G",
        "numerics/simulate/rules.py",
        "return draws.fold(np.uint32(FURTHER + number)) if number else draws",
        "return draws",
        ("tests/numerics/simulate/test_rules.py",),
    ),
    Fault(
        "a lost coordinate comes back",
        "numerics/simulate/blow_up.py",
        'good: Any = ~jnp.isnan(state["x"])',
        "good: Any = True",
        ("tests/numerics/simulate/test_rule_runs.py",),
    ),
    Fault(
        "a constant is solved for without the rest of its formula",
        "numerics/simulate/regimes.py",
        "(known[name] - e.xreplace({symbol: sp.S.Zero})) / slope",
        "known[name] / slope",
        ("tests/numerics/simulate/test_rule_runs.py",),
    ),
    # reports
    Fault(
        "a damaged result is taken for a whole one",
        "reports/store/cache.py",
        'if body.pop("sha256") != _digest(body):',
        'if body.pop("sha256") is None:',
        ("tests/reports/store/test_cache.py",),
    ),
    Fault(
        "marks that hide text reach the document",
        "reports/document/tex.py",
        'unicodedata.category(char) in ("Cc", "Cf")',
        'unicodedata.category(char) in ("Cc",)',
        ("tests/reports/document/test_tex.py",),
    ),
    Fault(
        "numbers against a proof are passed over",
        "reports/paper/ledger.py",
        'if any(e["supports"] is False for e in covered)',
        'if any(e["supports"] == "no" for e in covered)',
        ("tests/reports/paper/test_ledger.py",),
    ),
    Fault(
        "evidence that speaks against a claim is left out",
        "reports/paper/ledger.py",
        'found.append({"key": key, "role": role, **own, **_counted(own, contrary)})',
        'found += [{"key": key, "role": role, **own, **_counted(own, contrary)}] if own["verdict"] in FOR else []',
        ("tests/reports/paper/test_ledger.py",),
    ),
    Fault(
        "the first page counts nothing as failing",
        "reports/sections/ledger.py",
        "f\"{tally['failing']} of {tally['compared']}\"",
        "f\"0 of {tally['compared']}\"",
        ("tests/reports/sections/test_front.py", "-k", "single"),
    ),
    Fault(
        "boxes that are too wide are not told",
        "reports/assembly/report.py",
        "for box in compiled.overfull]",
        "for box in compiled.overfull[:0]]",
        ("tests/reports/assembly/test_report.py", "-k", "told"),
    ),
    Fault(
        "a model that does not exist leaves the exit code at 0",
        "reports/commands/answers.py",
        'return 1 if _answered_no(result["statuses"]) else 0',
        "return 0",
        ("tests/reports/commands/test_reporting.py",),
    ),
)
