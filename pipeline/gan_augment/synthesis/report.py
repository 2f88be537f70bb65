"""What is known of the synthetic images: where they come from, how good they are, whose copies."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import spreadsheet, table
from gan_augment.gan.model import Model
from gan_augment.metrics import features
from gan_augment.metrics.features import Extractor
from gan_augment.metrics.memorisation import Sample
from gan_augment.params import GenerateParams
from gan_augment.seeding import seed_of
from gan_augment.storage import write_json
from gan_augment.subsample import subsample
from gan_augment.synthesis import closeness, quality
from gan_augment.synthesis.gates.sight import Gate, Sight
from gan_augment.table import Images

MOST_IMAGES = 2000
MOST_NAMED = 5


class Selection:
    """The synthetic images that are looked at: a fair sample of each class, as many as real ones.

    Attributes:
        train, validation: real images.
        made: images by (class, method).
    """

    def __init__(
        self, train: Images, validation: Images, wanted: NDArray[np.int64], seed: int
    ) -> None:
        """Draw which of the `wanted` images of each class will be looked at."""
        most = max(MOST_IMAGES // len(train.classes), 1)
        counts = np.minimum(np.minimum(train.counts(), validation.counts()), most)
        labels = np.repeat(np.arange(len(wanted)), wanted)
        chosen = np.zeros(len(labels), bool)
        chosen[subsample(labels, counts, seed)] = True
        self._chosen = np.split(chosen, np.cumsum(wanted)[:-1])
        self._seed = seed
        self.train, self.validation = train, validation
        self.made: Counter[tuple[int, str]] = Counter()
        self._pixels: dict[int, list[NDArray[np.uint8]]] = {}

    def add(self, rows: pa.Table) -> None:
        """Count rows of one class, and keep those that will be looked at."""
        if not len(rows):
            return
        label, methods = rows["label"][0].as_py(), rows["method"].to_pylist()
        before = sum(n for (known, _), n in self.made.items() if known == label)
        self.made.update((label, method) for method in methods)
        looked_at = rows.filter(pa.array(self._chosen[label][before : before + len(rows)]))
        if len(looked_at):
            self._pixels.setdefault(label, []).append(table.decode(looked_at).pixels)

    def synthetic(self) -> dict[int, NDArray[np.uint8]]:
        """Return the images that are looked at by class, uint8 N×C×H×W."""
        return {label: np.concatenate(parts) for label, parts in self._pixels.items()}

    def real(self, images: Images, counts: Mapping[int, int]) -> NDArray[np.uint8]:
        """Return a fair sample of so many images of each class, class by class."""
        each = [counts.get(label, 0) for label in range(len(images.classes))]
        groups = images.rows.get("group")
        return images.pixels[subsample(images.labels, each, self._seed, groups)]


def write(
    folder: Path,
    params: GenerateParams,
    trained: Model | None,
    selection: Selection,
    tally: Mapping[int, Counter[tuple[str, str]]],
    judges: Mapping[str, Gate],
    scratch: Path,
) -> None:
    """Write plan.csv, gates.csv, fidelity.json, memorisation.json and closest.png.

    Features are those of a network that learnt from the train split alone, of another seed than the
    gates' and the GAN's, and principal components of pixels. Where nothing was made there are none.

    Args:
        folder: where to.
        params: the section `generate`.
        trained: the generator, if one was used.
        selection: what was made.
        tally: by class, what became of the generator's candidates; see `Sampler`.
        judges: the gates that they went through.
        scratch: where the feature network is kept for a resumed run.
    """
    classes = selection.train.classes
    plan = [(classes[label], method, n) for (label, method), n in sorted(selection.made.items())]
    _csv(folder / "plan.csv", ("class", "method", "images"), plan)
    _csv(folder / "gates.csv", GATE_COLUMNS, _gates(tally, judges, classes))
    if not selection.made:
        write_json(folder / "fidelity.json", {"features": {}, "overall": {}, "classes": {}})
        verdict, pairs = closeness.nothing("no synthetic image was made", selection.train)
    else:
        extractors = _extractors(selection.train, params.seed, scratch)
        network = extractors["network"]
        write_json(folder / "fidelity.json", _fidelity(selection, extractors))
        candidates = _candidates(selection, params, trained, network) if trained else None
        verdict, pairs = closeness.judge(candidates, selection.validation, selection.train, network)
    write_json(folder / "memorisation.json", verdict)
    closeness.picture(pairs).save(folder / "closest.png")


GATE_COLUMNS = (
    *("class", "gate", "tried", "accepted", "rate"),
    *("judge", "accuracy", "accuracy_error", "chance", "warning"),
)


def in_words(
    judges: Mapping[str, Gate], labels: Sequence[int], classes: Sequence[str]
) -> list[str]:
    """Return what the gates go by, and where they are blind, in sentences.

    Args:
        judges: the gates.
        labels: the classes that the generator was asked for.
        classes: names of all classes.
    """
    told = {
        sight.judge: f"{sight.judge}: balanced accuracy {sight.accuracy:.2f} ± {sight.error:.2f} "
        f"on validation, {sight.chance:.2f} by chance"
        for sight in (gate.sight for gate in judges.values())
        if sight.accuracy is not None
    }
    lines = list(told.values()) if labels else []
    for name, gate in judges.items():
        for word, reasons in (("blind", gate.sight.blind), ("unsure", gate.sight.unsure)):
            here = [label for label in labels if gate.sight.word(label) == word]
            if here:
                which = "all classes" if len(here) == len(labels) > 1 else _some(here, classes)
                alike = len({reasons[label] for label in here}) == 1
                example = "" if alike else f"; class {classes[here[0]]}"
                lines.append(
                    f"warning: the gate {name} is {word} in {which}{example}: {reasons[here[0]]}"
                )
    return lines


def _some(labels: Sequence[int], classes: Sequence[str]) -> str:
    """Return the names of classes, the first five of more."""
    shown = ", ".join(classes[label] for label in labels[:MOST_NAMED])
    more = len(labels) - MOST_NAMED
    return f"{shown} and {more} more classes" if more > 0 else shown


def _gates(
    tally: Mapping[int, Counter[tuple[str, str]]],
    judges: Mapping[str, Gate],
    classes: Sequence[str],
) -> list[tuple[Any, ...]]:
    """Return how many candidates of each class came to each gate and passed, and what it goes by.

    `warning` begins with `blind` where a gate has nothing to go by, with `unsure` where it goes by
    the threshold of all classes.
    """
    rows = []
    for label, counts in sorted(tally.items()):
        for (gate, what), tried in counts.items():
            if what == "tried" and tried:
                sight = judges[gate].sight if gate in judges else Sight()
                accepted = counts[gate, "accepted"]
                numbers = (tried, accepted, accepted / tried)
                seen = (sight.judge, sight.accuracy, sight.error, sight.chance)
                rows.append((classes[label], gate, *numbers, *seen, sight.warning(label)))
    return rows


def _extractors(train: Images, seed: int, scratch: Path) -> dict[str, Extractor]:
    """Return what fidelity is measured by; of the features of a backbone, their components."""
    components = features.principal_components(train)
    if train.space:
        return {"network": components}
    kept = scratch / "fidelity.safetensors"
    network = features.train_once(train, seed_of(seed, "fidelity"), kept)
    return {"network": network, "pixels": components}


def _fidelity(selection: Selection, extractors: Mapping[str, Extractor]) -> dict[str, Any]:
    """Return the quality over all classes that have synthetic images, and of each."""
    synthetic = selection.synthetic()

    def measure(labels: Sequence[int]) -> dict[str, Any]:
        counts = {label: len(synthetic[label]) for label in labels}
        sides = (
            selection.real(selection.validation, counts),
            np.concatenate([synthetic[label] for label in labels]),
            selection.real(selection.train, counts),
        )
        return {
            "images": sum(counts.values()),
            **{
                name: quality.measure(*map(extractor, sides))
                for name, extractor in extractors.items()
            },
        }

    classes = selection.train.classes
    return {
        "features": {name: extractor.name for name, extractor in extractors.items()},
        "overall": measure(sorted(synthetic)) if synthetic else {},
        "classes": {classes[label]: measure([label]) for label in sorted(synthetic)},
    }


def _candidates(
    selection: Selection, params: GenerateParams, trained: Model, network: Extractor
) -> Sample:
    """Return images of the generator before any gate, as many of each class as held-out ones.

    None of them took part in choosing the generator, which went by how few near copies it made.
    """
    seed = seed_of(params.seed, "memorisation")
    most = max(MOST_IMAGES // len(trained.classes), 1)
    labels = [label for label, method in sorted(selection.made) if method == "gan"]
    held_out = selection.validation.counts()
    parts = [
        trained.draw(label, range(min(int(held_out[label]), most)), seed, params.truncation)
        for label in labels
    ]
    pixels = np.concatenate([selection.train.pixels[:0], *parts])
    repeated = np.repeat(np.array(labels, np.int64), [len(part) for part in parts])
    return Sample(pixels, repeated, network(pixels).values if len(pixels) else np.zeros((0, 1)))


def _csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    spreadsheet.write(path, pd.DataFrame(rows, columns=list(columns), dtype=object))
