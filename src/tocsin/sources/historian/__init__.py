"""Files of a plant's historian, CSV or Parquet, as `records/readings.py` has them.

```
read_history(paths, How(…)) -> History          reading.py: the room's door
```

1. `opening`: compression, CSV or Parquet. `dialect`: encoding, delimiter, header, decimal sign. `tables`: both as blocks of columns.
2. `time_column` finds the column of time; `stamps` reads it, and decides from all of it which number is the day.
3. `columns` makes numbers of texts, and states of words. `wide` and `long_form` put rows together.
4. `unit_names` knows units as they are spelt, `heading_rows` reads those under a header, `conversion` what one is in another;
   `units` makes files in different units alike.
5. `notices`: whatever was guessed, left out or could not be read is told.

Every guess is told or refused; nothing that could not be read becomes a number. Needs numpy (`tocsin[plant]`).
"""
