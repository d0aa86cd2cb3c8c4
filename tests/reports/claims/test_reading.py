"""Claims from a file: texts on one line, groups in order, and no key that a claim does not have."""

from pathlib import Path

import pytest

from sdescent.reports.claims.verdict_of_claim import Claim, Group, read_groups

TEXT = r"""
[[group]]
title = 'One'
source = 'a paper'
front = true
[[group.claims]]
id = 'first'
says = '''
the mean of $\Phi$
falls
'''
proofs = ["6.1-*", "6.2"]
unsaid = { "bounded ratio" = 'a ratio' }
[[group]]
follows = "corrected"
words = 'w'
"""


def groups(folder: Path, text: str) -> tuple[Group, ...]:
    (folder / "claims.toml").write_text(text)
    return read_groups(folder / "claims.toml", lambda model: (Claim(f"follows-{model}", "it follows"),))


def test_groups_in_their_order(tmp_path: Path) -> None:
    first = Claim("first", r"the mean of $\Phi$ falls", proofs=("6.1-*", "6.2"), unsaid={"bounded ratio": "a ratio"})
    assert groups(tmp_path, TEXT) == (
        Group("One", (first,), source="a paper", front=True),
        Group("Corrected SDE", (Claim("follows-corrected", "it follows"),), "w", grid=True),
    )


@pytest.mark.parametrize(("old", "new"), [("proofs", "proof"), ("says", "said"), ("title", "name")])
def test_a_key_that_there_is_not_is_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(TypeError, match=new):
        groups(tmp_path, TEXT.replace(f"{old} =", f"{new} =", 1))
