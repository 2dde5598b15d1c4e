"""The schema of `state.sqlite`, as scripts that are run in order; their number is the schema's version.

A script that was released is never changed; a new version appends one. Migrating backs the file up first, as
`state.sqlite.v<old version>`. Before a script is appended, a store of the schema until then comes into `tests/store/golden/`.
"""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE progress (                    -- one row
        one INTEGER PRIMARY KEY CHECK (one = 1),
        segment INTEGER NOT NULL, offset INTEGER NOT NULL,   -- how far the log was judged
        sealed INTEGER NOT NULL,               -- the last segment whose Parquet files the catalogue lists
        watermark INTEGER,                     -- instant
        aside_dropped INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO progress (one, segment, offset, sealed) VALUES (1, 0, 0, 0);

    CREATE TABLE streams (
        stream TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL, head INTEGER NOT NULL,    -- of how many bytes the fingerprint is
        size INTEGER NOT NULL, digest TEXT NOT NULL,         -- content that was measured
        records INTEGER NOT NULL,              -- high-water mark: ordinals below it were read
        tail TEXT                              -- digest of the last record, null where it was set aside
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX streams_by_fingerprint ON streams (fingerprint);
    CREATE INDEX streams_by_short_head ON streams (head) WHERE head < 1024;

    CREATE TABLE findings (
        id TEXT PRIMARY KEY, rule_id TEXT NOT NULL, level TEXT NOT NULL, time INTEGER NOT NULL,
        body BLOB NOT NULL                     -- the whole finding with its pinned evidence, zstd of JSON
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE incidents (
        id TEXT PRIMARY KEY, rank INTEGER NOT NULL, status TEXT NOT NULL, last INTEGER NOT NULL,
        body BLOB NOT NULL                     -- the incident without its findings, zstd of JSON
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE incident_findings (
        incident TEXT NOT NULL REFERENCES incidents ON DELETE CASCADE,
        finding TEXT NOT NULL REFERENCES findings ON DELETE CASCADE,
        PRIMARY KEY (incident, finding)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX incident_findings_by_finding ON incident_findings (finding);
    CREATE TABLE aliases (
        alias TEXT PRIMARY KEY, incident TEXT NOT NULL REFERENCES incidents ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX aliases_by_incident ON aliases (incident);

    CREATE TABLE set_aside (
        number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,  -- digest of all that it says
        body BLOB NOT NULL                     -- zstd of JSON
    ) STRICT;

    CREATE TABLE detectors (name TEXT PRIMARY KEY, version TEXT NOT NULL, state BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE rule_sets (                   -- which rules judged from where on
        segment INTEGER NOT NULL, offset INTEGER NOT NULL, version TEXT NOT NULL, rules INTEGER NOT NULL,
        PRIMARY KEY (segment, offset)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE files (                       -- the catalogue: a Parquet file that is not in it does not count
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, slug TEXT NOT NULL, segment INTEGER NOT NULL,
        rows INTEGER NOT NULL, bytes INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX files_by_time ON files (first, last);
    CREATE TABLE file_streams (
        stream TEXT NOT NULL, file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
        low INTEGER NOT NULL, high INTEGER NOT NULL,
        PRIMARY KEY (stream, file)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX file_streams_by_file ON file_streams (file);
    CREATE TABLE columns (                     -- which native fields of a kind are columns, in all its files alike
        slug TEXT NOT NULL, ordinal INTEGER NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (slug, ordinal)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE outbox (                      -- messages to people
        id TEXT PRIMARY KEY,                   -- digest of what it is about, what changed and the channel
        kind TEXT NOT NULL, subject TEXT NOT NULL, change TEXT NOT NULL,   -- incident | digest; an incident's id; what changed
        channel TEXT NOT NULL, severity TEXT NOT NULL, made INTEGER NOT NULL,
        next INTEGER NOT NULL,                 -- not before this instant
        state TEXT NOT NULL DEFAULT 'waiting', -- waiting | sent | spared | failed
        parcel TEXT,                           -- id under which it was handed over, alone or with others
        tries INTEGER NOT NULL DEFAULT 0, trouble TEXT, ended INTEGER,
        title TEXT NOT NULL, text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_waiting ON outbox (channel, next) WHERE state = 'waiting';
    CREATE INDEX outbox_by_subject ON outbox (subject, change);
    CREATE INDEX outbox_ended ON outbox (ended);
    CREATE TABLE rung (                        -- what was last said of an incident
        incident TEXT PRIMARY KEY, severity TEXT NOT NULL, status TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE acknowledged (incident TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE heard (                       -- events by source and hour of their arrival
        hour INTEGER NOT NULL, source TEXT NOT NULL, events INTEGER NOT NULL,
        PRIMARY KEY (hour, source)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outgoing (                    -- what left through the gate, or was refused there
        number INTEGER PRIMARY KEY,
        purpose TEXT NOT NULL, ident TEXT NOT NULL, destination TEXT NOT NULL, digest BLOB NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL,
        times INTEGER NOT NULL, unsure INTEGER NOT NULL,    -- how often; and of these, cut off before the answer was known
        outcome TEXT NOT NULL, body BLOB NOT NULL,
        UNIQUE (ident, destination, digest)
    ) STRICT;
    CREATE INDEX outgoing_by_last ON outgoing (last);
    """,
    """
    CREATE TABLE forgotten (                   -- who is to be forgotten, and receipts of who was
        id TEXT PRIMARY KEY,                   -- random; stands in the mark that is left in their place
        asked INTEGER NOT NULL, by TEXT NOT NULL,
        site TEXT NOT NULL, kind TEXT NOT NULL,
        subject TEXT,                          -- null once it is forgotten
        digest TEXT NOT NULL,                  -- keyed, of the subject
        state TEXT NOT NULL,                   -- wanted | cleared (bytes may be left in free pages) | done
        done INTEGER, counts TEXT NOT NULL DEFAULT '{}'
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE forgotten_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;
    INSERT INTO forgotten_key VALUES (1, randomblob(32));
    """,
    """
    CREATE TABLE decided (                     -- what the operator decided of an incident, the last word of each
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- a later decision has a higher one
        incident TEXT NOT NULL UNIQUE, body BLOB NOT NULL  -- zstd of JSON
    ) STRICT;
    CREATE TABLE watched (                     -- how often sources and hosts speak (detect/absence)
        name TEXT PRIMARY KEY, body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE detector_rows (               -- detectors' state in rows, so that a commit writes what changed
        detector TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (detector, name)
    ) STRICT;
    INSERT INTO detector_rows SELECT name, 'whole', state FROM detectors;
    ALTER TABLE detectors DROP COLUMN state;
    """,
)
