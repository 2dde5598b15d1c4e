"""The engine: `flow.py` is the one page that tells the whole story; the rest wires the rooms together."""
