"""Image networks against convolutions of SciPy and attention in loops, and their derivatives against finite differences."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate2d

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks import image_networks
from sdescent.numerics.tasks.image_networks import EPSILON, ConvNet, ImageClassifier, VisionTransformer
from sdescent.numerics.tasks.noise_and_curvature import sample_variance

RNG = np.random.default_rng(4)
#: three classes, 8 x 4 pixels, 2 channels, stored as bytes
IMAGES, LABELS = RNG.integers(0, 256, (11, 8, 4, 2), dtype=np.uint8), np.arange(11) % 3
CNN = ImageClassifier(IMAGES, LABELS, ConvNet((3, 4)), 255.0)
VIT = ImageClassifier(IMAGES, LABELS, VisionTransformer(patch=2, width=6, heads=2, hidden=5, blocks=2), 255.0)
BOTH = pytest.mark.parametrize("loss", [CNN, VIT], ids=["cnn", "vit"])
SLOW_VIT = pytest.mark.parametrize("loss", [CNN, pytest.param(VIT, marks=pytest.mark.slow)], ids=["cnn", "vit"])


@pytest.fixture(autouse=True)
def _blocks_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_networks, "_BLOCK", 8)


def parts(loss: ImageClassifier, x: np.ndarray) -> list[np.ndarray]:
    ends = np.cumsum([math.prod(shape) for shape in loss.shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(x, ends), loss.shapes, strict=True)]


def convolved(loss: ImageClassifier, x: np.ndarray, image: np.ndarray) -> np.ndarray:
    """z of the convolutional network for one image: each channel by scipy's correlation, of which every second entry is kept."""
    *layers, head, offset = parts(loss, x)
    out = image / 255
    for kernel, bias in zip(layers[::2], layers[1::2], strict=True):
        by_channel = kernel.reshape(3, 3, out.shape[-1], -1)
        planes = []
        for k in range(by_channel.shape[-1]):
            pairs = [(out[:, :, c], by_channel[:, :, c, k]) for c in range(out.shape[-1])]
            total = np.sum([correlate2d(a, b, mode="same") for a, b in pairs], axis=0)
            planes.append(total[::2, ::2] + bias[k])
        out = np.tanh(np.stack(planes, axis=-1))
    return out.ravel() @ head + offset


def normed(token: np.ndarray) -> np.ndarray:
    centred = token - token.mean()
    return centred / math.sqrt(np.mean(centred**2) + EPSILON)


def attended(loss: ImageClassifier, x: np.ndarray, image: np.ndarray) -> np.ndarray:
    """z of the transformer for one image, token by token and head by head."""
    net: Any = loss.architecture
    embedding, position, *inner, head, offset = parts(loss, x)
    p, size = net.patch, net.width // net.heads
    corners = [(i, j) for i in range(0, 8, p) for j in range(0, 4, p)]
    tokens = [(image / 255)[i : i + p, j : j + p].ravel() @ embedding + position[n] for n, (i, j) in enumerate(corners)]
    for b in range(net.blocks):
        mixing, out, first, first_offset, second, second_offset = inner[6 * b : 6 * b + 6]
        q, k, v = ([normed(t) @ mixing[:, n * net.width : (n + 1) * net.width] for t in tokens] for n in range(3))
        after = []
        for t in range(len(tokens)):
            heads = []
            for h in range(net.heads):
                of_head = slice(h * size, (h + 1) * size)
                weights = np.array(
                    [math.exp(q[t][of_head] @ k[s][of_head] / math.sqrt(size)) for s in range(len(tokens))]
                )
                heads.append(sum(w * v[s][of_head] for s, w in enumerate(weights / weights.sum())))
            after.append(tokens[t] + np.concatenate(heads) @ out)
        tokens = [t + np.tanh(normed(t) @ first + first_offset) @ second + second_offset for t in after]
    return np.mean([normed(t) for t in tokens], axis=0) @ head + offset


def point(loss: ImageClassifier, paths: int = 2) -> np.ndarray:
    """Points where offsets are not 0."""
    starts = np.stack([loss.start(seed) for seed in range(paths)], axis=1)
    return starts + 0.3 * np.random.default_rng(5).standard_normal(starts.shape)


def loss_of(loss: ImageClassifier, x: np.ndarray, m: int) -> float:
    z = (convolved if loss is CNN else attended)(loss, x, IMAGES[m].astype(float))
    return float(math.log(np.exp(z).sum()) - z[LABELS[m]])


@BOTH
def test_the_network_is_what_its_formula_says(loss: ImageClassifier) -> None:
    x = point(loss)
    logits = convolved if loss is CNN else attended
    for r in range(2):
        found = jax.jit(loss.logits)(jnp.asarray(x[:, r]), jnp.asarray(IMAGES[:3]))
        np.testing.assert_allclose(
            found, [logits(loss, x[:, r], image.astype(float)) for image in IMAGES[:3]], rtol=1e-9
        )
    mean = [np.mean([loss_of(loss, x[:, r], m) for m in range(11)]) for r in range(2)]
    value = jax.jit(loss.landscape().value)(jnp.asarray(x))  # in two blocks, the last of them padded
    np.testing.assert_allclose(value, mean, rtol=1e-10)


@pytest.mark.slow
@BOTH
def test_gradients_and_hessian_products_are_finite_differences(loss: ImageClassifier) -> None:
    """In random directions: of the mean over all images, of a mini-batch, of a probe, and of the gradient."""
    x, e = point(loss), 1e-5
    v = np.random.default_rng(6).standard_normal(x.shape)
    v /= np.linalg.norm(v, axis=0)
    whole, probe = loss.landscape(), loss.landscape(np.array([1, 4, 5]))
    near = [jnp.asarray(x + s * e * v) for s in (1, -1)]

    def slope(rows: Any) -> list[float]:
        """The derivative of the mean loss over each path's images, by central differences of the independent formula."""
        ends = [[np.mean([loss_of(loss, np.asarray(y)[:, r], m) for m in rows[r]]) for r in range(2)] for y in near]
        return [(a - b) / (2 * e) for a, b in zip(*ends, strict=True)]

    batch = np.array([[0, 3], [7, 3], [9, 10]])

    @jax.jit
    def gradients(y: jax.Array) -> tuple[jax.Array, ...]:
        weighted = loss.weighted_gradient(y, jnp.array([0.5, 0.25, 0.25]), jnp.array([1, 4, 5]))
        mini = loss.weighted_gradient(y, jnp.full(batch.shape, 1 / 3), jnp.asarray(batch))
        return whole.gradient(y), mini, probe.gradient(y), weighted

    slopes = gradients(jnp.asarray(x))
    for gradient, rows in zip(slopes, ([range(11)] * 2, batch.T, [[1, 4, 5]] * 2, [[1, 1, 4, 5]] * 2), strict=True):
        np.testing.assert_allclose(np.sum(np.asarray(gradient) * v, axis=0), slope(rows), rtol=1e-6)
    bend = (gradients(near[0])[0] - gradients(near[1])[0]) / (2 * e)
    product = jax.jit(whole.hessian_product)(jnp.asarray(x), jnp.asarray(v))
    np.testing.assert_allclose(product, bend, atol=1e-7 * float(jnp.max(jnp.abs(bend))))


@pytest.mark.slow
def test_the_variance_of_a_sample_is_that_of_a_loop() -> None:
    x = point(CNN)
    alone = jax.jit(lambda row: CNN.weighted_gradient(jnp.asarray(x), jnp.ones(1), row))
    rows = np.stack([alone(jnp.array([m])) for m in range(11)])
    wanted = np.sum(np.var(rows, axis=0), axis=0)
    np.testing.assert_allclose(sample_variance(CNN.population(), jnp.asarray(x)), wanted, rtol=1e-9)


def test_networks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match="width"):
        VisionTransformer(width=5, heads=2)
    with pytest.raises(BadInput, match="patch"):
        VisionTransformer(patch=3).shapes((8, 8, 1), 10)
    with pytest.raises(BadInput, match="labels"):
        ImageClassifier(IMAGES, LABELS + 1, ConvNet())
