"""A file opened: gzip and zstd unpacked as they are read, everything else told by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

from tocsin.records.errors import OperatorError
from tocsin.sources.compressed import COMPRESSIONS
from tocsin.sources.content import Budget, CountedFile
from tocsin.sources.historian.notices import Notices
from tocsin.sources.historian.tables import Table, csv_table, parquet_table

_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def table_in(file: BinaryIO, notices: Notices) -> Table:
    """The table in `file`, which must be seekable.

    Raises:
        OperatorError: it holds none.
    """
    magic = file.read(4)
    file.seek(0)
    if not magic:
        raise OperatorError(f"{notices.file} is empty.", "Export it anew.")
    if magic in {_ZIP, _OLD_EXCEL}:
        raise OperatorError(
            f"{notices.file} is an archive or a workbook.", "Unpack it, or save its sheet as CSV."
        )
    if magic == _PARQUET:
        return parquet_table(file, notices)
    budget = Budget()
    counted = CountedFile(file, budget)
    for compression in COMPRESSIONS:
        if magic.startswith(compression.magic):
            return csv_table(compression(counted, budget), notices)
    return csv_table(counted, notices)
