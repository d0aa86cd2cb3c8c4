"""Theorems of the literature from their files: the certificates hold, are about what the files state, and nothing else passes.

Run as a program this file proves each theorem file that has no certificate and writes one beside it.
"""

import itertools
import json
import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.reading.toml_file import read_keys
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.stated import KEYS, Stated
from sdescent.derive.theorems.catalogue import chosen
from sdescent.derive.theorems.entry.checking import Checked, check
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.literature import files
from sdescent.derive.theorems.literature.recorded import entry, stated_of
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.commands.prove_and_suggest import toml_of
from sdescent.reports.document.proofs import in_words
from tests.support.samples import slow_but

FILES = files()
#: id -> (what stands in the file, what is put there): a stronger claim, a condition that is missing, and another method
CHANGED: dict[str, tuple[tuple[str, str], ...]] = {
    "gradient-descent-last-iterate": (
        ("claim", "E(f_K) - fstar <= ||x - xstar||^2_0/(3*eta*K)"), ("assume", "eta*L <= 1"), ("method", "heavy-ball"),
    ),
    "storm": (
        ("claim", "Esum(G^2)/K <= 2*V0/(eta*K) + a*s"), ("assume", "2*eta^2*M^2 <= a*(1 - eta*L)"),
        ("update", "w = G(x) + (1-a)*w"),
    ),
}  # fmt: skip


def table_of(id: str) -> dict[str, Any]:
    return read_keys(FILES[id], KEYS)


@cache
def certificate_of(id: str) -> dict[str, Any]:
    return json.loads(FILES[id].with_suffix(".cert.json").read_text())


@cache
def checked(id: str) -> Checked:
    return check(*chosen([id]))


def written(folder: Path, table: Mapping[str, Any], certificate: Mapping[str, Any]) -> Theorem:
    """The theorem of a file with this content and this certificate."""
    path = folder / f"t{len([*folder.iterdir()])}.toml"
    path.write_text(toml_of(table))
    path.with_suffix(".cert.json").write_text(json.dumps(certificate))
    return entry(path)


def judged(folder: Path, table: Mapping[str, Any], certificate: Mapping[str, Any]) -> tuple[str, str]:
    answer = check(written(folder, table, certificate))
    return answer.status, answer.reason


# --- what is in the folder


@pytest.mark.parametrize("id", FILES)
def test_a_theorem_of_the_literature_is_proved_by_its_certificate(id: str) -> None:
    answer = checked(id)
    assert (answer.status, answer.reason, answer.satisfiability) == ("PROVED", "", "shown")
    assert answer.entry.source != "stated by its author"
    assert [step["text"] for step in answer.steps][-1] == "the claim"
    assert "the bound on a step" in [step["text"] for step in answer.steps]
    # another checker accepts the certificate, and it claims what the file claims
    assert answer.certificate is not None
    replayed = replay_object(answer.certificate)
    theorem = stated_of(answer.entry)
    assert theorem is not None and replayed.claim == certificate_of(id)["statement"]["claim"]
    stated = Stated(table_of(id), interpolate=theorem.interpolate)
    assert theorem.claim == stated.claim
    # a sum that is finite almost surely has a mean with the bound that was proved
    assert (answer.entry.claim == stated.claim) != (stated.conclude == "almost surely")
    # every assumption of the file is used
    assert set(theorem.inequalities.values()) <= {relation for _, relation in answer.assumptions}


@pytest.mark.slow
@pytest.mark.parametrize("id", FILES)
def test_the_search_proves_the_file_again(id: str) -> None:
    answer = decide(Stated(table_of(id)), 300.0, repair=False)
    assert answer.status == "PROVED" and answer.certificate is not None
    assert answer.stated.table == table_of(id)
    assert answer.certificate["statement"]["claim"] == list_of(certificate_of(id)["statement"]["claim"])


def list_of(value: Any) -> Any:
    return [list_of(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("id", slow_but(FILES, ["gradient-descent-last-iterate", "storm"]))
@pytest.mark.parametrize("notation", ["latex", "markdown"])
def test_its_proof_is_written_in_words(id: str, notation: str) -> None:
    theorem = stated_of(checked(id).entry)
    assert theorem is not None
    text = in_words(theorem, checked(id).certificate or {}, notation, id)
    assert theorem.title in text and "_q" not in text and "Proof" in text
    assert all(
        line in text.replace(r"\_", "_").replace("\\textasciicircum{}", "^") for line in theorem.table["assume"][:1]
    )


def test_an_entry_has_one_object_and_travels_by_its_id() -> None:
    theorem = checked("storm").entry
    assert pickle.loads(pickle.dumps(theorem)) is theorem
    assert sd.check("storm").status == "PROVED"
    with pytest.raises(BadInput, match="did you mean storm"):
        sd.check("strom")


# --- what is not accepted


@pytest.mark.parametrize("id", CHANGED)
def test_a_certificate_proves_its_own_file_alone(id: str, tmp_path: Path) -> None:
    table, certificate = table_of(id), certificate_of(id)
    assert judged(tmp_path, table, certificate)[0] == "PROVED"
    for key, other in CHANGED[id]:
        if key == "assume":
            changed = {**table, key: [line for line in table[key] if line != other]}
        elif key == "update":
            changed = {**table, "method": {**table["method"], key: [*table["method"][key][:-1], other]}}
        else:
            changed = {**table, key: other}
        assert changed != table
        status, reason = judged(tmp_path, changed, certificate)
        assert status == "UNDECIDED" and reason, (key, reason)
    step = {**table, "step": table["step"].replace("<= ", "<= -G^2 + ")}
    assert "does not contain the bound on a step" in judged(tmp_path, step, certificate)[1]


def test_a_certificate_with_another_step_or_of_another_theorem_is_refused(tmp_path: Path) -> None:
    id = "gradient-descent-last-iterate"
    table, certificate = table_of(id), certificate_of(id)
    assert judged(tmp_path, table, certificate_of("nesterov-convex"))[0] == "UNDECIDED"
    changed = json.loads(json.dumps(certificate))
    step = next(s for s in changed["steps"] if s["rule"] == "telescope")
    step["data"]["potentials"][0][0] = ["q", "2"]
    assert judged(tmp_path, table, changed)[0] == "UNDECIDED"


def test_a_file_without_its_conclusion_is_no_entry(tmp_path: Path) -> None:
    """The conclusion would be whatever the certificate says."""
    table = {**table_of("storm")}
    table["claim"] = table.pop("step")
    with pytest.raises(BadInput, match="the bound at the horizon"):
        written(tmp_path, table, certificate_of("storm"))


def test_a_kernel_for_other_functions_rebuilds_nothing() -> None:
    with pytest.raises(ProofError, match="another method or other functions"):
        rebuild(certificate_of("storm"), Kernel(Context({"a": "const"})))


@pytest.mark.parametrize("title", ["", 3, "a" * 201])
def test_a_source_is_a_text(title: object) -> None:
    with pytest.raises(BadInput, match="1 to 200"):
        Stated({**table_of("storm"), "source": title})


# --- the theorem that no other file has, against its method


def test_local_steps_of_different_clients_satisfy_their_bound() -> None:
    """Two steps of three clients in the plane, all outcomes of two coins for each; the bound on a step in floating point."""
    rng, clients, tight = np.random.default_rng(3), 3, 0.0
    coins = np.array([*itertools.product([1.0, -1.0], repeat=clients)])[:, :, None]
    for _ in range(50):
        roots = rng.normal(size=(clients, 2, 2))
        A, b = roots @ roots.transpose(0, 2, 1), rng.normal(size=(clients, 2)) * rng.choice([0.1, 1, 10])
        mean, x = A.mean(0), rng.normal(size=2) * rng.choice([0.1, 1, 10])
        # one constant for f, for the mean square over the clients and for points that differ
        L = np.sqrt(np.linalg.eigvalsh(np.mean([a @ a for a in A], 0))[-1])
        L = max(L, *(np.linalg.eigvalsh(a)[-1] for a in A))
        eta, noise = rng.uniform(0.1, 1) / (8 * L), rng.normal(size=(clients, 2)) * rng.choice([0.1, 1, 10])
        s = float((noise**2).sum(1).max())

        def f(at: Any, mean: Any = mean, b: Any = b) -> Any:
            return 0.5 * np.einsum("...i,ij,...j", at, mean, at) - at @ b.mean(0)

        def slopes(at: Any, A: Any = A, b: Any = b) -> Any:
            return np.einsum("nij,...nj->...ni", A, at) - b

        here = slopes(np.broadcast_to(x, (clients, 2)))
        G, D = here.mean(0), 0.0
        D = float(((here - G) ** 2).sum(1).mean())  # the proof uses the dissimilarity at x alone
        y = x - eta * (here + coins * noise)
        after = (y[:, None] - eta * (slopes(y)[:, None] + coins[None] * noise)).mean(2)
        change = float(f(after).mean() - f(x))
        bound = -eta * (G @ G) / 2 + 4 * eta**2 * L * s + 4 * eta**3 * L**2 * D
        assert change <= bound + 1e-9 * (1 + abs(bound))
        tight = max(tight, change / bound if bound < 0 else 0.0)
    assert tight > 0.0


if __name__ == "__main__":
    for path in map(Path, FILES.values()):
        target = path.with_suffix(".cert.json")
        if not target.exists():
            answer = decide(Stated(read_keys(path, KEYS)), 300.0, repair=False)
            print(path.name, answer.status, answer.reason)
            if answer.certificate is not None:
                target.write_text(json.dumps(answer.certificate, separators=(",", ":"), default=str) + "\n")
