"""Edits of the certificates by hand that make them invalid, with what the replay and what the kernel says of each."""

import json
from typing import Any, NamedTuple

from tests.support.certificates.balls import BALLS
from tests.support.certificates.edits import DROP, edited_in
from tests.support.certificates.operators import OPERATORS
from tests.support.certificates.potentials import POTENTIALS
from tests.support.certificates.rules import CERTIFICATES as PLAIN

CERTIFICATES: dict[str, dict[str, Any]] = PLAIN | OPERATORS | BALLS
ALL = CERTIFICATES | POTENTIALS


class Edit(NamedTuple):
    """Another value in one place of a certificate; the kernel says None of what FORMAT.md lets it accept."""

    name: str
    place: str
    value: Any
    replay: str
    kernel: str | None

    def certificate(self) -> dict[str, Any]:
        """The invalid certificate; where a step is edited the statement follows."""
        return edited_in(ALL[self.name], *map(_key, self.place.split(".")), to=self.value)


def _key(part: str) -> str | int:
    return int(part) if part.isdigit() else part


def _edit(row: str) -> Edit:
    name, place, value, replay, kernel = (column.strip() for column in row.split(" | "))
    there = value if value == DROP or value.startswith("!") else json.loads(value)
    return Edit(name, place, there, replay, None if kernel == "-" else kernel)


#: certificate | place | what is put there (!text: a term or relation in infix) | what the replay says | what the kernel says
_TABLE = """
assume | statement.assumptions | [] | the proof rests on other | the statement is not what
assume | statement.assumptions | ["!a <= 1", "!a <= 1"] | an assumption or | the statement is not what
assume | statement.claim | !a <= 2 | the last step does not | the statement is not what
assume | statement.axioms | ["integrability"] | the proof rests on other | the statement is not what
assume | steps.0.claim | !a != 1 | the right side of != is | != is against 0 only
certify squares | steps.0.claim | !2*a*b < a**2 + b**2 | the sum is not known to be | the multiplier is not
certify squares | steps.0.claim | !3*a*b <= a**2 + b**2 | the identity does not hold | the identity of the
certify squares | steps.0.data.sum.0.0 | "0" | a coefficient of a cone is | coefficients of cones are
certify squares | steps.0.data.sum.0.0 | "-1" | a coefficient of a cone is | coefficients of cones are
certify squares | steps.0.data.sum.0.0 | "1/1" | '1/1' is not in lowest | -
certify squares | steps.0.data.mult | [] | the multiplier is not | the multiplier is not
certify squares | steps.0.premises | [0] | a premise is not an | a premise of a step is not
certify premises | steps.2.data.sum.0.1.0 | 2 | the step has no premise 2 | a premise that is not
certify premises | steps.2.data.sum.0.1.0 | -1 | the step has no premise -1 | a premise that is not
certify premises | steps.2.data.sum.0.1.0 | true | the number of a premise is | a premise that is not
certify premises | steps.2.premises.0 | -1 | a premise is not an | a premise of a step is not
certify premises | steps.1.claim | !a == b | a premise in a cone is | only inequalities stand in
certify multiplier | steps.0.claim | !0 <= a | the multiplier is not | the multiplier is not
certify equality | steps.1.data.equalities.0.1 | !X - Y | the identity does not hold | the identity of the
certify equality | steps.1.data.sum | [["1", [], []]] | the sum is not empty, and | the multiplier is not
certify equality | steps.0.claim | !X <= Y | a premise in equalities is | only equalities have
inverse | steps.0.claim | !0 <= a | the premise does not say | division needs a premise
inverse | steps.1.claim | !a*(1/b) == 1 | the rule inverse does not | a step claims something
inverse | steps.1.premises | [] | the step has 0 premises, | a step has another number
abs | steps.0.claim | !abs(a) == a | the rule function does not | a step claims something
abs by sign | steps.0.claim | !X <= 0 | a premise is not the | a premise says X <= 0, and
abs by sign | steps.1.premises | [] | the step has 0 premises, | 0 premises where the rule
abs by sign | steps.1.data.law | "abs_of_negative" | a premise is not the | a premise says 0 <= X, and
abs by sign | steps.2.data.args.0 | !-X | a premise is not the | a premise says 0 <= X, and
abs by sign | steps.2.claim | !sqrt(X**2) == -X | the rule function does not | a step claims something
abs by the other sign | steps.0.claim | !a <= X | a premise is not the | a premise says a <= X, and
abs by the other sign | steps.1.data.law | "abs_of_positive" | a premise is not the | a premise says X <= a, and
sqrt | steps.2.premises | [1] | a premise is not the | a premise says 0 <=
sqrt | steps.1.claim | !0 < sqrt(a) | the rule function does not | a step claims something
log | steps.0.claim | !0 <= a | a premise is not the | a premise says 0 <= a, and
log | steps.2.premises | [0, 0] | a premise is not the | a premise says 0 < a, and
log | steps.2.premises | [0] | the step has 1 premises, | 1 premises where the rule
log | steps.3.premises | [1] | a premise is not the | a premise says 0 < b, and
log | steps.4.claim | !exp(log(b)) == b | the rule function does not | a step claims something
monotone functions | steps.1.claim | !a <= b | the rule function does not | a step claims something
monotone functions | steps.0.claim | !0 <= a | a premise is not the | a premise says 0 <= a, and
monotone functions | steps.2.data.law | "monotone:abs" | there is no law | there is no law
monotone functions | steps.3.premises | [1, 0] | a premise is not the | a premise says a < b, and
declared | context.functions.F.odd | drop | the context does not | F is not declared odd: the
declared | context.functions.F.odd | false | the property odd is given | not a term
declared | context.functions.F.slope | !c | the rule declared does not | a step claims something
declared | context.functions.F.bounded | !X | a bound or slope is not a | bounded of F is not a term
declared | steps.1.data.function | "G" | the context does not | G is not declared slope:
declared | steps.0.claim | !X <= 0 | a premise is not the | a premise says X <= 0, and
declared | steps.4.claim | !b <= F(X) | the rule declared does not | a step claims something
declared order | steps.1.data.args | ["!Y", "!X"] | a premise is not the | a premise says X <= Y, and
declared order | steps.1.claim | !F(Y) <= F(X) | the rule declared does not | a step claims something
declared order | context.functions.F.nondecreasing | drop | the context does not | F is not declared
declared concave | steps.3.claim | !a <= 2 | a premise is not the | a premise says a <= 2, and
declared concave | steps.4.premises | [0, 1, 3, 2] | a premise is not the | a premise says a <= 1, and
nonnegative | context.matrices.A | ["symmetric"] | a matrix in the diffusion | the covariance of the
nonnegative | context.matrices.K | [] | the context does not | the sign of trprod is not
nonnegative | steps.2.data.of | !tr(N) | the context does not | the sign of tr is not
nonnegative | steps.2.data.of | !dot(u, v) | the rule nonnegative is | the sign of dot is not
nonnegative | steps.0.claim | !0 < norm(Mv(N, v)) | the rule nonnegative does | a step claims something
quad_bound | context.matrices.H | [] | the hessian of a potential | a name of the potential V
quad_bound | steps.0.data.sign | true | the sign is not 1 or -1 | the sign of quad_bound is
quad_bound | steps.0.data.sign | 2 | the sign is not 1 or -1 | the sign of quad_bound is
quad_bound | steps.0.data.sign | 1 | the rule quad_bound does | a step claims something
quad_bound | steps.0.data.matrix | "N" | the context does not | quad_bound needs objects
trace_bound | steps.0.data.matrix | "N" | the context does not | trace_bound needs objects
trace_bound | steps.0.data.sign | -1 | the rule trace_bound does | a step claims something
mean | statement.axioms | [] | the proof rests on other | the statement is not what
mean | steps.1.data.operator | "I" | a time integral of a | a time integral without
mean | context.symbols.eta | "random" | the rule monotone does not | a step claims something
sum over i | context.dimension | null | Si(1) is a constant that | Si(1) is a constant that
sum over i | steps.1.data.operator | "S" | the rule monotone does not | a step claims something
sum of both | steps.2.data.operator | "S" | the rule monotone does not | a step claims something
time integral | steps.1.claim | !a <= I(eta) | the rule monotone does not | a step claims something
time integral | context.horizon | null | I(1) is a constant that | I(1) is a constant that
time integral | context.symbols.T | "time" | horizon, dimension and | horizon, dimension and
instantiate | steps.2.data.symbol | "T" | the context gives the | T is not a free constant:
instantiate | steps.2.data.symbol | "b" | the context gives the | b is not a free constant:
instantiate | steps.2.data.symbol | "X" | the symbol to instantiate | X is not a free constant:
instantiate | steps.2.data.term | !E(X) - Y | an operator or another | a fact with operators, or
instantiate | statement.assumptions | ["!0 <= a"] | the proof rests on other | the statement is not what
instantiate | context.potentials.V.start | "a" | the context gives the | a is not a free constant:
cases | statement.assumptions | ["!c == X", "!0 <= X"] | the proof rests on other | the statement is not what
cases | steps.5.premises | [4, 3] | a premise does not have | the branches do not assume
cases | steps.5.data.split | !0 < X | the split is not a | cases are of one claim,
cases | steps.2.claim | !X <= -1 | the identity does not hold | the identity of the
cut | steps.5.premises | [4, 1] | the claim of the second | the lemma's claim is not a
cut | steps.5.premises | [1] | the step has 1 premises, | a step has another number
cut | steps.5.claim | !b < a | the rule cut does not | a step claims something
cut | steps.5.data | {"of": 1} | expected an object with | the statement is not what
sum over clients | steps.1.data.operator | "K" | the operator is not one of | monotone is for E, I, EI,
mean over clients | context.clients | null | C(1) is a constant that | C(1) is a constant that
component coordinates | steps.2.data.operator | "C" | the rule component does | a step claims something
component coordinates | steps.2.data.operator | "Si" | the operator is not S or | a summand is at most the
component clients | steps.0.claim | !a == qk | the premise is neither <= | a summand is at most the
component clients | steps.1.claim | !qk <= C(qk) | the rule component does | a step claims something
letters instance | steps.2.data.symbol | "d" | the context gives the | d is not a free constant:
ito | context.potentials.V.smooth | false | the potential is not | Ito's formula needs a C^2
ito | context.potentials.V.drift.0.0 | !eta | the rule ito does not | a step claims something
ito | context.potentials.V.drift.0.0 | !-eta*xj | a coefficient of the | the drift of V is not a
ito | context.potentials.V.diffusion.0.0 | !eta | a premise is not the | a premise says 0 <= eta^2,
ito | context.potentials.V.diffusion | [] | a premise is not c <= V, | Ito's formula needs
ito | context.potentials.V.drift | drop | the keys of a potential | the potential V needs
ito | steps.2.data | {"potential": "X"} | the potential is not | Ito's formula needs a C^2
ito | steps.2.data | {"potential": "V", "drift": []} | expected an object with | -
ito | steps.1.claim | !pi <= V | a premise is not c <= V, | a premise is not the bound
ito | steps.1.claim | !exp(b) <= V | a premise is not c <= V, | a premise is not the bound
ito | steps.1.claim | !V0 + wk <= V | a premise is not c <= V, | a premise is not the bound
ito | steps.2.premises | [1, 0] | a premise is not the | a premise says b <= V, and
ito | statement.axioms | ["fatou"] | the proof rests on other | the statement is not what
ito | statement.axioms | ["fatou", "fatou"] | the axioms are not among | -
gronwall | steps.3.claim | !0 <= k | a premise is not the | a premise says 0 <= k, and
gronwall | steps.4.premises | [0, 1, 3, 2] | a premise is not the | a premise says 0 < k, and
gronwall | steps.4.premises | [0, 1, 2] | after the premises of ito, | Ito's formula needs
gronwall | steps.4.data.rate | !2*k | a premise is not the | a premise says
gronwall | steps.4.data.offset | !2*c | a premise is not the | a premise says
gronwall | context.symbols.k | "time" | the rate or the offset is | rate and offset are
gronwall | context.horizon | null | the context names no | the context names no
primitive | steps.0.claim | !2/(1 + t) == 1/(1 + t) | the identity does not hold | the identity of the
primitive | steps.3.premises | [0] | a premise is missing: the | ('+', ('q', '1'), ('x',
primitive | steps.2.claim | !0 <= 1 + t | a premise is missing | is not shown to be in the
primitive | steps.3.premises | [2, 0] | the first premise is not | a premise says 0 < 1 + t,
primitive | context.symbols.t | "time" | the time is not the symbol | t is not declared as the
primitive | context.symbols.eta | "clock" | there is more than one | there may be only one clock
primitive | steps.3.data.time | "eta" | the time is not the symbol | eta is not declared as the
primitive | steps.3.data.primitive | !log(1 + t) + X | the primitive has a symbol | X is neither a constant
primitive | steps.3.data.primitive | !log(1 + t) + eta | the primitive has a symbol | eta is neither a constant
primitive | steps.3.data.primitive | !log(1 + t) + sqrt(2) | the primitive has a part | no derivative of f in a
primitive | steps.3.data.primitive | !log(1 + t) + E(1) | the primitive has a part | no derivative of E in a
primitive | steps.3.claim | !I(1/(1 + t)) == log(T) | the rule primitive does | a step claims something
primitive | context.horizon | null | the context names no | the first premise is P' ==
primitive quotient | steps.2.premises | [0] | a premise is missing: a | ('+', ('q', '1'), ('^',
primitive exp | steps.3.data.primitive | !exp(-k*t)/k | the first premise is not | a premise says
primitive scaled | steps.3.premises | [0, 1] | a premise is missing: a | ('+', ('+', ('*', ('q',
primitive product | steps.0.claim | !(1 + t)**2 != 0 | a premise is missing: a | ('*', ('x', 'k'), ('^',
absurd | steps.0.claim | !a <= a | the premise is not false | the premise is not absurd:
absurd | steps.0.claim | !a < b | the premise is not a | the premise is not absurd:
absurd | steps.1.claim | !b != 3 | the right side of != is | != is against 0 only
ball eval | steps.2.data.high | "3/2" | a premise is not the | the ball is not above 0
ball eval | steps.2.data.high | "10/10" | '10/10' is not in lowest | not a term over the
ball eval | steps.2.data.high | null | the step has 2 premises, | eval is on a bounded
ball eval | steps.2.data.low | "-1" | a premise is not the | the ball is not above 0
ball eval | steps.2.data.at | !2*X | a premise is not the | a premise says 0 <= X, and
ball eval | steps.2.data.term | !1/2 - z**2 | the ball is too coarse: it | the ball is not above 0
ball eval | steps.2.data.term | !2 - abs(z) | a term of a ball has | a term of one variable has
ball eval | steps.2.data.term | !2 - z*X | the symbol 'X' is not | not a term over the
ball eval | steps.2.data.proof.1 | 5000 | the bits of eval are not | eval is on a bounded
ball eval | steps.2.data.strict | 1 | the variable of a ball is | a field of a ball has
ball eval | steps.2.data.strict | false | the rule ball does not | a step claims something
ball eval | steps.2.premises | [1, 0] | a premise is not the | a premise says X <= 1, and
ball eval | steps.2.premises | [0] | the step has 1 premises, | 1 premises where the rule
ball up | steps.1.data.proof | ["up", ["exp"]] | not c exp(..) with c > 0 | not a positive multiple of
ball up | steps.1.data.proof | ["up", ["up", ["eval", 64]]] | eval on an interval that | eval is on a bounded
ball up | steps.1.data.term | !exp(z) - 2 - z | the sign at an end is not | the sign at the end of the
ball up | steps.1.data.domain | drop | expected an object with | not of the shape
ball up | steps.1.data.more | 1 | expected an object with | a ball has variable
ball eval | steps.2.data.low | !0 | "['q', '0']" is not a | an end of an interval is a
ball eval | steps.2.data.low | "1" | the interval is empty | the interval is empty
ball eval | steps.2.data.variable | "z z" | the variable of a ball is | 'z z' is not a name
ball up_open | steps.0.claim | !0 <= a | a premise is not the | the claim fails at the end
ball split | steps.0.data.proof.1 | "1" | the sign at an end is not | the sign at the end of the
ball times | steps.1.data.proof.2 | ["coeffs"] | not a polynomial of degree | not a polynomial in the
ball even | steps.0.data.term | !exp(z) + exp(-2*z) - 2 | not even, or not on a | the function is not even
ball log | steps.1.data.domain | [] | the argument of a | the domain of f log is not
ball log | steps.1.data.domain.0.1 | -1 | a coefficient is not shown | a coefficient is not shown
ball quotient | steps.1.data.domain | [] | a denominator is not shown | the domain of inv  is not
ball quotient | steps.1.data.high | "2" | a premise is not the | a coefficient is not shown
ball sqrt | steps.2.data.domain | [] | the argument of a root | the domain of f sqrt is
ball erf | steps.1.data.proof.1.1.0.0 | !3/sqrt(pi) | not the product of the | the members do not
descent | steps.2.data.reach | !eta | the steps have no radius, | steps of any length need
descent | steps.2.data.potential | "dV" | the potential is not | the descent lemma needs a
descent | steps.2.data.potential | ["V"] | the potential is not | not a name, but a list
descent | context.potentials.V.smoothness | ["!L0", "!L0"] | the steps have no radius, | steps of any length need
descent | context.potentials.V.smoothness | ["!2*L0", "!0"] | the rule descent does not | a step claims something
descent | context.potentials.V.radius | !eta | the step has 0 premises, | 0 premises where the rule
descent with a radius | context.potentials.V.radius | !2*eta | a premise is not the | a premise says L1*eta <=
descent with a radius | steps.3.data.reach | !1/2 | a premise is not the | a premise says L1*eta <=
descent with a radius | steps.3.data.reach | !VT | the reach depends on more | the reach c in L1 r <= c
descent with a radius | steps.3.premises | [2, 1] | a premise is not the | a premise says L1*eta <=
descent with a radius | steps.3.premises | [1] | the step has 1 premises, | 1 premises where the rule
descent with a radius | steps.3.premises | [0, 2] | a premise is not the | a premise says 0 <= L0,
descent with a radius | steps.1.claim | !L1 <= 0 | a premise is not the | a premise says L1 <= 0,
telescope | steps.4.claim | !V <= 0 | a premise is not c <= V, | a premise is not the bound
telescope | steps.4.claim | !eta * norm(g) <= V | a premise is not c <= V, | a premise is not the bound
telescope | steps.4.claim | !0 <= 2*V | a premise is not c <= V, | a premise says 0 <= 2*V,
telescope | steps.4.claim | !0 == V | a premise is not c <= V, | a premise is not the bound
telescope | steps.4.claim | !0 <= VT | a premise is not c <= V, | a premise says 0 <= VT,
telescope | steps.6.data.potentials | [] | there is no potential in | potentials must be a
telescope | steps.6.data.potentials | [["!1", "dV"]] | the potential is not | the context declares no
telescope | steps.6.data.potentials | [["!2", "V"]] | a premise is not c <= V, | a premise says 0 <= V, and
telescope | steps.6.premises | [4, 4] | the step has 2 premises, | 2 premises where the rule
telescope with weights | steps.2.data.potentials.1.0 | !X | a weight is not a term | the weight of U is not a
telescope with weights | context.symbols.b | "random" | a premise is not c <= V, | a premise is not the bound
telescope with weights | context.symbols.b | "rv" | a premise is not c <= V, | a premise is not the bound
telescope with weights | statement.axioms | ["integrability"] | the proof rests on other | the statement is not what
decay with weights | steps.0.claim | !X <= V + a*U | a premise is not c <= V, | a premise is not the bound
decay | steps.9.claim | !m*eta <= 1 | a premise is not the | a premise says m*eta <= 1,
decay | steps.10.premises | [4, 6, 8] | the step has 3 premises, | 3 premises where the rule
decay | steps.10.data.rate | !2*m*eta | a premise is not the | a premise says dV <=
decay | steps.10.data.offset | !0 | a premise is not the | a premise says dV <=
decay with weights | steps.3.premises | [0, 1, 2, 2] | the step has 4 premises, | 4 premises where the rule
decay with weights | steps.3.data.rate | !k + 1 | a premise is not the | a premise says dV + a*dU
decay with weights | steps.2.claim | !0 <= k | a premise is not the | a premise says 0 <= k, and
summable | steps.0.claim | !-1 <= V | a premise is not the | a premise says dV <= al*
summable | steps.0.claim | !y <= V | a premise is not c <= V | a premise is not the bound
summable above a constant | steps.0.claim | !0 <= V | a premise is not the | a premise says dV <= al*
summable above a constant | steps.5.claim | !E(VT) + EI(y) <= exp(I(al))*(V0 - c + I(be)) | the rule | a step claims something
summable | steps.1.claim | !dV <= al*V + be | a premise is not the | a premise says dV <= al*V
summable | steps.2.claim | !al <= 0 | a premise is not the | a premise says al <= 0,
summable | steps.3.claim | !-1 <= be | a premise is not the | a premise says -1 <= be,
summable | steps.5.premises | [0, 1, 2, 3] | the step has 4 premises, | 4 premises where the rule
summable | context.symbols.be | "random" | a time integral of a | growth and floor depend on
summable | context.symbols.y | "rv" | the drop depends on more | the drop depends on a
summation | context.steps | drop | time is not steps in this | a sum over steps needs
summation | context.symbols.t | "time" | the time is not the symbol | a sum over steps needs
summation | context.horizon | null | the context names no | a sum over steps needs
summation | steps.7.data.time | "T" | the time is not the symbol | a sum over steps needs
summation | steps.7.data.time | ["t"] | the time is not the symbol | not a name, but a list
summation | steps.7.data.primitive | !-1/(t + 2) | the rule summation does | a step claims something
summation | steps.7.data.primitive | !-1/(t + 1) + T*I(1) | the primitive has an | the primitive of a sum is
summation | steps.7.premises | [0] | the step has 1 premises, | a step has another number
psi | steps.1.premises | [] | the step has 0 premises, | 0 premises where the rule
psi | steps.2.data.law | "psi_nonneg" | there is no law | there is no law
psi | steps.2.data.args | ["!a", "!a"] | expected a list of 1 | there is no law
summable | context.symbols.al | "random" | a time integral of a | growth and floor depend on
psi | steps.1.claim | !1/2 < psi(a) | the rule function does not | a step claims something
psi | steps.1.data.args | ["!a", "!0"] | a premise is not the | a premise says 0 <= a, and
descent | context.steps | false | steps is given a value | the potential V needs
descent | context.steps | 1 | steps is given a value | steps says whether time is
descent | context.symbols.dV | "rv" | the change of a potential | a name of the potential V
descent | context.symbols.VT | "random" | a potential is not of kind | a name of the potential V
descent | context.potentials.V.change | !dV | a name in a potential is | a name of the potential V
descent | context.potentials.V.gradient | "V" | the gradient of a | a name of the potential V
descent | context.potentials.V.radius | "eta" | expected a term, a list | not a term
descent | context.potentials.V.radius | !VT | the square or the radius | square and radius of V are
descent | context.potentials.V.square | null | expected a term, a list | not a term, but a NoneType
descent | context.potentials.V.square | !C(eta) | C(1) is a constant that | -
descent | context.potentials.V.smoothness | ["!L0"] | expected a list of 2 | the smoothness of V is not
descent | context.potentials.V.smoothness | ["!L0", "!V"] | the smoothness of a | the smoothness of V is not
descent | context.potentials.V.smoothness | ["!nobody", "!0"] | the symbol 'nobody' is not | not a term over the
descent | context.potentials.V.smoothness | [["q"], "!0"] | there is no term 'q' with | not a term over the
descent | context.potentials.V.mean | [["!VT", ["v", "g"]]] | a coefficient of the | the mean of V is not a
descent | context.potentials.V.mean | [["!eta", ["v", "V"]]] | expected a declared vector | the mean of V is not a
descent | context.potentials.V.mean | [["!eta"]] | expected a list of 2 | not of the shape
descent | context.potentials.V.mean | {} | expected a list | -
telescope with weights | context.potentials.V | null | the keys of a potential | not of the shape
assume | context.symbols.1a | "const" | a name is declared twice | '1a' is not a name
assume | context.symbols.a | "constant" | a symbol has a kind other | the kind 'constant' of a
assume | context.matrices.A | ["psd", "psd"] | a flag of a matrix is not | -
assume | context.matrices.A | ["positive"] | a flag of a matrix is not | the flags ('positive',) of
assume | context.matrices.A | "psd" | expected a list | the flags ('p', 's', 'd')
assume | context.functions.F.even | true | a property of a function | the property 'even' of F
assume | context.clients | drop | expected an object with | -
assume | context.potentials.X | {} | the keys of a potential | the potential X needs
assume | context.potentials.V.smooth | 1 | smooth is not true or false | what a context says of a
assume | context.potentials.V.diffusion | [["!1", ["v", "g"]]] | expected a declared matrix | the diffusion of V is not
assume | context.more | {} | expected an object with | not of the shape
cauchy_schwarz | steps.0.claim | !norm(u)*norm(v) <= dot(u, v) | the rule cauchy_schwarz | a step claims something
squared_norm | steps.0.claim | !0 <= b**2*norm(u)**2 | the rule squared_norm | a step claims something
squared_norm | steps.0.data.parts | [] | the squared norm is of no | the parts of a squared norm
squared_norm | steps.0.data.parts.0.0 | !xj | a coefficient depends on | a part of a squared norm
squared_norm | steps.0.data.parts.0.0 | !VT | a coefficient depends on | a part of a squared norm
squared_norm | steps.0.data.parts.0.1 | "H" | expected a declared vector | a part of a squared norm
squared_norm | steps.0.data.parts.1 | ["!1"] | expected a list of 2 | not of the shape
declared | steps.2.data.args | ["!X", "!Y"] | expected a list of 1 | odd has 1 arguments
summable | steps.4.claim | !-1 <= y | a premise is not | a premise says -1 <= y
"""
EDITS = [_edit(row) for row in _TABLE.strip().splitlines()]
