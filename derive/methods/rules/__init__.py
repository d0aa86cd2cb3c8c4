"""Update rules with memory, written as formulas: their language, evaluation and regimes."""
