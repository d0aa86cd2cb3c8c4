"""Names of a certificate in Rocq."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")
# Words that mean something else in the text: Rocq's keywords (Print Keywords), and names of the library and of ours in the text.
# Our other names have two underscores in a row, which no name of a certificate has.
_WORDS = """Axiom CoFixpoint Definition Fixpoint Hypothesis Parameter Prop SProp Set Theorem Type Variable as at by cofix else
    end exists exists2 fix for forall fun if in IF is o of let lib lp match mod rem return then using where with struct measure
    wf
    ltac constr uconstr open R IZR INR PI exp ln sqrt atan erf tanh Rabs length list nat In Sum E EI Int W Time J K coords clients
    w t j i k"""
RESERVED = frozenset(_WORDS.split())
