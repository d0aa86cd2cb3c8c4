"""The function `check` for a theorem of the catalogue or a piece of a method."""

from typing import overload

from sdescent.derive.methods.checking.findings import Findings
from sdescent.derive.methods.checking.pieces import Piece
from sdescent.derive.methods.checking.pieces import check as check_piece
from sdescent.derive.methods.compressors.base import Compressor
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.noise import Law, Noise
from sdescent.derive.theorems.catalogue import chosen
from sdescent.derive.theorems.entry.checking import Checked
from sdescent.derive.theorems.entry.checking import check as check_entry
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem


@overload
def check(entry: str | Theorem | Refutation, seconds: float = 5.0) -> Checked: ...


@overload
def check(entry: Piece, *, sampling: bool = True) -> Findings: ...


def check(entry: str | Theorem | Refutation | Piece, seconds: float = 5.0, sampling: bool = True) -> Checked | Findings:
    """Check a theorem step by step, or the statements that a law, a noise, a compressor or a loss makes about itself.

    For a theorem, the kernel writes the derivation, and a point or witness is evaluated exactly. For a piece, see
    `sdescent.derive.methods.checking.pieces.check`, which describes the comparisons. A failure raises no error: the status of a
    theorem is then UNDECIDED, with the reason, and `failed` in the findings on a piece has the numbers.

    Args:
        entry: the id of an entry of the catalogue (`sdescent check` lists them), an entry of your own, or a piece.
        seconds: the approximate time that the search for a proof may take.
        sampling: whether to draw from the sampler of a piece.

    Raises:
        BadInput: the catalogue has no entry with this id.

    Example:
        >>> import sdescent as sd
        >>> found = sd.check("6.2-pathwise")
        >>> found.status, found.axioms, found.as_expected
        ('PROVED', (), True)
        >>> print(found.steps[0]["plain"])
        0 < 1/N
        >>> sd.check(sd.noise.Laplace()).ok
        True
    """
    if isinstance(entry, (Law, Noise, Compressor, Loss)):
        return check_piece(entry, sampling)
    if isinstance(entry, (Theorem, Refutation)):
        return check_entry(entry, seconds)
    (theorem,) = chosen([entry], "entry", "a piece of a method, or ")
    return check_entry(theorem, seconds)
