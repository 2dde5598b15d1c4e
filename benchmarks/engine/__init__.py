"""How fast the rule engine judges, what it holds, how it grows, and what hostile rules and values do to it."""
