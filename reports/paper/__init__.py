"""The report on arXiv 2506.00181: its claims, experiments and sections. It is an application: no other module imports it."""
