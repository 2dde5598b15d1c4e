"""Connecting a source: what is to be done for it, done and taken back (`applying.py`), and a test event seen end to end (`arrival.py`)."""
