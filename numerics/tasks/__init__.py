"""Real input: data sets, losses over them, the noise of real mini-batch gradients, the real mini-batch methods, step rules."""
