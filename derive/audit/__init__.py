"""An SDE that somebody states, in named coordinates or for an update rule: its letters, what must be true of it, its audit."""
