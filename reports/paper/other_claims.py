"""Claims that are not the paper's: of the works it builds on, of the models, and our own, foils included."""

from __future__ import annotations

from reports.paper.ledger import Claim, Group
from reports.paper.paper_claims import PAPER, follows

DISTRIBUTED, SIGN, MODIFIED = "arXiv 2502.17009", "arXiv 2411.15958", "Li, Tai, E 2017"
OURS = "ours"

LITERATURE = Group(
    "Of the works it builds on, and of the models",
    (
        Claim(
            "polyak",
            r"$L$-smooth losses with the PL inequality: $\mathbb{E}f-f^*$ falls at a linear rate to a floor",
            "both SDEs of D(C)SGD",
            proofs=("6.5-first-order", "6.5-corrected"),
            source=DISTRIBUTED,
        ),
        Claim(
            "polyak-sign",
            r"\dots{} and DSignSGD reaches the minimum in finite time without noise",
            r"the ODE $\dot x=-\operatorname{sign}\nabla f$, in Filippov's sense",
            proofs=("6.5-sign",),
            source=DISTRIBUTED,
        ),
        Claim(
            "scaling",
            r"Scaling rules: the floor stays if and only if $\Theta_\eta(1+\Theta_\omega\omega)=\Theta_N\Theta_B(1+\omega)$",
            r"the floor of that bound, equal clients, $\sigma_1=0$",
            proofs=("6.8-enough", "6.8-needed"),
            missing=r"the factor $1/r$ of the floor, which tends to $1$ with $\eta$: the rule is exact to leading order alone",
            source=DISTRIBUTED,
        ),
        Claim(
            "stationary-sign",
            r"DSignSGD near an optimum: $\mathbb{E}x^2=\frac{\eta}{4NM}\frac{\sigma_H}{\lambda}$",
            "the SDE linearised at the optimum",
            proofs=("6.7-sign", "6.7-sign-gaussian"),
            missing=r"the SDE itself and the method, which differ from it by a share of order $\eta$",
            topics=("sign-stationary",),
            source=SIGN,
        ),
        *(
            Claim(
                f"weak-{model}",
                f"The {model} model has weak order {order}",
                "one smooth test function each, small steps, one dimension",
                topics=(f"weak-order-{model}",),
                source=source,
            )
            for model, order, source in (("first-order", 1, MODIFIED), ("corrected", 1, OURS), ("second-order", 2, MODIFIED))
        ),
    ),
    source="as given",
)
OWN = Group(
    "Ours",
    (
        Claim(
            "sign-everywhere",
            r"DSignSGD converges without a bound on $|g_j|/\sigma_k$, with a floor of order $1/N$",
            "corrected SDE at a random time, up to explosion, every start, symmetric unimodal noise, small steps that fall",
            proofs=("6.4-global-pathwise", "6.4-clients-pathwise", "6.4-clients-scheduled"),
            topics=("floor-dsignsgd",),
        ),
        Claim(
            "tails",
            r"Stable noise of index $\alpha<2$: the loss of DSGD has the tail of a stable law, so no mean; the mean loss of "
            r"DSignSGD settles no higher than under Gaussian noise of the same scale",
            "$x^2/2$, one step size, two clients",
            topics=("tails-dsgd", "tails-signs"),
        ),
        Claim(
            "floor-clients",
            r"The floor of DSGD falls as $1/N$; with affine noise and compression, and for signs, it falls faster at few clients",
            "$x^2/2$, one step size",
            topics=("floor-dsgd", "floor-dcsgd", "floor-dsignsgd"),
        ),
        Claim(
            "expectation-repaired",
            r"The step condition may have $L_0+L_1\,\mathbb{E}G^3/\mathbb{E}G^2$ in place of $L_0+L_1G$",
            "the drift of $\\mathbb{E}f$ in the corrected SDE",
            proofs=("6.2-expectation-repaired",),
        ),
        Claim(
            "variances",
            r"Stationary variances of the first- and second-order SDE on quadratics: $\frac{\eta\sigma^2}{2N\lambda}$ and "
            r"$\frac{\eta\sigma^2}{N\lambda(2+\eta\lambda)}$",
            "quadratics",
            proofs=(
                "6.7-first-order", "6.7-second-order", "6.7-covariance-first-order", "6.7-covariance-second-order",
                "6.7-rand-k-first-order",
            ),
        ),
        Claim(
            "not-the-methods",
            r"\dots{} which are not the method's",
            r"one coordinate, affine noise, Bernoulli($p$), where all three are stable",
            proofs=("6.7-affine-method", "6.7-affine-first-order", "6.7-affine-second-order"),
            contrary=("stationary-first-order", "stationary-second-order"),
        ),
        Claim(
            "conservative",
            "Off quadratics the corrected model leaves too early: on the quartic at a third of the method's threshold",
            r"gradient descent on $x^4/4$, no noise",
            topics=("threshold-quartic",),
        ),
        Claim(
            "smooth-examples",
            r"These losses are $(L_0,L_1)$-smooth with the constants stated: quadratic, quartic, $\cosh$, glued exponentials, "
            "separable sums, logistic regression",
            "the whole space",
            proofs=("8-quadratic", "8-quartic", "8-cosh", "8-glued-*", "8-separable", "8-logistic-regression"),
        ),
        Claim(
            "laws",
            r"$R=2F-1$ of each noise law is concave on $[0,\infty)$, with the tangent, chord and product bounds that are used",
            "Cauchy, Gaussian, Laplace, logistic, Student's $t$ with 3 and 4 degrees, uniform",
            proofs=("8-cauchy-*", "8-gaussian-*", "8-laplace-*", "8-logistic-?", "8-student-t-*", "8-uniform-*"),
        ),
        Claim(
            "method-smooth",
            r"D(C)SGD itself has the bounds of the corrected SDE on $L$-smooth losses, with the same constants",
            r"one step, and on average over the steps of a schedule; $L_1=0$",
            proofs=("6.2-pathwise-method", "6.2-scheduled-method"),
        ),
        Claim(
            "method-bounded",
            r"\dots{} and on $(L_0,L_1)$-smooth losses with $2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$",
            r"messages of bounded norm $B_n$, $L_1\eta uB_n\le c$",
            proofs=("6.2-pathwise-bounded-method", "6.2-scheduled-bounded-method"),
        ),
        Claim(
            "method-polyak",
            r"\dots{} and at a linear rate to the floor of the corrected SDE under the PL inequality; likewise where $f$ is "
            "strongly convex",
            r"constant steps, $L$-smooth",
            proofs=("6.5-corrected-method", "6.5-strongly-convex-method"),
        ),
        Claim(
            "method-convex",
            r"D(C)SGD itself on convex losses: the average of $f-f^*$ over the steps, with a floor of order $1/N$",
            r"$L$-smooth, every schedule of small steps",
            proofs=("6.5-convex-method",),
        ),
        Claim(
            "method-rates",
            r"D(C)SGD itself: the mean square of the gradient falls as $\log K/\sqrt K$ with $u_n=(1+n)^{-1/2}$, as $1/\log K$ "
            r"with $u_n=1/(1+n)$",
            r"explicit constants, $L$-smooth, every $K\ge1$",
            proofs=("6.2-root-method", "6.2-harmonic-method", "6.6-roots-method", "6.6-harmonic-*method", "6.6-squares-method"),
        ),
        Claim(
            "method-summable",
            r"Summable $u_n^2$: $\mathbb{E}\sum u_nG_n^2$ is bounded for all horizons at once, without a step condition",
            r"D(C)SGD itself, $L$-smooth, $f\ge0$",
            proofs=("6.2-summable-method",),
        ),
        Claim(
            "method-signs",
            r"DSignSGD itself has the bounds of the corrected SDE with $2\psi(c)L_0$ and $2\psi(c)L_1$ for $L_0$ and $L_1$, the "
            r"floor of order $1/N$ included; no moment of the noise is used",
            r"one step, and on average over the steps; symmetric unimodal noise, $L_1\eta u\sqrt d\le c$",
            proofs=(
                "6.4-global-pathwise-method", "6.4-global-scheduled-method", "6.4-clients-pathwise-method",
                "6.4-clients-scheduled-method",
            ),
        ),
        Claim(
            "method-signs-bounded",
            r"\dots{} and so it has those of the paper's step condition with its constants times $2\psi(c)$",
            r"while $|g_j|\le\rho\sigma_k$ for all $j,k$",
            proofs=("6.4-corrected-method", "6.4-corrected-scheduled-method"),
        ),
        Claim(
            "method-signs-one-condition",
            r"\dots{} under one condition on $\eta$ for all schedules $0\le u_n\le1$, such as $(1+n)^{-p}$",
            r"on average over any number of steps, $c=2\varepsilon R(1)/\sqrt d$",
            proofs=("6.4-global-decreasing-method",),
        ),
        Claim(
            "method-normalised",
            r"Normalised SGD itself: the mean of $G$ over the steps, whatever the noise, up to $\frac{2}{1-\varepsilon}$ times "
            "its mean size",
            r"one step, and on average over the steps; $(L_0,L_1)$-smooth losses, $L_1\eta u\le c$",
            proofs=("6.3-direction-pathwise-method", "6.3-direction-scheduled-method"),
        ),
        Claim(
            "method-adaptive",
            r"D(C)SGD itself with the step $\eta u/(L_0+L_1(G+\varrho))$ needs no step condition along the path",
            r"averaged messages of norm at most $G+\varrho$, one step, and on average over the steps",
            proofs=("6.3-bounded-pathwise-method", "6.3-bounded-scheduled-method"),
        ),
        Claim(
            "method-clipped",
            r"Clipped gradient descent itself: the mean of $\min(G^2,\tau G)$ over the steps has no floor; with noise a step is "
            "bounded draw by draw",
            r"$(L_0,L_1)$-smooth losses, $L_1\eta u\tau\le c$",
            proofs=("6.3-clipped-pathwise-method", "6.3-clipped-scheduled-method", "6.3-clipped-noise-method"),
        ),
        Claim(
            "heavy-ball",
            r"The heavy ball's SDE has the bound of DSGD with the step $\sqrt\eta/\mu$ and $1+\theta$ times its floor, $\theta>0$",
            r"first-order model, ballistic, $L$-smooth, unbiased messages, a step condition with $1/\theta$ in it",
            proofs=("6.2-heavy-ball-pathwise", "6.2-heavy-ball-average"),
        ),
        Claim(
            "method-heavy-ball",
            r"\dots{} and the heavy ball itself that with the step $\eta/(1-\beta)$, with the same constants",
            r"the method itself, $L$-smooth, unbiased messages, constant steps",
            proofs=("6.2-heavy-ball-step-method", "6.2-heavy-ball-method"),
        ),
        Claim(
            "psi",
            r"The descent lemma for $(L_0,L_1)$-smooth functions has the constant $\psi(c)=(e^c-1-c)/c^2$: attained for every $c$, "
            r"below those of the literature, and $2\psi(c)\le1+0.44c$ for $c\le1$",
            r"steps of length at most $c/L_1$",
            proofs=("8-psi-one", "8-psi-literature", "8-psi-sharp"),
        ),
        Claim(
            "ratios",
            r"The compressors have the ratios $\omega$ stated for them; a fixed grid has none",
            "given the message, every message",
            proofs=("4-*",),
        ),
    ),
    source=OURS,
)
FOILS = Group(
    "Statements that one might expect, and that are false",
    (
        Claim(
            "chord",
            r"Without a bound on $|g_j|/\sigma_k$: $\Phi\ge\ell\,G^2/\sigma_H$ at every state, for some $\ell>0$",
            r"every $\ell>0$, every noise law, $d=1$",
            refutations=("6.4-chord",),
            negations=("6.4-chord-zero",),
        ),
        Claim(
            "scaling-linear",
            r"The linear scaling rule $\Theta_\eta=\Theta_N$ keeps the floor, whatever happens to $\omega$",
            "the floor of the PL bound, both step sizes stable",
            refutations=("6.8-linear",),
        ),
        Claim(
            "kappa",
            r"$\kappa=\frac15$ in the step condition keeps the floor $L_0+L_1$ ($\kappa=\frac14$ does)",
            "corrected SDE, one state",
            refutations=("6.2-kappa-fifth",),
        ),
        Claim(
            "psi-half",
            r"The descent lemma has $\frac12$ in place of $\psi(c)$ for $(L_0,L_1)$-smooth functions too, as for $L$-smooth ones",
            r"$L_1\|D\|\le1$, one dimension",
            refutations=("8-psi-half",),
        ),
        Claim(
            "rosenbrock",
            r"Rosenbrock's function is $(L_0,L_1)$-smooth on the plane for some constants",
            r"all $L_0,L_1\ge0$",
            refutations=("8-rosenbrock",),
            negations=("8-rosenbrock-never",),
        ),
        Claim(
            "equality",
            r"At the threshold $\eta\eta_nx_n^2=1+\theta$ with $\theta=1$ gradient descent on the quartic grows",
            "one step: it has period 2",
            refutations=("6.9-equality",),
        ),
    ),
    source=OURS,
)
VARIANTS = Group(
    "The paper's experiments with other noise and other clients",
    (
        Claim(
            "variant-diverges",
            r"(a) With a constant step size the loss diverges as $\omega$ grows",
            "the kinds of noise and clients that the evidence names; multipliers of the main setting",
            topics=("variant-a",),
        ),
        Claim(
            "variant-settles",
            r"(b) With steps $u/K_\kappa(G)$ it falls by more than half, to a floor at most",
            "the same; own and held multiplier",
            topics=("variant-b", "variant-b-held"),
        ),
        Claim(
            "variant-plain",
            r"(c) Plain normalised steps end higher at the largest $\omega$",
            "the same; held multipliers",
            topics=("variant-c-held",),
        ),
        Claim(
            "variant-constant",
            "(d) DSignSGD: a constant step is stable and stalls",
            "the kinds of noise and clients that the evidence names",
            topics=("variant-d-constant",),
        ),
        Claim(
            "variant-decaying",
            r"(d) \dots{} and $\eta_n=1/\sqrt{n+1}$ converges",
            "the same",
            topics=("variant-d-decaying",),
        ),
        Claim(
            "variant-bound",
            r"With noise that has a floor, the mean of $G^2/K_\kappa(G)$ is below the bound that is proved for the corrected SDE",
            "DCSGD itself, on the data that the evidence names; constants as measured",
            topics=("variant-bound",),
        ),
    ),
    source=OURS,
)
SECOND = follows("second-order", "", MODIFIED, front=False)
#: all claims of the report on the paper, whose statuses are computed; the first ones are its own
GROUPS = (*PAPER, LITERATURE, SECOND, OWN, VARIANTS, FOILS)
