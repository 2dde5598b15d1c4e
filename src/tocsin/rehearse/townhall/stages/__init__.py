"""What the stages of an intrusion leave in the logs.

Telemetry only: lines as products write them about techniques that public detection rules describe. Nothing here can be
run; names of files and values are placeholders.
"""
