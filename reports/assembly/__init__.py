"""The making of a report: which sections it has, computed side by side and typeset."""
