"""What ingestion found and did, in the words that it prints and reports."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import pandas as pd

from gan_augment import table
from gan_augment.ingest import series
from gan_augment.ingest.fitted import Fitted
from gan_augment.ingest.series import Series
from gan_augment.ingest.sources.raw import Found, Skipped
from gan_augment.ingest.split import missing_classes
from gan_augment.ingest.spool import Reject, Spooled

FEW_LEVELS = 64
"""Grey levels below which a set is dark or flat as a whole, as label maps and crushed ones are."""
_SHALLOW = 2
"""Bits that most images of 16 bits may lack before that is worth a word."""


@dataclass(frozen=True)
class Summary:
    """All that is told of one ingestion.

    Attributes:
        images: the catalogue of the image table's rows.
        classes: names, in index order.
        rejects: images that were left out.
        unused: by setting, how many good images it left out, and the first.
        found: what the source held.
        spooled: all images that were decoded.
        series: how alike neighbours by name are, if that was looked for.
        fitted: what bringing them to one size cost the images.
    """

    images: pd.DataFrame
    classes: Sequence[str]
    rejects: Sequence[Reject]
    unused: Skipped
    found: Found
    spooled: Spooled
    series: Series | None
    fitted: Fitted

    def show(self) -> None:
        """Print it, doubts as warnings."""
        (height, width), colour = self.spooled.size, self.spooled.channels == 3
        kind = "RGB" if colour else "grey"
        print(f"ingest: {len(self.images)} images, {width}×{height} pixels, {kind}")
        about = (
            self.fitted.in_words(),
            self._counts(),
            self._groups(),
            self.found.understood,
            self._duplicates(),
            self._neighbours(),
        )
        for line in (*chain(*about), *self._notes()):
            print(f"  {line}")
        for line in self._left_out():
            print(f"  {line}")
        for sentence in self.doubts():
            print(f"warning: {sentence}", file=sys.stderr)

    def doubts(self) -> list[str]:
        """Return what the owner of the images may not want so, a sentence each."""
        splits, groups = (self.images[column].tolist() for column in ("split", "group"))
        labels = self.images["label"].to_numpy()
        return [
            *self.found.doubts,
            *self.fitted.doubts(),
            *self._values(),
            *self._mixed_clusters(),
            *self._series(),
            *missing_classes(labels, groups, splits, self.classes),
        ]

    def _counts(self) -> Iterator[str]:
        counts = pd.crosstab(self.images["split"], self.images["label"])
        counts = counts.reindex(index=table.SPLITS, columns=range(len(self.classes)), fill_value=0)
        for split in table.SPLITS:
            pairs = zip(self.classes, counts.loc[split], strict=True)
            yield f"{split}: " + ", ".join(f"{name} {n}" for name, n in pairs)

    def _groups(self) -> Iterator[str]:
        """Say how many images are in groups of the source or of the params, if any are."""
        own = self.images["own"]
        if number := own.nunique():
            alone = f"; {own.isna().sum():,} images are in none" if own.hasnans else ""
            yield f"groups: {number:,}, of {own.count():,} images{alone}"

    def _together(self) -> pd.DataFrame:
        """Return the images that have duplicates."""
        return self.images[self.images["cluster"].duplicated(keep=False)]

    def _duplicates(self) -> Iterator[str]:
        together = self._together()
        if len(together):
            safe = self.series is not None and not self.series.seen
            yield (
                f"duplicates: {len(together)} images in {together['cluster'].nunique()} clusters, "
                f"each in one split{'' if safe else ', as series of one object need not be'}; "
                f"{together['id'].duplicated().sum()} are exact copies"
            )

    def _neighbours(self) -> Iterator[str]:
        match self.series:
            case None:
                yield "series of one object: not looked for, since ingest.duplicates.near is null"
            case Series(compared=0):
                yield "series of one object: too few images to look for any"
            case Series(seen=False, p=p):
                number = "few, if any" if p < series.NOTABLE else "none to be seen"
                yield f"series of one object: {number}; {self._evidence(self.series)}"

    def _evidence(self, found: Series) -> str:
        return (
            f"{len(found.pairs)} of {found.compared} images are more like the next or the last by "
            f"name than like any other of their class; {found.chance:.0f} would be by chance "
            f"(p = {found.p:.2g})"
        )

    def _series(self) -> Iterator[str]:
        if self.series is None or not self.series.seen:
            return
        split = self.images["split"]
        one, other = (split[rows].to_numpy() for rows in self.series.pairs.T)
        leaks = ((one != "train") & (other == "train")).sum()
        yield (
            f"the split may leak: {self._evidence(self.series)}. If such neighbours show one "
            f"object, person or scene, {leaks} held-out images have theirs in train, and results "
            "look better than they are. Say what belongs together, by ingest.group or in a column "
            f"'group' (docs/ingestion.md of gan-augment){series.remedy(self.images)}"
        )

    def _mixed_clusters(self) -> Iterator[str]:
        mixed = (self._together().groupby("cluster")["label"].nunique() > 1).sum()
        if mixed:
            yield f"{mixed} clusters of near-duplicates hold more than one class"

    def _notes(self) -> Iterator[str]:
        for note, number in sorted(self.spooled.tally.notes.items()):
            yield f"{note}: {number}{self._bits() if note == '16-bit' else ''}"

    def _bits(self) -> str:
        bits = self.spooled.tally.grey_bits or 16
        return f", of which {bits} bits are in use: 0…{2**bits - 1} became 0…255"

    def _values(self) -> Iterator[str]:
        """Say where grey levels are few: 16-bit images beside deeper ones, or all images."""
        used, most = self.spooled.tally.bits, max(self.spooled.tally.bits, default=16)
        shallow = sum(number for bits, number in used.items() if bits <= most - _SHALLOW)
        if shallow > used.total() / 2:
            middle = sorted(used.elements())[used.total() // 2]
            left = max(2 ** (8 + middle - max(most, 8)), 2)
            yield (
                f"half of the {used.total()} 16-bit images need at most {middle} of the {most} "
                f"bits that the brightest need, and keep {left} of 256 levels or fewer: scale "
                "them alike, or look for a broken pixel"
            )
        low, high = self.spooled.tally.levels
        if high - low < FEW_LEVELS:
            yield (
                f"all images use only the grey levels {low} to {high} of 0 to 255: if they are "
                "pictures and no maps of labels, scale them before"
            )

    def _left_out(self) -> Iterator[str]:
        if self.rejects:
            yield f"left out: {len(self.rejects)}"
            yield from (f"  {reject.file} {reject.reason}" for reject in self.rejects[:10])
            if len(self.rejects) > 10:
                yield "  …"
        for reason, (number, first) in self.found.skipped.items():
            yield f"not read: {number} × {reason}, such as {first}"
        for setting, (number, _) in self.unused.items():
            yield f"not used: {number:,} ({setting})"
