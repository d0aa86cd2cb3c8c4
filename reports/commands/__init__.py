"""The commands of the command line: the work of each command once its options are read, and its output."""
