"""Single changes to a module, of which its tests should notice each.

A change turns a comparison or moves its bound, exchanges + and −, × and ÷, `and` and `or`, adds 1
to a number or takes 1 away, drops a `not` or a sign, or returns nothing. Types, decorators, texts,
how messages show numbers, and the `strict` of `zip` are left alone.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple


class Change(NamedTuple):
    """A node of a module's syntax tree, and what it becomes."""

    old: ast.expr | ast.stmt
    new: ast.AST

    def __str__(self) -> str:
        return f"{self.old.lineno}: `{ast.unparse(self.old)}` → `{ast.unparse(self.new)}`"


COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            operators = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield ast.Compare(node.left, operators, node.comparators)


def _binary(node: ast.BinOp) -> Iterator[ast.AST]:
    if type(node.op) in OPERATORS:
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)


def _augmented(node: ast.AugAssign) -> Iterator[ast.AST]:
    if type(node.op) in OPERATORS:
        yield ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value)


def _boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield from (ast.Constant(node.value + step) for step in (1, -1))


def _return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None and ast.unparse(node.value) != "None":
        yield ast.Return(ast.Constant(None))


KINDS: Mapping[type[ast.AST], Callable[[Any], Iterator[ast.AST]]] = {
    ast.Compare: _compare,
    ast.BinOp: _binary,
    ast.AugAssign: _augmented,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Return: _return,
}
LEFT_ALONE = {"annotation", "returns", "decorator_list", "format_spec"}


def changes(node: ast.AST) -> Iterator[Change]:
    """Yield every single change to a syntax tree, in the order of the source."""
    if isinstance(node, ast.expr | ast.stmt) and type(node) in KINDS:
        yield from (Change(node, new) for new in KINDS[type(node)](node))
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    for field, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for child in children if field not in LEFT_ALONE else ():
            if isinstance(child, ast.AST):
                yield from changes(child)


class _Replace(ast.NodeTransformer):
    def __init__(self, change: Change) -> None:
        self.change = change

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.change.old:
            return ast.copy_location(self.change.new, node)
        return self.generic_visit(node)


def changed(tree: ast.Module, change: Change) -> ast.Module:
    """Make a change to a tree that `changes` has found it in, and return the tree."""
    return ast.fix_missing_locations(_Replace(change).visit(tree))
