"""What tests share: corpora, samplers and checkers of their own, written without the code they test."""
