"""The embedded store: what was read, what was found, and how far judging came (DESIGN section 4, "Store").

`store.py` (to write; `uncommitted.py` holds what its next commit must) is the one to read first, then `read_store.py`
(to ask) and `upkeep.py` (to seal, and to drop what is old). Below them: `write_ahead.py` (the log that acknowledges),
`sealing.py` (log to Parquet), `state.py` (SQLite: findings, incidents, positions), `streams.py` (which records were read
before), `query.py` (DuckDB over all of it), `entries.py` (what the log carries) and `disk.py`, the only module that syncs.

Rules of durability:

1. Acknowledged means: `Store.append` returned. By then its events are in a segment whose bytes, name and directory
   are synced.
2. One SQLite transaction (`Store.commit`) stores findings, incidents, detectors' changed state and the position up
   to which the log was judged. Events behind the position are judged again on the next open; a finding's id keeps it
   from being raised twice.
3. A segment goes only when it is judged *and* its Parquet files and their directories are synced *and* the catalogue
   lists them. Until the catalogue does, the segment is the truth and those files are ignored.
4. A torn tail of the last segment was never acknowledged: it is cut off, with a notice. Damage anywhere else is told
   with the file's name and never skipped.
5. A write or sync that failed is never tried again on the same segment: the store stops and says so.
"""
