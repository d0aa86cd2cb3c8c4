"""The section on real mini-batch gradients: their measured noise, and methods compared with equations that have this noise."""
