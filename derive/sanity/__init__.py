"""The sanity checks of theory 5, one per file: the properties of the method that each model shares, computed from definitions.

    >>> from derive.sanity import all_checks
    >>> all(check.passed for check in all_checks())
    True

A check derives every line through the engine (`sde`, `generator`, `stationary`) and compares it with the claim of
theory 5; it fails when the engine says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.sanity.check import SanityCheck as SanityCheck
    from derive.sanity.check import WorkingLine as WorkingLine
    from derive.sanity.every import all_checks as all_checks
    from derive.sanity.identity import matching_identity as matching_identity
    from derive.sanity.quadratic import quadratic_loss_factors as quadratic_loss_factors
    from derive.sanity.quartic import quartic_growth as quartic_growth
    from derive.sanity.second_moments import quadratic_second_moments as quadratic_second_moments
    from derive.sanity.stationary_variance import stationary_variances as stationary_variances
    from derive.sanity.table import ModelRow as ModelRow
    from derive.sanity.table import model_table as model_table

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "derive.sanity.check": ("SanityCheck", "WorkingLine"),
        "derive.sanity.quadratic": ("quadratic_loss_factors",),
        "derive.sanity.quartic": ("quartic_growth",),
        "derive.sanity.second_moments": ("quadratic_second_moments",),
        "derive.sanity.stationary_variance": ("stationary_variances",),
        "derive.sanity.identity": ("matching_identity",),
        "derive.sanity.table": ("ModelRow", "model_table"),
        "derive.sanity.every": ("all_checks",),
    },
)
