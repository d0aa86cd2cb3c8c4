"""Claims end: in their time, in bounded memory, with a verdict, whatever they are, in any thread."""

import threading
from pathlib import Path

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.language.clock import OutOfTime, limited, now, spend
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.killable_process import Worker
from sdescent.derive.proof.language.normal import Normal, power
from sdescent.derive.proof.language.terms import x, xs
from sdescent.derive.proof.repair import killed_searches
from sdescent.derive.proof.repair.killed_searches import CUT_OFF, prove_apart
from sdescent.derive.proof.search.ring import GiveUp, Ring, product, quotient
from sdescent.derive.proof.search.ring import power as power_in_ring
from sdescent.derive.reading.claims import claim_from
from tests.support.fuzz.watch import answered

MANY = [f"v{n}" for n in range(40)]


@pytest.mark.parametrize(
    ("claim", "assume", "seconds"),
    [
        ("log(1 + 5/4*x) <= (80475/100000)*sqrt(5/4*x)", ["5/4*x >= 0"], 0.1),
        ("1/1000000 < sqrt(1 + sqrt(1 + x^2)^2) - abs(sqrt(1 + x^2))", ["x <= 1/3"], 0.1),
        (f"{'*'.join(MANY)} <= ({' + '.join(MANY)})^2", [f"{v} >= 0" for v in MANY], 1.0),
    ],
    ids=["root", "roots", "many"],
)
@pytest.mark.slow
def test_claims_that_went_on_or_broke(claim: str, assume: list[str], seconds: float) -> None:
    status = answered(lambda: prove(claim, assume, seconds=seconds).status, seconds, claim)
    assert status in ("PROVED", "DECIDED", "UNDECIDED")


def test_a_multiple_of_an_exponent_is_one_summand_where_it_would_be_many() -> None:
    verdict = prove("exp(1000000000*x)*exp(y) == exp(1000000000*x + y)")
    assert verdict.status == "PROVED" and verdict.certificate is not None and len(verdict.certificate["steps"]) < 10


def test_a_thread_has_limits_of_its_own() -> None:
    ended: list[float] = []

    def work() -> None:
        started = now()
        with pytest.raises(OutOfTime), limited(0.1):
            while True:
                spend(100)
        ended.append(now() - started)

    others = [threading.Thread(target=work) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    spend(10**9)  # this thread has none
    assert len(ended) == 2 and all(0.1 <= seconds < 0.3 for seconds in ended)


def test_a_limit_inside_another_ends_no_later() -> None:
    started = now()
    with pytest.raises(OutOfTime), limited(0.05), limited(10):
        while True:
            spend(100)
    assert now() - started < 0.3
    with limited(10):
        with pytest.raises(OutOfTime), limited(0):
            spend(10**6)
        spend(10**6)


def test_multiplying_out_ends() -> None:
    normal = Normal(Context({name: "const" for name in "abcdefgh"}))
    poly = normal.polynomial(sum(xs("a b c d e f g h"), 1 + 0 * xs("a")[0]))
    started = now()
    with pytest.raises(OutOfTime), limited(0.1):
        power(poly, 64)
    assert now() - started < 0.5


@pytest.mark.slow
def test_powers_of_powers_that_no_text_may_have_end() -> None:
    a, before = x("a"), now()
    assert prove((t := (((a + 1) ** 64) ** 64) ** 64).le(a**2 + t), seconds=0.3).status in ("PROVED", "UNDECIDED")
    assert now() - before < 1.3


def test_products_in_c_are_estimated_before() -> None:
    normal = Normal(Context({name: "const" for name in "abcdefgh"}))
    terms = xs("a b c d e f g h")
    ring = Ring(normal, terms)
    total = sum((ring.poly(t) for t in terms), ring.number(1))
    assert power_in_ring(total, 3) == total * total * total and power_in_ring(total, 0) == ring.number(1)
    assert product(total, total) == total**2 and quotient(total**3, total) == (total**2, ring.number(0))
    large = total**6
    for p, n in ((total, 64), (total * 10**4000, 12)):
        with pytest.raises(GiveUp):
            power_in_ring(p, n)
    with pytest.raises(GiveUp):
        product(large, large)
    with pytest.raises(GiveUp):
        quotient(ring.gens[0] ** 60, ring.gens[0] - sum(ring.gens[1:], ring.number(0)))


@pytest.mark.slow
def test_a_search_that_is_ended_from_outside_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claim_from({"variables": ["a", "b"], "claim": "2*a*b <= a^2 + b^2"})
    assert prove_apart(claim, 5.0)["status"] == "PROVED"
    process = killed_searches._worker._process
    assert process is not None
    process.kill()  # as the system does at a limit
    process.wait()
    monkeypatch.setattr(killed_searches._worker, "_started", lambda: process)
    ended = prove_apart(claim, 5.0)
    assert (ended["status"], ended["reason"], ended["certificate"]) == ("UNDECIDED", CUT_OFF, None)
    monkeypatch.undo()
    assert prove_apart(claim, 5.0)["status"] == "PROVED"  # and the next one has a new worker


@pytest.mark.slow
def test_the_system_ends_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python of one line that C runs to its end, more memory than a worker has, and then a question that it answers."""
    (tmp_path / "endless.py").write_text(
        "from sdescent.derive.proof.language.killable_process import serve\n"
        "def answer(question):\n    eval(question[0])\n    return question\n"
        "serve(answer)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    worker = Worker("endless")
    for body, fits in (("None", True), ("pow(3, 10**9)", False), ("bytearray(2 << 30)", False), ("None", True)):
        started = now()
        assert worker.ask([body], 1) == ([body] if fits else None)
        assert now() - started < 2
    worker.stop()
