"""The kernel: facts, and the rules that are the only way to make them. Trusted; no search, no solver, no float.

Importing the package loads the rules, so that their list is closed before any other code runs.
"""

from sdescent.derive.proof.kernel.rules import Fact as Fact
from sdescent.derive.proof.kernel.rules import Kernel as Kernel
