"""What the paper claims, and the ledger of what became of each claim."""
