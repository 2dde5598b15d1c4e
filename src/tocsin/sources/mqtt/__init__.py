"""MQTT as bytes and texts, without a connection: packets of a client that only listens, topics, and plain payloads."""
