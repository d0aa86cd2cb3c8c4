"""Facts that the theorems rest on: noise laws, losses, compressors, schedules (theory 4, 6.6, 6.9, 8)."""
