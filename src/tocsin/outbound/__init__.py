"""The one way out: everything that leaves this host goes through `Gate.send` (`gate.py`).

Below it are the two ways to carry a body: `web.py` (HTTP) and `mail.py` (SMTP). No other room opens a connection: an
import contract says so. The room lies below all that reach outward, because siblings never import each other.
"""
