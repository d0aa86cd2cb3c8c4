"""The command `solve`: it solves a user's experiment in parts, stores each as soon as it is done, and sums them up."""
