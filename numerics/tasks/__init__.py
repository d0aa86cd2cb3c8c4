"""Real data: data sets, losses over them, the noise of mini-batch gradients, mini-batch methods, step rules."""
