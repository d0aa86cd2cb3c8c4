"""The command line, the LaTeX printer, figures and the report. Loads nothing by itself."""

if __name__ != "sdescent.reports":
    raise ImportError("there is no package reports: import sdescent.reports")
