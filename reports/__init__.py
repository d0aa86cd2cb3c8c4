"""The command line, the LaTeX printer, figures and the report. Importing this package loads nothing else."""

if __name__ != "sdescent.reports":
    raise ImportError("there is no package reports: import sdescent.reports")
