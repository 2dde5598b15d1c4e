"""How each product writes a record down: shapes only, no decisions about what happens."""
