"""Plants judged while they run: events with readings in, findings out.

`named` finds the tags that an event's readings are of; `../gathering.py` makes rows of them, `../watch.py` judges these;
`watched` is one plant with all that is known of it, `finding` what is told; `detector` is the door.
"""
