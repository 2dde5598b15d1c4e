"""Makes the room's own helpers (`store_events.py` and others) importable for its tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
