"""Grids to play with: electricity networks with rule-driven regulators, labelled upkeep and labelled attacks.

`pandapower` gives the networks and their admittances, `flow.py` solves the alternating-current power flow, `play.py` plays a year
in seconds, and `wire.py` puts the same grid behind IEC 60870-5-104 on loopback. An attack is a manipulation of numbers in a
simulated table, or of the simulated process: nothing here acts on any system. What this package needs (`pandapower`) is for
development only; nothing that the base install imports comes here.
"""
