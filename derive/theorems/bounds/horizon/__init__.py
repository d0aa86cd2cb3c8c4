"""Conclusions at the horizon, in the mean and in probability, from a bound on a step."""
