"""Classifiers of images as problems of the experiments: data, architecture, real mini-batches, and their measured noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.methods.noise import Affine, Cauchy, Scaled
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.growth import upper_line
from sdescent.numerics.tasks import cifar10
from sdescent.numerics.tasks.data import OwnGradients, load_digits, shared_data
from sdescent.numerics.tasks.image_networks import ConvNet, ImageClassifier, VisionTransformer
from sdescent.numerics.tasks.noise_and_curvature import descent_points, gradient_norms, sample_variance
from sdescent.numerics.tasks.step_rules import RaceProblem

DIGITS, CIFAR10 = "digits", "cifar10"
CNN, VIT = "cnn", "vit"
#: (data, architecture) -> the network
ARCHITECTURES = {
    (DIGITS, CNN): ConvNet((8, 16)), (DIGITS, VIT): VisionTransformer(patch=4, width=16, heads=2, hidden=32),
    (CIFAR10, CNN): ConvNet((16, 32, 32)), (CIFAR10, VIT): VisionTransformer(patch=8, width=32, heads=4, hidden=64),
}  # fmt: skip
#: number of points of gradient descent at which the noise of mini-batches is measured
NOISE_POINTS = 8


@final
@dataclass(frozen=True)
class ImageTask:
    """A classifier of images (a key of `ARCHITECTURES`) whose clients draw `batch` of all images at each step, with replacement.

    The gradient norm in the step sizes is that over every `probe`-th image. Gradient descent from each of `starts` further starts
    shows how curvature and gradient norm are related.
    """

    data: str
    architecture: str
    batch: int = 4
    probe: int = 20
    starts: int = 10


@lru_cache(maxsize=8)
def _classifier(
    data: str, architecture: str, samples: int | None, probe: int, folder: str
) -> tuple[ImageClassifier, Landscape, Landscape, str]:
    """The loss, its batch forms with the gradient over all images and over every `probe`-th, and a digest of the user's data."""
    network, digest = ARCHITECTURES[data, architecture], ""
    if data == CIFAR10:
        pixels, labels, digest = cifar10.load_cifar10(Path(folder), samples)
        loss = ImageClassifier(pixels, labels.astype(np.int64), network, 255.0)
    else:
        digits = load_digits(samples)
        loss = ImageClassifier(digits.features.reshape(-1, 8, 8, 1), digits.labels.astype(np.int64), network)
    return loss, loss.landscape(), loss.landscape(np.arange(0, len(loss.labels), probe)), digest


def prepared(
    name: str, samples: int | None, clients: int, sigma1: float, task: ImageTask, seed: int, folders: Mapping[str, str]
) -> tuple[RaceProblem, ImageClassifier, dict[str, Any]]:
    """The problem whose clients add N(0, sigma1^2 ||v||^2 I) to the gradient v of a mini-batch, its loss, and facts for tables.

    Arguments as in `study.Task`, and the folder of each data set that the user gave, by name. Refusal if the data are not
    installed, BadInput if the files are not those of the data set.
    """
    folder = folders.get(task.data, "")
    loss, land, probe, digest = _classifier(task.data, task.architecture, samples, task.probe, folder)
    oracle = _oracle(loss, clients, task.batch, ("sigma1", sigma1))
    problem = RaceProblem(name, land, loss.start(seed), clients, sigma1, oracle=oracle, probe=probe)
    about = {"samples": len(loss.labels), "lowest": 0.0, "digest": digest}
    return problem, loss, about


@lru_cache(maxsize=8)
def _oracle(loss: ImageClassifier, clients: int, batch: int, sigma1: tuple[str, float]) -> OwnGradients:
    """The clients of DCSGD, one object for equal arguments, since it identifies compiled programs."""
    return OwnGradients(loss, shared_data(len(loss.labels), clients, batch), Affine(0, sigma1[0]), dict([sigma1]))


def with_signs(
    problem: RaceProblem, loss: ImageClassifier, settings: Sequence[Mapping[str, float]], seeds: int, batch: int
) -> RaceProblem:
    """The problem for DSignSGD, whose clients add Cauchy noise of the scale of each setting to the gradient of a mini-batch."""
    data = shared_data(len(loss.labels), problem.clients, batch)
    scales = np.repeat([setting["sigma"] for setting in settings], seeds)
    return replace(problem, oracle=OwnGradients(loss, data, Scaled(Cauchy(), "sigma"), {"sigma": 1.0}, scales))


def affine_noise(
    problem: RaceProblem, loss: ImageClassifier, batch: int, eta: float, steps: int, sigma1: float
) -> dict[str, Any]:
    """The measured constants of an affine bound d (sigma0^2 + sigma1^2 G^2) on the trace of the covariance of a client's v + Z.

    v is the gradient of a mini-batch. The trace of its covariance, V/B, is measured at points of gradient descent; the lowest
    line d (s0 + s1 G^2) above it gives s0 and s1. Z adds d sigma1^2 E||v||^2 = d sigma1^2 (G^2 + V/B). The result has G and V/B
    at the points too, and G over the probe there.
    """
    points = descent_points(problem.land, problem.start, (eta,), np.linspace(0, steps, NOISE_POINTS), problem.dtype)
    assert problem.probe is not None  # for the type checker
    norms, probed = (gradient_norms(land, points) for land in (problem.land, problem.probe))
    variance = sample_variance(loss.population(problem.dtype), points) / batch
    d = len(problem.start)
    s0, s1 = upper_line(norms**2, variance / d)
    more = 1 + d * sigma1**2
    return {
        "sigma0": float(np.sqrt(more * s0)), "sigma1": float(np.sqrt(more * s1 + sigma1**2)),
        "gradient_norm": norms, "variance": variance, "probed": probed,
    }  # fmt: skip
