"""The assembly of a report: its sections, computed in parallel, and the typeset document."""
