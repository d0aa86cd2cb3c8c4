"""The works that the report rests on, as BibTeX and as a list."""

from __future__ import annotations

from typing import NamedTuple

from sdescent.reports.document.tex import listed


class Reference(NamedTuple):
    """A reference: BibTeX key and kind, authors, title, where, year."""

    key: str
    kind: str
    authors: tuple[str, ...]
    title: str
    where: str
    year: str


WORKS = (
    Reference(
        "compagnoni2025interaction",
        "misc",
        ("Monzio Compagnoni, Enea", "Islamov, Rustem", "Orvieto, Antonio", "Gorbunov, Eduard"),
        "On the Interaction of Noise, Compression Role, and Adaptivity under (L0, L1)-Smoothness: An SDE-based Approach",
        "arXiv:2506.00181",
        "2025",
    ),
    Reference(
        "compagnoni2025unbiased",
        "misc",
        ("Monzio Compagnoni, Enea", "Islamov, Rustem", "Proske, Frank Norbert", "Lucchi, Aurelien"),
        "Unbiased and Sign Compression in Distributed Learning: Comparing Noise Resilience via SDEs",
        "arXiv:2502.17009",
        "2025",
    ),
    Reference(
        "compagnoni2024adaptive",
        "misc",
        (
            "Monzio Compagnoni, Enea",
            "Liu, Tianlin",
            "Islamov, Rustem",
            "Proske, Frank Norbert",
            "Orvieto, Antonio",
            "Lucchi, Aurelien",
        ),
        "Adaptive Methods through the Lens of SDEs: Theoretical Insights on the Role of Noise",
        "arXiv:2411.15958",
        "2024",
    ),
    Reference(
        "li2017stochastic",
        "inproceedings",
        ("Li, Qianxiao", "Tai, Cheng", "E, Weinan"),
        "Stochastic Modified Equations and Adaptive Stochastic Gradient Algorithms",
        "ICML 2017",
        "2017",
    ),
    Reference(
        "zhang2020gradient",
        "inproceedings",
        ("Zhang, Jingzhao", "He, Tianxing", "Sra, Suvrit", "Jadbabaie, Ali"),
        "Why Gradient Clipping Accelerates Training: A Theoretical Justification for Adaptivity",
        "ICLR 2020",
        "2020",
    ),
    Reference(
        "alistarh2017qsgd",
        "inproceedings",
        ("Alistarh, Dan", "Grubic, Demjan", "Li, Jerry", "Tomioka, Ryota", "Vojnovic, Milan"),
        "QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding",
        "NeurIPS 2017",
        "2017",
    ),
    Reference(
        "wen2017terngrad",
        "inproceedings",
        ("Wen, Wei", "Xu, Cong", "Yan, Feng", "Wu, Chunpeng", "Wang, Yandan", "Chen, Yiran", "Li, Hai"),
        "TernGrad: Ternary Gradients to Reduce Communication in Distributed Deep Learning",
        "NeurIPS 2017",
        "2017",
    ),
    Reference(
        "horvath2022natural",
        "inproceedings",
        (
            "Horvath, Samuel",
            "Ho, Chen-Yu",
            "Horvath, Ludovit",
            "Sahu, Atal Narayan",
            "Canini, Marco",
            "Richtarik, Peter",
        ),
        "Natural Compression for Distributed Deep Learning",
        "MSML 2022",
        "2022",
    ),
    Reference(
        "waudbysmith2024estimating",
        "article",
        ("Waudby-Smith, Ian", "Ramdas, Aaditya"),
        "Estimating Means of Bounded Random Variables by Betting",
        "Journal of the Royal Statistical Society B 86",
        "2024",
    ),
    Reference(
        "wang2023catoni",
        "article",
        ("Wang, Hongjian", "Ramdas, Aaditya"),
        "Catoni-style Confidence Sequences for Heavy-tailed Mean Estimation",
        "Stochastic Processes and their Applications 163",
        "2023",
    ),
    Reference(
        "salmon2011parallel",
        "inproceedings",
        ("Salmon, John K.", "Moraes, Mark A.", "Dror, Ron O.", "Shaw, David E."),
        "Parallel Random Numbers: As Easy as 1, 2, 3",
        "SC 2011",
        "2011",
    ),
    Reference(
        "kidger2021neural",
        "phdthesis",
        ("Kidger, Patrick",),
        "On Neural Differential Equations",
        "University of Oxford",
        "2021",
    ),
    Reference(
        "karatzas1991brownian",
        "book",
        ("Karatzas, Ioannis", "Shreve, Steven E."),
        "Brownian Motion and Stochastic Calculus",
        "Springer",
        "1991",
    ),
    Reference(
        "ikeda1989stochastic",
        "book",
        ("Ikeda, Nobuyuki", "Watanabe, Shinzo"),
        "Stochastic Differential Equations and Diffusion Processes",
        "North-Holland",
        "1989",
    ),
)
#: BibTeX's name for the place of publication of each kind
_PLACE = {
    "misc": "howpublished",
    "inproceedings": "booktitle",
    "article": "journal",
    "phdthesis": "school",
    "book": "publisher",
}


def references() -> list[dict[str, str]]:
    """Each work as {"key", "authors", "title", "where", "year"}, by first author."""
    return [
        {"key": w.key, "authors": _listed(w.authors), "title": w.title, "where": w.where, "year": w.year}
        for w in sorted(WORKS, key=lambda w: (w.authors[0], w.year))
    ]


def bibtex() -> str:
    """The works as a BibTeX file."""
    return "\n".join(_entry(w) for w in sorted(WORKS, key=lambda w: w.key))


def _entry(work: Reference) -> str:
    fields = {
        "author": " and ".join(work.authors),
        "title": f"{{{work.title}}}",
        _PLACE[work.kind]: work.where,
        "year": work.year,
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{work.kind}{{{work.key},\n{body}\n}}\n"


def _listed(authors: tuple[str, ...]) -> str:
    return listed([" ".join(reversed(a.split(", ", 1))) for a in authors])
