"""The sections of a report, one per file: a subclass of `Section`, a template and a line in `sdescent.reports.assembly.plan`."""
