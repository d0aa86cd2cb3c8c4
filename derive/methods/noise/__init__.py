"""Gradient-noise laws, one family a file (theory 3): a new law is a subclass of `Law` in a file of its own."""

from derive.noise.gaussian import Gaussian as Gaussian
from derive.noise.generic import GenericLaw as GenericLaw
from derive.noise.laplace import Laplace as Laplace
from derive.noise.law import Law as Law
from derive.noise.logistic import Logistic as Logistic
from derive.noise.named import gaussian as _registers  # noqa: F401 - specs find their names when the package is imported
from derive.noise.scales import Affine as Affine
from derive.noise.scales import Correlated as Correlated
from derive.noise.scales import Noise as Noise
from derive.noise.scales import NoNoise as NoNoise
from derive.noise.scales import Point as Point
from derive.noise.scales import Scaled as Scaled
from derive.noise.stable import Stable as Stable
from derive.noise.stable import StableDensity as StableDensity
from derive.noise.stable import StableSignMean as StableSignMean
from derive.noise.student_t import Cauchy as Cauchy
from derive.noise.student_t import StudentT as StudentT
from derive.noise.uniform import Uniform as Uniform
