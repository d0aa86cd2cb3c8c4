"""One step of a method: its mean and covariance, by expectation over the noise and the compressor."""
