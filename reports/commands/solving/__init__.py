"""The command `solve`: it solves a user's experiment in parts, stores each part when it is done, and summarises them."""
