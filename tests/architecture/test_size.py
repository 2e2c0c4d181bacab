"""Modules and functions stay small enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
MODULES = sorted((ROOT / "services").rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_LINES_MAX
    # the routes of a router are functions within it, and are counted by themselves
    routers = {"router"} if path.parent.name == "routes" else set()
    long = {
        name: lines
        for name, lines in functions(ast.parse(text))
        if lines > FUNCTION_LINES_MAX and name not in routers
    }
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_says_what_it_owns(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", "?", ":"))


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py"], ids=named)
def test_a_package_holds_nothing_but_its_docstring(path: Path) -> None:
    assert len(ast.parse(path.read_text()).body) == 1
