"""Values in the text of a YAML file changed, and nothing else: comments, order, quotes stay."""

import re
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import yaml

WIDTH = 100


def amend(text: str, key: str, value: Any, reason: str = "") -> str:
    """Return `text` with another value at a dotted key, and the reason in a comment above it.

    A key that is not there yet goes into the deepest mapping on the way to it, or takes the place
    of the deepest value, which is then written on one line.

    Raises:
        KeyError: not even the first part of the key is there.
    """
    path = key.split(".")
    name, node, depth = _find(text, path)
    if depth < len(path):
        there = value_at(text, ".".join(path[:depth]))
        value = _nested(there if isinstance(there, dict) else {}, path[depth:], value)
    text = _replaced(text, name, node, value)
    if reason:
        start = text.rfind("\n", 0, name.start_mark.index) + 1
        indent = " " * name.start_mark.column
        lines = wrap(f"Chosen: {reason}", WIDTH - len(indent) - 2)
        text = text[:start] + "".join(f"{indent}# {line}\n" for line in lines) + text[start:]
    return text


def value_at(text: str, key: str) -> Any:
    """Return the value at a dotted key of a YAML text, None if there is none."""
    content = yaml.safe_load(text)
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content


def inline(value: Any) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _find(text: str, path: Sequence[str]) -> tuple[yaml.Node, yaml.Node, int]:
    """Return the deepest key and value on a path that are there, and how deep that is."""
    name, node, depth = None, yaml.compose(text, Loader=yaml.SafeLoader), 0
    for part in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        pair = next(((key, value) for key, value in pairs if key.value == part), None)
        if pair is None:
            break
        (name, node), depth = pair, depth + 1
    if name is None or node is None:
        raise KeyError(path[0])
    return name, node, depth


def _nested(inner: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    if rest:
        below = inner.get(first)
        value = _nested(below if isinstance(below, dict) else {}, rest, value)
    return {**inner, first: value}


def _replaced(text: str, name: yaml.Node, node: yaml.Node, value: Any) -> str:
    """Put a value in a node's place, on one line; what is right of it stays in its column."""
    written = inline(value)
    start, end = node.start_mark.index, _end(node)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        text = text[: text.index("\n", name.end_mark.index)] + text[end:]
        start = end = name.end_mark.index + 1
        written = f" {written}"
    after = text[end:]
    if comment := re.match(r" *(?=#)", after):
        room = len(comment[0]) + (end - start) - len(written)
        after = " " * max(2, room) + after[comment.end() :]
    return text[:start] + written + after


def _end(node: yaml.Node) -> int:
    """Return where a node ends; a block's end mark lies where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
