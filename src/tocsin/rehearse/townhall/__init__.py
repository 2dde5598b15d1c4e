"""A made-up town hall and one day of its logs: what `tocsin demo` reads.

`town.generate` is the way in. Everything is simulated: the people, the addresses (documentation and private ranges),
the domains (`.example`) and the intrusion, which exists only as log lines.
"""
