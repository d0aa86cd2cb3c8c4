"""What the outcomes of an exported file are, and which premises about expectations Rocq then proves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CONDITIONAL = "has_cond__ cond__"
#: premises: E, the expectation given what is known at a step, and the tower property
MEAN, CONDITIONAL_MEAN = "mean__ integrable E 1", f"given__ {CONDITIONAL}"
TOWER = f"tower__ integrable E count__ measurable__ {CONDITIONAL}"


@dataclass(frozen=True)
class Outcomes:
    """The outcomes W of a file, in which E is the expectation."""

    words: str = "E is any functional of which the premises hold."  # what the head of the file says of them
    #: sort, mean, conditional: lines of the section that declare W; integrable and E; expectations given what is known
    #: at a step
    sort: str = "Variables (W : Type) (w__ : W)."
    mean: str = "Variables (integrable : (W -> R) -> Prop) (E : (W -> R) -> R)."
    conditional: str = (
        "Variables (measurable__ : (W -> R) -> Prop) (has_cond__ : W -> Time -> (W -> R) -> Prop)"
        " (cond__ : W -> Time -> (W -> R) -> R)."
    )
    law: str = ""  # in words, the premise law__ of the section
    #: statements that would be premises -> tactics that prove them
    proofs: Mapping[str, str] = field(default_factory=dict)
    integrable: str = ""  # the tactic that proves that a function is integrable; empty if this is a premise
    module: str = ""  # the text of the library that stands before the section
    in_steps: bool = False  # whether time must be steps


ANY = Outcomes()
_SPACE = Outcomes(
    "W is any probability space with the law P__, E the integral over it: that E is linear and monotone is proved.\n"
    "   The file needs mathcomp-analysis 1.9 (on Debian: apt-get install libcoq-mathcomp-analysis).",
    sort="Variables (display__ : measure.measure_display) (space__ : measure.Measurable.type display__).\n"
    "Variable P__ : Space__.probability__ space__.\nDefinition W : Type := Space__.outcomes__ space__.\nVariable w__ : W.",
    mean="Definition integrable : (W -> R) -> Prop := Space__.integrable__ P__.\n"
    "Definition E : (W -> R) -> R := Space__.expectation__ P__.",
    proofs={MEAN: "exact (Space__.expectation__mean P__)."},
    module="expectation",
)
_SUMS = "draws__ chance__ law__"
_DRAWS = Outcomes(
    "An outcome is a sequence of draws from the list draws__, one in each step; chance__ is the law of a draw given those before\n"
    "   it. F_n is what the draws before the step n tell. E and E( | F_n) are finite sums, and what is used of them is proved.\n"
    "   Draws after the last step are those of w__.",
    sort="Variables (Draw__ : Type) (draws__ : list Draw__) (chance__ : list Draw__ -> Draw__ -> R).\n"
    "Hypothesis law__ : forall l__, (forall z__, 0 <= chance__ l__ z__) /\\ Sum draws__ (chance__ l__) = 1.\n"
    "Definition W : Type := nat -> Draw__.\nVariable w__ : W.",
    mean="Definition integrable (f__ : W -> R) : Prop := True.\n"
    "Definition E : (W -> R) -> R := drawn__ draws__ chance__ count__ 0 w__.",
    conditional="Definition measurable__ (f__ : W -> R) : Prop := True.\n"
    "Definition has_cond__ (w : W) (t : Time) (f__ : W -> R) : Prop := True.\n"
    "Definition cond__ (w : W) (t : Time) : (W -> R) -> R := drawn__ draws__ chance__ (count__ - proj1_sig t) (proj1_sig t) w.",
    law="chance__ l z is at least 0, and its sum over z in draws__ is 1, whatever the list l of earlier draws, the latest first",
    proofs={
        MEAN: f"exact (drawn__mean {_SUMS} count__ 0 w__).",
        CONDITIONAL_MEAN: f"exact (fun w t => drawn__mean {_SUMS} (count__ - proj1_sig t) (proj1_sig t) w).",
        TOWER: f"exact (drawn__tower {_SUMS} count__ w__).",
    },
    integrable="repeat intro; exact I.",
    in_steps=True,
)
#: what outcomes may be, by the names that users give
OUTCOMES = {"any": ANY, "probability-space": _SPACE, "finite-draws": _DRAWS}
