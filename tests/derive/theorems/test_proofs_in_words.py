"""Proofs in words say what their certificates hold: factors, premises and the author's names, in LaTeX that compiles."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.proof.kernel.certificate import certificate, dumps
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import num, xs
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.theorem import Derivation
from sdescent.derive.theorems.prose.document import Items, Math, Paragraph, Quoted
from sdescent.derive.theorems.prose.proof import Proof
from sdescent.derive.theorems.prose.sums import Adding, Field, Sum
from sdescent.reports.document.proofs import Latex, Markdown
from tests.support.own_theorems import THEOREMS
from tests.support.samples import slow_if

AVERAGE = {
    "method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1", "K >= 1"], "V": "f - fstar",
    "step": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "claim": "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N",
    "conclude": "telescope",
}  # fmt: skip
#: a proof by interpolation: two inequalities between x and the next state, and a square
INTERPOLATED = {
    "method": "dsgd", "noise": "none", "assume": ["smooth: L", "convex", "eta*L <= 1", "L > 0"], "V": "||g||^2",
    "claim": "change <= 0",
}  # fmt: skip
#: each client has points and noises of its own, and a memory
CLIENTS = {
    "local SGD": {
        "noise": "any", "assume": ["smooth: L", "variance: s", "eta*L <= 1/8"], "V": "f - fstar", "conclude": "telescope",
        "claim": "change <= -eta*G^2/2 + 4*eta^2*L*s", "method": {"update": ["y = x - eta*local", "x = mean(y - eta*local(y))"]},
    },
    "normalised": {
        "noise": "any", "assume": ["smooth: L", "variance: N*sg^2", "sg > 0"], "V": "f - fstar", "conclude": "telescope",
        "claim": "change <= -eta*G + 2*eta*sg + L*eta^2/2", "method": {"update": ["x = x - eta*G/norm(G)"]},
    },
    "EF21": {
        "noise": "none", "compressor": "any",
        "assume": ["smooth: L", "smooth clients: M", "contraction: 1 - th^2", "th > 0", "th < 1", "eta*L <= 1/2",
                   "eta*M*th <= (1-th)/2"],
        "V": "f - fstar + eta/(2*(1-th))*||h - gi||^2", "claim": "change <= -eta*G^2/2", "conclude": "telescope",
        "method": {"client_memory": {"h": 0}, "update": ["x = x - eta*mean(h)", "h = h + C(local_raw(x) - h)"]},
    },
}  # fmt: skip


def certified(stated: Stated) -> dict[str, Any]:
    """The certificate of a theorem, as read from a file."""
    w = Derivation(stated.entry(with_point=False), 30)
    return json.loads(dumps(certificate(stated.prove(w, 30), stated.title)))


@cache
def proof(name: str) -> Proof:
    table = {"average": AVERAGE, "interpolated": INTERPOLATED, **CLIENTS}.get(name) or THEOREMS[name][0]
    answer = decide(Stated(table, interpolate=name == "interpolated"), 30, repair=False)
    assert answer.certificate is not None, answer.failed
    return Proof(answer.stated, json.loads(dumps(answer.certificate)))


@cache
def markdown(name: str) -> str:
    return Markdown().text(proof(name).document)


@pytest.mark.slow
def test_a_client_has_vectors_with_its_index_and_means_with_a_bar() -> None:
    text = markdown("EF21")
    assert r"\|h_{i,n}-\nabla f_i(x_n)\|^{2}" in text and r"with $a=x_n-\eta\,\overline{h_{i,n}}$ and $b=x_n$" in text
    assert (
        r"$\frac1N\sum_i\|\nabla f_i(x)-\nabla f_i(y)\|^{2}\le M^{2}\|x-y\|^{2}$" in text
        and "(A2) multiplied by" in text
    )
    assert "independently for different clients" in markdown("local SGD") and "_q" not in text


# --- the sums

A, B, C, D = xs("a b c d")
CONTEXT = Context(dict.fromkeys("abcd", "random"))


def sum_of(mult: int, first: int, second: int) -> tuple[Sum, Field]:
    """The sum for mult (d - a) = first (d - a - ..) ..: a <= b, b <= c, c <= d with factors, and the claim that they give."""
    kernel = Kernel(CONTEXT)
    one, two = kernel.assume(A.le(B)), kernel.assume(C.le(D))
    claim = (num(Fraction(first, mult)) * A + num(Fraction(second, mult)) * C).le(
        num(Fraction(first, mult)) * B + num(Fraction(second, mult)) * D
    )
    members = [(Fraction(first), (0,), ()), (Fraction(second), (1,), ())]
    fact = kernel.certify(claim, [one, two], [(Fraction(mult), (), ())], members)
    field = Field(CONTEXT)
    return Adding(field, lambda f: False).sum_of(fact), field


@pytest.mark.parametrize("numbers", [(1, 1, 1), (2, 3, 5), (7, 2, 4)])
def test_the_factors_are_those_of_the_certificate_divided_by_its_multiplier(numbers: tuple[int, int, int]) -> None:
    total, _ = sum_of(*numbers)
    assert [c for _, c in total.inequalities.values()] == [sp.Rational(n, numbers[0]) for n in numbers[1:]]


def test_a_sum_with_another_factor_is_refused() -> None:
    total, field = sum_of(2, 3, 5)
    key, (fact, c) = next(iter(total.inequalities.items()))
    wrong = replace(total, inequalities={**total.inequalities, key: (fact, c + 1)})
    kernel = Kernel(CONTEXT)
    claim = kernel.assume((num("3/2") * A + num("5/2") * C).le(num("3/2") * B + num("5/2") * D))
    Adding(field, lambda f: False).check(claim, total)
    with pytest.raises(ProofError, match="not that of its certificate"):
        Adding(field, lambda f: False).check(claim, wrong)


SLOW_AVERAGE = pytest.param("average", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [SLOW_AVERAGE, "bounded gradients", "interpolated"])
def test_what_the_text_adds_up_is_the_claim_at_numbers(name: str) -> None:
    """At fixed rational values of all atoms; squares of vectors are atoms of inner products, so they need no vectors."""
    of = proof(name)
    for fact in (f for f in of.facts if id(f) in of.displayed):
        total, field = of.adding.sum_of(fact), of.field
        parts = [
            c * field.slack(f.claim)
            for table in (total.inequalities, total.equalities, total.vectors)
            for f, c in table.values()
        ]
        parts += [c * (1 if base is None else field.of(base) ** 2) for c, base in total.squares]
        both = [sp.Add(*parts), field.slack(fact.claim)]
        values = {
            s: sp.Rational(2 * n + 3, n + 2)
            for n, s in enumerate(sorted(set().union(*(e.free_symbols for e in both)), key=str))
        }
        assert both[0].subs(values) == both[1].subs(values)


# --- the text


def test_factors_and_premises_stand_in_the_text() -> None:
    text = markdown("nonconvex")
    assert r"(A3) multiplied by $\frac{\eta\,\|\nabla f(x_n)\|^{2}}{2}$" in text
    assert r"(A2) multiplied by $\frac{\eta^{2}\,L}{2\,N}$" in text
    assert r"To prove (1), we add to (3) the following inequalities" in text
    assert r"since $N \ge 1$, $\eta > 0$ and $L \ge 0$:" in text
    assert r"add up to $\mathbb{E}\,V_K-V_0$" in text


@pytest.mark.slow
def test_a_claim_at_the_horizon_is_a_multiple_of_the_sum() -> None:
    text = markdown("average")
    assert "whose factors are nonnegative since $\\eta > 0$ and by (A4)" in text
    assert r"- (4) multiplied by $\frac{2}{\eta\,K}$;" in text and "$. This gives" in text


def test_another_certificate_has_another_text() -> None:
    """With eta L <= 1/2 the same bound leaves a square, and the factor stays; with another constant of the claim it changes."""
    table = {
        **AVERAGE,
        "claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)",
        "conclude": "none",
        "assume": AVERAGE["assume"][:3],
    }
    table.pop("step")
    weaker = {**table, "claim": "change <= -eta*G^2/4 + eta^2*L*s/N"}
    texts = [Markdown().text(Proof(s, certified(s)).document) for s in (Stated(table), Stated(weaker))]
    factors = [set(re.findall(r"multiplied by \$([^$]*)\$", text)) for text in texts]
    assert factors[0] and factors[1] and factors[0] != factors[1]


def test_a_changed_certificate_has_no_text() -> None:
    stated = proof("bounded gradients").stated
    changed = certified(stated)
    step = next(s for s in changed["steps"] if s["rule"] == "certify" and len(s["data"]["sum"]) > 2)
    step["data"]["sum"][0][0] = str(2 * Fraction(step["data"]["sum"][0][0]))
    with pytest.raises(ProofError):
        Proof(stated, changed)


def test_a_proof_by_interpolation_names_its_inequalities_and_leaves_a_square() -> None:
    text = markdown("interpolated")
    assert "Taylor, Hendrickx and Glineur 2017" in text and "with $a=x_{n+1}$ and $b=x_n$" in text
    assert r"multiplied by $\frac{1}{\eta\,L}$" in text
    assert re.search(
        r"\\frac\{[12]-\\eta\\,L\}\{\\eta\\,L\}\\,\\\|\\nabla f\(x_n\)-\\nabla f\(x_\{n\+1\}\)\\\|\^\{2\}", text
    )


@pytest.mark.slow
def test_ghadimi_s_theorem_is_a_sum_of_two_inequalities_and_two_identities() -> None:
    """Ghadimi, Feyzmahdavian and Johansson 2015, with noise; the last term vanishes for eta L = 1 - beta."""
    table = {
        "method": "heavy-ball", "assume": ["smooth: L", "convex", "variance: s", "eta*L <= 1 - beta"], "conclude": "telescope",
        "V": "beta/(1-beta)*(f(x - v) - fstar) + (1-beta)*||x - xstar + beta/(1-beta)*v||^2/(2*eta)",
        "claim": "change <= -(f - fstar) + eta*s/(2*N*(1-beta))",
    }  # fmt: skip
    stated = Stated(table, interpolate=True)
    text = Markdown().text(Proof(stated, certified(stated)).document)
    assert r"+\frac{1-\eta\,L-\beta}{2\,L\,(1-\beta)}\,\|\nabla f(x_n)\|^{2} \le -(f(x_n)-f^{*})" in text
    assert text.count("the identity (") == 2 and "x_{n+1}-v_{n+1}" in text


def test_names_of_the_author_stay() -> None:
    letters = {"L": "Lip", "s": "tau"}
    assume = ["smooth: Lip", "variance: tau", "eta*Lip <= 1"]
    table = {"method": "dsgd", "assume": assume, "V": "f - fstar", "title": "My <own> theorem_1",
             "claim": "change <= -eta*G^2/2 + eta^2*Lip*tau/(2*N)"}  # fmt: skip
    stated = Stated(table)
    blocks = Proof(stated, certified(stated)).document
    words = [p.words for b in blocks if isinstance(b, Items) for row in b.rows for p in row if isinstance(p, Quoted)]
    assert words == assume
    formulas = " ".join(p.tex for b in blocks if isinstance(b, Paragraph) for p in b.parts if isinstance(p, Math))
    text = Latex("t").text(blocks)
    assert r"\mathit{Lip}" in text and r"\tau" in text and not re.search(r"(?<![A-Za-z])L(?![A-Za-z])", formulas)
    assert r"My \textless{}own\textgreater{} theorem\_1" in text
    assert set(letters.values()) <= set(stated.setting.context.symbols)


NAMES = [pytest.param(n, marks=slow_if("heavy ball" in n or "(L0, L1)" in n)) for n in THEOREMS]


@pytest.mark.parametrize("name", [SLOW_AVERAGE, "interpolated", *CLIENTS, *NAMES])
def test_every_reference_leads_to_a_display_before_it_and_no_line_is_empty(name: str) -> None:
    text = Latex("t").text(proof(name).document)
    labels = re.findall(r"\\label\{(t:\d+)\}", text)
    assert len(labels) == len(set(labels)) >= 1
    for reference in re.finditer(r"\\eqref\{(t:\d+)\}", text):
        assert text.find(rf"\label{{{reference[1]}}}") in range(reference.start())
    for display in re.findall(r"\\begin\{equation\*?\}(?:\\label\{[^}]*\})?\n(.*?)\n\\end", text, re.DOTALL):
        sides = re.split(r"\\le |\\ge |(?<!\\)= ", display)
        plain = [re.sub(r"\\begin\{split\}|\\\\|&|\\q+uad(\{\})?|\s|\.$", "", side) for side in sides]
        assert len(plain) < 2 or plain[0] != plain[1]
    assert "_q" not in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.parametrize("column", ["onecolumn", pytest.param("twocolumn", marks=pytest.mark.slow)])
def test_the_latex_compiles_and_its_lines_fit(column: str, tmp_path: Path) -> None:
    names = ["nonconvex", "interpolated", "signs, heavy tails", *CLIENTS]
    for n, name in enumerate(names):
        (tmp_path / f"proof{n}.tex").write_text(Latex(f"proof{n}").text(proof(name).document), encoding="utf-8")
    inputs = "\n".join(rf"\input{{proof{n}}}" for n in range(len(names)))
    main = (
        rf"\documentclass[{column}]{{article}}\usepackage{{amsmath,amssymb}}\begin{{document}}{inputs}\end{{document}}"
    )
    (tmp_path / "main.tex").write_text(main, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    for _ in range(2):
        run = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
        assert run.returncode == 0, run.stdout[-2000:]
    log = (tmp_path / "main.log").read_text(encoding="utf-8", errors="replace")
    wide = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert not [w for w in wide if w > 5], wide
    assert "undefined references" not in log
