"""The command `sweep`: a study's points solved by tasks, here or elsewhere, each point a file, summed up in tables and figures."""
