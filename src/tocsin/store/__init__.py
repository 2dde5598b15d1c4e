"""The embedded store: write-ahead segments, Parquet by kind and ingest hour, DuckDB to query, SQLite for state."""
