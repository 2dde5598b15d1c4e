"""What fetches a plant's readings from where they already are: one module for each kind of source, and `interface.py`."""
