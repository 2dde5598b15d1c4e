"""Plants to play with: water networks in closed loop with a controller of ours, with labelled upkeep and attacks.

EPANET solves the hydraulics (through `wntr`), `controller.py` is the programme of the PLC, `play.py` runs both for months
in seconds, and `wire.py` puts the same plant behind real Modbus/TCP on loopback. An attack is a manipulation of the
simulated process or of its readings: nothing here acts on any system. What this package needs (`wntr`, `pymodbus`) is
for development only; nothing that the base install imports comes here.
"""
