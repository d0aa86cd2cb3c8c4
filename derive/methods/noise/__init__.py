"""Laws of the gradient noise (theory 3); a new law is a subclass of `Law` in a file of this folder."""

from sdescent.derive.methods.noise.law import GenericLaw as GenericLaw
from sdescent.derive.methods.noise.law import Law as Law
from sdescent.derive.methods.noise.named_laws import Cauchy as Cauchy
from sdescent.derive.methods.noise.named_laws import Gaussian as Gaussian
from sdescent.derive.methods.noise.named_laws import Laplace as Laplace
from sdescent.derive.methods.noise.named_laws import Logistic as Logistic
from sdescent.derive.methods.noise.named_laws import Stable as Stable
from sdescent.derive.methods.noise.named_laws import StableDensity as StableDensity
from sdescent.derive.methods.noise.named_laws import StableSignMean as StableSignMean
from sdescent.derive.methods.noise.named_laws import StudentT as StudentT
from sdescent.derive.methods.noise.named_laws import Uniform as Uniform
from sdescent.derive.methods.noise.scales import Affine as Affine
from sdescent.derive.methods.noise.scales import Correlated as Correlated
from sdescent.derive.methods.noise.scales import Noise as Noise
from sdescent.derive.methods.noise.scales import NoNoise as NoNoise
from sdescent.derive.methods.noise.scales import Point as Point
from sdescent.derive.methods.noise.scales import Scaled as Scaled
from sdescent.derive.methods.noise.scales import affine as _registers  # noqa: F401 - registers the names of noises
from sdescent.derive.vocabulary.registry import pieces_in


def __dir__() -> list[str]:
    return pieces_in(__name__, globals())
