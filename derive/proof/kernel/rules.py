"""The kernel: all rules, joined from their groups. Only these make facts, and the docstring of each says why it is sound.

| group | rules |
|---|---|
| `logic_and_algebra.Logic` | assume, cut, cases, instantiate, absurd |
| `logic_and_algebra.Arithmetic` | certify, inverse |
| `functions.Functions` | function, declared, ball |
| `linear_algebra.LinearAlgebra` | nonnegative, quad_bound, trace_bound, cauchy_schwarz, squared_norm |
| `logic_and_algebra.Operators` | monotone, component |
| `ito_gronwall_descent.Gronwall` | ito, gronwall, telescope, decay, summable |
| `ito_gronwall_descent.Descent` | descent |
| `ito_gronwall_descent.Primitives` | primitive, summation |

`FORMAT.md` states the same rules for certificates.
"""

from sdescent.derive.proof.kernel.facts import AXIOMS as AXIOMS
from sdescent.derive.proof.kernel.facts import Fact as Fact
from sdescent.derive.proof.kernel.facts import genuine as genuine
from sdescent.derive.proof.kernel.facts import the_kernel
from sdescent.derive.proof.kernel.functions import Functions
from sdescent.derive.proof.kernel.ito_gronwall_descent import Descent, Gronwall, Primitives
from sdescent.derive.proof.kernel.linear_algebra import LinearAlgebra
from sdescent.derive.proof.kernel.logic_and_algebra import Arithmetic, Logic, Operators


@the_kernel
class Kernel(Logic, Arithmetic, Functions, LinearAlgebra, Operators, Gronwall, Descent, Primitives):
    """All rules, for one context: `Kernel(context).certify(...)`. No other class makes facts, and no rule can be added."""
