"""Real mini-batch gradients: their noise measured, and methods beside their equations with that noise."""
