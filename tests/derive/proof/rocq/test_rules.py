"""Every rule of a certificate in Rocq: it is accepted, and what is false or does not follow is not."""

import pytest

from sdescent.derive.proof.rocq.export import translated
from tests.derive.proof.rocq.asking import Certificate, check, rocq
from tests.derive.proof.rocq.judging import MACHINE, STANDARD
from tests.support.certificates.edits import edited_in
from tests.support.certificates.invalid import ALL, EDITS
from tests.support.certificates.potentials import POTENTIALS
from tests.support.certificates.rules import assume, certificate, certify, t


def written() -> Certificate:
    """The statement is what is written, whatever its normal form: quotients, powers of them and functions at special values."""
    fraction, zero = "1/(2*a + 4)", "(X - X)"
    log = f"log({fraction}/({fraction}))"
    low = f"6*(X/(9*a**2*X)) - ({fraction})**2/1 + sqrt{zero}"
    return certificate(
        assume(f"X/(3/2*a**2*X) <= 1/4 + exp{zero} + a/{zero} + 1/(1/(2/3))"),
        assume(f"exp{zero} <= a"),
        certify([0, 1], f"{low} <= {log} - {log} + sqrt({zero} + 1) + abs(-2) - 13/12 + tanh{zero}",
                [["1", [0], []], ["1", [], [t(fraction)]]]),
    )  # fmt: skip


#: beside an operator Rocq, like the kernel, makes no instance: FORMAT.md lists this difference to the replay
VALID = {name: value for name, value in ALL.items() if name != "letters instance"} | {"written": written()}
#: what checkers refuse for its form, or for the axioms that it names, and what is true though they do not see it
HARMLESS = {
    "assume statement.assumptions ['!a <= 1', '!a <= 1']", "assume statement.axioms ['integrability']",
    "mean statement.axioms []", "ito statement.axioms ['fatou']", "ito statement.axioms ['fatou', 'fatou']",
    "telescope with weights statement.axioms ['integrability']", "cases statement.assumptions ['!c == X', '!0 <= X']",
    "certify squares steps.0.data.sum.0.0 1/1", "ito steps.2.data {'potential': 'V', 'dr", "cut steps.5.data {'of': 1}",
    "ball eval steps.2.data.proof.1 5000", "ball eval steps.2.data.strict 1", "summation steps.7.premises [0]",
    "ball up steps.1.data.proof ['up', ['up', ['eval',", "telescope steps.4.claim !0 == V", "assume context.clients drop",
    "ball up steps.1.data.more 1", "declared steps.2.data.args ['!X', '!Y']", "assume context.matrices.A ['psd', 'psd']",
}  # fmt: skip


def false() -> dict[str, Certificate]:
    """The invalid certificates, and those about what moves with 1/10 more in their claims, or without their first assumption."""
    wrong = {f"{edit.name} {edit.place} {str(edit.value)[:22]}": edit.certificate() for edit in EDITS}
    assert wrong.keys() >= HARMLESS
    for name, value in (POTENTIALS | {name: ALL[name] for name in ("ito", "gronwall")}).items():
        op, left, right = value["statement"]["claim"]
        more = [op, ["+", left, ["q", "1/10"]], right]
        wrong[f"{name}, more"] = edited_in(value, "steps", len(value["steps"]) - 1, "claim", to=more)
        wrong[f"{name}, less"] = edited_in(value, "statement", "assumptions", to=value["statement"]["assumptions"][1:])
    return {name: value for name, value in wrong.items() if name not in HARMLESS}


@rocq
@pytest.mark.slow
def test_rocq_accepts_every_rule_and_nothing_false() -> None:
    check(VALID, false(), STANDARD | MACHINE)
    assumed = [name for name, c in VALID.items() for p in translated(c).premises if p.kind == "assumed"]
    assert assumed == ["ball tanh"]


@rocq
def test_rocq_accepts_squares_of_lengths_and_nothing_false() -> None:
    valid = {name: value for name, value in VALID.items() if name.startswith("squared_norm")}
    wrong = {name: value for name, value in false().items() if name.startswith("squared_norm")}
    for name, value in valid.items():
        op, _, right = value["statement"]["claim"]
        wrong[f"{name}, more"] = edited_in(value, "steps", 0, "claim", to=[op, ["q", "1/10"], right])
        parts = value["steps"][0]["data"]["parts"][1:]
        wrong[f"{name}, less"] = edited_in(value, "steps", 0, "data", "parts", to=parts)
    assert len(valid) == 2 and len(wrong) > 8
    check(valid, wrong)


def kinds(name: str) -> dict[str, list[str]]:
    """The premises of an exported file, by their kind."""
    words: dict[str, list[str]] = {}
    for p in translated(POTENTIALS[name]).premises:
        words.setdefault(p.kind, []).append(p.words)
    return words


def test_the_descent_lemma_has_no_general_premise_but_of_expectations() -> None:
    """What is known of the function and of its step is declared; the lemma, the sum and psi are proved."""
    short = "almost surely, given what is known at n"
    for name in ("descent", "descent with a radius"):
        words = kinds(name)
        assert words.keys() == {"general", "declared"} and len(words["general"]) == 1
        assert words["general"][0].endswith("(a regular conditional probability)")
        assert any(p.endswith(short) for p in words["declared"]) == (name == "descent with a radius")
    assert len(kinds("telescope")["general"]) == 3  # E(. | F_n), the tower property, E


def test_sums_over_steps_need_no_integral() -> None:
    steps, time = kinds("summable"), kinds("summable in continuous time")
    assert not any("Int" in words for words in [*steps["general"], *steps["integrable"]])
    assert any("Int is linear" in words for words in time["general"])
    assert kinds("summation") == {"declared": ["T is the number of steps, count__"]}


def test_in_continuous_time_the_sum_of_the_changes_is_dominated() -> None:
    """Without |C| the rule is false: a stochastic integral that is 1 at T is one up to each time that localises it only."""
    start = "integrable_wt (fun w t => Rabs"
    assert any(words.startswith(start) for words in kinds("telescope with weights")["integrable"])
    assert not any("Rabs" in words for words in kinds("telescope")["integrable"])
