"""The commands of the command line: the work that each does once its options are read, and its output."""
