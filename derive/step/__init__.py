"""One step of a method: its mean and covariance, by expectation over what is random in it."""
