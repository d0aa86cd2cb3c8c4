"""The search for proofs: certificates of polynomial inequalities and trees for functions of one variable. Untrusted."""
