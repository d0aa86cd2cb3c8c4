"""Faults in reports: the document, the ledger and the sections."""

from __future__ import annotations

from tests.support.faults.fault import Fault

_SECTIONS = "tests/reports/sections"

FAULTS: tuple[Fault, ...] = (
    # --- document
    Fault(
        "two commas become a quotation mark",
        "reports/document/tex.py",
        '_LIGATURES = ("-", "\'", ",")',
        '_LIGATURES = ("-", "\'")',
        ("tests/reports/document/test_tex.py",),
    ),
    Fault(
        "a half-width has one digit",
        "reports/document/numbers.py",
        "last = _power(half, 2) - 1\n",
        "last = _power(half, 2)\n",
        ("tests/reports/sections/test_numeric.py",),
    ),
    Fault(
        "an input from outside the folder is read",
        "reports/document/html.py",
        "if not inner.is_relative_to(root):",
        "if not inner.is_absolute():",
        ("tests/reports/document/test_html.py",),
    ),
    Fault(
        "equations with a star are counted",
        "reports/document/pandoc_tree.py",
        "if number is None and not starred and not",
        "if number is None and not",
        ("tests/reports/document/test_html.py",),
    ),
    Fault(
        "a claim that stands twice is counted twice",
        "reports/document/verdict_filter.py",
        'claims.add(_identity(claim) or f"{len(claims)} of {verdict}")',
        'claims.add(f"{len(claims)} of {verdict}")',
        ("tests/reports/document/test_page.py",),
    ),
    Fault(
        "names that differ in capitals share a macro",
        "reports/document/notation.py",
        'c if c.islower() else "Up" + c',
        "c.lower()",
        ("tests/reports/assembly/test_report.py",),
    ),
    Fault(
        "TeX reads files outside the document",
        "reports/document/pdf.py",
        '"openin_any": "p"',
        '"openin_any": "a"',
        ("tests/reports/document/test_tex.py",),
    ),
    Fault(
        "a series has the style of the method",
        "reports/document/figures.py",
        "[style for style in STYLES if style not in named.values()] or list(STYLES)",
        "list(STYLES)",
        ("tests/reports/sections/test_numeric.py",),
    ),
    # --- the ledger
    Fault(
        "a claim whose negation is proved is open",
        "reports/claims/verdicts.py",
        "if refuting or negating:",
        "if refuting:",
        ("tests/reports/paper/test_ledger.py",),
    ),
    Fault(
        "a model that leaves at one time is undecided where another time is open",
        "reports/claims/following.py",
        "Verdict.VIOLATED if leaves else Verdict.INCONCLUSIVE if rest else Verdict.CONFIRMED",
        "Verdict.INCONCLUSIVE if rest else Verdict.VIOLATED if leaves else Verdict.CONFIRMED",
        ("tests/reports/paper/test_following.py",),
    ),
    Fault(
        "the solver's error is left out of a gap",
        "reports/claims/following.py",
        "/ b + error / b))",
        "/ b))",
        ("tests/reports/paper/test_following.py",),
    ),
    Fault(
        "evidence against a claim fails at no point",
        "reports/claims/evidence.py",
        "failed = (compared if str(verdict) in AGAINST else 0) if failing is None else failing",
        "failed = failing or 0",
        ("tests/reports/paper",),
    ),
    # --- sections
    Fault(
        "a routine that confirms hides one that does not",
        "reports/paper/verification/section.py",
        "next((v for v in _ORDER if v in present), Verdict.INCONCLUSIVE)",
        "next((v for v in reversed(_ORDER) if v in present), Verdict.INCONCLUSIVE)",
        (f"{_SECTIONS}/test_verification.py",),
    ),
    Fault(
        "an order that is not known well is decided",
        "reports/paper/verification/weak_orders.py",
        "or doubt > WIDEST or not",
        "or not",
        (f"{_SECTIONS}/test_verification.py",),
    ),
    Fault(
        "the half-width of a gap without the ratio",
        "reports/sections/compare.py",
        "math.hypot(a_half, a / b * b_half)",
        "math.hypot(a_half, b_half)",
        (f"{_SECTIONS}/test_numeric.py",),
    ),
    Fault(
        "a path that blew up counts as zero",
        "reports/sections/compare.py",
        "np.minimum(values, cap), cap)",
        "np.minimum(values, cap), 0.0)",
        (f"{_SECTIONS}/test_numeric.py",),
    ),
    Fault(
        "both studies have the same draws",
        "reports/paper/experiments/study.py",
        "return purpose + APART * self.seed",
        "return purpose",
        (f"{_SECTIONS}/test_experiments.py",),
    ),
    Fault(
        "the held multiplier is judged by the theory's own steps",
        "reports/paper/experiments/variants.py",
        '"b-held": claims.settles(losses.paths(THEORY, HELD), start)',
        '"b-held": claims.settles(losses.paths(THEORY, OWN), start)',
        (f"{_SECTIONS}/test_experiments.py",),
    ),
    Fault(
        "steps that grow are told above their bar",
        "reports/paper/experiments/section.py",
        '(eta > column["limit"], r >= claims.CAP)',
        "(r > 1, r >= claims.CAP)",
        (f"{_SECTIONS}/test_experiments.py",),
    ),
    Fault(
        "blow-ups above the threshold are told below it",
        "reports/paper/sweeps/seen.py",
        "{np.sum((share > 0) & ~above)} of them below",
        "{np.sum((share > 0) & above)} of them below",
        (f"{_SECTIONS}/test_verification.py",),
    ),
    Fault(
        "the stall level of signs is its half",
        "reports/paper/sweeps/settled.py",
        "{key: 2 * value for key, value in _points",
        "{key: value for key, value in _points",
        (f"{_SECTIONS}/test_verification.py",),
    ),
    Fault(
        "a study's figure that was changed is used",
        "reports/sections/studies.py",
        'if hashlib.sha256(content).hexdigest() != study.manifest["digests"][name]:',
        "if not content:",
        (f"{_SECTIONS}/test_studies.py",),
    ),
    Fault(
        "numbers confirm a theorem that is refuted",
        "reports/sections/own_theorems.py",
        "if status == Verdict.REFUTED and verdict == Verdict.CONFIRMED:",
        "if status == Verdict.REFUTED and verdict == Verdict.VIOLATED:",
        (f"{_SECTIONS}/test_own_theorems.py",),
    ),
    Fault(
        "contradictions are listed last",
        "reports/paper/claim_by_claim.py",
        'key=lambda e: e["supports"] is not False',
        'key=lambda e: e["supports"] is False',
        (f"{_SECTIONS}/test_front.py",),
    ),
    Fault(
        "the largest gap is the smallest",
        "reports/claims/verdicts.py",
        'or e["gap"] > worst[e["gap_of"]]["gap"]',
        'or e["gap"] < worst[e["gap_of"]]["gap"]',
        ("tests/reports/paper/test_ledger.py",),
    ),
    Fault(
        "the mean of signs where it does not exist",
        "reports/paper/sde_table.py",
        "if law.tail.is_number and law.tail <= m:",
        "if law.tail.is_number and law.tail < m:",
        (f"{_SECTIONS}/test_numeric.py",),
    ),
    Fault(
        "a stationary variance that is not the method's is called exact",
        "reports/paper/stationary.py",
        '"exact": sp.cancel(approximate[0] - exact[0]) == 0',
        '"exact": sp.cancel(approximate[0] - exact[0]) != 0',
        ("tests/reports/assembly/test_report.py", "-k", "part"),
    ),
    Fault(
        "bands that have a value in common are apart",
        "reports/paper/real_data/study.py",
        'return first["high"][-1] < second["low"][-1] or',
        'return first["high"][-1] > second["low"][-1] or',
        (f"{_SECTIONS}/test_numeric.py",),
    ),
)
