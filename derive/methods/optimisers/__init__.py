"""The named methods: three distributed ones, and further update rules, each with its regimes and its source."""

from sdescent.derive.methods.distributed import DCSGD as DCSGD
from sdescent.derive.methods.distributed import DSGD as DSGD
from sdescent.derive.methods.distributed import DSignSGD as DSignSGD
from sdescent.derive.methods.optimisers.clipping import DP as DP
from sdescent.derive.methods.optimisers.clipping import SAM as SAM
from sdescent.derive.methods.optimisers.clipping import USAM as USAM
from sdescent.derive.methods.optimisers.clipping import Clipped as Clipped
from sdescent.derive.methods.optimisers.clipping import Extragradient as Extragradient
from sdescent.derive.methods.optimisers.clipping import NormalisedSGD as NormalisedSGD
from sdescent.derive.methods.optimisers.clipping import NormClipped as NormClipped
from sdescent.derive.methods.optimisers.communication import ErrorFeedback as ErrorFeedback
from sdescent.derive.methods.optimisers.communication import LocalSGD as LocalSGD
from sdescent.derive.methods.optimisers.communication import MajorityVote as MajorityVote
from sdescent.derive.methods.optimisers.momentum import Adam as Adam
from sdescent.derive.methods.optimisers.momentum import AdamW as AdamW
from sdescent.derive.methods.optimisers.momentum import EMAMomentum as EMAMomentum
from sdescent.derive.methods.optimisers.momentum import HeavyBall as HeavyBall
from sdescent.derive.methods.optimisers.momentum import Lion as Lion
from sdescent.derive.methods.optimisers.momentum import Nesterov as Nesterov
from sdescent.derive.methods.optimisers.momentum import RMSprop as RMSprop
from sdescent.derive.methods.optimisers.momentum import RMSpropW as RMSpropW
from sdescent.derive.methods.optimisers.momentum import Signum as Signum
from sdescent.derive.vocabulary.registry import pieces_in


def __dir__() -> list[str]:
    # the three distributed methods are defined above this package
    return pieces_in("sdescent.derive.methods", globals())
