"""The report on the claims of arXiv 2506.00181: its title, its sections and the claims that it judges."""

from pathlib import Path

from sdescent.reports.assembly.plan import Contents, Part
from sdescent.reports.claims.evidence import NOISE_MODEL
from sdescent.reports.claims.following import AFTER, METHODS, TRANSIENT
from sdescent.reports.claims.verdict_of_claim import Claim, read_groups


def _follows(model: str) -> tuple[Claim, ...]:
    """The claims on how a model (an equation, or its noise for mini-batches) follows each method, before and after settling."""
    if model == NOISE_MODEL:
        return tuple(
            Claim(
                f"noise-{method}", rf"{name} under the noise of its equations follows real mini-batches: means within 10\,\%",
                "the data sets of this report, before and after a run has settled", topics=(f"follows-{method}-*-{model}",),
                row=name, column="mini-batches",
            )
            for method, name in METHODS.items()
        )  # fmt: skip
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


_HERE = "sdescent.reports.paper"
#: sections with the results on which the claims rest
EVIDENCE = ("theorems", "verification", "ensembles", "sweeps", "experiments", "networks", "real-data")
#: the sections in the order of the report; a new section needs a module beside this one and a line here
SECTIONS = {
    "page-one": Part(f"{_HERE}.front", "PageOne", needs=EVIDENCE),
    "ledger": Part(f"{_HERE}.front", "Front", needs=EVIDENCE),
    "advice": Part(f"{_HERE}.advice", "Advice", needs=EVIDENCE),
    "sde-table": Part(f"{_HERE}.sde_table", "SDETable", 10, 1.5, 1.5),
    "models": Part(f"{_HERE}.sde_table", "Models", 2, 1.5, 2.0),
    "theorems": Part(f"{_HERE}.theorems", "Theorems", 130, 22.0, 22.0),
    "verification": Part(f"{_HERE}.verification.section", "Verification", 38, 56.0, 105.0),
    "ensembles": Part("sdescent.reports.sections.ensembles", "Ensembles", 12, 21.0, 200.0),
    "sweeps": Part(f"{_HERE}.sweeps.section", "Sweeps", 13, 32.0, 60.0),
    "experiments": Part(f"{_HERE}.experiments.section", "Experiments", (38, 100), 45.0, 1130.0),
    "networks": Part(f"{_HERE}.experiments.networks", "Networks", (6, 25), 27.0, 1390.0, appendix=True),
    "real-data": Part(f"{_HERE}.real_data.section", "RealData", (18, 28), 48.0, 105.0),
    "claims": Part(f"{_HERE}.front", "Claims", needs=EVIDENCE, appendix=True),
    "sde-catalogue": Part(f"{_HERE}.sde_table", "Catalogue", needs=("sde-table",), appendix=True),
    "stationary": Part(f"{_HERE}.stationary", "StationarySection", 3, 2.0, 2.0, appendix=True),
    "map": Part(f"{_HERE}.paper_map", "PaperMap", needs=EVIDENCE, appendix=True),
    "assumptions": Part(f"{_HERE}.assumptions", "Assumptions", needs=("theorems", "verification"), appendix=True),
    "further": Part(f"{_HERE}.theorems", "Further", needs=("theorems",), appendix=True),
    "proofs": Part(f"{_HERE}.theorems", "Proofs", needs=("theorems",), appendix=True),
    "experiment-numbers": Part(
        f"{_HERE}.experiments.section", "ExperimentNumbers", needs=("experiments",), appendix=True
    ),
    "comparisons": Part(f"{_HERE}.verification.section", "Comparisons", needs=("verification",), appendix=True),
    "appendix": Part(f"{_HERE}.front", "BackMatter", needs=(*EVIDENCE, "stationary"), appendix=True),
}

CONTENTS = Contents(
    "The claims of arXiv 2506.00181 on noise, compression and adaptivity, checked", SECTIONS, GROUPS, details=True
)
