"""What shippers send: checked lightly where it is taken in, read into events where it is judged.

`json_bodies`, `splunk_hec`, `elastic_bulk`, `syslog_frames`, `otlp`, `otlp_values`, `line_protocol` and `file_lines` are
for both sides and import nothing heavy; the other modules know every format, and are for the side that judges.
"""
