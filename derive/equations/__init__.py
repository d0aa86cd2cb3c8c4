"""The stochastic differential equation of a step: its models, roots of its covariance, named coordinates, type of noise."""
