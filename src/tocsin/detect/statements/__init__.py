"""What each family of logs states, as typed claims; `detect/claims.py` picks the family."""
