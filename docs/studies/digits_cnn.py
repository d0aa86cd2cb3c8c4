"""A convolutional network on scikit-learn's digits for `sdescent measure`: two layers of filters, one hidden layer, d = 6,058."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(labels))[:512]
data = (images[order].reshape(-1, 8, 8, 1).astype(np.float32) / 8 - 1, labels[order].astype(np.int32))


def dense(key, inputs, outputs, gain=1.4):
    weights = jax.random.normal(key, (inputs, outputs), jnp.float32)
    return {"w": gain * weights / inputs**0.5, "b": jnp.zeros(outputs, jnp.float32)}


keys = jax.random.split(jax.random.key(0), 4)
params = {
    "conv1": dense(keys[0], 9, 8),
    "conv2": dense(keys[1], 72, 16),
    "hidden": dense(keys[2], 64, 64),
    "out": dense(keys[3], 64, 10, gain=1.0),
}


def convolved(x, p):
    """A 3 x 3 convolution with zero padding, as a matrix product, which is fast for gradients of single examples."""
    size = x.shape[1]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = [x[:, i : i + size, j : j + size] for i in range(3) for j in range(3)]
    return jnp.concatenate(patches, axis=-1) @ p["w"] + p["b"]


def pooled(x):
    return x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).mean((2, 4))


def loss(params, batch):
    x, y = batch
    x = pooled(jax.nn.gelu(convolved(x, params["conv1"])))
    x = pooled(jax.nn.gelu(convolved(x, params["conv2"])))
    x = jax.nn.gelu(x.reshape(len(x), -1) @ params["hidden"]["w"] + params["hidden"]["b"])
    x = x @ params["out"]["w"] + params["out"]["b"]
    return jnp.mean(jax.nn.logsumexp(x, axis=1) - jnp.take_along_axis(x, y[:, None], axis=1)[:, 0])
