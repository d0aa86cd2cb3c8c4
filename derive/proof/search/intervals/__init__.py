"""Parts of the search for proofs in one real variable, and of the search for points at which such a claim fails."""
