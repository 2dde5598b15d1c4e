"""Models of a plant's process: what its tags normally say together, and which of them stopped doing so (DESIGN section 4, "Plants").

```
learn(readings) -> PlantModel          once, on normal operation
recalibrate(model, confirmed) -> …     again, on confirmed weeks only; the first model stays beside it
Watcher(model).judge(readings) -> …    row by row, the same answers however the rows are cut into batches
```

How a row is judged, each step in a module of its own:

1. `grid`: rows at the model's own pace; `tags`: what each tag is; `resolution`: read no finer than the coarser of both.
2. `subspace` (all tags together) and `relations` (each tag from the others and from the row before) say what should be there.
3. `surprise`: how rare such a difference was on normal operation *that the model had not seen* (out of fold, contiguous).
4. `states`, `limits`, `balance`: states never seen, changes too quick, sensors that stand still, water that is missing.
5. `score`: the row's most surprising tag, smoothed. `conformal`: the threshold that keeps the promise.
6. `drift` (by the first accepted model, whatever was learnt since) and `quality` tell, as `notices` and through `beside`,
   what is not an attack and still spoils the promise; they spend of the same budget.

Pure, and deterministic on one machine: no clock, no file, no random number. Needs numpy; learning also needs scikit-learn (`tocsin[plant]`).
"""
