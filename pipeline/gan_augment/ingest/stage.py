"""Ingest: raw images of any kind become data/real, split and sealed."""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gan_augment import table
from gan_augment.ingest import catalogue, report
from gan_augment.ingest.sources import find
from gan_augment.ingest.split import missing_classes
from gan_augment.ingest.spool import Reject, Spooled, spool
from gan_augment.params import IngestParams
from gan_augment.storage import scratch_directory


def run(params: IngestParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Read the source, check and split it, and write the image table of real images.

    Args:
        params: the section `ingest`.
        inputs: none; the source is `params.path`.
        outputs: `real`, an image table; `report`, a folder of tables and contact sheets, not
            written if not named.

    Raises:
        UserError: anything about the source that the user can put right.
    """
    del inputs
    found = find(params)
    with scratch_directory(outputs["real"]) as scratch, warnings.catch_warnings():
        spooled = spool(found, scratch / "images.parquet", params)
        images, classes = catalogue.read(spooled, params)
        images, contradictions = catalogue.without_contradictions(images, classes, params)
        images = catalogue.split(images, classes, params)
        rejects = sorted(spooled.rejects + contradictions)
        table.write(outputs["real"], _rows(images, classes, spooled), classes)
        if "report" in outputs:
            seal = table.table_hash(outputs["real"], "test")
            report.write(outputs["report"], images, classes, rejects, spooled, seal)
    _summarise(images, classes, rejects, spooled)


def _rows(images: pd.DataFrame, classes: Sequence[str], spooled: Spooled) -> Iterator[pa.Table]:
    """Yield the rows of the image table, as the catalogue wants them."""
    start = 0
    for pngs in spooled.pngs(images.index.to_numpy()):
        here = images.iloc[start : start + len(pngs)]
        yield table.pack(
            pngs,
            here["id"].tolist(),
            here["label"].to_numpy(),
            classes,
            split=here["split"].tolist(),
            origin="real",
            path=here["name"].tolist(),
            group=here["group"].tolist(),
        )
        start += len(pngs)


def _summarise(
    images: pd.DataFrame, classes: Sequence[str], rejects: Sequence[Reject], spooled: Spooled
) -> None:
    (height, width), colour = spooled.size, "grey" if spooled.channels == 1 else "RGB"
    print(f"ingest: {len(images)} images, {width}×{height} pixels, {colour}")
    counts = pd.crosstab(images["split"], images["label"])
    counts = counts.reindex(index=table.SPLITS, columns=range(len(classes)), fill_value=0)
    for split in table.SPLITS:
        each = (f"{name} {n}" for name, n in zip(classes, counts.loc[split], strict=True))
        print(f"  {split}: " + ", ".join(each))
    sizes = images["cluster"].value_counts()
    if (sizes > 1).any():
        together = images[images["cluster"].isin(sizes.index[sizes > 1])]
        exact = together["id"].duplicated().sum()
        print(
            f"  duplicates: {len(together)} images in {(sizes > 1).sum()} clusters, each in one "
            f"split; {exact} are exact copies"
        )
        mixed = (together.groupby("cluster")["label"].nunique() > 1).sum()
        if mixed:
            _warn(f"{mixed} clusters of near-duplicates hold more than one class")
    for note, number in sorted(spooled.notes.items()):
        print(f"  {note}: {number}")
    if rejects:
        print(f"  left out: {len(rejects)}")
        for reject in rejects[:10]:
            print(f"    {reject.file} {reject.reason}")
        if len(rejects) > 10:
            print("    …")
    splits, groups = images["split"].tolist(), images["group"].tolist()
    for sentence in missing_classes(images["label"].to_numpy(), groups, splits, classes):
        _warn(sentence)


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr)
