"""Plants with files and threads around them: the model on disk, learning from files, watching files.

Needs numpy (`tocsin[plant]`), all but `live_plants` and `plant_words`; imported only by what was asked to do with a plant.
"""
