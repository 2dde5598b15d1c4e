"""What was watched, in words: the promise, why a row rings, and how a tag's readings are written."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.advise.plant import Promised, TagShown, why
from tocsin.detect.plant import conformal
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.tags import TagKind
from tocsin.detect.plant.watch import Judged
from tocsin.records.readings import Spelling


def promised(model: PlantModel) -> Promised:
    """What `model` promises, for words."""
    kept = model.promise
    unit = next(one for one in ("week", "day", "hour") if one == kept.unit)
    least, needed = conformal.least_promise(kept.blocks), conformal.blocks_for(kept.asked)
    return Promised(unit, kept.blocks, kept.asked, kept.kept, least, needed)


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells of rows that `model` judged, in the words that `spelling` has for states."""

    model: PlantModel
    spelling: Spelling

    def why(self, judged: Judged, row: int) -> str:
        """Why the row rings, without a full stop; '' where no tag is at fault."""
        columns, shown, expected = (
            judged.named[row].tolist(), judged.shown[row].tolist(), judged.expected[row].tolist()
        )  # fmt: skip
        rows = zip(columns, shown, expected, strict=True)
        return why([self.shown(*one) for one in rows if one[0] >= 0])

    def shown(self, column: int, shown: float, expected: float) -> TagShown:
        """One tag of a row, from its column, what it showed and what would have fitted."""
        tag = self.model.tags[column]
        words = self.spelling.words.get(tag.name, ())
        counter = tag.kind is TagKind.COUNTER
        unit = self.spelling.units.get(tag.name, "")
        return TagShown(
            tag.name, shown, expected, tag.step, tag.low, tag.high, counter, tag.states, words, unit
        )
