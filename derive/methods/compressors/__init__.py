"""Compressors (theory 4), one file for each family but the identity; a new one is a subclass of `Unbiased` or `Biased`."""

from sdescent.derive.methods.compressors.base import Biased as Biased
from sdescent.derive.methods.compressors.base import Compressor as Compressor
from sdescent.derive.methods.compressors.base import Identity as Identity
from sdescent.derive.methods.compressors.base import Omega as Omega
from sdescent.derive.methods.compressors.base import Unbiased as Unbiased
from sdescent.derive.methods.compressors.base import omega_of as omega_of
from sdescent.derive.methods.compressors.rounding import QSGD as QSGD
from sdescent.derive.methods.compressors.rounding import FixedGrid as FixedGrid
from sdescent.derive.methods.compressors.rounding import Natural as Natural
from sdescent.derive.methods.compressors.rounding import Ternary as Ternary
from sdescent.derive.methods.compressors.signs_and_clipping import Clip as Clip
from sdescent.derive.methods.compressors.signs_and_clipping import NormClip as NormClip
from sdescent.derive.methods.compressors.signs_and_clipping import ScaledSign as ScaledSign
from sdescent.derive.methods.compressors.signs_and_clipping import Sign as Sign
from sdescent.derive.methods.compressors.sparsifiers import Bernoulli as Bernoulli
from sdescent.derive.methods.compressors.sparsifiers import RandK as RandK
from sdescent.derive.methods.compressors.sparsifiers import TopK as TopK
from sdescent.derive.vocabulary.registry import pieces_in


def __dir__() -> list[str]:
    return pieces_in(__name__, globals())
