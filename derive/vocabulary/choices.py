"""Types for choices that a user makes by name: editors offer the names, and type checkers accept no others."""

from typing import Literal

#: the SDE that models a method (`sdescent.derive.equations.sde.MODELS`)
Model = Literal["first-order", "second-order", "corrected"]
#: the subject of a run: the method itself or one of its models
Kind = Literal["method"] | Model
#: the scheme of a solver (`sdescent.numerics.simulate.schemes.SCHEMES`)
SchemeName = Literal["predictor-corrector", "euler", "milstein", "heun"]
#: the precision of floating-point numbers (`sdescent.numerics.simulate.runs.precision`)
Precision = Literal["float64", "float32"]
