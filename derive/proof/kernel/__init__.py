"""The kernel: facts and the rules that alone make them. Trusted; no search, no solver, no float.

The rules are loaded with the package, so that their list is closed before anybody else runs.
"""

from sdescent.derive.proof.kernel.rules import Fact as Fact
from sdescent.derive.proof.kernel.rules import Kernel as Kernel
