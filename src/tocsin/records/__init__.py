"""The nouns: events, findings, incidents, errors, instants, entities and the ATT&CK table.

Pure data. Nothing in this room reads a clock, a file or the environment, and it imports no other room.
"""
