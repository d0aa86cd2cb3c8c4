"""The choices that a user makes by name, as types: an editor offers these words, a type checker accepts no others."""

from __future__ import annotations

from typing import Literal

#: which SDE of a method (`sdescent.derive.equations.models.MODELS`)
Model = Literal["first-order", "second-order", "corrected"]
#: what a run is of: the method itself, or one of its models
Kind = Literal["method"] | Model
#: how a solver steps (`sdescent.numerics.simulate.schemes.SCHEMES`)
SchemeName = Literal["predictor-corrector", "euler", "milstein", "heun"]
#: of floating-point numbers (`sdescent.numerics.simulate.runs.precision`)
Precision = Literal["float64", "float32"]
