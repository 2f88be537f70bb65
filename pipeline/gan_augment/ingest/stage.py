"""Ingest: raw images of any kind become data/real, split and sealed."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gan_augment import table
from gan_augment.ingest import catalogue, report, series
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.raw import Found
from gan_augment.ingest.spool import Spooled, spool
from gan_augment.ingest.summary import Summary
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
    with scratch_directory(outputs["real"]) as scratch, warnings.catch_warnings():
        found, spooled = _spooled(scratch / "images.parquet", params)
        images, classes = catalogue.read(spooled, found.classes, params)
        images, contradictions = catalogue.without_contradictions(images, classes, params)
        images = catalogue.split(images, classes, params)
        near = params.duplicates.near is not None
        alike = series.look(images, spooled.thumbnails_of, params.seed) if near else None
        rejects = sorted(spooled.rejects + contradictions)
        table.write(outputs["real"], _rows(images, classes, spooled), classes)
        summary = Summary(images, classes, rejects, found, spooled, alike)
        if "report" in outputs:
            seal = table.table_hash(outputs["real"], "test")
            report.write(outputs["report"], summary, seal)
    summary.show()


def _spooled(target: Path, params: IngestParams) -> tuple[Found, Spooled]:
    """Decode the source, a second time if its 16-bit images turn out to use fewer bits."""
    found = find(params)
    if found.classes:
        catalogue.check_classes(found.classes, params)
    spooled = spool(found, target, params)
    bits = max(spooled.bits, default=16)
    if bits == 16:
        return found, spooled
    found = find(params)
    return found, spool(found, target, params, max(bits, 8))


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
