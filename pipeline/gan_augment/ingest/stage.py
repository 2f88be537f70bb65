"""Ingest: raw images of any kind become data/real, split and sealed."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gan_augment import table
from gan_augment.ingest import catalogue, report, series, sizes
from gan_augment.ingest.decode import NoSize
from gan_augment.ingest.fitted import Fitted
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
        thumbnails = None if params.duplicates.near is None else spooled.thumbnails()
        images, classes = catalogue.read(spooled, thumbnails, found.classes, params)
        images, contradictions = catalogue.without_contradictions(images, classes, params)
        images, unused = catalogue.split(images, classes, params)
        alike = None if thumbnails is None else series.look(images, thumbnails, params.seed)
        rejects = sorted(spooled.tally.rejects + contradictions)
        rows = _rows(images, classes, spooled)
        table.write(outputs["real"], rows, classes, spooled.tally.grey_bits, params.fit)
        fitted = Fitted(params.fit, spooled.sizes()[images.index], spooled.size)
        summary = Summary(images, classes, rejects, unused, found, spooled, alike, fitted)
        if "report" in outputs:
            seal = table.table_hash(outputs["real"], "test")
            report.write(outputs["report"], summary, seal)
    summary.show()


def _spooled(target: Path, params: IngestParams) -> tuple[Found, Spooled]:
    """Decode the source: again if its images turn out to need one size, or fewer than 16 bits."""
    try:
        found, spooled = _read(target, params)
    except NoSize:
        params = params.model_copy(update={"image_size": sizes.to_store(find(params), params)})
        found, spooled = _read(target, params)
    bits = spooled.tally.grey_bits or 16
    return (found, spooled) if bits == 16 else _read(target, params, bits)


def _read(target: Path, params: IngestParams, bits: int = 16) -> tuple[Found, Spooled]:
    found = find(params)
    if found.classes:
        catalogue.check_classes(found.classes, params)
    return found, spool(found, target, params, bits)


def _rows(images: pd.DataFrame, classes: Sequence[str], spooled: Spooled) -> Iterator[pa.Table]:
    """Yield the rows of the image table, as the catalogue wants them."""
    start = 0
    for pngs in spooled.pngs(images.index.to_numpy()):
        here = images.iloc[start : start + len(pngs)]
        yield table.pack(
            here["label"].to_numpy(),
            classes,
            image=pngs,
            id=here["id"].tolist(),
            split=here["split"].tolist(),
            origin="real",
            path=here["name"].tolist(),
            group=here["group"].tolist(),
        )
        start += len(pngs)
