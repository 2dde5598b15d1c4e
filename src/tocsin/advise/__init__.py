"""Puts incidents into words: a title, a story that proves itself, and three next steps."""
