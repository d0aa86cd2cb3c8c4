"""The language of proofs: terms and relations, the context of names, normal forms, and the printing of terms."""
