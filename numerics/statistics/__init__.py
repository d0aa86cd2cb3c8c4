"""What numbers from independent paths say: estimates with intervals, confidence sequences, verdicts, digests."""
