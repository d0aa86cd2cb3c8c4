"""The function `check`, which tests everything that a piece states about itself."""

from functools import partial
from importlib import import_module
from typing import Any

from sdescent.derive.methods.checking.compressors_and_losses import about_compressor, about_loss
from sdescent.derive.methods.checking.findings import EVERYTHING, Finding, Findings, joined, valued
from sdescent.derive.methods.checking.laws import about_law, about_noise
from sdescent.derive.methods.compressors.base import Compressor
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.methods.noise.scales import Noise
from sdescent.derive.vocabulary.errors import BadInput

Piece = Law | Noise | Compressor | Loss
#: the function that tests samplers, as "module:function"; sampling belongs to a layer above this one
SAMPLER = "sdescent.numerics.laws.conformity:about_sampler"


def check(piece: Piece, sampling: bool = True) -> Findings:
    """Test everything that a law, a noise, a compressor or a loss states about itself. Failures are reported, not raised.

    A law: its density is nonnegative with integral 1, and symmetric if the law says so; E sign(x + Z) = 1 - 2F(-x), and its slope;
    moments, signed moments and tail index. A noise: its scales are nonnegative; its law. A compressor: E C(v) = v if it is
    `Unbiased`; its covariance is positive semidefinite; growth, omega or contraction, greatest length. A loss:
    ||H|| <= L0 + L1 ||grad f||. All tests are made at fixed points, the tail index with many digits and the rest in double
    precision, with a few numbers for the symbols of the piece. Then the sampler's draws, with fixed keys, are compared with the
    moments; a comparison passes within 5 standard errors.

    Args:
        piece: the piece to test.
        sampling: whether to test the sampler as well; losses have none.

    Returns:
        The properties that passed, those that failed, with the numbers, and those that could not be tested, with the reasons.

    Raises:
        BadInput: `piece` is not a law, a noise, a compressor or a loss.

    Example:
        >>> from sdescent.derive.methods.compressors import RandK
        >>> found = check(RandK(2), sampling=False)
        >>> found.ok, [f.what for f in found.passed]
        (True, ['unbiased', 'covariance', 'growth', 'omega'])
    """
    if not isinstance(piece, (Law, Noise, Compressor, Loss)):
        raise BadInput("piece", piece, "a law, a noise, a compressor or a loss")
    findings = symbolic(piece)
    if sampling and not isinstance(piece, Loss):
        findings += _drawn(piece)
    return Findings(piece, tuple(findings))


def symbolic(piece: Piece, patient: bool = True) -> list[Finding]:
    """The findings of the tests without sampling; `patient` is as for `about_law`."""
    if isinstance(piece, Loss):
        return about_loss(piece)
    kinds: Any = {Compressor: about_compressor, Noise: about_noise, Law: partial(about_law, patient=patient)}
    about = next(kinds[kind] for kind in kinds if isinstance(piece, kind))
    findings = joined((at, about(specialised)) for at, specialised in valued(piece))
    return findings or [Finding(EVERYTHING, "untested", "none of the numbers tried is accepted for its symbols")]


def _drawn(piece: Law | Noise | Compressor) -> list[Finding]:
    module, _, function = SAMPLER.partition(":")
    try:
        about = getattr(import_module(module), function)
    except ImportError as reason:
        return [Finding("sampler", "untested", f"drawing samples needs JAX ({reason})")]
    return joined((at, about(specialised)) for at, specialised in valued(piece))
