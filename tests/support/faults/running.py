"""Faults in numerics and in reports."""

from __future__ import annotations

from tests.support.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
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
