"""Faults to plant, one edit of the source each, and the tests that must find them: `python -m tests.support.plant` tries them.

The list is what a change of the tests is measured by: a test may go where every fault that it found is still found.
"""

from tests.support.faults.engine import FAULTS as _ENGINE
from tests.support.faults.fault import Fault as Fault
from tests.support.faults.proofs import FAULTS as _PROOFS
from tests.support.faults.reports import FAULTS as _REPORTS
from tests.support.faults.running import FAULTS as _RUNNING
from tests.support.faults.sections import FAULTS as _SECTIONS

FAULTS: tuple[Fault, ...] = (*_ENGINE, *_PROOFS, *_REPORTS, *_RUNNING, *_SECTIONS)
