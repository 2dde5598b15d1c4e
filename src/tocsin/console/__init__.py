"""The console: shows what was found. Decides nothing."""
