"""Claims that are not the paper's: of the works it builds on, of the models, and our own, foils included."""

from __future__ import annotations

from sdescent.reports.claims.ledger import Claim, Group
from sdescent.reports.paper.paper_claims import PAPER, follows

DISTRIBUTED, SIGN, MODIFIED = "arXiv 2502.17009", "arXiv 2411.15958", "Li, Tai, E 2017"
OURS = "ours"

LITERATURE = Group(
    "Of the works it builds on, and of the models",
    (
        Claim(
            "polyak",
            "$L$-smooth losses with the PL inequality: the mean gap to the minimum falls at a linear rate to a floor",
            "both SDEs of D(C)SGD",
            proofs=("6.5-first-order", "6.5-corrected"),
            source=DISTRIBUTED,
        ),
        Claim(
            "polyak-sign",
            r"\dots{} and DSignSGD reaches the minimum in finite time without noise",
            "the flow along the signs of the gradient, in Filippov's sense",
            proofs=("6.5-sign",),
            source=DISTRIBUTED,
        ),
        Claim(
            "scaling",
            "Scaling rules: the floor stays if and only if the factors of step, compression, clients and batch balance",
            "the floor of that bound, equal clients, noise that does not grow with the gradient",
            proofs=("6.8-enough", "6.8-needed"),
            missing=r"a factor of the floor that tends to one with $\eta$: the rule is exact to leading order alone",
            source=DISTRIBUTED,
        ),
        Claim(
            "stationary-sign",
            "DSignSGD near an optimum: the stationary second moment grows with the step and the noise, and falls with clients"
            " and curvature",
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
            "DSignSGD converges without a bound on the ratio of gradient to noise, with a floor inverse to the number of clients",
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
            "The step condition may have a ratio of mean powers of the gradient norm in place of the norm",
            "the drift of the mean loss in the corrected SDE",
            proofs=("6.2-expectation-repaired",),
        ),
        Claim(
            "variances",
            "The stationary variances of the first- and second-order SDE are in closed form",
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
            "The mean sign of each noise law is concave on the right half-line, with the tangent, chord and product bounds "
            "that are used",
            "Cauchy, Gaussian, Laplace, logistic, Student's $t$, uniform",
            proofs=("8-cauchy-*", "8-gaussian-*", "8-laplace-*", "8-logistic-?", "8-student-t-*", "8-uniform-*"),
        ),
        Claim(
            "method-smooth",
            r"D(C)SGD itself has the bounds of the corrected SDE on $L$-smooth losses, with the same constants",
            "one step, and on average over the steps of a schedule",
            proofs=("6.2-pathwise-method", "6.2-scheduled-method"),
        ),
        Claim(
            "method-bounded",
            r"\dots{} and on $(L_0,L_1)$-smooth losses, with both constants times a factor that the length of a step decides",
            "messages of bounded norm, steps of bounded length",
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
            "D(C)SGD itself on convex losses: the average gap to the minimum over the steps, with a floor inverse to the "
            "number of clients",
            r"$L$-smooth, every schedule of small steps",
            proofs=("6.5-convex-method",),
        ),
        Claim(
            "method-rates",
            "D(C)SGD itself: the mean square of the gradient tends to zero at explicit rates under root and harmonic schedules",
            "explicit constants, $L$-smooth, every horizon",
            proofs=("6.2-root-method", "6.2-harmonic-method", "6.6-roots-method", "6.6-harmonic-*method", "6.6-squares-method"),
        ),
        Claim(
            "method-summable",
            "Schedules with summable squares: the weighted sum of squared gradients is bounded in mean for all horizons at "
            "once, without a step condition",
            "D(C)SGD itself, $L$-smooth, a loss that is nowhere negative",
            proofs=("6.2-summable-method",),
        ),
        Claim(
            "method-signs",
            "DSignSGD itself has the bounds of the corrected SDE with both constants of smoothness times a factor that the "
            "length of a step decides, the floor included; no moment of the noise is used",
            "one step, and on average over the steps; symmetric unimodal noise, steps of bounded length",
            proofs=(
                "6.4-global-pathwise-method", "6.4-global-scheduled-method", "6.4-clients-pathwise-method",
                "6.4-clients-scheduled-method",
            ),
        ),
        Claim(
            "method-signs-bounded",
            r"\dots{} and so it has those of the paper's step condition, with its constants times the same factor",
            "while the ratio of gradient to noise is bounded, for every coordinate and client",
            proofs=("6.4-corrected-method", "6.4-corrected-scheduled-method"),
        ),
        Claim(
            "method-signs-one-condition",
            r"\dots{} under one condition on the step for all schedules between zero and one",
            "on average over any number of steps",
            proofs=("6.4-global-decreasing-method",),
        ),
        Claim(
            "method-normalised",
            "Normalised SGD itself: the mean gradient norm over the steps is bounded, whatever the noise, up to a multiple of"
            " its mean size",
            "one step, and on average over the steps; $(L_0,L_1)$-smooth losses, steps of bounded length",
            proofs=("6.3-direction-pathwise-method", "6.3-direction-scheduled-method"),
        ),
        Claim(
            "method-adaptive",
            "D(C)SGD itself, with steps inverse to the smoothness at a bound on its messages, needs no step condition along "
            "the path",
            "averaged messages whose norm exceeds the gradient's by a constant at most, one step, and on average over the steps",
            proofs=("6.3-bounded-pathwise-method", "6.3-bounded-scheduled-method"),
        ),
        Claim(
            "method-clipped",
            "Clipped gradient descent itself: the mean of the gradient norm times its clipped norm over the steps has no "
            "floor; with noise a step is bounded draw by draw",
            "$(L_0,L_1)$-smooth losses, steps of bounded length",
            proofs=("6.3-clipped-pathwise-method", "6.3-clipped-scheduled-method", "6.3-clipped-noise-method"),
        ),
        Claim(
            "heavy-ball",
            "The heavy ball's SDE has the bound of DSGD at a rescaled step, with a floor that is larger by any share",
            "first-order model, ballistic, $L$-smooth, unbiased messages, a step condition that depends on the share",
            proofs=("6.2-heavy-ball-pathwise", "6.2-heavy-ball-average"),
        ),
        Claim(
            "method-heavy-ball",
            r"\dots{} and the heavy ball itself that at the sum of its geometric weights, with the same constants",
            r"the method itself, $L$-smooth, unbiased messages, constant steps",
            proofs=("6.2-heavy-ball-step-method", "6.2-heavy-ball-method"),
        ),
        Claim(
            "psi",
            "The descent lemma for $(L_0,L_1)$-smooth functions has one sharp constant for each length of a step, below those"
            " of the literature",
            "steps of bounded length",
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
            r"Without a bound on the ratio of gradient to noise, $\Phi$ is at least a multiple of the squared gradient at "
            "every state",
            "every multiple, every noise law, one coordinate",
            refutations=("6.4-chord",),
            negations=("6.4-chord-zero",),
        ),
        Claim(
            "scaling-linear",
            r"The linear scaling rule keeps the floor, whatever happens to $\omega$",
            "the floor of the PL bound, both step sizes stable",
            refutations=("6.8-linear",),
        ),
        Claim(
            "kappa",
            r"A smaller $\kappa$ in the step condition keeps its floor",
            "corrected SDE, one state",
            refutations=("6.2-kappa-fifth",),
        ),
        Claim(
            "psi-half",
            "The descent lemma has the same constant for $(L_0,L_1)$-smooth functions as for $L$-smooth ones",
            "steps of bounded length, one dimension",
            refutations=("8-psi-half",),
        ),
        Claim(
            "rosenbrock",
            r"Rosenbrock's function is $(L_0,L_1)$-smooth on the plane for some constants",
            "all constants",
            refutations=("8-rosenbrock",),
            negations=("8-rosenbrock-never",),
        ),
        Claim(
            "equality",
            "Gradient descent on the quartic grows at the threshold itself, with steps that do not fall",
            "one step: it has period two",
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
