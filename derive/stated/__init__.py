"""An SDE that somebody states in named coordinates: its letters, what must be true of it, and what it can do."""
