"""What the paper claims (arXiv 2506.00181), in its own words where they are known, each with statements that can be true or false.

The words are those of the abstracts of its two versions. The theorems and tables of the second version are known here from public
notes alone; no words of theirs are quoted.
"""

from __future__ import annotations

from sdescent.reports.claims.following import METHODS
from sdescent.reports.claims.ledger import Claim, Group

V1, V2 = "arXiv 2506.00181v1", "arXiv 2506.00181v2"
ABSTRACT_1, ABSTRACT_2 = f"{V1}, abstract", f"{V2}, abstract"
NOTES = f"{V2}, known here from public notes"
#: assumptions of theorems that the source does not state
STEP = {"step": "the condition at each state visited, met by no schedule for unbounded gradients"}
RATIO = {"bounded ratio": "a bounded ratio of gradient to noise"}
#: the setting of 6.7-change-*
LINE = r"second moments; quadratics, one coordinate, affine noise, Bernoulli($p$)"

SIGNS = Group(
    "Signs converge",
    (
        Claim(
            "adaptive-converges",
            r"Below a largest step, and under a decaying schedule with an infinite integral, the mean of $\Phi$ at a random "
            "time tends to zero",
            "corrected SDE of DSignSGD up to explosion, every start, symmetric unimodal noise",
            proofs=("6.4-global-scheduled", "6.6-limit", "6.4-reading"),
            topics=("experiment-d-decaying", "signs-bounded"),
        ),
        Claim(
            "heavy-tails",
            r"\dots{} no moment of the noise is used: Cauchy noise is covered",
            "the same SDE",
            proofs=("6.4-global-scheduled", "8-cauchy-*"),
            topics=("sign-stationary", "tails-signs"),
        ),
    ),
    r"adaptive methods such as Distributed SignSGD can successfully converge under standard assumptions on the learning rate "
    r"scheduler, even under heavy-tailed noise",
    ABSTRACT_1,
    front=True,
)
SCHEDULES = Group(
    "Pre-scheduled steps fail",
    (
        Claim(
            "scheduled-fails",
            "On the quartic loss, if steps fall no faster than geometrically and the start is far out with positive "
            "probability, the mean loss tends to infinity",
            "D(C)SGD itself, one coordinate, any unbiased message",
            proofs=("6.9-growth", "6.9-induction", "6.9-mean-*"),
            topics=("scheduled-blow-up",),
        ),
        Claim(
            "inverse-gradient",
            "With steps inverse to a quantity that grows with the gradient norm, the mean squared gradient over this quantity, "
            "at a random time, is bounded",
            "corrected SDE up to explosion",
            missing="that nothing less serves (``unless'')",
            proofs=("6.3-low-*", "6.3-high-*"),
            topics=("normalised-bounded", "experiment-b*"),
        ),
    ),
    r"Distributed (Compressed) SGD with pre-scheduled decaying learning rate fails to achieve convergence, unless such a schedule "
    r"also accounts for an inverse dependency on the gradient norm",
    ABSTRACT_1,
    front=True,
)
NORMALISATION = Group(
    "Normalisation emerges",
    (
        Claim(
            "normalisation",
            r"This quantity does not fall as $\omega$, the variance or $d$ grow, nor rise with $N$ (equal clients)",
            r"the constants of the corrected SDE's bound",
            proofs=("6.3-strength-*",),
            missing="that less normalisation is too little: the largest stable step is measured, on quadratics",
            topics=("strength",),
        ),
    ),
    r"normalizing the updates of DCSGD emerges as a natural condition for stability, with the degree of normalization precisely "
    r"determined by the gradient noise structure, the landscape's regularity, and the compression rate",
    ABSTRACT_2,
    front=True,
)
MODELS = Group(
    "What the equations see",
    (
        Claim(
            "no-threshold",
            "The largest stable steps of the first- and second-order SDE are larger than the method's; the second-order SDE "
            "may be stable at every step",
            LINE,
            proofs=("6.7-change-method", "6.7-change-first-order", "6.7-change-second-order"),
            contrary=("threshold-first-order", "threshold-second-order"),
        ),
        Claim(
            "threshold",
            r"\dots{} and that of the corrected SDE is the method's",
            "the same setting",
            proofs=("6.7-change-method", "6.7-change-corrected"),
            topics=("threshold-corrected",),
        ),
        Claim(
            "stationary",
            "The stationary variances of the corrected SDE are in closed form",
            "quadratics; the method has the same variances, not covariances",
            proofs=("6.7-corrected", "6.7-covariance-corrected", "6.7-rand-k-corrected"),
        ),
        Claim(
            "stationary-method",
            "The method has the same stationary variance",
            "affine noise, Bernoulli($p$)",
            proofs=("6.7-affine-method", "6.7-affine-corrected"),
            topics=("stationary-corrected",),
        ),
    ),
    r"the first- and second-order modified equations from the literature do not accurately model the discrete-time "
    r"step-size/stability restrictions [\dots] we propose new first-order SDEs",
    ABSTRACT_2,
    front=True,
)
INTERACTION = Group(
    "Interaction, and simulation",
    (
        Claim(
            "interaction",
            "They enter through two constants, in each of which noise and compression also multiply",
            "bounds on the drift of $f$ in both SDEs of D(C)SGD",
            proofs=("6.1-pathwise", "6.2-pathwise"),
        ),
        Claim(
            "simulation",
            r"In simulation the SDEs and the methods obey every bound at a random time that is proved for the SDEs",
            "cosh, two clients, one schedule, several bounds a run",
            topics=("6.?-*scheduled",),
        ),
    ),
    r"insights -- which we validate through simulation -- into the intricate interactions between batch noise, stochastic gradient "
    r"compression, and adaptivity",
    ABSTRACT_1,
    front=True,
)
THEOREMS = Group(
    "Theorems and Table 2",
    (
        Claim(
            "classic-compressed",
            "D(C)SGD: a step condition in smoothness, gradient, noise and compression bounds the mean squared gradient at a "
            "random time",
            "first-order SDE up to explosion",
            proofs=("6.1-pathwise", "6.1-scheduled"),
            unsaid=STEP,
        ),
        Claim(
            "corrected-compressed",
            r"\dots{} the same under a stricter step condition",
            "corrected SDE up to explosion",
            proofs=("6.2-pathwise", "6.2-scheduled"),
            unsaid=STEP,
        ),
        Claim(
            "corrected-expectation",
            r"\dots{} with the mean of the gradient norm in the condition",
            "the step at a two-point law; the bound, with noise, at a law the SDE reaches",
            steps=("6.2-expectation",),
        ),
        Claim(
            "classic-sign",
            r"DSignSGD: a step condition bounds the mean of $\Phi$ at a random time",
            "first-order SDE up to explosion, symmetric unimodal noise",
            proofs=("6.4-classic", "6.4-classic-bounded", "6.4-classic-scheduled"),
            unsaid=RATIO,
        ),
        Claim(
            "corrected-sign",
            r"\dots{} the same under a stricter step condition",
            "corrected SDE up to explosion, symmetric unimodal noise",
            proofs=("6.4-bounded-ratio", "6.4-corrected", "6.4-corrected-scheduled"),
            unsaid=RATIO,
        ),
        Claim(
            "schedules",
            "Polynomial schedules, and all bounded ones that tend to zero with an infinite integral: the integral of the "
            "square vanishes against that of the schedule",
            "no SDE",
            proofs=("6.6-*",),
            source=V1,
        ),
    ),
    source=NOTES,
    front=True,
)
EXPERIMENTS = Group(
    "Figure 1: a network on the digits, and logistic regression; two studies of each",
    (
        Claim(
            "omega-diverges",
            r"(a) With a constant step size the loss diverges as $\omega$ grows",
            r"tuned at $\omega=0$ to come out",
            topics=("experiment-a",),
        ),
        Claim(
            "normalised-converges",
            r"(b) With steps $u/K_\kappa(G)$ it converges for every $\omega$",
            "own and held multiplier",
            topics=("experiment-b*",),
        ),
        Claim(
            "plain-tuned",
            r"(c) Plain normalised steps end higher at the largest $\omega$",
            "held, tuned, equal lengths",
            topics=("experiment-c-*",),
        ),
        Claim(
            "sign-constant",
            "(d) DSignSGD, Cauchy noise: a constant step is stable and stalls",
            "three noise scales",
            topics=("experiment-d-constant",),
        ),
        Claim(
            "sign-decaying",
            r"(d) \dots{} and $\eta_n=1/\sqrt{n+1}$ converges for each scale",
            "three noise scales",
            topics=("experiment-d-decaying",),
        ),
    ),
    source=f"{V2}, Figure 1, known here from public notes",
    front=True,
)


def follows(model: str, words: str, source: str, front: bool = True) -> Group:
    """How closely an equation follows each method, before it has settled and after."""
    claims = tuple(
        Claim(
            f"follows-{method}-{phase}-{model}",
            rf"The {model} SDE follows {name}, {phase}: means within 10\,\%",
            "the settings of this report",
            topics=(f"follows-{method}-{phase}-{model}",),
            row=name,
            column=phase,
        )
        for method, name in METHODS.items()
        for phase in ("transient", "late")
    )
    return Group(f"{model.capitalize()} SDE", claims, words, source, front, grid=True)


FOLLOWING = (
    follows("first-order", "Using stochastic differential equation (SDE) approximations, we study the dynamics", ABSTRACT_1),
    follows(
        "corrected",
        "we propose new first-order SDEs by carefully incorporating curvature-dependent terms into their drift",
        ABSTRACT_2,
    ),
)
#: the equations of the last table
FOLLOWED = ("first-order", "corrected")
PAPER = (SIGNS, SCHEDULES, NORMALISATION, MODELS, INTERACTION, THEOREMS, EXPERIMENTS, *FOLLOWING)
