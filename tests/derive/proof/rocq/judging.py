"""The judge: runs Rocq's own checker on an exported file and reads the axioms that the theorem depends on."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay_object
from sdescent.derive.proof.rocq import installed
from sdescent.derive.proof.rocq.export import Exported, translated
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.proof.rocq.outcomes import ANY, Outcomes

# The axioms behind Rocq's real numbers, and classical logic.
STANDARD = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }
)

# What mathcomp-analysis adds: extensionality and choice.
CHOICE = frozenset(
    {
        "boolp.propositional_extensionality",
        "boolp.functional_extensionality_dep",
        "boolp.constructive_indefinite_description",
        "Epsilon.epsilon_statement",
    }
)

# The kernel's native 63-bit integers, which the tactic `interval` computes with, and the library's axioms about them.
_PRIMITIVE = """
    add addc addcarryc addmuldiv compare div diveucl diveucl_21 eqb head0 int land leb lor lsl lsr ltb lxor mod mul mulc sub
    subc subcarryc tail0
"""
_STATED = """
    add_spec addc_def_spec addcarryc_def_spec addmuldiv_def_spec compare_def_spec div_spec diveucl_21_spec diveucl_def_spec
    eqb_correct eqb_refl head0_spec land_spec leb_spec lor_spec lsl_spec lsr_spec ltb_spec lxor_spec mod_spec mul_spec
    mulc_spec of_to_Z sub_spec subc_def_spec subcarryc_def_spec tail0_spec
"""
MACHINE = frozenset([*(f"PrimInt63.{n}" for n in _PRIMITIVE.split()), *(f"Uint63.{n}" for n in _STATED.split())])


class NoRocqError(RuntimeError):
    """coqc, or a library that the file needs, is not installed."""


@dataclass(frozen=True)
class Judged:
    """Whether coqc accepts the file and its theorem depends only on the axioms above; the axioms; and coqc's output."""

    accepted: bool
    assumptions: tuple[str, ...]
    output: str


def judge(text: str, timeout: float = 120) -> Judged:
    """Run coqc on a text that ends with a single Print Assumptions. Raises NoRocqError if coqc or mathcomp-analysis is missing."""
    coqc = shutil.which("coqc")
    if coqc is None:
        raise NoRocqError(installed.NO_COQC)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "certificate.v").write_text(text, encoding="utf-8")
        try:
            ran = subprocess.run(
                [coqc, "-q", "certificate.v"], cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return Judged(False, (), f"coqc took more than {timeout:g} s")
    output = ran.stdout + ran.stderr
    if "Cannot find a physical path" in output and installed.lacking() == installed.NO_ANALYSIS:
        raise NoRocqError(installed.NO_ANALYSIS)
    if ran.returncode != 0:
        return Judged(False, (), output)
    assumptions = tuple(re.findall(r"^([A-Za-z_][\w.']*)\s*:", ran.stdout.partition("Axioms:")[2], re.MULTILINE))
    printed = "Axioms:" in ran.stdout or "Closed under the global context" in ran.stdout
    return Judged(printed and (STANDARD | CHOICE | MACHINE).issuperset(assumptions), assumptions, output)


def export(certificate: dict[str, Any], outcomes: Outcomes = ANY) -> Exported:
    """The export of a certificate that the replay accepts, as the command `export` makes it.

    Raises ExportError if the replay rejects the certificate, or Rocq cannot state it.
    """
    try:
        replay_object(certificate)
    except (Invalid, Unreadable) as error:
        kind = "invalid" if isinstance(error, Invalid) else "malformed"
        raise ExportError(f"the certificate is {kind}: {error}"[:300]) from error
    return translated(certificate, outcomes)
