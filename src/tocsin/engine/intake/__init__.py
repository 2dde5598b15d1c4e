"""The process that takes events in and owns the write-ahead log; it knows nothing of rules, and imports little.

`process.py` is the one to read first: it opens the log, starts the listeners and says what happened. A body goes
`handshakes.py` (TLS) → `door.py` (connections) → `http.py` (endpoints) → `senders.py` (who) → `bodies.py` (bytes) →
`repeats.py` (seen before?) → `commit.py` (written, synced) → the answer. Syslog goes `syslog_sockets.py` → `syslog.py` →
`commit.py`; files go `tail.py` (rules, parts) → `open_files.py` (which are open) → `growing.py` (one file) → `commit.py`,
told apart by `known_files.py`.

Rules:

1. An answer that says yes is sent after the sync that covers the body. `records/received.py` says what is kept of it.
2. Whatever cannot be taken is told so at once: 429 to the sender that asks too much, 503 when all of it is too much
   or the disk refuses. Nothing waits without a bound on bytes and on seconds.
3. A full disk passes: what the failed write left is cut off, and the log goes on in a new segment. Any other failure
   of the disk does not: all is refused until Tocsin is started again.
4. The repeat of a body whose answer may not have arrived is acknowledged and dropped, once (`repeats.py`).
"""
