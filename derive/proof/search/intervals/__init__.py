"""The parts of the search for proofs in one real variable, and of the search for points where such a claim fails."""
