"""The section on real mini-batch gradients: their noise measured, methods compared with their equations with that noise."""
