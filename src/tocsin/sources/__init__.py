"""Sources: bytes of any log in, batches of events out. The only room that parses what strangers wrote.

`reading.py` walks the paths; `containers.py` opens gz, zip, tar and zst; `recognise.py` tells the format; each
format's module turns its records into a `Draft` (`interface.py`); a record nobody can read is set aside.
"""
