"""Proofs as sentences and displays, from the facts of a certificate; `sdescent.reports.document.proofs` writes them."""
