"""Inference from the numbers of independent paths: estimates with intervals, confidence sequences, verdicts, digests."""
