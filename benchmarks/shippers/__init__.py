"""Real senders through restarts of the real service: what each way of sending guarantees, measured."""
