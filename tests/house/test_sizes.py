"""Alarms, not laws: what separates calm code from sprawl is the tail, so the tail is what is watched."""

import ast

FILE_LINES = 500  # a file over 350 deserves a second look, over 500 a second file
FUNCTION_LINES = 60  # with its docstring; over 40 deserves a second look


def test_no_file_is_too_long(all_sources):
    long = {str(source.path): source.text.count("\n") for source in all_sources}
    assert {path: lines for path, lines in long.items() if lines > FILE_LINES} == {}


def test_no_function_is_too_long(all_sources):
    long = {
        f"{source.path}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for source in all_sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES} == {}


def test_what_is_public_has_a_docstring(package_sources):
    silent = []
    for source in package_sources:
        if ast.get_docstring(source.tree) is None:
            silent.append(str(source.path))
        silent += [
            f"{source.path}:{node.lineno} {node.name}"
            for node in source.tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and ast.get_docstring(node) is None
        ]
    assert silent == []
