"""The faults of tests/support/faults can be planted: each text stands where it is said to, once, and the tests are there."""

import pytest

from tests.support.faults import FAULTS
from tests.support.plant import ROOT, edited


def test_every_fault_can_be_planted() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20
    for fault in FAULTS:
        changed = edited(fault, (ROOT / fault.file).read_text(encoding="utf-8"))
        compile(changed, fault.file, "exec")
        paths = [a.partition("::")[0] for a in fault.tests if a.startswith("tests/")]
        assert paths and all((ROOT / path).exists() for path in paths), fault.name


def test_faults_are_planted_in_every_layer() -> None:
    layers = {"/".join(fault.file.split("/")[:2]) for fault in FAULTS}
    packages = [p.parent for name in ("derive", "numerics", "reports") for p in (ROOT / name).glob("*/__init__.py")]
    assert {p.relative_to(ROOT).as_posix() for p in packages} <= layers
    proofs = {p.parent.relative_to(ROOT).as_posix() for p in (ROOT / "derive/proof").glob("*/__init__.py")}
    assert proofs <= {"/".join(fault.file.split("/")[:3]) for fault in FAULTS}


def test_a_text_that_is_not_there_once_is_refused() -> None:
    fault = FAULTS[0]
    for text in ("", fault.old * 2):
        with pytest.raises(ValueError, match="not once"):
            edited(fault, text)
