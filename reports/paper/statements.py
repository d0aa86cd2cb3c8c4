"""The paper's claims (arXiv 2506.00181) and those added here: each with the theorems, checks and runs that decide it.

A new claim is an entry here. Its status is computed (`reports.paper.ledger`); an entry holds the claim and its evidence's keys.
"""

from __future__ import annotations

from reports.paper.ledger import Group, PaperClaim

V1, V2 = "arXiv 2506.00181v1", "arXiv 2506.00181v2"
ABSTRACT, TABLE, RUNS = f"{V1}, abstract", f"{V2}, Table 2", f"{V2}, Figure 1"
OURS = "ours"


def _on(subject: str, *ids: str) -> tuple[str, ...]:
    """Evidence of entries on "sde" or "method"."""
    return tuple(f"verify-{i}-{subject}" for i in ids)


ABSTRACT_CLAIMS = Group(
    "The abstract",
    (
        PaperClaim(
            "adaptive-converges",
            r"Distributed SignSGD converges under standard step-size schedules: with $\phi_1\to\infty$ and $u\to0$ the bound on "
            r"$\mathbb{E}\,\Phi$ tends to $0$",
            ABSTRACT,
            ("6.4-global-scheduled", "6.4-reading", "6.6-limit"),
            numbers=_on("sde", "6.4-global-scheduled"),
            experiments=("experiment-d-decaying",),
            beside=(*_on("method", "6.4-global-scheduled"), "scheduled-sign-bounded"),
            note="for the corrected SDE, at every state",
        ),
        PaperClaim(
            "heavy-tails",
            r"\dots{} even under heavy-tailed noise: no moment of the noise is used, Cauchy noise is covered",
            ABSTRACT,
            ("6.4-global-scheduled", "8-cauchy-1", "8-cauchy-3"),
            numbers=("sign-stationary-heavy-tails",),
            experiments=("experiment-d-decaying",),
        ),
        PaperClaim(
            "scheduled-fails",
            r"Distributed (Compressed) SGD with a pre-scheduled decaying step size fails to converge",
            ABSTRACT,
            ("6.9-growth", "6.9-induction"),
            numbers=("scheduled-blow-up",),
            note="gradient descent on the quartic, from every start beyond a threshold",
        ),
        PaperClaim(
            "inverse-gradient",
            r"\dots{} unless the step size has an inverse dependence on the gradient norm",
            ABSTRACT,
            ("6.3-low-scheduled", "6.3-high-scheduled"),
            numbers=_on("sde", "6.3-low-scheduled", "6.3-high-scheduled"),
            experiments=("experiment-b",),
            beside=(*_on("method", "6.3-low-scheduled", "6.3-high-scheduled"), "normalised-bounded"),
            note=r"with $h=s/K_\kappa(G)$, for the corrected SDE",
        ),
        PaperClaim(
            "normalisation-grows",
            r"Normalisation emerges, and its strength $K_\kappa(G)$ grows with $\omega$, with the variance and with $d$",
            f"{V2}, section 4",
            ("6.3-strength-grows",),
            numbers=("strength-omega", "strength-noise", "strength-dimension"),
        ),
        PaperClaim(
            "normalisation-falls",
            r"\dots{} and falls with the number $N$ of clients",
            f"{V2}, section 4",
            ("6.3-strength-falls",),
            numbers=("strength-clients",),
        ),
        PaperClaim(
            "interaction",
            r"Batch noise, compression and their product enter the bounds as $A_1=\overline\omega+"
            r"d(\overline{\sigma_1^2}+\overline{\sigma_1^2\omega})$ "
            r"and $D_0=d(\overline{\sigma_0^2}+\overline{\sigma_0^2\omega})$",
            ABSTRACT,
            ("6.1-pathwise", "6.2-pathwise"),
            numbers=_on("sde", "6.1-pathwise", "6.2-pathwise"),
        ),
        PaperClaim(
            "simulation",
            r"Simulation validates the theory: each theorem's bound holds on its SDE",
            ABSTRACT,
            numbers=("verify-6.?-*scheduled-sde", "verify-6.5-*-sde", "verify-6.7-*-sde"),
        ),
    ),
)

TABLE_CLAIMS = Group(
    "Theorems and Table 2",
    (
        PaperClaim(
            "classic-compressed",
            r"D(C)SGD, classic: $\eta u\,K\le2\varepsilon$, $K=(L_0+L_1G)A_1/N+L_1D_0/N$, gives convergence",
            TABLE,
            ("6.1-pathwise", "6.1-scheduled"),
            numbers=_on("sde", "6.1-scheduled"),
            beside=_on("method", "6.1-scheduled"),
            note="first-order SDE; the method itself needs more, see the thresholds",
        ),
        PaperClaim(
            "corrected-compressed",
            r"D(C)SGD, corrected: the same with $1+A_1/N$, for $\eta u\,K(G)\le2\varepsilon$ along the path",
            f"{V2}, Theorem 4.2",
            ("6.2-pathwise", "6.2-scheduled"),
            unsaid={"step": "the step condition at every state visited"},
            numbers=_on("sde", "6.2-scheduled"),
            beside=_on("method", "6.2-scheduled"),
        ),
        PaperClaim(
            "corrected-expectation",
            r"D(C)SGD, corrected: a step condition on $L_0+L_1\,\mathbb{E}G$ suffices",
            f"{V2}, Theorem 4.2 as reported",
            ("6.2-expectation-repaired",),
            refutations=("6.2-expectation",),
        ),
        PaperClaim(
            "classic-sign",
            r"DSignSGD, classic: $\mathcal{L}f\le-u\Phi+\frac{\eta u^2}{2N}d(L_0+L_1G)$",
            TABLE,
            ("6.4-classic",),
            numbers=_on("sde", "6.4-classic"),
        ),
        PaperClaim(
            "corrected-sign",
            r"DSignSGD, corrected: convergence where $\eta u\,K\le\varepsilon\ell$",
            f"{V2}, Theorem 4.3",
            ("6.4-bounded-ratio", "6.4-corrected"),
            unsaid={"bounded ratio": "bounded ratio of gradient and noise"},
            numbers=_on("sde", "6.4-corrected"),
            note=r"$\Phi\ge\ell G^2/\sigma_H$ holds while $|g_j|\le\rho\sigma_k$",
        ),
        PaperClaim(
            "chord",
            r"DSignSGD: $\Phi\ge\ell\,G^2/\sigma_H$ at every state, for some $\ell>0$",
            f"{V2}, Theorem 4.3 without that assumption",
            ("6.4-global-pathwise",),
            refutations=("6.4-chord",),
        ),
        PaperClaim(
            "polyak",
            r"$L$-smooth losses with the PL inequality: linear rate to a floor",
            "arXiv 2502.17009",
            ("6.5-first-order", "6.5-corrected"),
            numbers=_on("sde", "6.5-first-order", "6.5-corrected"),
        ),
        PaperClaim(
            "polyak-sign",
            r"\dots{} and DSignSGD reaches the minimum in finite time without noise",
            "arXiv 2502.17009",
            ("6.5-sign",),
        ),
        PaperClaim(
            "scaling",
            r"Scaling rules: the floor stays if and only if $r_\eta(1+r_\omega\omega)=r_Nr_B(1+\omega)$",
            "arXiv 2502.17009",
            ("6.8-enough", "6.8-needed"),
        ),
        PaperClaim(
            "scaling-linear",
            r"The linear scaling rule $r_\eta=r_N$ serves whatever happens to $\omega$",
            "a rule of thumb",
            ("6.8-enough",),
            refutations=("6.8-linear",),
        ),
        PaperClaim(
            "schedules",
            r"$u=(1+t)^{-p}$, $0<p\le1$, and every $u\to0$ with $\phi_1\to\infty$: $\phi_2/\phi_1\to0$",
            V1,
            ("6.6-power", "6.6-power-squared", "6.6-logarithm", "6.6-ratio", "6.6-limit"),
        ),
    ),
)

MODEL_CLAIMS = Group(
    "What the models see",
    (
        PaperClaim(
            "weak-first-order",
            "The first-order and the corrected model have weak order 1",
            V2,
            numbers=("weak-order-*-first-order", "weak-order-*-corrected"),
        ),
        PaperClaim(
            "weak-second-order",
            "The second-order model has weak order 2",
            "Li, Tai, E 2017",
            numbers=("weak-order-*-second-order",),
        ),
        PaperClaim(
            "threshold",
            "The corrected model has the method's stability threshold on quadratics",
            V2,
            numbers=("threshold-quadratic-corrected",),
        ),
        PaperClaim(
            "no-threshold",
            r"\dots{} and the first- and second-order models do not",
            V2,
            numbers=("!threshold-quadratic-first-order", "!threshold-quadratic-second-order"),
        ),
        PaperClaim(
            "conservative",
            "Off quadratics the corrected model is conservative: on the quartic it leaves at a third of the method's threshold",
            OURS,
            numbers=("threshold-quartic-conservative",),
        ),
        PaperClaim(
            "stationary",
            r"Stationary variance on quadratics: $\frac{\eta\sigma^2}{N\lambda(2-\eta\lambda)}$ in the corrected model",
            V2,
            ("6.7-corrected", "6.7-covariance-corrected", "6.7-rand-k-corrected"),
            numbers=("stationary-quadratic-corrected",),
            note="which is that of the method",
        ),
        PaperClaim(
            "stationary-sign",
            r"DSignSGD near an optimum: $\frac{\eta}{4NM}\frac{\sigma_H}{h}$",
            "arXiv 2411.15958",
            ("6.7-sign", "6.7-sign-gaussian"),
        ),
    ),
)

#: the interpretation of claim (c)
LONGER = (
    r"seen where it ends with a larger loss at the largest $\omega$; whether that is compression's doing, the ratios of medians at "
    r"the smallest and the largest $\omega$ tell"
)
#: the second data set of the experiments
_SECOND = "-breast-cancer"


def _run(id: str, says: str, key: str, *others: str, note: str = "") -> PaperClaim:
    """A claim about the experiments: decided by the network on the digits; the second data set and other settings are shown too."""
    first, second = (f"experiment-{key}",), tuple(f"experiment-{k}{_SECOND}" for k in (key, *others))
    return PaperClaim(id, says, RUNS, experiments=first, beside=(*(f"experiment-{k}" for k in others), *second), note=note)


EXPERIMENT_CLAIMS = Group(
    "The experiments: a network on the digits",
    (
        _run("omega-diverges", r"(a) With a constant step size the loss diverges as $\omega$ grows", "a"),
        _run(
            "normalised-converges",
            r"(b) With the normalisation $s/K_\kappa(G)$ it converges for every $\omega$",
            "b",
            "b-held",
        ),
        _run(
            "plain-tuned",
            r"(c) Plain normalised SGD is less stable at large $\omega$, each rule tuned",
            "c-tuned",
            "c-held",
            note=LONGER,
        ),
        _run(
            "plain-equal",
            r"(c) \dots{} at equal effective step length",
            "c-equal-length",
            "c-equal-length-own",
            note=LONGER,
        ),
        _run("sign-constant", "(d) DSignSGD under Cauchy noise: a constant step is stable and stalls", "d-constant"),
        _run("sign-decaying", r"(d) \dots{} and $\eta_n=1/\sqrt{n+1}$ converges for each $\sigma$", "d-decaying"),
        PaperClaim(
            "real-first-order",
            "The first-order SDE follows the real method",
            ABSTRACT,
            experiments=("experiment-sde-first-order*",),
        ),
        PaperClaim("real-corrected", r"\dots{} and so does the corrected SDE", V2, experiments=("experiment-sde-corrected*",)),
    ),
)

OWN_CLAIMS = Group(
    "Beyond the paper",
    (
        PaperClaim(
            "sign-everywhere",
            r"DSignSGD converges without the bounded-ratio assumption, with a floor of order $1/N$",
            OURS,
            ("6.4-clients-pathwise", "6.4-clients-scheduled"),
            numbers=_on("sde", "6.4-clients-scheduled"),
            beside=_on("method", "6.4-clients-scheduled"),
        ),
        PaperClaim(
            "kappa",
            r"$\kappa<\frac14$ in the step condition keeps the floor $L_0+L_1$",
            OURS,
            ("6.2-pathwise",),
            refutations=("6.2-kappa-fifth",),
            note=r"so the paper's floor is had with $\kappa=\frac14$ and no less",
        ),
        PaperClaim(
            "smooth-examples",
            r"The losses used here are $(L_0,L_1)$-smooth with the constants stated",
            OURS,
            ("8-quadratic", "8-quartic", "8-cosh", "8-glued-exponential", "8-separable", "8-logistic-regression"),
        ),
        PaperClaim(
            "rosenbrock",
            r"Rosenbrock's function is $(L_0,L_1)$-smooth on the plane",
            OURS,
            refutations=("8-rosenbrock",),
            note="constants hold on a box only",
        ),
        PaperClaim(
            "ratios",
            r"The compressors have the ratios $\omega$ stated for them; a fixed grid has none",
            "theory of compression",
            ("4-bernoulli", "4-rand-k", "4-natural", "4-qsgd-fine", "4-qsgd-coarse", "4-ternary", "4-fixed-grid"),
        ),
    ),
)

GROUPS = (ABSTRACT_CLAIMS, TABLE_CLAIMS, MODEL_CLAIMS, EXPERIMENT_CLAIMS, OWN_CLAIMS)
