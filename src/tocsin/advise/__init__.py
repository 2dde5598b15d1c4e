"""Advice: an incident's story and next steps in plain words, each sentence rendered from claims. Pure."""
