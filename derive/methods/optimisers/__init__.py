"""The methods that have a name: today's three, and update rules with memory, each with its regimes and its source."""

from derive.methods.distributed import DCSGD as DCSGD
from derive.methods.distributed import DSGD as DSGD
from derive.methods.distributed import DSignSGD as DSignSGD
from derive.methods.optimisers.adaptive import Adam as Adam
from derive.methods.optimisers.adaptive import AdamW as AdamW
from derive.methods.optimisers.adaptive import RMSprop as RMSprop
from derive.methods.optimisers.adaptive import RMSpropW as RMSpropW
from derive.methods.optimisers.bounded import DP as DP
from derive.methods.optimisers.bounded import Clipped as Clipped
from derive.methods.optimisers.bounded import NormalisedSGD as NormalisedSGD
from derive.methods.optimisers.bounded import NormClipped as NormClipped
from derive.methods.optimisers.communication import ErrorFeedback as ErrorFeedback
from derive.methods.optimisers.communication import LocalSGD as LocalSGD
from derive.methods.optimisers.communication import MajorityVote as MajorityVote
from derive.methods.optimisers.look_ahead import SAM as SAM
from derive.methods.optimisers.look_ahead import USAM as USAM
from derive.methods.optimisers.look_ahead import Extragradient as Extragradient
from derive.methods.optimisers.momentum import EMAMomentum as EMAMomentum
from derive.methods.optimisers.momentum import HeavyBall as HeavyBall
from derive.methods.optimisers.momentum import Lion as Lion
from derive.methods.optimisers.momentum import Nesterov as Nesterov
from derive.methods.optimisers.momentum import Signum as Signum
