"""The sections of a report on a user's problem, one per file, and their common base: a subclass of `Section` and a template."""
