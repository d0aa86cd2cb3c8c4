"""The command `solve`: a user's experiment solved part by part, each part on disk as soon as it is done, and summed up."""
