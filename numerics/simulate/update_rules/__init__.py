"""An update rule run on arrays: one step of all paths, and its numbers in a regime."""
