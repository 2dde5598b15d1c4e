"""Every bound on a resource, each named and explained, so that an operator can see what a hostile input may cost.

Sizes are bytes unless the name says otherwise. A record or file that goes over a bound is set aside with a
reason and counted; nothing is cut short in silence.
"""

from __future__ import annotations

from typing import Final

MiB: Final = 1024 * 1024
GiB: Final = 1024 * MiB

# --- reading ---------------------------------------------------------------------------------------------
RECORD_BYTES: Final = 16 * MiB
"""One record (line, JSON object, CSV row). A 10 MB PowerShell script block is real; a 50 MB line is not."""

READ_BLOCK_BYTES: Final = 256 * 1024
"""How much is asked of a stream at a time."""

SNIFF_BYTES: Final = 64 * 1024
"""How much of a file is looked at to tell its format."""

JSON_DEPTH: Final = 64
"""Nesting that a JSON record may have; deeper is a bomb, no log."""

EXPANDED_BYTES: Final = 64 * GiB
"""Decompressed bytes that one archive may give in all."""

EXPANSION_RATIO: Final = 250
"""Decompressed over compressed bytes, judged after `EXPANSION_FREE_BYTES`; logs reach about 50, deflate 1,032 at most."""

EXPANSION_FREE_BYTES: Final = 64 * MiB
"""Decompressed bytes before the ratio is judged: a small file of zeros is no danger."""

ARCHIVE_MEMBERS: Final = 100_000
"""Members that are read from one archive."""

ARCHIVE_DEPTH: Final = 3
"""Archives inside archives (a .gz inside a .zip inside a .tar)."""

SPOOL_BYTES: Final = 4 * GiB
"""A zip inside another archive is spooled to disk up to this size, because its directory stands at its end."""

EVTX_CHUNK_SECONDS: Final = 10.0
"""How long the EVTX parser may take for one chunk of 64 KiB; it needs milliseconds, and damaged ones made it loop for ever."""

EVTX_FAILURES: Final = 3
"""Chunks of one EVTX file that may make the parser fail before the rest of the file is set aside."""

EVTX_WORKER_BYTES: Final = 1 * GiB
"""Address space of the process that parses EVTX chunks."""

FIELDS_PER_RECORD: Final = 4_096
"""Fields of one record; more and the record is set aside."""

PARSED_MESSAGE_CHARS: Final = 8 * 1024
"""A log message longer than this is kept whole as text, but not searched for the fields of well-known messages."""

CSV_ROW_LINES: Final = 10_000
"""Lines that one quoted CSV field may span; a quote that never ends would swallow the rest of the file."""

BATCH_EVENTS: Final = 1_000
"""Events in a batch while scanning."""

BATCH_BYTES: Final = 8 * MiB
"""Raw bytes in a batch while scanning; whichever bound comes first closes it."""

PROJECTED_SORTS: Final = 1_024
"""Sorts of events (Channel, EventID) for which one reading keeps a decoder of the needed fields; others are read whole."""

SIFTED_BYTES: Final = 2 * MiB
"""Files that are smaller in all (as they lie on disk) are read by one process: starting others would cost more than it saves."""

SPLIT_FROM_BYTES: Final = 128 * MiB
"""From this size on a file of JSON lines is read in ranges by several processes; a smaller one is done before they are warm."""

SPLIT_BYTES: Final = 16 * MiB
"""The least size of such a range: what a process holds of one until it is known to be lines of JSON and nothing else."""

SIFTED_AHEAD_BYTES: Final = 64 * MiB
"""Raw bytes of matching events that worker processes may have passed on before it is their file's turn."""

# --- listening -------------------------------------------------------------------------------------------
BODY_RECORDS: Final = 50_000
"""Records of one body that a sender posts: they become events together. Shippers send hundreds to thousands at a time."""

SYSLOG_MESSAGE_BYTES: Final = 256 * 1024
"""One syslog message; RFC 5424 asks for 2 KiB, Windows events as XML reach some 60. A longer one is cut, and said to be."""

LISTENED_SAMPLE: Final = 100
"""Lines of one origin in one body that are looked at to tell its format."""

# --- what is kept of a record ----------------------------------------------------------------------------
SET_ASIDE_RAW_CHARS: Final = 2_000
"""Start of a set-aside record that is kept for the operator to see."""

SET_ASIDE_KEPT: Final = 10_000
"""Set-aside entries that are kept with their text in one run; all are counted."""

EVIDENCE_RAW_CHARS: Final = 4_000
"""Raw text pinned with a piece of evidence."""

EVIDENCE_PER_FINDING: Final = 1_000
"""Events that one correlation finding cites; the true count is told beside them."""

# --- rules -----------------------------------------------------------------------------------------------
REGEX_SECONDS: Final = 0.05
"""Processor time that a rule's expressions may spend on one event before they are stopped."""

REGEX_TIMEOUTS: Final = 3
"""Times a rule's expression may be stopped before the rule is suspended, visibly."""

VALUE_CACHE_BYTES: Final = 64 * MiB
"""What the rule engine remembers of values and events that it has judged before; over it the oldest are forgotten one by one."""

CACHED_VALUE_CHARS: Final = 2_048
"""A longer value is judged anew each time: it seldom comes again, and would push out many others."""

CACHED_SHAPE_FIELDS: Final = 1_024
"""An event with more fields than this is judged without remembering which of them rules ask for."""

SHAPE_BYTES: Final = 4_096
"""What is remembered of one set of keys, roughly, besides the keys."""

PLANS: Final = 2_048
"""Combinations of logsources, Channel and EventID whose rules are kept ready; over it the oldest is given up."""

PLANNED_RULES: Final = 50_000
"""Rules in all plans together, some 1 to 3 kB each; all of SigmaHQ's over a day of Windows logs come to 5,000."""

LOGSOURCE_SETS: Final = 256
"""Different sets of logsources whose rules and plans are kept; a file has a few dozen."""

RULE_BYTES: Final = 1 * MiB
"""One rule file (SigmaHQ's largest is 40 KiB)."""

MAPPING_BYTES: Final = 1 * MiB
"""A file of names with values that the operator wrote: placeholders of rules, columns of a CSV."""

RULE_DEPTH: Final = 40
"""Nesting of YAML in a rule file; a real one reaches 6. The YAML parser would overflow its stack at some thousands."""

RULE_NUMBER_CHARS: Final = 400
"""Digits of one number in a rule file: YAML 1.1's base-60 numbers cost time by the square of their length."""

PLACEHOLDER_COMBINATIONS: Final = 10_000
"""Values that one value with `expand` placeholders may become."""

CORRELATION_HITS: Final = 1_000_000
"""Base-rule hits that correlation rules keep waiting for their time window; over it the oldest windows are judged early, visibly."""

CORRELATION_BYTES: Final = 128 * MiB
"""What those hits take in memory: evidence, groups, values; over it the oldest windows are judged early, visibly."""

LIVE_PAST_SECONDS: Final = 7 * 24 * 3600
"""A live event whose time is further before its ingest counts at its ingest: its clock, or its claim, is wrong."""

LIVE_AHEAD_SECONDS: Final = 10 * 60
"""A live event whose time is further after its ingest counts at its ingest."""

CORRELATION_SECONDS: Final = 10 * 366 * 24 * 3600
"""The longest `timespan` of a correlation rule: hits are held for that long."""

CORRELATION_MEMBERS: Final = 64
"""Rules that one correlation may refer to: an ordered one does work for each hit that grows with their square."""

CORRELATION_TERMS: Final = 256
"""Alternatives that an extended condition may come to when it is multiplied out; more is no rule a person wrote."""

CORRELATION_DEPTH: Final = 50
"""Correlations that refer to correlations that refer to correlations…"""

HYPERSCAN_LITERALS: Final = 20_000
"""Literals of one search that Hyperscan may compile: 0.4 s and 40 MB while it does; more are left to the automaton."""

HYPERSCAN_BYTES: Final = 512 * 1024
"""Their bytes in all; long ones take their time (10,000 of 200 bytes: 4 s)."""

PREFILTER_PATTERN_CHARS: Final = 16 * 1024
"""Longest regular expression that is read for literals to look for first (0.1 s); a longer one is asked about every value."""

LITERAL_OCCURRENCES: Final = 128 * 1024
"""Occurrences of literals in one text that are held at a time (about 130 bytes each); a longer text is read in windows."""

RULE_CACHE_BYTES: Final = 64 * MiB
"""Parsed rules that are kept on disk (SigmaHQ's 3,754 take 3 MiB); what does not fit is parsed at every start, visibly."""

RULE_CACHE_UNUSED_BYTES: Final = 8 * MiB
"""Of these, what rules took that the last scan that wrote there did not use: another set's, or older versions."""

# --- incidents -------------------------------------------------------------------------------------------
STORY_SENTENCES: Final = 40
"""Sentences an incident's story may have; the rest is summed up in one that says how many more."""

FINDINGS_PER_INCIDENT: Final = 5_000
"""Findings kept with their evidence in one incident; further ones are counted."""

FINDINGS_PER_PATTERN: Final = 20
"""Findings kept of one rule on the same entities within one hour; further ones are counted."""

EVIDENCE_HELD: Final = 40_000
"""Pieces of evidence (each up to `EVIDENCE_RAW_CHARS`) that the incident desk holds; over it repeats and the mildest go first, counted."""

RULE_HOURS_KEPT: Final = 10_000
"""Distinct hours and hosts remembered for each rule to tell whether it is noise."""

# --- the page --------------------------------------------------------------------------------------------
PAGE_EVIDENCE: Final = 100
"""Evidence rows that the page shows of one incident; the others are counted and stand in the JSON lines."""

PAGE_SET_ASIDE: Final = 100
"""Set-aside records that the page lists; all are counted."""

PAGE_INCIDENTS: Final = 100
"""Incidents that the page tells in full; further ones are listed by title."""

TIMELINE_LANES: Final = 12
"""Hosts that the timeline draws; the others share one lane."""

PLANT_PICTURE_SPANS: Final = 320
"""Spans of time that a picture of a tag has: of each the lowest and highest reading is drawn, however many there are."""

PLANT_PICTURE_FAULTS: Final = 40
"""Tags at fault that the page of a plant draws; further ones are named."""

PLANT_PICTURE_TAGS: Final = 200
"""Other tags that it draws, folded; further ones are counted. A picture takes 14 kB at most, so the page stays below 4 MB."""

PLANT_PICTURE_EPISODES: Final = 40
"""Stretches of alarms that it tells and draws, the newest; older ones are counted."""

PLANT_PICTURE_ROWS: Final = 400_000
"""Rows that are judged once more to draw these stretches enlarged; one that does not fit in is seen in its tags' whole pictures only."""

PLANT_PICTURE_NOTICES: Final = 100
"""Notices that the page of a plant tells one by one."""

# --- store -----------------------------------------------------------------------------------------------
COLUMNS_PER_KIND: Final = 256
"""Columns of one kind's Parquet files; any field beyond goes into `t_rest`."""

WAL_SEGMENT_BYTES: Final = 32 * MiB
"""A write-ahead segment is closed and sealed at this size. Sealing holds it as columns: twice the size costs 60 MB more
memory and saves 15 bytes an event."""

WAL_FRAME_BYTES: Final = 64 * MiB
"""One frame of the write-ahead log; a larger length on disk is a torn write."""

KINDS_PER_SEGMENT: Final = 512
"""Kinds that get Parquet files of their own out of one segment; the rest share one set of files."""

STREAMS_LISTED: Final = 64
"""Streams that the catalogue lists for a Parquet file; one with more may hold events of any. A stream is a request's body
where events come over HTTP, so a row for each would outweigh the events."""

MERGED_BYTES: Final = 32 * MiB
"""Small Parquet files of one day or hour and kind are merged up to this size."""

MERGE_FROM: Final = 8
"""Parquet files of one kind in one hour from which on they are merged before their day is over."""

MERGE_GROUP_BYTES: Final = 16 * MiB
"""Rows that merging holds, as columns in memory; what a reader skips by its times."""

SEAL_ROWS: Final = 1_024
"""Events that sealing holds as rows before it makes columns of them."""

SEAL_BYTES: Final = 2 * MiB
"""Raw bytes that sealing holds as rows before it makes columns of them."""

COMMIT_EVENTS: Final = 50_000
"""Records (set-aside ones too) that a scan with a store judges between two commits; after a crash at most these are judged again."""

COMMIT_FINDINGS: Final = 5_000
"""Findings, each with its evidence, that wait for the next commit in memory; with that many it comes early."""

COMMIT_SEGMENTS: Final = 8
"""Write-ahead segments between two commits: large records make the log grow long before there are many of them."""

# --- service ---------------------------------------------------------------------------------------------
PORTION_BYTES: Final = 5 * MiB
"""Bytes as received that are judged and committed together under load; on a quiet day a portion is one event. With 1.5 MiB
the disk's syncs at each commit made judging fall behind at 20,000 events a second (benchmarks/RESULTS.md)."""

COMMITS_WITHOUT_INCIDENTS: Final = 8
"""Full portions whose findings wait for the next one to become incidents: some two seconds at 20,000 events a second."""

COLLECT_OBJECTS: Final = 50_000
"""Objects made and not freed after which the judging process looks for circles among them; some MB, and more than a portion
of usual events holds at once."""

LATENESS_SECONDS: Final = 120
"""How much later than the newest event one may arrive and still count in windows over several events."""

TICK_SECONDS: Final = 10
"""Windows are judged each time that the events' own time passed a multiple of this; with portions of any size."""

SEAL_RETRY_SECONDS: Final = 30.0
"""After sealing failed, how long until it is tried again; the log holds the events until then."""

SEAL_HANGS_SECONDS: Final = 600.0
"""A sealing process that takes longer is ended, which is told, and its segment sealed anew: one takes seconds, on a slow disk
a minute or two."""

QUIET_SECONDS: Final = 30
"""When nothing came for so long, the log is told the time: some 150 kB a day where nothing ever comes."""

INTAKE_PAUSE_SECONDS: Final = 30.0
"""Longest pause before an intake process that keeps dying is started again."""

# --- intake ----------------------------------------------------------------------------------------------
BODY_BYTES: Final = 32 * MiB
"""One HTTP body, decompressed: it travels as one frame of the log. Shippers send 1 to 10 MiB; more is answered 413."""

BODY_WIRE_BYTES: Final = 32 * MiB
"""One HTTP body as it comes, compressed or not."""

BODY_EXPANSION: Final = 10
"""Decompressed over compressed bytes that a sender is charged with while its body is decompressed; then what it came to."""

BODY_THREADS: Final = 2
"""Bodies that are decompressed and looked through in threads at a time, one of each sender: what a bomb may take is these
times `BODY_BYTES`."""

BODY_INLINE_BYTES: Final = 256 * 1024
"""A body larger than this, decompressed, is looked through in a thread, so that the others need not wait for it."""

BODY_MEMBERS: Final = 4_096
"""Members of one gzip body, and of the like: tools that pack in blocks make one of every 64 KiB; empty ones cost time alone."""

ACKS_BYTES: Final = 256 * 1024
"""A body that asks for acknowledgements; 10,000 numbers of 20 digits fit."""

HINT_CHARS: Final = 1_024
"""What a request's head says of all its records (host, source, …): each of 50,000 records would bear it."""

INDEX_BYTES: Final = 255
"""Name of an index, as in Elasticsearch: it is said back for every record."""

FILTER_PATH_CHARS: Final = 1_024
"""What a client of Elasticsearch says of the parts of an answer that it wants (`filter_path`); more of it asks for all."""

ID_BYTES: Final = 512
"""A record's `_id`, as in Elasticsearch."""

ZSTD_WINDOW_BYTES: Final = 8 * MiB
"""Memory that a zstd body may ask of who decompresses it (RFC 8878 names 8 MiB as what all should take)."""

BACKLOG_BYTES: Final = 96 * MiB
"""Bodies that wait for the disk, all senders together; above it senders are told to come back (503)."""

GROUP_BYTES: Final = 8 * MiB
"""Bodies that are written and synced together. One larger body goes alone."""

GROUP_BODIES: Final = 4_096
"""The same, in bodies."""

IN_FLIGHT_BYTES: Final = 192 * MiB
"""Bytes of bodies that are being read, decompressed or written, all senders together (503 above)."""

SENDER_IN_FLIGHT_BYTES: Final = 64 * MiB
"""The same for one sender (429 above): one that floods leaves room for the others."""

CONNECTIONS: Final = 4_096
"""HTTP connections in all; a further one is closed at once."""

PEER_CONNECTIONS: Final = 512
"""HTTP connections of one address."""

HEAD_BYTES: Final = 32 * 1024
"""Request line and headers of one HTTP request."""

HEADERS: Final = 100
"""Headers of one HTTP request."""

HEAD_SECONDS: Final = 10.0
"""From a connection, or from a request's first byte, to the end of its headers: slower is a slow-loris and is closed."""

BODY_SECONDS: Final = 60.0
"""From a request's headers to its last byte."""

PIPELINED: Final = 32
"""Requests of one connection that may wait behind the one that is served; clients that send ahead at all send a few."""

ANSWER_SECONDS: Final = 30.0
"""How long an answer, or the rest of one, may lie unread until the connection is cut off."""

UNREAD_SECONDS: Final = 5.0
"""How long the rest of a body is read and thrown away that was refused before it had come; a client that is cut off
while it sends may never see the answer."""

IDLE_SECONDS: Final = 75
"""An HTTP connection without a request is kept this long."""

REFUSED_LOGINS: Final = 20
"""Wrong tokens from one address within `REFUSED_LOGIN_SECONDS`; further ones are answered 429 and cut off. A right one always passes."""

REFUSED_LOGIN_SECONDS: Final = 60.0
"""See `REFUSED_LOGINS`."""

PEERS_REMEMBERED: Final = 8_192
"""Addresses of which refused log-ins, or the state of a syslog stream, are remembered; the longest quiet goes first."""

RETRY_SECONDS: Final = 3_600.0
"""How long the repeat of a body whose client was gone before its answer, or whose records it named, is waited for: rsyslog
tries again after 30 minutes at the latest (`action.resumeIntervalMax`), all else that is known to us sooner."""

RECALLED_SECONDS: Final = 300.0
"""How long before the end of the log a body came, and how long after the start its repeat does, where nobody knows whether it
was answered before the process was killed. Most were, so what comes again later is an event of its own."""

REPEATS_HELD: Final = 16_384
"""Bodies for each sender whose repeat is waited for (about 250 bytes each); the oldest goes first."""

REPEATS_OF_ONE: Final = 64
"""The same body whose repeats are waited for, this many times over."""

REPEATS_LOG_BYTES: Final = 64 * MiB
"""How much of the log's end is read at a start for bodies whose answer may not have arrived (0.3 s)."""

DISK_RETRY_SECONDS: Final = 5.0
"""After the disk was full, how long until the log is opened again."""

HEALTH_SECONDS: Final = 10.0
"""How old the last write to the log may be for `/healthz` to rest on it; after that the question is a write of its own."""

HEALTH_WAIT_SECONDS: Final = 5.0
"""How long that write may take until the answer is no."""

FIGURES_SECONDS: Final = 1.0
"""How often the service writes its figures down."""

FIGURES_BYTES: Final = 4 * MiB
"""The file with them, as it is read; `SOURCES_SHOWN` sources take some 300 kB."""

FIGURES_STALE_SECONDS: Final = 60.0
"""A running service whose figures are older is said to hang: its longest step, sealing a segment, takes a few seconds."""

CLOCK_AHEAD_SECONDS: Final = 5.0
"""A source whose events are all dated further after their arrival has a clock that `tocsin doctor` tells of."""

CLOCK_BEHIND_SECONDS: Final = 120.0
"""The same before it, where none of a day came sooner: shippers gather events for seconds, seldom for minutes."""

ROOM_SECONDS: Final = 60.0
"""How often what is stored is summed up, and too old events are looked for."""

SOURCES_SHOWN: Final = 1_000
"""Sources whose events are counted each; anybody can invent more (a forged address over UDP), which are counted together."""

STOP_SECONDS: Final = 10
"""How long a stop waits for requests that are being served."""

SYSLOG_GATHER_SECONDS: Final = 0.01
"""Messages of one peer that come within this time are written together."""

SYSLOG_GATHER_BYTES: Final = 256 * 1024
"""Bytes of messages of one peer that are gathered; with more they are written at once."""

SYSLOG_WAITING_BYTES: Final = 32 * MiB
"""UDP messages that are gathered or wait for the disk; above it they are dropped, counted."""

SYSLOG_PEER_WAITING_BYTES: Final = 4 * MiB
"""The same for one address: one that floods leaves room for the others. A TCP peer is not read from meanwhile."""

SYSLOG_HELD_BYTES: Final = 64 * MiB
"""Messages over TCP that are not whole yet, of all connections; above it one that holds much of one is closed."""

SYSLOG_CONNECTIONS: Final = 2_048
"""Syslog connections in all."""

SYSLOG_PEER_CONNECTIONS: Final = 64
"""Syslog connections of one address."""

SYSLOG_IDLE_SECONDS: Final = 3_600.0
"""A syslog connection on which nothing comes is closed. Forwarders keep theirs open through quiet nights and open them again."""

SYSLOG_LEAVE_SECONDS: Final = 1.0
"""At a stop, how long syslog peers over TCP that were told of it may still send; those that watch go within milliseconds."""

SYSLOG_UDP_BUFFER_BYTES: Final = 8 * MiB
"""Room for UDP datagrams asked of the kernel, which may give less."""

TLS_HANDSHAKE_SECONDS: Final = 10.0
"""How long a TLS handshake may take."""

TLS_HANDSHAKES: Final = 512
"""TLS handshakes at a time; a further connection is closed at once."""

TLS_PEER_HANDSHAKES: Final = 128
"""The same of one address, which may be a whole office behind one router."""

# --- files that grow -------------------------------------------------------------------------------------
TAIL_FILES: Final = 10_000
"""Files that the settings' paths may come to; further ones are not followed, which is told."""

TAIL_OPEN: Final = 512
"""Files that are open at a time; over it the one that was quiet longest is closed, and opened again when it changes."""

TAIL_CHUNK_BYTES: Final = 256 * 1024
"""Bytes of whole lines that are taken from one file at a time."""

TAIL_TURN_BYTES: Final = 4 * MiB
"""The same of all files together, before the log has them and the next are read."""

TAIL_LINE_BYTES: Final = 1 * MiB
"""One line of a file; a longer one is taken in pieces of this size, each a record, and counted."""

TAIL_HEAD_BYTES: Final = 1024
"""The start of a file that tells it from others, and its format."""

TAIL_HEADER_BYTES: Final = 8 * 1024
"""Lines at a file's start that name its columns."""

TAIL_LOOK_SECONDS: Final = 0.5
"""How often it is looked whether files grew."""

TAIL_FIND_SECONDS: Final = 2.0
"""How often it is looked which files there are."""

TAIL_FIND_SHARE: Final = 0.1
"""Part of the time that this looking may take: in a folder with a million files it is done more seldom."""

TAIL_PARTIAL_SECONDS: Final = 10.0
"""A last line without a line feed is taken as it stands when nothing came for so long."""

TAIL_LEAVING_SECONDS: Final = 60.0
"""A file that no path leads to any more is read until it was quiet for so long: its program may not know yet."""

TAIL_IDLE_SECONDS: Final = 300.0
"""A file that was quiet for so long is closed; it is opened again when it changes."""

TAIL_SIBLINGS: Final = 8
"""Files beside a new one that are looked at for the rest of the one that it took the place of; the newest first."""

TAIL_SIBLING_PATHS: Final = 500
"""Files up to which each is looked at that way when it is first seen; with more only where another took its place."""

TAIL_RETRY_SECONDS: Final = 30.0
"""How long following files pauses after a mistake of ours."""

TAIL_REMEMBERED: Final = 20_000
"""Files of which it is remembered how far they were read (300 bytes each); the longest quiet goes first."""

TAIL_TOLD: Final = 1_000
"""Files of which it is told that they cannot be read, once each; of further ones no more is told."""

FOLLOWED_PATHS: Final = 256
"""Paths and patterns of files in the settings."""

# --- OpenTelemetry ---------------------------------------------------------------------------------------
OTLP_VALUES: Final = 4_096
"""Values in one log record, those in lists and maps too: a hostile one can name millions in a megabyte."""

OTLP_GROUPS: Final = 50_000
"""Resources and scopes in one body."""

OTLP_OBJECTS: Final = 1_000_000
"""Opening braces in one body of JSON, which bound what its borders take in memory; 30 for each record is much."""

OTLP_SHARED_BYTES: Final = 32 * MiB
"""What resources and scopes say of their records, counted for each record, as each event bears it: 8,000 records with
4 kB each. Further records are rejected."""

# --- InfluxDB's line protocol ------------------------------------------------------------------------------
LINE_BYTES: Final = 1 * MiB
"""One line; one instant of `LINE_FIELDS` tags takes 200 kB or so."""

LINE_FIELDS: Final = 10_000
"""Fields of one line: what a plant's tags showed at one instant, five times as many as a model has tags (`PLANT_TAGS`)."""

LINE_TAGS: Final = 64
"""Tags of one line (host, region, …)."""

LINE_NAME_CHARS: Final = 256
"""A measurement, the name of a tag or field, or a tag's value."""

LINE_TEXT_CHARS: Final = 64 * 1024
"""A text that a field holds, as in InfluxDB."""

LINE_INTEGER_CHARS: Final = 64
"""Digits of an integer, noughts before it too: 64 bits are 20 digits."""

LINES_VALUES: Final = 500_000
"""Fields and tags of all lines of one body, which is read into memory whole: some 100 MB at worst."""

# --- settings ----------------------------------------------------------------------------------------------
TOKENS: Final = 10_000
"""Tokens in the tokens file; all are held in memory (about 300 bytes each)."""

TOKENS_BYTES: Final = 4 * MiB
"""The tokens file; a line takes 150 bytes or so."""

LISTEN_ADDRESSES: Final = 64
"""Addresses that one kind of listener may have: each is a socket."""

CERTIFICATE_DAYS: Final = 820
"""How long a certificate that `tocsin init` makes is good for; Apple's systems refuse more than 825 days."""

CERTIFICATE_NAMES: Final = 64
"""Names and addresses in it: the host's own beyond these are left out, those asked for are refused."""

CERTIFICATE_BYTES: Final = 1 * MiB
"""A file with a certificate or key that is read; a chain takes a few kilobytes."""

KEEP_DAYS: Final = 90
"""How many days events are kept where `tocsin.toml` does not say."""

KEEP_BYTES: Final = 10_000_000_000
"""How much room they may take where it does not say: half of the smallest disk that docs/where-to-run.md names."""

KEEP_BYTES_LEAST: Final = 256 * MiB
"""Least room that may be asked for: eight write-ahead segments, which exist before anything is sealed."""

# --- connecting sources --------------------------------------------------------------------------------------
CONNECT_COMMAND_SECONDS: Final = 60.0
"""How long a command may take that `tocsin connect` runs, such as the restart of a daemon."""

CONNECT_FILE_BYTES: Final = 256 * 1024
"""A file that it writes, or compares with what it wrote."""

CONNECT_AGAIN_SECONDS: Final = 3.0
"""How often a test event is sent again that was not seen yet."""

CONNECT_TROUBLE_SECONDS: Final = 0.5
"""How often one that could not be sent, as to a daemon that is being restarted."""

CONNECT_SECONDS: Final = 60.0
"""How long it waits for a test event that it sends itself; a file without a line feed at its end takes 10 seconds."""

CONNECT_BY_HAND_SECONDS: Final = 600.0
"""How long it waits where a person must do something first."""

DETECT_FILE_BYTES: Final = 256 * 1024
"""How much of a configuration file is looked at by `tocsin connect --detect`."""

DETECT_ENTRIES: Final = 2_000
"""How many entries of a folder it looks at."""

DETECT_SECONDS: Final = 5.0
"""How long it looks at all."""

# --- absence -------------------------------------------------------------------------------------------
SILENCE_SECONDS: Final = 600
"""A source rings at the earliest after so much silence, where `tocsin.toml` does not say: with a look each minute it is
noticed within 12 minutes, and a restart of a machine or a switch is over by then."""

SILENCE_TIMES: Final = 2
"""It rings after so many times its usual longest silence."""

SILENCE_USUAL: Final = 3
"""The usual longest silence is the so-many-longest one: two longer ones in a month, such as failures, count for nothing."""

SILENCE_WEEKS: Final = 4
"""For how many weeks before the present one silences are remembered."""

SILENCE_LEARN_SECONDS: Final = 7 * 24 * 3600
"""How long a source must have spoken before its silence rings, where `tocsin.toml` does not say: a weekend is in it."""

SILENCE_STEADY_SECONDS: Final = 3600
"""What is silent for longer as a rule takes breaks (an office PC at night): it does not ring, the daily message lists it…"""

SILENCE_BREAKS_LEARN: Final = 3
"""…once it was known for so many times the time that others are."""

SILENCE_TURNS: Final = 20
"""A source that was heard fewer times, a minute apart, has no habit."""

SILENCE_OPEN: Final = 16
"""Silences told one by one, of the hosts of one source, of proven sources, of unproven ones; more of each are told as one."""

WATCHED_SOURCES: Final = 2_048
"""Sources whose silence is watched, at 1 kB each."""

WATCHED_UNPROVEN: Final = 512
"""Of these, such as nothing proves (syslog without certificates): anyone on the network can make up more."""

WATCHED_HOSTS: Final = 1_024
"""Hosts behind one source that are watched: whoever holds one token can make up more."""

WATCHED_ALL_HOSTS: Final = 4_096
"""Hosts behind all sources that are watched, at 1 kB each."""

WATCHED_NEW: Final = 64
"""New ones of each kind that are taken up within a minute; a flood of made-up names costs no more."""

WATCHED_NAME_CHARS: Final = 253
"""Characters of a host's or source's name by which it is watched: DNS allows no more."""

WATCHED_RAW_CHARS: Final = 400
"""Characters of the last record of each that are kept to prove a silence."""

EXPECTED: Final = 100
"""Expected events and groups in the settings."""

EXPECTED_GAPS: Final = 32
"""Times in which Tocsin did not listen that are remembered; a night that one lies in is not judged."""

GROUP_HOSTS: Final = 2_000
"""Hosts of one group."""

GROUP_LEARN_DAYS: Final = 7
"""A group that names no hosts is who was heard in so many days."""

# --- the bell --------------------------------------------------------------------------------------------
ESCALATE_MINUTES: Final = 30
"""How long a message may wait to be acknowledged before the next channel rings, where `tocsin.toml` does not say."""

HEARTBEAT_MINUTES: Final = 5
"""How often the heartbeat is sent where it does not say: three missed ones are noticed within 15 minutes."""

BELL_CHANNELS: Final = 16
"""Channels that may be named."""

BELL_RECIPIENTS: Final = 50
"""People that one e-mail channel may reach."""

BELL_APART: Final = 3
"""Messages that wait for a channel and still go one by one; more of them go as one that lists them."""

BELL_LISTED: Final = 20
"""Messages that such a list names; the others are counted."""

BELL_HANDED_HOURLY: Final = 30
"""Messages handed to one channel within an hour: a flood of incidents must not bury the phone. The next ones wait, and go as one."""

BELL_KEPT_FOR_CRITICAL: Final = 10
"""Of these, what only messages of critical severity may use."""

BELL_PAUSE_SECONDS: Final = 10
"""Pause before a failed message is tried again; it doubles each time."""

BELL_PAUSE_MOST_SECONDS: Final = 1_800
"""Where it ends to grow."""

BELL_TRIES: Final = 55
"""A message that could not be handed over so often is given up, visibly: after a day, whatever a clock says that jumps."""

BELL_TEXT_BYTES: Final = 3_000
"""Bytes of one message's text; ntfy makes an attachment of what is longer than 4,096, or refuses it."""

OUTBOX_DAYS: Final = 30
"""How long a message that is done is remembered."""

OUTBOX_MESSAGES: Final = 10_000
"""Messages that may wait; over it the oldest mild ones are given up, visibly."""

OUTBOUND_BODY_BYTES: Final = 256 * 1024
"""One body that leaves; a larger one is refused."""

OUTBOUND_KEPT: Final = 10_000
"""Bodies that left and are kept to be read; the oldest go first."""

OUTBOUND_KEPT_BYTES: Final = 64 * MiB
"""Their bytes."""

OUTBOUND_SECONDS: Final = 20.0
"""How long one hand-over may take."""

OUTBOUND_ANSWER_BYTES: Final = 64 * 1024
"""How much of an answer is read."""

SECRET_BYTES: Final = 4_096
"""A file with the secret of a channel."""

REASON_CHARS: Final = 500
"""Characters of the reason for which an incident is dismissed."""

HEARD_SOURCES: Final = 1_000
"""Sources that are counted apart within one hour; further ones count together."""

HEARD_HOURS: Final = 14 * 24
"""How many hours these counts are kept."""

WORKING_SECONDS: Final = 120
"""When judging made no progress for so long while something waits, the service does not work, and the heartbeat stops."""

WORKING_DISK_BYTES: Final = 256 * MiB
"""Free room on the disk below which the heartbeat stops: eight write-ahead segments."""

BACKUP_BLOCK_BYTES: Final = 256 * 1024
"""What a backup or a restore moves at once: a store of any size passes through this much memory."""

BACKUP_NOTE_BYTES: Final = 64 * MiB
"""The first and the last member of a backup, which say what it is; a restore reads no larger ones."""

BACKUP_SETTINGS_BYTES: Final = 64 * MiB
"""One file of settings or rules in a backup; a larger one is left out, and that is told."""

BACKUP_SETTINGS_FILES: Final = 20_000
"""Files of settings and rules in a backup."""

FORGET_RETRY_SECONDS: Final = 60
"""After it failed, forgetting somebody is tried again so often."""

# --- plants: files of readings and models ----------------------------------------------------------------
HISTORIAN_CELLS: Final = 256 * MiB
"""Readings (rows times tags) that are held at a time, 8 bytes each: a month of seconds of 80 tags is 207 million."""

HISTORIAN_TAGS: Final = 16_384
"""Tags of one plant. Small plants have dozens, large ones some thousands."""

HISTORIAN_BLOCK_BYTES: Final = 4 * MiB
"""How much of a CSV file is parsed at a time; a row that is longer is refused."""

HISTORIAN_HEAD_BYTES: Final = 1 * MiB
"""How much of a CSV file is looked at to tell its delimiter, header and decimal sign: a header of 16,384 tags fits."""

HISTORIAN_HEAD_LINES: Final = 100
"""Lines of it, and the lines above a header that may tell of other things."""

HISTORIAN_FILES: Final = 10_000
"""Files that are read as one history."""

HISTORIAN_WORDS: Final = 64
"""Different words that one tag may show (`OPEN`, `CLOSED`); more is free text and no tag."""

HISTORIAN_NAME_CHARS: Final = 256
"""Length of a tag's name, or of a word it shows; a longer one is cut."""

HISTORIAN_UNIT_CHARS: Final = 24
"""Length of a unit of measurement; a longer text in its place is a description."""

PLANT_TANKS_BYTES: Final = 1 * MiB
"""A file of tanks: a tank takes some hundred bytes."""

PLANT_CONFIRMED: Final = 1_000
"""Confirmations that a model keeps, the newest: one a week for nineteen years. So many old models may lie beside it."""

HISTORIAN_BATCH_ROWS: Final = 65_536
"""Rows of a Parquet file that are decoded at a time, fewer where there are many columns."""

MODEL_BYTES: Final = 512 * MiB
"""A file with the model of a plant; 43 tags take 0.3 MB, 1,000 some 15 MB."""

# --- plants: models --------------------------------------------------------------------------------------
PLANT_TAGS: Final = 2_000
"""Tags that change in one plant's model: each has a relation of its own, a second of learning and some kilobytes."""

# --- plants: an OPC UA server ----------------------------------------------------------------------------
OPCUA_INTERVAL_MS: Final = 1_000
"""How often the server sends what changed, where `tocsin.toml` does not say."""

OPCUA_REPEAT_SECONDS: Final = 10
"""How often a value that does not change is said again, where it does not say."""

OPCUA_NODES: Final = 5_000
"""Nodes of one source."""

OPCUA_DEPTH: Final = 16
"""Folders in folders that are looked through for nodes, and names in a path of them."""

OPCUA_BROWSED: Final = 50_000
"""References that are looked at for it: a server can show any number."""

OPCUA_AT_ONCE: Final = 100
"""Nodes in one request: servers allow that many and more (IEC 62541-5, OperationLimits)."""

OPCUA_QUEUE: Final = 1_000
"""Changes of one node that the server is asked to keep while they are not taken from it; what is more it drops, and says so."""

OPCUA_CHUNK_BYTES: Final = 1 * MiB
"""One chunk of a message that a server sends."""

OPCUA_MESSAGE_BYTES: Final = 16 * MiB
"""One message of it: 100,000 changes take 3 MB."""

OPCUA_SECONDS: Final = 15.0
"""How long an answer may take."""

OPCUA_NAME_CHARS: Final = 256
"""Characters of a name or text that a server says; a longer one is cut."""

OPCUA_SAID: Final = 1_000
"""Namespaces, servers or folders that a server may name of itself; of more of them the first ones are looked at."""

OPCUA_ASK_SECONDS: Final = 120.0
"""How long it may take to find the nodes on a server, and what it is."""

OPCUA_LEAVE_SECONDS: Final = 2.0
"""How long taking leave of a server may take."""

OPCUA_CHANGES: Final = 10_000
"""Changes that a server is asked to send in one message at most."""

# --- plants: watching live -------------------------------------------------------------------------------
PLANTS: Final = 64
"""Plants that one service watches."""

PLANT_LATENESS_SECONDS: Final = 30
"""How much later than the newest reading of a plant one may come and still count in its row, at the least …"""

PLANT_LATENESS_MOST_SECONDS: Final = 300
"""… and at the most; between them a tenth of the time from row to row."""

PLANT_OPEN_READINGS: Final = 131_072
"""Readings that wait for their row to be complete, of one plant: a minute of 2,000 tags each second. Over it the oldest row
is judged early."""

PLANT_OPEN_BYTES: Final = 8 * MiB
"""Text of the events that these came in, held to be shown as evidence. Over it a row keeps the first of its events only, and
over twice as much the oldest row is judged early."""

PLANT_EVIDENCE: Final = 32
"""Events that one finding about a plant cites, those of the tags at fault first."""

PLANT_STRANGE_TAGS: Final = 64
"""Names of readings that a plant's model does not know and that are told, one after the other; further ones are not."""

PLANT_TOLD_SECONDS: Final = 24 * 3600
"""Late readings, readings with wrong times, and errors of ours, of one plant are told at most so often."""

PLANT_AGAIN_SECONDS: Final = 12 * 3600
"""An alarm that lasts is told again so often, well within the day that makes findings of one plant one incident: one that was
resolved while the plant still rings comes back."""

PLANT_PAUSE_MOST_SECONDS: Final = 2 * 24 * 3600
"""The longest pause between two deliveries that is taken for a plant's habit: a file a day, and a day that was missed."""

PLANT_AWAY_SECONDS: Final = 2 * QUIET_SECONDS + TICK_SECONDS
"""Instants of the log that are further apart mean that nobody listened: that silence is not the source's."""

PLANT_PAUSE_KEPT_SECONDS: Final = 7 * 24 * 3600
"""The pauses of so long, and of as long before, say what a habit is: an outage delays no later one's notice for good."""

# --- plants: sources that are read live ------------------------------------------------------------------
PLANT_SOURCES: Final = 64
"""Sources of readings that are read at a time; each is a task in one process, and a thread while it waits for a disk or database."""

PLANT_BODY_BYTES: Final = 1 * MiB
"""Readings that are handed to intake at a time, as line protocol."""

PLANT_LINE_BYTES: Final = 512 * 1024
"""One line of it: an instant of some thousand tags; more of the same instant goes into a further line."""

PLANT_LINE_FIELDS: Final = 5_000
"""Tags in one line of it."""

PLANT_TEXT_CHARS: Final = 4_096
"""A text that a tag shows; a longer one is cut."""

PLANT_ANSWER_SECONDS: Final = 60.0
"""How long intake may take to answer before the same readings are handed to it again."""

PLANT_PAUSE_SECONDS: Final = 60.0
"""Longest pause before a source that cannot be reached, or readings that intake cannot take, are tried again."""

PLANT_TOLD_CHARS: Final = 2_000
"""What is told of a source at once; libraries put a server's words into theirs."""

PLANT_REPORT_BYTES: Final = 1 * MiB
"""One report of the process that reads sources: how `PLANT_SOURCES` of them stand."""

PLANT_ASIDE_BYTES: Final = 64 * MiB
"""Readings that intake refused, kept in a file for each source; where it is full, that source is read no further."""

PLANT_MARK_BYTES: Final = 16 * MiB
"""How far a source was read: a mark; 16,384 tags with an instant each take 1 MB."""

PLANT_FILES: Final = 10_000
"""Files in a folder of a historian that are looked at; more than these are told, and not read."""

PLANT_SETTLE_SECONDS: Final = 10
"""A file is taken as complete once it did not change for so long, where the settings do not say how long."""

PLANT_GROWS_SECONDS: Final = 60
"""A text that changes for so long without a pause is one that grows: its whole lines are read while it does. A last line
without an end is taken as whole once the file did not change for so long."""

PLANT_OVERLAP_BYTES: Final = 1 * MiB
"""How much of what was read before is read again with the new end of a file that grows, so that dates and hours are told apart."""

PLANT_LOOK_SECONDS: Final = 2
"""How often a folder is looked at."""

PLANT_PORTION: Final = 20_000
"""Readings that are delivered at a time; then the mark is written."""

PLANT_POLL_SECONDS: Final = 10
"""How often a database is asked, where the settings do not say."""

PLANT_QUERY_SECONDS: Final = 30
"""How long a database may take for one answer, where the settings do not say."""

PLANT_QUERY_ROWS: Final = 10_000
"""New rows of a database that are read with one question, where the settings do not say; what is left comes with the next."""

PLANT_QUERY_ROWS_MOST: Final = 500_000
"""Rows that one answer of a database may have, those that were read before among them."""

PLANT_LATE_SECONDS: Final = 60
"""Rows that a database gets so late, behind newer ones of other tags, are still read, where the settings do not say."""

PLANT_SELECT_CHARS: Final = 65_536
"""The owner's SELECT."""

PLANT_AHEAD_SECONDS: Final = 86_400
"""A reading that is further ahead of this host's clock is left out, and told: it would hide all that comes until then."""

PLANT_CONNECT_SECONDS: Final = 15
"""How long a database may take to let us in."""

PLANT_READ_SECONDS: Final = 600
"""How long one file of a historian may take to be read; then its folder counts as lost."""

# --- plants: MQTT ----------------------------------------------------------------------------------------
MQTT_PACKET_BYTES: Final = 8 * MiB
"""One packet of an MQTT broker; a birth certificate of 16,384 metrics takes 1.5 MB. A larger one ends the connection."""

MQTT_READ_BYTES: Final = 64 * 1024
"""How much is read of a broker at a time."""

MQTT_INFLIGHT: Final = 256
"""Messages that a broker may have sent us and that are not acknowledged (MQTT 5, Receive Maximum)."""

MQTT_EARLY_BYTES: Final = 64 * MiB
"""What a broker may send us of what it kept before it answers a subscription, a kilobyte more for each message."""

MQTT_SESSION_SECONDS: Final = 7 * 24 * 3_600
"""How long a broker is asked to keep messages for us while we are away (MQTT 5, Session Expiry Interval)."""

MQTT_KEEP_ALIVE_SECONDS: Final = 30
"""So often at least a packet goes to the broker; without an answer for one and a half times as long the connection is lost."""

MQTT_CONNECT_SECONDS: Final = 15.0
"""How long connecting, and the answer to what was asked first, may take."""

MQTT_TELL_SECONDS: Final = 24 * 3_600
"""So often it is told how much of a broker's messages was lost or left out, where any was."""

MQTT_TOPICS: Final = 64
"""Topics that one source subscribes to."""

MQTT_TOPIC_BYTES: Final = 1_024
"""Length of a topic; MQTT allows 65,535. A message with a longer one is left out and counted."""

MQTT_REPEAT_SECONDS: Final = 10
"""How often a value that does not change is said again, where `tocsin.toml` does not say."""

MQTT_QUIET_SECONDS: Final = 10
"""It is said again no later than that after the last message of a source that falls quiet: its row is not judged yet then."""

MQTT_REPEAT_MOST_SECONDS: Final = 3_600
"""How long after its last message, where it does not say, of a device of which nobody says whether it lives: it may be broken."""

SPARKPLUG_REPEAT_MOST_SECONDS: Final = 24 * 3_600
"""How long, likewise, of a Sparkplug device, whose broker tells when it dies: but it may hang."""

SPARKPLUG_METRICS: Final = 16_384
"""Metrics of one payload, and names of metrics that are remembered of all nodes of one source."""

SPARKPLUG_FIELDS: Final = 262_144
"""Protobuf fields of one payload that are looked at: 16 a metric. A payload with more is set aside."""

SPARKPLUG_NODES: Final = 1_024
"""Edge nodes of one source that are followed; what further ones say is left out and counted."""

SPARKPLUG_DEVICES: Final = 4_096
"""Their devices."""

SPARKPLUG_OWED_SECONDS: Final = 60.0
"""How long, after a broker took up our session, it may owe us births that it sent before: so long we listen for them, and data
that only they explain waits. NATS sends again after 30 s what was not acknowledged, brokers that keep the order at once."""

SPARKPLUG_STORING_SECONDS: Final = 1.0
"""How much of the time in which one portion of messages was stored counts as listening: a source that never rests is listened to,
and one whose storing waits is not."""

SPARKPLUG_WAITING: Final = 1_000
"""Messages of one source that wait for a birth at most; over it, those of the node that has most of them are given up."""

SPARKPLUG_WAITING_BYTES: Final = 1 * MiB
"""Their topics and payloads, likewise. They stand in the mark while they wait, which is written with each portion of them."""

SPARKPLUG_KEPT_BYTES: Final = 8 * MiB
"""What is kept of births for after a restart: 16,384 names of 40 characters take 1 MB."""
