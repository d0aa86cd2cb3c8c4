"""Compressors, one family a file (theory 4): a new one is a subclass of `Unbiased` or `Biased` in a file of its own."""

from derive.compressors.compressor import Biased as Biased
from derive.compressors.compressor import Compressor as Compressor
from derive.compressors.compressor import Omega as Omega
from derive.compressors.compressor import Unbiased as Unbiased
from derive.compressors.identity import Identity as Identity
from derive.compressors.rounding import QSGD as QSGD
from derive.compressors.rounding import FixedGrid as FixedGrid
from derive.compressors.rounding import Natural as Natural
from derive.compressors.rounding import Ternary as Ternary
from derive.compressors.signs import ScaledSign as ScaledSign
from derive.compressors.signs import Sign as Sign
from derive.compressors.sparsifiers import Bernoulli as Bernoulli
from derive.compressors.sparsifiers import RandK as RandK
from derive.compressors.top_k import TopK as TopK
