"""The report's networks on scikit-learn's digits for `sdescent measure`: the transformer, or the other one with NETWORK=cnn."""

import os

import jax
import jax.numpy as jnp
import numpy as np

from sdescent.numerics.tasks.data import load_digits
from sdescent.numerics.tasks.image_networks import ConvNet, ImageClassifier, VisionTransformer

digits, cnn = load_digits(512), os.environ.get("NETWORK") == "cnn"
network = ConvNet((8, 16)) if cnn else VisionTransformer(patch=4, width=16, heads=2, hidden=32)
data = (digits.features.reshape(-1, 8, 8, 1).astype(np.float32), digits.labels.astype(np.int32))
classifier = ImageClassifier(*data, network)
params = jnp.asarray(classifier.start(0), jnp.float32)


def loss(params, batch):
    images, labels = batch
    logits = classifier.logits(params, images)
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0])
