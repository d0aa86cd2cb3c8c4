"""`sdescent derive` of every method with every loss and every model in one dimension: an equation or a reason, and nothing else."""

from __future__ import annotations

import itertools
import json
from typing import get_args

import pytest

from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.registry import entries
from tests.support.samples import slow_but

#: what a method needs besides
MORE = {"dcsgd": ["--compressor", "rand-k:k=1"], "error-feedback": ["--compressor", "top-k:k=1"]}


CASES = list(itertools.product(entries("method"), ("gaussian", "laplace"), entries("loss")))


@pytest.mark.parametrize(("method", "noise", "loss"), slow_but(CASES, [("rmsprop", "gaussian", "cosh")], rows=True))
def test_every_method_with_every_loss_and_model(run, method: str, noise: str, loss: str) -> None:
    for model in get_args(Model):
        words = [method, "--noise", noise, "--loss", loss, "--model", model, "--dim", "1", *MORE.get(method, [])]
        status, out, err = run("derive", *words, "--json")
        assert status in (0, 1, 2, 3) and err == "", words
        assert isinstance(json.loads(out), dict)
