"""SDEs that a user states, in named coordinates or for an update rule: their letters, their validity and their audit."""
