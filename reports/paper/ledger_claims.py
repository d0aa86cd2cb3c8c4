"""The claims of the report, from claims.toml beside this file: those of the paper (arXiv 2506.00181), and others."""

from pathlib import Path

from sdescent.reports.claims.evidence import AFTER, METHODS, TRANSIENT
from sdescent.reports.claims.reading import read_groups
from sdescent.reports.claims.verdict_of_claim import Claim

#: the models in the last table of the first page
FOLLOWED = ("first-order", "corrected")


def _follows(model: str) -> tuple[Claim, ...]:
    """The claims on how closely a model follows each method, before it has settled and after."""
    return tuple(
        Claim(
            f"follows-{method}-{phase}-{model}", rf"The {model} SDE follows {name}, {phase}: means within 10\,\%",
            "the settings of this report", topics=(f"follows-{method}-{phase}-{model}",), row=name, column=phase,
        )
        for method, name in METHODS.items()
        for phase in (TRANSIENT, AFTER)
    )  # fmt: skip


#: all claims of the report, whose statuses are computed; the first ones are the paper's
GROUPS = read_groups(Path(__file__).with_name("claims.toml"), _follows)
