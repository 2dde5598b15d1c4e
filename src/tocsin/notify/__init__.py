"""The bell: reaches people. `delivery.py` is the one to read first.

`changes.py` says which change of an incident is told, in the commit that stores it; `wording.py` puts the words;
`channels.py` makes of them what each service takes; `delivery.py` hands over, repeats, escalates and gives up; `digest.py`
is the daily message, `heartbeat.py` the sign of life. All of it leaves through `tocsin.outbound`. Clocks are passed in.
"""
