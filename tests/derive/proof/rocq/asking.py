"""What Rocq says of many certificates at once."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from sdescent.derive.proof.rocq import export, script
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.proof.rocq.script import library
from tests.derive.proof.rocq.judging import STANDARD

rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
Certificate = dict[str, Any]


def without_library(certificate: Certificate) -> str:
    """The file of a certificate without the lemmas that it begins with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "library", lambda text: "")
        return export.translated(certificate).text


def answers(texts: Mapping[str, str]) -> dict[str, str]:
    """What Rocq says of each text, all in one process: loading it and the lemmas takes longer than most proofs do.

    Each text is a module, which is forgotten after it. Rocq goes on after an error, so that each has its own.
    """
    lines = ["Set Silent.", library("\n".join(texts.values()))]
    for n, text in enumerate(texts.values()):
        lines.append(f'Goal True. idtac "== {n}". Abort.\nModule C.\n{text}\nEnd C.\nAbort All.\nReset C.')
    with tempfile.TemporaryDirectory() as folder:  # nra leaves a file
        ran = subprocess.run(
            ["coqtop", "-q"], cwd=folder, input="\n".join(lines), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=3600, check=True,
        )  # fmt: skip
    begin, *rest = re.split(r"^.*== (\d+)$", ran.stdout, flags=re.MULTILINE)
    assert "Error" not in begin, begin[-2000:]
    assert rest[::2] == [str(n) for n in range(len(texts))]
    return dict(zip(texts, rest[1::2], strict=True))


def axioms_in(said: str) -> set[str]:
    """Those that `Print Assumptions` names."""
    return set(re.findall(r"^([A-Za-z_][\w.']*)\s*:", said.partition("Axioms:")[2], re.MULTILINE))


def check(
    valid: Mapping[str, Certificate], false: Mapping[str, Certificate], axioms: Collection[str] = STANDARD
) -> dict[str, set[str]]:
    """Rocq accepts each of the first and none of the others; the axioms that each of the first rests on."""
    texts = {name: without_library(certificate) for name, certificate in valid.items()}
    for name, certificate in false.items():
        assert name not in texts
        try:
            texts[name] = without_library(certificate)
        except ExportError:
            continue
    said, used = answers(texts), dict[str, set[str]]()
    assert not false or said.keys() - valid.keys(), "nothing false reaches Rocq"
    for name in valid:
        assert "Error" not in said[name], f"{name}: {said[name][-2000:]}"
        assert "Axioms:" in said[name] or "Closed under the global context" in said[name], name
        used[name] = axioms_in(said[name])
        assert used[name] <= set(axioms), name
    assert [name for name in said if name not in valid and "Error" not in said[name]] == []
    return used
