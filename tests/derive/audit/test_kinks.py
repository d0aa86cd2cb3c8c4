"""Drifts that look like the derived one: what differs on one piece never agrees, what is equal on all never differs.

What is open is said: formulas without a value, kinks that move with the step, terms that an expansion in the step does not see.
"""

import pytest

import sdescent as sd
from sdescent.derive.audit.differing_terms import Entry
from sdescent.derive.audit.weak_order import Audit, audit
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.optimisers import EMAMomentum

GAUSS = Gaussian()
EMA, NOISE = EMAMomentum(noise=GAUSS), {"m m": "eta*rho^2*sigma^2/N"}


def judged(x: str, m: str = "rho*(g - m)", noise: str = "eta*rho^2*sigma^2/N", **more: object) -> Audit:
    return audit(EMA, {"x": x, "m": m}, {"m m": noise}, **more)  # pyright: ignore[reportArgumentType]


FAR = [
    "-m + max(0, m*x - 10)", "-m*min(1, 100/norm(m))", "-m + max(0, 10^(-9) - abs(x - 3))", "-m*sign(x)^2", "-m + max(0, N - 40)",
    "-m + max(0, sin(x) - 999999/1000000)", "-m + (d-1)*(d-2)*(d-4)*(norm(m) - sum(abs(m)))",
]  # fmt: skip


@pytest.mark.parametrize("drift", FAR)
def test_a_difference_on_one_piece(drift: str) -> None:
    found = judged(drift)
    assert found.verdict == "DIFFERS" and {term.entry for term in found.terms} == {Entry(("x",))}
    assert all(term.point for term in found.terms)


@pytest.mark.parametrize("factor", ["min(1, 1000/abs(g))/N", "1/max(N, 9)"])
def test_a_difference_on_one_piece_of_the_covariance(factor: str) -> None:
    found = judged("-m", noise=f"eta*rho^2*sigma^2*{factor}")
    assert found.verdict == "DIFFERS" and {term.entry for term in found.terms} == {Entry(("m", "m"))}


SAME = [
    "-sign(m)*sqrt(m^2)", "-m + max(x, m) + min(x, m) - x - m", "-m + norm(2*m) - 2*sqrt(sum(m*m))", "-m*sign(rho + N)",
    "-m + sum(abs(x)) - sum(max(x, -x))", "-m + max(0, 1/2 - N)", "-m + max(0, sin(x) - 2)", "-m + max(0, eta - 5)", "-m*x/x",
    "-m*sqrt(x^2)*sqrt(x^2)/x^2", "-m + eta*m/(1 + norm(m))", "-m + max(0, eta - exp(x))", "-m + 0/x",
]  # fmt: skip


@pytest.mark.parametrize("drift", SAME)
def test_what_is_equal_on_every_piece_agrees(drift: str) -> None:
    assert judged(drift).verdict == "AGREES"


OPEN = {
    "-m + max(0, exp(x) - x - 1/2) - exp(x) + x + 1/2": "exp(x)",
    "-m + sqrt(m - 5)*sqrt(2*m - 10)/sqrt(2) - m + 5": "no real value",
    "-m + (d-1)*(d-2)*(d-3)*(norm(m) - sum(abs(m)))": "in every number of coordinates",
    "-m + max(0, eta - abs(x))": "moves with the step",
    # SymPy simplifies these to the right ones
    "-m + sin(asin(x)) - x": "has no real value where",
    "-m*(sin(x)^2+cos(x)^2-1)/(sin(x)^2+cos(x)^2-1)": "single points only",
    # a path through 0 is moved by pi sqrt(eta)/|m|
    "-m + eta/(eta + x^2)": "fails where", "-m + min(1, eta^4/x^4)": "fails where", "-m + eta^2*log(x^2)": "fails where",
}  # fmt: skip


@pytest.mark.parametrize("drift", OPEN)
def test_what_is_not_settled_is_said(drift: str) -> None:
    result = judged(drift)
    assert result.verdict == "UNDECIDED" and OPEN[drift] in result.reason and result.holds is None


def test_an_entry_that_stays_open_does_not_hide_a_wrong_one() -> None:
    result = judged("-2*m", m="rho*(g - m) + max(0, exp(x) - x - 1/2) - exp(x) + x + 1/2")
    assert result.verdict == "DIFFERS" and {term.where for term in result.terms} == {"drift x"}
    assert "exp(x)" in result.reason


def test_the_piece_is_a_record_in_the_letters_of_the_file() -> None:
    found = judged("-m + max(0, exp(N) - N - 1) - exp(N) + N + 1")
    assert found.verdict == "UNDECIDED" and [str(s) for c in found.piece for s in c.expr.free_symbols] == ["N"]
    assert "N" in found.reason and "_" not in found.reason


def test_a_difference_counts_at_whole_numbers_only() -> None:
    method = DCSGD(noise=GAUSS, compressor=RandK("k"), clients=1)
    true = {"x x": "eta*((d/k-1)*g^2 + d/k*sigma^2)"}
    pair = {"x x": "-eta*(d-k)/(k*(d-1))*g*other(g)"}
    assert audit(method, {"x": "-g"}, true, pair=pair).verdict == "AGREES"
    assert audit(method, {"x": "-g*sign(k - 1)^2"}, true, pair=pair).verdict == "DIFFERS"  # at k = 1
    assert audit(method, {"x": "-g + abs(sin(pi*k))"}, true, pair=pair).verdict != "DIFFERS"


def test_a_loss_whose_gradient_never_gets_there() -> None:
    for kink, verdict in (("+ max(0, -1 - x^2)", "AGREES"), ("- max(0, 1 - x^2)", "DIFFERS")):
        drift = {"x": f"-2*x {kink}"}
        assert audit(DSGD(GAUSS), drift, {"x x": "eta*sigma^2/N"}, loss=Quadratic(2), dim=1).verdict == verdict


def test_one_step_is_called_what_it_is() -> None:
    """The mean after a step, not its change: x - eta m' for m' = beta m + (1 - beta) g with g = x."""
    example = judged("-2*m").example
    assert example is not None and example.quantity == "mean of x1"
    (x, *_), (m, *_) = example.state["x"], example.state["m"]
    for row in example.measured:
        beta = 1 - row.eta * example.constants["rho"]
        assert row.exact == pytest.approx(float(x - row.eta * (beta * m + (1 - beta) * x)), abs=1e-12)


@pytest.mark.parametrize("covariance", ["eta*s^2*(1 + abs(g - eta))", "eta*s^2 + eta^2*abs(g - eta)"])
def test_a_wrong_entry_counts_beside_one_that_has_no_expansion(covariance):
    """The kink of |g - eta| moves with the step: that entry is not judged, and a drift of twice the gradient is still wrong."""
    method = sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), "s"), clients=1)
    wrong, right = (sd.audit(method, {"x": drift}, {"x x": covariance}, order=1) for drift in ("-2*g", "-g"))
    assert (wrong.verdict, [term.where for term in wrong.terms]) == ("DIFFERS", ["drift x"])
    assert right.verdict == "UNDECIDED" and "kink moves" in right.reason


def test_an_entry_that_was_not_computed_is_not_an_extra_one():
    """Fourth moments of correlated noise have no closed form here: what a claim says of cov(v, v) stays undecided."""
    method = sd.methods.Adam(noise=sd.noise.Correlated(sd.noise.Gaussian()), clients=2)
    claim = {"x": "-m", "m": "rho1*(g - m)", "v": "rho2*(g^2 - v)"}
    audit = sd.audit(method, claim, {"m m": "eta*rho1^2/2", "v v": "eta"}, order=1)
    assert "covariance v v" in audit.reason and not any(term.where == "covariance v v" for term in audit.terms)
