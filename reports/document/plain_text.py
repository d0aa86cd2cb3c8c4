"""LaTeX as plain text, for terminals and for places of a page that have no formulas."""

import re

_GREEK = {
    "alpha": "α", "delta": "δ", "ell": "ℓ", "varepsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "omega": "ω", "phi": "φ", "Phi": "Φ", "psi": "ψ", "rho": "ρ", "sigma": "σ",
}  # fmt: skip
_SIGNS = {
    "le": "<=", "ge": ">=", "to": "->", "infty": "oo", "dots": "...", "cdot": "*", "times": "*", "mathbb": "", "mathcal": "",
    "quad": " ", "pm": "+-", "ne": "!=", "overline": "mean ",
}  # fmt: skip
#: stands for a backslash until all commands are gone; private use characters occur in no text of a report
_BACKSLASH = "\ue000"
#: what `sdescent.reports.document.tex.escape` makes of characters that are commands in TeX
_ESCAPED = {
    "textless": "<", "textgreater": ">", "textasciicircum": "^", "textasciitilde": "~", "textquotedbl": '"',
    "textbackslash": _BACKSLASH,
}  # fmt: skip


def plain(tex: str, unicode: bool = True) -> str:
    r"""The plain text of a claim's LaTeX: $\frac{a}{b}$ becomes (a)/(b), and Greek letters are spelt out if `unicode` is False."""
    text = tex.replace("~", " ")
    for _ in range(4):  # fractions inside fractions
        text = re.sub(r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", text)
        text = re.sub(r"\\t?frac(\d)(\d)", r"\1/\2", text)
        text = re.sub(r"(_|\^)\{(\w|\*)\}", r"\1\2", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\\overline\{([^{}]*)\}", r"mean(\1)", text)
        text = re.sub(r"\{?\\(hat|dot)(?![a-z])\s?(\w)\}?", r"\2^", text)
    words = _SIGNS | _ESCAPED | (_GREEK if unicode else {})
    text = re.sub(r"\\([A-Za-z]+)(?:\{\}|\s?)", lambda m: words.get(m[1], m[1]), text)
    text = re.sub(r"\\[,;!]|(?<!\\)[${}]", "", text)
    return " ".join(re.sub(r"\\([_$&#%`{}])", r"\1", text).replace(_BACKSLASH, "\\").split())
