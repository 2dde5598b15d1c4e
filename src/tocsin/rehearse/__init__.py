"""Rehearsal: seeded, simulated days and attacks as telemetry, judged by the very engine that judges real logs."""
