"""YAML as people write settings: no key twice, no depth or repetition that nobody would type."""

from collections.abc import Hashable, Iterator
from itertools import chain
from typing import Any

import yaml

from gan_augment.errors import UserError

DEEPEST, MOST_VALUES = 50, 100_000


def parse(text: str, where: str) -> Any:
    """Return the content of a YAML text.

    Args:
        text: of one document.
        where: what to call it in messages.

    Raises:
        UserError: it is not YAML, names a key twice in one place, is nested deeper than 50 levels,
            or its aliases stand for more than 100,000 values.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node, where)
        return loader.construct_document(node)
    except RecursionError:
        raise UserError(f"{where}: nested deeper than {DEEPEST} levels") from None
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:  # numbers and dates that there are not
        raise UserError(f"{where}: {' '.join(str(error).split()[:12])}") from None


class _Loader(yaml.SafeLoader):
    """PyYAML keeps the last of several values of a key, and says nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _check_size(node: yaml.Node, where: str) -> None:
    """Refuse what would be large once aliases are written out, which a few lines can make it."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, depth: int) -> int:
        if depth > DEEPEST:
            raise UserError(f"{where}: nested deeper than {DEEPEST} levels")
        if id(node) not in sizes:
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in _parts(node))
        return sizes[id(node)]

    if size(node, 0) > MOST_VALUES:
        raise UserError(f"{where}: its aliases stand for more than {MOST_VALUES:,} values")


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        yield from chain.from_iterable(node.value)
