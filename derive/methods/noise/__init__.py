"""Gradient-noise laws, one family per file (theory 3): a new law is a subclass of `Law` in its own file."""

from derive.methods.noise.gaussian import Gaussian as Gaussian
from derive.methods.noise.generic import GenericLaw as GenericLaw
from derive.methods.noise.laplace import Laplace as Laplace
from derive.methods.noise.law import Law as Law
from derive.methods.noise.logistic import Logistic as Logistic
from derive.methods.noise.named import affine as _registers  # noqa: F401 - specs find their names when the package is imported
from derive.methods.noise.scales import Affine as Affine
from derive.methods.noise.scales import Correlated as Correlated
from derive.methods.noise.scales import Noise as Noise
from derive.methods.noise.scales import NoNoise as NoNoise
from derive.methods.noise.scales import Point as Point
from derive.methods.noise.scales import Scaled as Scaled
from derive.methods.noise.stable import Stable as Stable
from derive.methods.noise.stable import StableDensity as StableDensity
from derive.methods.noise.stable import StableSignMean as StableSignMean
from derive.methods.noise.student_t import Cauchy as Cauchy
from derive.methods.noise.student_t import StudentT as StudentT
from derive.methods.noise.uniform import Uniform as Uniform
