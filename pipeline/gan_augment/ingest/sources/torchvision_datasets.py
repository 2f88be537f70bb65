"""torchvision's labelled image datasets, by name."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from PIL import Image

from gan_augment.errors import UserError, choose
from gan_augment.ingest.sources.labels import ordered
from gan_augment.ingest.sources.raw import Found, RawImage, check_count
from gan_augment.params import IngestParams

_SPLITS = {
    "train": ("train", "trainval", "train-standard"),
    "validation": ("val", "valid", "validation"),
    "test": ("test",),
}
"""What torchvision's classes call their splits, the first that a class knows."""
_LABELS = ("targets", "labels", "_labels", "y")


def torchvision_datasets(params: IngestParams) -> Found:
    """Return the images of `torchvision.datasets.<params.dataset>`, kept in `params.path`.

    Published splits are found by the class's own arguments `train` or `split`;
    `params.dataset_options` are further arguments, and win. What is not there is downloaded where
    the class can and the network allows.

    Raises:
        UserError: no such class, not there, or its images have no one class each.
    """
    from torchvision import datasets

    named = {name: getattr(datasets, name) for name in datasets.__all__}
    classes = {name: kind for name, kind in named.items() if inspect.isclass(kind)}
    if params.dataset is None:
        raise UserError("ingest.dataset: name a class of torchvision.datasets, such as CIFAR10")
    parts = list(_parts(choose(classes, params.dataset, "ingest.dataset"), params))
    total = sum(len(dataset) for _, dataset in parts)
    check_count(total, params, params.dataset)
    images = (image for part in parts for image in _images(*part, params.dataset))
    found = _classes([dataset for _, dataset in parts], params.dataset)
    return Found(total, images, found, all(_in_memory(dataset) for _, dataset in parts))


def _parts(kind: Any, params: IngestParams) -> Iterator[tuple[str | None, Any]]:
    """Yield each published split's name and dataset, or None and the only dataset."""
    accepted = _accepted(kind)
    options = params.dataset_options
    for name in options:
        choose(accepted, name, "ingest.dataset_options")
    if "train" in accepted and "train" not in options:
        yield "train", _load(kind, params, {"train": True, **options})
        yield "test", _load(kind, params, {"train": False, **options})
    elif "split" in accepted and "split" not in options:
        found = [
            (split, part)
            for split, names in _SPLITS.items()
            if (part := _first(kind, params, names)) is not None
        ]
        if not found:
            raise UserError(f"ingest.dataset_options: {params.dataset} needs a split of its own")
        yield from found
    else:
        yield None, _load(kind, params, options)


def _accepted(kind: Any) -> dict[str, inspect.Parameter]:
    """Return the arguments of a class by name, with those that it takes for the one it extends."""
    found: dict[str, inspect.Parameter] = {}
    for parent in kind.__mro__:
        _, *own = inspect.signature(parent.__init__).parameters.values()
        named = [argument for argument in own if argument.kind is not argument.VAR_KEYWORD]
        found = {argument.name: argument for argument in named} | found
        if len(named) == len(own):
            break
    return found


def _first(kind: Any, params: IngestParams, names: tuple[str, ...]) -> Any:
    for name in names:
        try:
            return _load(kind, params, {"split": name, **params.dataset_options})
        except ValueError:  # a split that this class does not have
            continue
    return None


def _load(kind: Any, params: IngestParams, options: Mapping[str, Any]) -> Any:
    accepted = _accepted(kind)
    options = {**({"root": str(params.path)} if "root" in accepted else {}), **options}
    for name, argument in accepted.items():
        if argument.default is argument.empty and name not in options:
            raise UserError(f"ingest.dataset_options: {params.dataset} needs {name!r}")
    try:
        return kind(**options)
    except (RuntimeError, OSError) as missing:
        if "download" not in accepted:
            raise _absent(params, missing) from None
    try:
        params.path.mkdir(parents=True, exist_ok=True)
        return kind(**options, download=True)
    except (RuntimeError, OSError, ImportError) as error:
        raise _absent(params, error) from None


def _absent(params: IngestParams, error: Exception) -> UserError:
    return UserError(
        f"torchvision's {params.dataset} is not in {params.path} and cannot be fetched "
        f"({error}): put its files there"
    )


def _images(split: str | None, dataset: Any, name: str) -> Iterator[RawImage]:
    names = getattr(dataset, "classes", None)
    targets = _targets(dataset)
    for index in range(len(dataset)):
        if targets is None or _in_memory(dataset):
            picture, target = dataset[index]
            opener = partial(_picture, picture)
        else:
            target, opener = targets[index], partial(_item, dataset, index)
        yield RawImage(f"{split or name}/{index:05d}", _label(target, names, name), opener, split)


def _classes(datasets: Sequence[Any], name: str) -> tuple[str, ...]:
    """Return the classes in the dataset's own order; none if it tells no labels without images."""
    targets = [_targets(dataset) for dataset in datasets]
    names = [getattr(dataset, "classes", None) for dataset in datasets]
    if any(found is None for found in targets):
        return ()
    pairs = zip(targets, names, strict=True)
    used = {_label(target, n, name) for found, n in pairs for target in found or ()}
    numbered = range(len(names[0])) if names[0] is not None else ()
    return ordered(used, (_label(number, names[0], name) for number in numbered))


def _in_memory(dataset: Any) -> bool:
    """Return whether pictures are made of an array, as MNIST's are, and not decoded."""
    return hasattr(getattr(dataset, "data", None), "shape")


def _targets(dataset: Any) -> list[Any] | None:
    for attribute in _LABELS:
        found = getattr(dataset, attribute, None)
        if found is not None and not callable(found) and len(found) == len(dataset):
            return found.tolist() if hasattr(found, "tolist") else list(found)
    return None


def _item(dataset: Any, index: int) -> Image.Image:
    return _picture(dataset[index][0])


def _picture(item: Any) -> Image.Image:
    if not isinstance(item, Image.Image):
        raise TypeError(f"the dataset gives {type(item).__name__} in place of a picture")
    return item


def _label(target: Any, names: Any, name: str) -> str:
    if hasattr(target, "item"):
        target = target.item()
    if not isinstance(target, int | str):
        raise UserError(f"torchvision's {name} does not give each image one class")
    if isinstance(target, int) and names is not None and 0 <= target < len(names):
        found = names[target]
        return found if isinstance(found, str) else " ".join(map(str, found[:1]))
    return str(target)
