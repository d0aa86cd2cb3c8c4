"""Faults in the proofs: kernel, replay, search, refutation, Rocq, theorems."""

from __future__ import annotations

from tests.support.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
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
)
