"""Methods with a memory of each client, different clients and gossip: what a theorem lists, against the methods themselves.

`tests.support.methods_of_clients` carries out each method with all outcomes of its draws. Every vector of the theorem then has a
value, and means over draws and clients are exact: each definition and each assumption holds up to rounding.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.theorems.bounds.compressor_classes import method_of
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import decide
from sdescent.derive.theorems.performance.statement import Performance
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.evidence.stated.instance import NoInstance
from sdescent.numerics.evidence.stated.search import instances
from tests.support.methods_of_clients import (
    ADAM,
    DIANA,
    EF21,
    FEEDBACK,
    GOSSIP,
    LOCAL,
    MARINA,
    NORMALISED,
    SCALED,
    STORM,
    SVRG,
    World,
)
from tests.support.samples import slow_but

#: assumptions that are about letters, the ends or the horizon, of which a world knows nothing
AT_ENDS = ("at the start", "at the end", "horizon", "below 1")


@pytest.mark.parametrize(
    "table",
    [EF21, DIANA, FEEDBACK, LOCAL, GOSSIP, STORM, NORMALISED, SVRG, MARINA, ADAM, SCALED],
    ids=["EF21", "DIANA", "feedback", "local", "gossip", "STORM", "normalised", "SVRG", "MARINA", "Adam", "scaled"],
)
def test_what_a_theorem_lists_holds_for_the_method_itself(table: dict[str, Any]) -> None:
    compared(table, World(table))


def test_noise_in_a_compressed_message_has_products_of_its_own_without_interpolation_too() -> None:
    world = World(FEEDBACK, "f - fstar + ||m||^2")
    assert not world.setting.interpolates and "z1_q_mean_q" in world.setting.vectors
    compared(FEEDBACK, world)


def compared(table: dict[str, Any], world: World) -> None:
    """Compare what a theorem lists with the method carried out."""
    after = next((p for p in world.setting.points if p.text == "x_next"), None)
    if after is not None:
        assert world.place(after) == pytest.approx(world.carried["x"], abs=1e-12)
    assert all("S0" not in r for r in world.setting.assumptions)  # what is drawn is of the method, and not assumed
    checked = 0
    for name, r in {**world.setting.definitions, **world.setting.assumptions}.items():
        if any(word in name for word in AT_ENDS) or name in table["assume"]:
            continue
        left, right = world.number(r.left), world.number(r.right)
        scale = 1e-9 * (1 + abs(left) + abs(right))
        assert abs(left - right) <= scale if r.op == "==" else left <= right + scale, (name, left, right)
        checked += name.startswith(
            (
                "change",
                "loss",
                "mean s",
                "<",
                "smooth clients",
                "convex clients",
                "gossip",
                "direction",
                "length",
                "matrix",
            )
        )
    assert checked >= 4


#: name -> a theorem, and a claim that is false
THEOREMS: dict[str, tuple[dict[str, Any], str]] = {
    "Adam": (ADAM, "change <= -eta*lo*G^2/2 + eta*hi*a*s/(4*N)"),
    "normalised": (NORMALISED, "change <= -eta*G + eta*q + eta*a*sg^2/(2*q) + 2*L^2*eta^3/(a^2*q) + L*eta^2/2"),
    "SVRG": (SVRG, "change <= -3*eta*mu*V"),
    "MARINA": (MARINA, "change <= -2*eta*G^2/3"),
    "local": (LOCAL, "change <= -eta*G^2/2 + eta^2*L*s/(4*N)"),
    # Richtarik, Sokolov and Fatkhullin 2021, Theorem 1
    "EF21": (EF21, "change <= -2*eta*G^2/3"),
    # Stich and Karimireddy 2020, here with different clients
    "feedback": (
        {**FEEDBACK, "assume": ["smooth: L", "dissimilarity: D", "variance: s", "contraction: 1 - th^2", "th > 0", "th < 1",
                                "eta*L*th <= (1 - th)/2", "eta*L <= 1/4"],
         "V": "f(x - mean(m)) - fstar + eta*L^2/(1-th)*||m||^2", "conclude": "telescope",
         "claim": "change <= -eta*G^2/8 + 4*eta^2*L*s + 4*eta^3*L^2*(s + D)/(1-th)^2"},
        "change <= -eta*G^2/8 + eta^2*L*s/(4*N)",
    ),
    # Koloskova, Loizou, Boreiri, Jaggi and Stich 2020, with other constants
    "gossip": (
        {**GOSSIP, "assume": ["smooth: L", "smooth clients: L", "dissimilarity: D", "variance: s", "gossip: lam", "lam < 1",
                              "eta*L <= (1 - lam)/8"],
         "V": "f - fstar + 8*eta*L^2/(1-lam)*||h||^2", "conclude": "telescope",
         "claim": "change <= -eta*G^2/8 + eta^2*L*s/N + 100*eta^3*L^2*(s+D)/(1-lam)^2"},
        "change <= -eta*G^2/8 + eta^2*L*s/(4*N)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", slow_but(THEOREMS, ["local", "EF21"]))
def test_theorems_about_clients_are_proved_and_stronger_ones_are_not(name: str) -> None:
    table, false = THEOREMS[name]
    proved = decide(Stated(table), repair=False)
    assert proved.status == "PROVED" and proved.certificate is not None
    replay_object(proved.certificate)  # raises for an invalid one
    assert decide(Stated({**table, "claim": false, "conclude": "none"}), 5.0, repair=False).status != "PROVED"


SGD_WITH_MATRIX = {
    "noise": "any", "V": "f - fstar", "method": {"update": ["x = x - eta*precondition(raw)"]},
    "assume": ["smooth: L", "variance: s", "preconditioner: lo, hi", "eta*L*hi <= 1"],
}  # fmt: skip


MATRICES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    # AdaGrad, RMSProp with gradients of the past
    ({"assume": ["smooth: L", "variance: s", "B >= 0", "e > 0", "preconditioner: 1/(B + e), 1/e", "eta*L <= e"],
      "claim": "change <= -eta/(B + e)*G^2/2 + eta^2*L/e^2*s/(2*N)"}, True),
    ({"method": {"update": ["m = raw", "x = x - eta*(precondition(2*m) - precondition(m))"]}}, True),
    ({"claim": "change <= -eta*hi*G^2/2 + eta^2*hi^2*L*s/(2*N)"}, False),
    ({"claim": "change <= -eta*lo*G^2/2 + eta^2*lo^2*L*s/(2*N)"}, False),
    ({"claim": "change <= -eta*lo*G^2/2 + eta^2*hi^2*L*s/(3*N)"}, False),
    ({"assume": ["smooth: L", "variance: s", "preconditioner: lo, hi", "eta*L*lo <= 1"]}, False),
    ({"assume": ["smooth: L", "variance: s", "preconditioner: hi, lo", "eta*L*hi <= 1"]}, False),
    # the matrix may turn with the noise, so that its product with the noise has another mean than 0
    ({"assume": ["smooth: L", "variance: s", "drawn preconditioner: lo, hi", "eta*L*hi <= 1"]}, False),
    # two draws, of which each has its noise
    ({"method": {"update": ["x = x - eta*(precondition(raw) + precondition(fresh))"]}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "proved"), slow_but(MATRICES, [*MATRICES[:4], MATRICES[-1]], rows=True))
def test_a_step_times_a_matrix(changed: dict[str, Any], proved: bool) -> None:
    claim = "change <= -eta*lo*G^2/2 + eta^2*hi^2*L*s/(2*N)"
    stated = Stated({**SGD_WITH_MATRIX, "claim": claim, **changed})
    assert (decide(stated, 10.0, repair=False).status == "PROVED") is proved


@pytest.mark.parametrize(
    ("update", "lines", "words"),
    [
        (["x = x - eta*precondition(x)"], ["preconditioner: lo, hi"], "to the state"),
        (["x = x - eta*precondition(precondition(raw))"], ["preconditioner: lo, hi"], "twice"),
        (["x = x - eta*mean(precondition(local_raw))"], ["preconditioner: lo, hi"], "a client"),
        (["x = x - eta*precondition(raw)"], [], "0 lines"),
        (["x = x - eta*precondition(raw)"], ["preconditioner: lo, hi", "drawn preconditioner: lo, hi"], "2 lines"),
        (["x = x - eta*coin(p)*precondition(raw)"], ["drawn preconditioner: lo, hi"], "coins"),
    ],
)  # fmt: skip
def test_what_no_theorem_says_of_a_matrix_is_refused(update: list[str], lines: list[str], words: str) -> None:
    table = {**SGD_WITH_MATRIX, "method": {"update": update}, "claim": "change <= 0", "assume": ["smooth: L", *lines]}
    with pytest.raises((BadInput, Refusal), match=words):
        _ = Stated(table).setting


@pytest.mark.parametrize("vector", ["G", "G/norm(G)", "precondition(G)", "C(G)"])
def test_a_draw_is_not_taken_again_at_a_point_that_depends_on_it(vector: str) -> None:
    table = {"noise": "any", "assume": ["smooth: L", "mean smooth: M", "variance: s", "drawn preconditioner: lo, hi"],
             "V": "f - fstar", "claim": "change <= 0"}  # fmt: skip
    with pytest.raises(Refusal, match="a point that depends on it"):
        Stated({**table, "method": {"update": [f"y = x - eta*{vector}", "x = x - eta*G(y)"]}})


def test_a_coin_may_decide_whether_a_direction_is_taken() -> None:
    table = {"noise": "any", "assume": ["smooth: L", "variance: N*sg^2", "sg > 0"], "V": "f - fstar",
             "method": {"update": ["x = x - eta*coin(p)*G/norm(G)"]}}  # fmt: skip
    for floor, proved in (("L*eta^2/2", True), ("L*eta^2/4", False)):
        stated = Stated({**table, "claim": f"change <= p*(-eta*G + 2*eta*sg + {floor})"})
        assert (decide(stated, 10.0, repair=False).status == "PROVED") is proved


def test_a_gradient_before_compression_keeps_its_noise() -> None:
    table = {"noise": "any", "compressor": "any", "assume": ["smooth: L", "unbiased: w", "variance: s"], "V": "f - fstar",
             "claim": "change <= 0", "method": {"update": ["x = x - eta*raw"]}}  # fmt: skip
    bound = Stated(table).setting.context.potentials["f"]["square"]
    assert "Zsq" in str(bound) and "Zsq" not in str(
        Stated({**table, "noise": "none"}).setting.context.potentials["f"]["square"]
    )


def test_a_message_has_moments_only_if_all_clients_compress_the_same() -> None:
    # under these assumptions the claim is false: the loss of the compressor is that of each client's gradient
    table = {"method": "dcsgd", "noise": "none", "V": "f - fstar", "claim": "change <= -eta*G^2/2"}
    different = ["smooth: L", "different clients", "eta*L*(1+w/N) <= 1"]
    with pytest.raises(Refusal, match="compressed one by one"):
        _ = Stated({**table, "compressor": "any", "assume": [*different, "unbiased: w"]}).setting
    with pytest.raises(Refusal, match="compressed one by one"):
        _ = Stated({**table, "compressor": "rand-k:k=1", "dim": 2, "assume": [*different, "w == 1"]}).setting
    with pytest.raises(Refusal, match="C\\(local_raw"):
        update = {"update": ["x = x - eta*mean(local)"]}
        Stated({**table, "compressor": "any", "method": update, "assume": ["smooth: L", "unbiased: w"]})
    # G is a compressed message, and raw is not, though they share the noise of a gradient
    both = {"memory": {"m": 0}, "update": ["m = raw", "x = x - eta*G"]}
    with pytest.raises(Refusal, match="both G and raw"):
        Stated({**table, "compressor": "rand-k:k=1", "dim": 2, "method": both, "assume": ["smooth: L", "eta*L <= 1"]})
    _ = Stated({**table, "method": both, "assume": ["smooth: L", "eta*L <= 1"]}).setting


def test_the_word_for_a_client_s_gradient_is_no_letter() -> None:
    rule = {"memory": {"gi": 0}, "update": ["x = x - eta*mean(local)", "gi = 2*gi"]}
    table = {"noise": "none", "assume": ["smooth: L"], "V": "f - fstar + ||gi||^2", "claim": "change <= 0"}
    with pytest.raises(BadInput, match="gi is the gradient of one client"):
        Stated({**table, "method": rule})
    # a rule without clients' own values may use the letter
    _ = Stated({**table, "method": {**rule, "update": ["x = x - eta*G", "gi = 2*gi"]}}).setting


@pytest.mark.parametrize(
    ("line", "claim"),
    [
        ("mean smooth: M", "change <= -eta*G^2/2 + eta^2*M*s/(2*N)"),
        *(
            pytest.param(f"{kind}: M", "change <= -eta*G^2/2 + eta^2*M*s/(2*N)", marks=pytest.mark.slow)
            for kind in ("smooth clients", "convex clients")
        ),
        ("dissimilarity: M", "change <= -eta*(1 - eta*L/2)*G^2 + eta^2*L*s/(2*N) + M"),
    ],
)
def test_a_run_is_in_the_classes_of_clients(line: str, claim: str) -> None:
    # each line implies that f is M-smooth, or that M >= 0, so the claim is true
    table = {
        "method": "dsgd",
        "assume": ["smooth: L", line, "variance: s", "eta*M <= 1"],
        "V": "f - fstar",
        "claim": claim,
    }
    assert decide(Stated(table), 5.0, repair=False).status != "REFUTED"
    false = {**table, "claim": "change <= -2*eta*G^2", "assume": ["smooth: L", line, "variance: s", "eta*L <= 1"]}
    assert decide(Stated(false), 10.0, repair=False).status != "PROVED"


def test_worst_cases_and_numbers_are_not_about_clients() -> None:
    def worst(table: Mapping[str, Any]) -> None:
        Performance(table, Letters(method_of(table)), 2).solve()

    numbers = {"clients": 2, "noise": "none", "assume": ["smooth: 1", "convex", "eta == 1/2"]}
    with pytest.raises(Refusal, match="theorem files"):
        worst({**numbers, "method": EF21["method"]})
    local = {"update": ["y = x - eta*local", "x = mean(y - eta*local(y))"]}
    for line in ("different clients", "mean smooth: 1"):
        with pytest.raises(Refusal, match=f"leave out {line.split(':')[0]}"):
            worst({**numbers, "method": local, "assume": [*numbers["assume"], line]})
    for table in (LOCAL, GOSSIP, STORM):
        with pytest.raises(NoInstance, match="no numbers yet"):
            instances(Stated(table))


def test_what_only_theorems_have_is_refused_elsewhere() -> None:
    import sdescent as sd

    method = sd.Method(clients=2, client_memory={"h": 0}, update=["x = x - eta*mean(h)", "h = local_raw(x)"])
    with pytest.raises(Refusal, match="theorem files"):
        sd.sde(method)
    with pytest.raises(Refusal, match="theorem files"):
        sd.run(method, [1.0], T=1.0, paths=2, params={"eta": 0.1}, loss=sd.losses.Quadratic(1))
    assert r"\widetilde{G}_i" in method._repr_latex_()
    outside = {**EF21, "method": {"client_memory": {"h": 0}, "update": ["x = x - eta*h", "h = local_raw(x)"]}}
    with pytest.raises(BadInput, match="mean"):
        Stated(outside)
    with pytest.raises(BadInput, match="gossip"):
        _ = Stated({**GOSSIP, "assume": ["smooth: L", "smooth clients: M", "variance: s"]}).setting
