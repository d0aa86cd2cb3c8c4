"""Where methods and their models are stable, over pairs of settings, beside the thresholds that the formulas give (theory 5, 6)."""
