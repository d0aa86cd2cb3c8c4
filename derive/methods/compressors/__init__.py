"""Compressors, one family per file (theory 4): a new one is a subclass of `Unbiased` or `Biased` in its own file."""

from derive.methods.compressors.base import Biased as Biased
from derive.methods.compressors.base import Compressor as Compressor
from derive.methods.compressors.base import Omega as Omega
from derive.methods.compressors.base import Unbiased as Unbiased
from derive.methods.compressors.base import omega_of as omega_of
from derive.methods.compressors.clipping import Clip as Clip
from derive.methods.compressors.clipping import NormClip as NormClip
from derive.methods.compressors.identity import Identity as Identity
from derive.methods.compressors.rounding import QSGD as QSGD
from derive.methods.compressors.rounding import FixedGrid as FixedGrid
from derive.methods.compressors.rounding import Natural as Natural
from derive.methods.compressors.rounding import Ternary as Ternary
from derive.methods.compressors.signs import ScaledSign as ScaledSign
from derive.methods.compressors.signs import Sign as Sign
from derive.methods.compressors.sparsifiers import Bernoulli as Bernoulli
from derive.methods.compressors.sparsifiers import RandK as RandK
from derive.methods.compressors.top_k import TopK as TopK
