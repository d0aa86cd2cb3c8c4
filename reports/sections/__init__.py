"""The sections of a report on a user's problem, one per file, and what sections share: a subclass of `Section` and a template."""
