"""The command line, the LaTeX printer, figures and the report. Loads nothing by itself."""
