r"""What makes a part portable: formulas that break, references in words, letters that are macros, and their way back for pandoc."""

import pytest

from sdescent.reports.document.portable import FITTING, breakable, labels, loose, plain, portable, with_macros

SUM = "a_1+b_2+c_3+d_4+e_5+f_6"


@pytest.mark.parametrize(
    ("tex", "broken"),
    [
        (rf"x\left({SUM}\right)^{{2}}", rf"x\bigl({SUM}\bigr)^{{2}}"),
        (rf"\left[\frac{{1}}{{2}}+{SUM}\right]", rf"\Bigl[\frac{{1}}{{2}}+{SUM}\Bigr]"),
        (rf"\left({SUM}+\left({SUM}\right)\right)", rf"\Bigl({SUM}+\bigl({SUM}\bigr)\Bigr)"),
        (r"\left(a+b\right)", r"\left(a+b\right)"),
        (rf"\sqrt{{\left({SUM}\right)}}", rf"\sqrt{{\left({SUM}\right)}}"),
        (rf"\left.{SUM}\right|_0", rf"\left.{SUM}\right|_0"),
        (rf"\begin{{cases}}\left({SUM}\right)&a\end{{cases}}", rf"\begin{{cases}}\left({SUM}\right)&a\end{{cases}}"),
        (rf"\frac{{{SUM}+{SUM}+{SUM}}}{{2}}", rf"\sdatom{{\frac{{{SUM}+{SUM}+{SUM}}}{{2}}}}"),
        (r"a\,b", r"a\,b"),
        (rf"a\,b+{SUM}+{SUM}", rf"a\,\sdbreak b+{SUM}+{SUM}"),
    ],
)
def test_wide_outer_brackets_break_and_inner_ones_stay(tex: str, broken: str) -> None:
    assert loose(tex) == broken
    assert breakable(rf"\$ ${tex}$ \left({SUM}\right)") == rf"\$ ${broken}$ \left({SUM}\right)"


PART = r"""\input{parts/macros}
Table~\ref{tab:there} and Figure~\ref{fig:here}; see section~\ref{sec:models} and \hyperlink{thm:a}{a}.
\[ x \]
\begin{table}[ht]\caption{T}\label{fig:here}\begin{tabular}{l}a \\[3pt] b\end{tabular}\end{table}
\begin{align*}
x &= y
\end{align*}
\hypertarget{thm:b}{}b
"""


def test_a_reference_to_another_part_has_words_and_the_part_says_so() -> None:
    assert labels(PART) == {"fig:here", "thm:b"}
    part = portable(PART, {"tab:there": "Elsewhere", "sec:models": "Models", "fig:here": "This", "thm:a": "Elsewhere"})
    assert part.startswith("% Refers to other parts: tab:there (Elsewhere); sec:models (Models).\n")
    assert r"\sdref{Table~}{tab:there}{The table in the section ``Elsewhere'' of the full report}" in part
    assert r"\sdref{section~}{sec:models}{the section ``Models'' of the full report}" in part
    assert r"Figure~\ref{fig:here};" in part and r"\sdlink{thm:a}{a}" in part and r"\sdtarget{thm:b}{}b" in part
    assert part.index(r"\input{\sdRoot parts/macros}") < part.index(r"\sdbegin") and part.endswith("\\sdend\n")
    assert r"\sdwide" not in part and r"\sdwide" in portable(PART, wide=True)
    assert r"\sdwide" in portable(PART + r"\begin{longtable}{l}a\end{longtable}")


def test_pandoc_reads_what_the_template_wrote() -> None:
    """All that a part needs for paper is taken back."""
    page = plain(portable(PART)).replace(r"\input{parts/macros}" "\n", "")
    assert page == PART.replace(r"\[ x \]", r"\begin{equation*} x \end{equation*}").partition("\n")[2]
    assert "sdbox" in FITTING and "sdbox" not in plain(FITTING)


def test_letters_of_formulas_are_macros() -> None:
    tex = r"$\eta\sigma_1 C(\sdV)$, $C_j$, $C_{j}$, $F'(0)$, $2F(\sdY)$, $R_0+R_{1}$, $U_i$, "
    tex += r"$BB^{\top}$, $B\,\mathrm{d}W$, $(BB^\top)_{j}$"
    assert with_macros(tex) == (
        r"$\sdEta\sigma_1 \sdCompressor(\sdV)$, $\sdCompressor_j$, $\sdCompressor_{j}$, $\sdDistribution'(0)$, "
        r"$2\sdDistribution(\sdY)$, $\sdSignmoment_0+\sdSignmoment_{1}$, $\sdMessage_i$, "
        r"$\sdDiffusion\sdDiffusion^{\top}$, $\sdDiffusion\,\mathrm{d}W$, $(\sdDiffusion\sdDiffusion^\top)_{j}$"
    )
    for other in (
        r"$C^2$",
        r"$R^2$",
        r"$_2F_1$",
        r"${}_{2}F_{1}$",
        "D(C)SGD",
        "A BBC (C) F",
        r"$\langle x\rangle_B\,\mathrm{d}$",
    ):
        assert with_macros(other) == other
    assert r"{\sdCompressor}_j" in portable(with_macros("$C_j$"))
