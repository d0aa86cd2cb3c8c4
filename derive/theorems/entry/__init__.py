"""What an entry of the catalogue is, and how it is checked against the engine."""
