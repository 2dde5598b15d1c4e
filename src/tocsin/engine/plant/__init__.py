"""Plants with files, threads and processes around them: the model on disk, learning from files, watching files, and
sources that are read while the service runs (`collectors/`, `collecting.py`, `kept_collectors.py`).

Most of it needs numpy (`tocsin[plant]`), and is imported only by what was asked to do with a plant. What the service imports
(`live_plants`, `plant_words`, `kept_collectors`, `collect_process`, `collectors/settings`) needs nothing.
"""
