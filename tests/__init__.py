"""The tests: folders mirror those of the packages, and what tests share is in `support`."""
