"""Classifiers of images: a convolutional network and a small vision transformer, with the mean softmax cross-entropy as the loss.

Every function of an architecture is smooth (tanh, softmax, layer norm with a positive constant), so f is in C^2.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.model import Model
from sdescent.numerics.measure.primitives import Population

#: largest number of images in a block of a sum over all images, for which the layers of 128 paths stay in a core's cache
_BLOCK = 16
#: the constant added to the variance in a layer norm
EPSILON = 1e-5

#: an image: height, width, channels
ImageShape = tuple[int, int, int]


class Architecture(Protocol):
    """A network for images of one shape, whose parameters are arrays of fixed shapes."""

    def shapes(self, image: ImageShape, classes: int) -> tuple[tuple[int, ...], ...]:
        """The shapes of the parameters. A matrix (m, n) maps m inputs to n outputs."""
        ...

    def logits(self, parts: Sequence[jax.Array], images: jax.Array) -> jax.Array:
        """z for images (n, height, width, channels), (n, C); class c has the probability exp z_c / sum_b exp z_b."""
        ...


@final
@dataclass(frozen=True)
class ConvNet:
    """3 x 3 convolutions, stride 2, zero padding 1 (sides halve, rounded up), each with tanh, then a linear layer over all."""

    channels: tuple[int, ...] = (8, 16)

    def shapes(self, image: ImageShape, classes: int) -> tuple[tuple[int, ...], ...]:
        height, width, inputs = image
        shapes: list[tuple[int, ...]] = []
        for outputs in self.channels:
            shapes += [(9 * inputs, outputs), (outputs,)]
            height, width, inputs = -(-height // 2), -(-width // 2), outputs
        return (*shapes, (height * width * inputs, classes), (classes,))

    def logits(self, parts: Sequence[jax.Array], images: jax.Array) -> jax.Array:
        out = images
        for kernel, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
            out = jnp.tanh(_windows(out) @ kernel + bias)
        return out.reshape(len(out), -1) @ parts[-2] + parts[-1]


def _windows(images: jax.Array) -> jax.Array:
    """The 3 x 3 windows with stride 2, (n, h, w, 9 channels) in reading order: a convolution is then one matrix product."""
    height, width = (-(-side // 2) for side in images.shape[1:3])
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + 2 * height - 1 : 2, j : j + 2 * width - 1 : 2] for i in range(3) for j in range(3)]
    return jnp.concatenate(shifted, axis=-1)


@final
@dataclass(frozen=True)
class VisionTransformer:
    """A vision transformer: linear patch embedding and learnt positions, blocks, the mean over tokens, and a linear layer.

    A block adds attention(norm x) to x, and then V tanh(W norm x + b) + c. Layer norms have no gain and no offset.

    The side `patch` of a square patch divides height and width, and `heads` divides `width`, the dimension of a token (else
    BadInput). `hidden` units are between the two layers after the attention.

    Source: A. Dosovitskiy et al. (2021), An image is worth 16x16 words, arXiv 2010.11929, section 3.1.
    """

    patch: int = 2
    width: int = 16
    heads: int = 2
    hidden: int = 32
    blocks: int = 1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise BadInput("width", self.width, f"a multiple of the {self.heads} heads")

    def shapes(self, image: ImageShape, classes: int) -> tuple[tuple[int, ...], ...]:
        height, width, channels = image
        if height % self.patch or width % self.patch:
            raise BadInput("patch", self.patch, f"a divisor of the sides {height} and {width}")
        tokens, p, w = height * width // self.patch**2, self.patch, self.width
        block = ((w, 3 * w), (w, w), (w, self.hidden), (self.hidden,), (self.hidden, w), (w,))
        return ((p * p * channels, w), (tokens, w), *(block * self.blocks), (w, classes), (classes,))

    def logits(self, parts: Sequence[jax.Array], images: jax.Array) -> jax.Array:
        embedding, position, *inner, head, offset = parts
        n, height, width, channels = images.shape
        p = self.patch
        grid = images.reshape(n, height // p, p, width // p, p, channels).swapaxes(2, 3)
        x = grid.reshape(n, -1, p * p * channels) @ embedding + position
        for block in range(self.blocks):
            mixing, out, first, first_offset, second, second_offset = inner[6 * block : 6 * block + 6]
            x = x + self._attention(_layer_norm(x) @ mixing) @ out
            x = x + jnp.tanh(_layer_norm(x) @ first + first_offset) @ second + second_offset
        return jnp.mean(_layer_norm(x), axis=1) @ head + offset

    def _attention(self, mixed: jax.Array) -> jax.Array:
        """softmax(q k'/sqrt(width/heads)) v in each head, (n, tokens, width); `mixed` is q, k and v side by side.

        Each feature has the scores of its head, so that all loops are over features: einsums over heads take a fifth longer.
        """
        q, k, v = jnp.split(mixed, 3, axis=-1)
        size = self.width // self.heads
        same_head = np.kron(np.eye(self.heads), np.full((size, size), 1 / math.sqrt(size)))
        scores = (q[:, :, None] * k[:, None]) @ jnp.asarray(same_head, q.dtype)
        return jnp.sum(jax.nn.softmax(scores, axis=2) * v[:, None], axis=2)


def _layer_norm(x: jax.Array) -> jax.Array:
    return (x - jnp.mean(x, axis=-1, keepdims=True)) / jnp.sqrt(jnp.var(x, axis=-1, keepdims=True) + EPSILON)


@final
@dataclass(frozen=True, eq=False)
class ImageClassifier:
    """The mean softmax cross-entropy over images (n, height, width, channels), as stored, where x has a network's parameters.

    The `labels` y_m, (n,), are integers 0, .., C - 1 with C >= 2, each at least once (else BadInput). Pixels are divided by
    `white`, the stored value of white.
    """

    images: np.ndarray
    labels: np.ndarray
    architecture: Architecture
    white: float = 1.0

    def __post_init__(self) -> None:
        classes = np.unique(self.labels)
        if not np.array_equal(classes, np.arange(len(classes))) or len(classes) < 2:
            raise BadInput("labels", classes[:3], "whole numbers 0, 1, .., C - 1 with C >= 2, each at least once")

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the parameters."""
        return self.architecture.shapes(self.images.shape[1:], int(np.max(self.labels)) + 1)

    @property
    def dim(self) -> int:
        """The number d of coordinates of x."""
        return sum(math.prod(shape) for shape in self.shapes)

    def start(self, seed: int) -> np.ndarray:
        """A random start (d,): the entries of a matrix (m, n) are N(0, 1/m), vectors are 0."""
        rng = np.random.default_rng(seed)
        parts = [
            rng.standard_normal(shape) / np.sqrt(shape[0]) if len(shape) == 2 else np.zeros(shape)
            for shape in self.shapes
        ]
        return np.concatenate([part.ravel() for part in parts])

    def logits(self, x: jax.Array, images: jax.Array) -> jax.Array:
        """z at one point x (d,) for stored images (m, height, width, channels), (m, C)."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        parts = [part.reshape(shape) for part, shape in zip(jnp.split(x, ends), self.shapes, strict=True)]
        return self.architecture.logits(parts, images.astype(x.dtype) / self.white)

    def _cost(self, x: jax.Array, images: jax.Array, labels: jax.Array, weights: jax.Array) -> jax.Array:
        """The sum of the images' losses with these weights, at one point x (d,)."""
        z = self.logits(x, images)
        chosen = jnp.take_along_axis(z, labels[:, None], axis=1)[:, 0]
        return jnp.sum(weights * (jax.nn.logsumexp(z, axis=1) - chosen))

    def weighted_gradient(self, x: jax.Array, weights: jax.Array, rows: jax.Array) -> jax.Array:
        """See `SampleLoss`; the samples are images."""
        axis = None if rows.ndim == 1 else 0
        images, labels = jnp.asarray(self.images)[rows.T], jnp.asarray(self.labels, jnp.int32)[rows.T]
        gradient = jax.vmap(jax.grad(self._cost), in_axes=(1, axis, axis, axis), out_axes=1)
        return gradient(x, images, labels, weights.T.astype(x.dtype))

    def population(self, dtype: Any = np.float64) -> Population:
        """All images one by one, for the noise of a single one."""
        one, rows = jnp.ones(1, dtype), np.arange(len(self.labels))
        model = Model(
            lambda x, batch: self._cost(x, batch[0], batch[1], one), jnp.zeros(self.dim, dtype),
            (self.images, self.labels.astype(np.int32)), (rows,),
        )  # fmt: skip
        return Population(model, (rows,))

    def landscape(self, probe: np.ndarray | None = None) -> Landscape:
        """The loss f on a batch, with a gradient over the images `probe` or all. Reuse it: it identifies compiled programs."""
        everything = np.arange(len(self.labels))
        cost = jax.vmap(self._cost, in_axes=(1, None, None, None))
        value = self._summed(everything, lambda x, *block: cost(x, *block), lambda x: jnp.zeros(x.shape[1], x.dtype))
        gradient = jax.vmap(jax.grad(self._cost), in_axes=(1, None, None, None), out_axes=1)
        return Landscape(value, self._summed(everything if probe is None else probe, gradient, jnp.zeros_like))

    def _summed(
        self, rows: np.ndarray, term: Callable[..., jax.Array], zero: Callable[[jax.Array], jax.Array]
    ) -> Callable[[jax.Array], jax.Array]:
        """The mean of `term` over images, in blocks that bound the memory. Images of weight 0 fill up the last block."""
        blocks = tuple(self._blocks(rows))

        def total(x: jax.Array) -> jax.Array:
            images, labels, weights = blocks
            typed = jnp.asarray(images), jnp.asarray(labels, jnp.int32), jnp.asarray(weights, x.dtype)
            return jax.lax.scan(lambda sum_, block: (sum_ + term(x, *block), None), zero(x), typed)[0]

        return total

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Images, labels and weights 1/m of m rows, each in equal blocks."""
        count = -(-len(rows) // _BLOCK)
        short = -len(rows) % count
        chosen = np.concatenate([rows, np.repeat(rows[:1], short)])
        weights = np.concatenate([np.full(len(rows), 1 / len(rows)), np.zeros(short)])
        for array in (self.images[chosen], self.labels[chosen], weights):
            yield array.reshape(count, -1, *array.shape[1:])
