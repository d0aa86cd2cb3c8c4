"""The language of proofs: terms and relations, what names stand for, normal forms, and how terms are printed."""
