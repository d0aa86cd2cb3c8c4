"""The assembly of a report: its sections, computed side by side, and the typeset document."""
