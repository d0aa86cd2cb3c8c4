"""Proofs in words of theorems in probability: sums that are finite almost surely, and bounds with high probability."""

from collections.abc import Iterator, Mapping
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, under, x
from sdescent.derive.theorems.bounds.horizon import in_probability as tails
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.prose.document import Display, Ref
from sdescent.derive.theorems.prose.proof import Proof
from sdescent.derive.theorems.prose.sums import root

Claims = Iterator[tuple[str, Relation, Relation]]


def proof_of(stated: Stated, certificate: Mapping[str, Any]) -> Proof:
    """The proof of a theorem in words; the arguments and errors are those of `Proof`."""
    kinds: Mapping[str, type[Proof]] = {tails.ALMOST_SURELY: AlmostSure, tails.HIGH_PROBABILITY: HighProbability}
    return kinds.get(stated.conclude, Proof)(stated, certificate)


class AlmostSure(Proof):
    """A sum over all steps that is finite almost surely, since its mean has a bound for every horizon."""

    def claims(self) -> Claims:
        yield next(super().claims())
        # what the certificate proves implies the claim
        total, write = x("total_q"), self.write
        summand = write.inside(self.stated.read_claim.left[1], 1)
        write.names |= {total[1]: rf"\sum_{{n=0}}^{{\infty}}{summand}", tails.INFINITY[1]: r"\infty"}
        yield "Consequently, almost surely,", self.last.claim, total.lt(tails.INFINITY)

    def argue(self) -> None:
        target = self.refs.pop(id(root(self.last)))
        del self.printed[self.last.claim]
        self.unproved.discard(id(root(self.last)))
        bound = self.prove(self.last)
        self.say(
            "The right-hand side of @ does not depend on $K$, and the terms of the sum are nonnegative. By monotone convergence the "
            "mean of the sum over all steps is finite, so that the sum is finite almost surely. This is @.",
            bound, target,
        )  # fmt: skip


class HighProbability(Proof):
    """A bound with high probability, from an exponential supermartingale."""

    def __init__(self, stated: Stated, certificate: Mapping[str, Any]) -> None:
        super().__init__(stated, certificate)
        assert stated.tail is not None
        self.tail = stated.tail
        sums = {s[1]: self.write.term(under("I", t)) for t, s in self.tail.sums.items()}
        self.write.names |= {tails.CHANGE[1]: "X_n", "change": "X_n", **sums}

    def _displayed(self) -> set[int]:
        return super()._displayed() | {id(self._drift)}

    @property
    def _drift(self) -> Fact:
        return next(f for f in self.facts if f.claim == self.stated.step and root(f) is f)

    def claims(self) -> Claims:
        write = self.write
        lam, delta = write.term(self.tail.exponent), write.symbol(tails.DELTA[1])
        (words, step, shape), (_, claim, said) = super().claims()
        change = r"X_n=\frac{1}{\lambda}\log\mathbb{E}_n\,e^{\lambda\,(f(x_{n+1})-f(x_n))}"
        yield rf"Let ${delta}>0$, $\lambda={lam}$ and ${change}$. {words}", step, shape
        yield rf"Consequently, with probability at least $1-{delta}$,", claim, said

    def argue(self) -> None:
        write, tail, proved = self.write, self.tail, {f.claim for f in self.facts}
        if not set(tails.SUPERMARTINGALE_FACTS) <= proved:
            raise ProofError("the certificate does not prove what the text would say of the supermartingale")
        claim = self.refs[id(root(self.last))]
        step = self.prove(self._drift)
        self.say(
            r"Let $B_n$ be the right-hand side of @, and $M_n=e^{\lambda\,(f(x_n)-f(x_0)-\sum_{m<n}B_m)}$. Since $B_n$ is known at the "
            r"step, @ gives $\mathbb{E}_n M_{n+1}=M_n\,e^{\lambda\,(X_n-B_n)}\le M_n$. So $M$ is a nonnegative supermartingale with "
            r"$M_0=1$, $\mathbb{E}\,M_K\le 1$, and by Markov's inequality",
            step, step,
        )  # fmt: skip
        delta = write.symbol(tails.DELTA[1])
        self.blocks.append(Display(((rf"\mathbb{{P}}(M_K<1/{delta})",), (f"1-{delta}",)), r"\ge"))
        on_path = (write.names["fT_q"], f"-{write.names['f0_q']}")
        total = write.pieces(self.field.term(self.field.of(-tail.total), False))
        signed = [p if p.startswith("-") else f"+{p}" for p in total]
        self.say(r"Where $M_K<1/@$, the logarithm of $M_K$, divided by $\lambda$, shows that".replace("@", delta))
        right = rf"\frac{{1}}{{\lambda}}\log\frac{{1}}{{{delta}}}"
        self.count += 1
        self.blocks.append(Display(((*on_path, *signed), (right,)), "<", self.count))
        self.say(
            r"By $f(x_K)\ge f^{*}$ and $\log(1/@)=-\log @$, inequality".replace("@", delta) + " @ implies @.",
            (Ref(self.count),),
            claim,
        )
