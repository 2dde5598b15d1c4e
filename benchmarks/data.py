"""Where the recordings and rules are that benchmarks take, unless told otherwise."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(os.environ.get("TOCSIN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
