"""The sanity checks of theory 5 in the order of the report."""

from __future__ import annotations

from sdescent.derive.sanity.check import SanityCheck
from sdescent.derive.sanity.identity import matching_identity
from sdescent.derive.sanity.quadratic import quadratic_loss_factors
from sdescent.derive.sanity.quartic import quartic_growth
from sdescent.derive.sanity.second_moments import quadratic_second_moments
from sdescent.derive.sanity.stationary_variance import stationary_variances

CHECKS = (
    quadratic_loss_factors,
    quartic_growth,
    quadratic_second_moments,
    stationary_variances,
    matching_identity,
)


def all_checks() -> tuple[SanityCheck, ...]:
    """Run every check; takes a few seconds."""
    return tuple(check() for check in CHECKS)
