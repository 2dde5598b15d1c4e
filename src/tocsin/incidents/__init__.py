"""Incidents: findings that belong together become few, ranked things that need somebody. Pure."""
