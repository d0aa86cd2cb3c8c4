"""The sanity checks of theory 5 in the order of the report."""

from __future__ import annotations

from derive.sanity.check import SanityCheck
from derive.sanity.identity import matching_identity
from derive.sanity.quadratic import quadratic_loss_factors
from derive.sanity.quartic import quartic_growth
from derive.sanity.second_moments import quadratic_second_moments
from derive.sanity.stationary_variance import stationary_variances

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
