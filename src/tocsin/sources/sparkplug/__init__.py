"""Sparkplug B (Eclipse Sparkplug specification 3.0): what edge nodes say of a plant over MQTT, made readings.

Pure: bytes and instants come in, readings and sentences go out. Nothing here can command a node, a rebirth included.
"""
