"""Update rules with memory, written as formulas: the language, the rule, its regimes, and the rules that have a name."""
