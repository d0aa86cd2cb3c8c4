"""Commands and pages run as a user runs them."""
