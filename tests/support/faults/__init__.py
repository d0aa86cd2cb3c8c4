"""Faults to plant, one edit of the source each, and the tests that must find them: `python -m tests.support.plant` tries them.

The list is what a change of the tests is measured by: a test may go where every fault that it found is still found. Each file of
this folder but `fault.py` has faults of one part of the product.
"""

from importlib import import_module
from pkgutil import iter_modules

from tests.support.faults.fault import Fault as Fault

_PARTS = sorted(part.name for part in iter_modules(__path__) if part.name != "fault")
FAULTS: tuple[Fault, ...] = tuple(f for part in _PARTS for f in import_module(f"{__name__}.{part}").FAULTS)
