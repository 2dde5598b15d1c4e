"""pyarrow's functions over columns, without their stubs: these know fewer types than the functions take and give."""

from __future__ import annotations

from typing import Any

import pyarrow.compute

Column = Any
"""One column of a block: a `pyarrow.Array` of any type."""

pc: Any = pyarrow.compute
"""`pyarrow.compute`."""
