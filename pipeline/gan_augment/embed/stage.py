"""Embed: data/real becomes data/features, what a frozen pretrained network sees in every image."""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.embed.backbones import AT_ONCE
from gan_augment.embed.choice import NONE, chosen
from gan_augment.embed.kept import features
from gan_augment.params import EmbedParams
from gan_augment.progress import progress
from gan_augment.storage import fingerprint, replace_directory, write_json
from gan_augment.temporary import scratch_of

KEPT = ("label", "split", "origin", "id", "group")


class Block(NamedTuple):
    """Rows `start` to `stop` of a row group of a shard."""

    shard: Path
    group: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """What its features are called, until all are done."""
        return f"{self.shard.stem}-{self.group:05d}-{self.start:05d}"


def run(params: EmbedParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Write the features of every image, each looked at alone.

    Killed and started again with the same inputs and params, it goes on after the last block of
    images that it finished. With the backbone `none` there is nothing to do, and the folder says
    so.

    Args:
        params: the section `embed`.
        inputs: `real`, a table of images.
        outputs: `features`, a table of features, or a folder of none; `scratch`, where finished
            blocks are.

    Raises:
        UserError: the backbone does not exist or cannot be loaded, an image cannot be decoded, or
            features are not finite.
    """
    name = chosen(params, _longest_side(inputs["real"]))
    if name == NONE:
        with replace_directory(outputs["features"]) as folder:
            write_json(folder / "backbone.json", {"backbone": name})
        print("embed: no backbone: classifiers and generator see pixels")
        return
    backbone = backbones.load(params, name)
    blocks = _blocks(inputs["real"].resolve())  # workers may be elsewhere
    hashes = table.table_hash(inputs["real"]), backbone.hash, repr(backbone.size)
    total = sum(block.stop - block.start for block in blocks)
    print(f"embed: {total} images through {name} at {backbone.size[1]}×{backbone.size[0]} pixels")
    space, seen = backbone.space, 0
    with (
        scratch_of(outputs["scratch"], fingerprint(*hashes)) as scratch,
        table.Writer(outputs["features"], table.class_names(inputs["real"]), space=space) as writer,
        progress("embed", total, "images") as advance,
    ):
        tasks = {block.name: block for block in blocks}
        made = features(partial(_embed, params, name), tasks, scratch)
        for block, found in zip(blocks, made, strict=True):
            writer.append(_rows(block, found, space))
            seen += len(found)
            advance(seen)


def _longest_side(real: Path) -> int:
    """Return the longest side of the images, which all have one size, in pixels."""
    return max(table.opened_png(table.Rows(table.shards(real)).png(0)).size)


def _blocks(real: Path) -> list[Block]:
    found = []
    for shard in table.shards(real):
        with table.readable(shard):
            metadata = table.opened(shard).metadata
        for group in range(metadata.num_row_groups):
            count = metadata.row_group(group).num_rows
            found += [
                Block(shard, group, start, min(start + AT_ONCE, count))
                for start in range(0, count, AT_ONCE)
            ]
    return found


def _embed(params: EmbedParams, name: str, block: Block) -> NDArray[np.float32]:
    """Return the features of a block."""
    return backbones.look(params, name, [table.opened_png(content) for content in _pngs(block)])


def _pngs(block: Block) -> Iterator[bytes]:
    return (cell["bytes"] for cell in _read(block, ("image",))["image"].to_pylist())


def _read(block: Block, names: tuple[str, ...]) -> pa.Table:
    with table.readable(block.shard):
        file = block.shard.stat()
    known_by = file.st_ino, file.st_mtime_ns, file.st_size
    group = _group(block.shard, known_by, block.group, names)
    return group.slice(block.start, block.stop - block.start)


@lru_cache(maxsize=2)
def _group(shard: Path, _: tuple[int, ...], group: int, names: tuple[str, ...]) -> pa.Table:
    """Return columns of a row group; other files may have had the same path in this process."""
    with table.readable(shard):
        file = table.opened(shard)
    return table.read_group(file, group, shard, names)


def _rows(block: Block, found: NDArray[np.float32], space: table.FeatureSpace) -> pa.Table:
    known = _read(block, KEPT)
    columns = {name: known[name].to_pylist() for name in KEPT if name != "label"}
    labels = known["label"].to_numpy()
    classes = table.classes_of(known.schema)
    return table.pack(labels, classes, space=space, features=list(found), **columns)
