import ast

from tests.faults import register


def test_the_page_is_what_the_register_says() -> None:
    assert register.PAGE.read_text() == register.page(), "run `python -m tests.faults.register`"


def test_every_test_that_is_named_is_there() -> None:
    for file, function in register.tests():
        defined = {
            node.name
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        assert function in defined, f"{file}: {function}"
