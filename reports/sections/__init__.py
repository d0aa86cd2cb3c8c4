"""The sections of a report, one a file: a new one is a subclass of `Section`, a template and a line in `reports.assembly.plan`."""
