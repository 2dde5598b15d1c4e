"""Settings in one typed tree, and every bound on a resource in one commented place (`bounds.py`)."""
