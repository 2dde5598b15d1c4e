"""The command line: the composition root. Reads settings, the clock and the environment, and hands them down."""
