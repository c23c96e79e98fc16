"""The tree is what it says it is, and text never reaches an evaluator."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "symdl"

TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "symdl", "tests", "derivations"}

# Backends compile the source they generated; each file that does so is named here.
MAY_EXEC: set[str] = {"symdl/backends/module.py"}

BUILTINS = {"eval", "exec"}
SYMPIFIERS = {"sympify", "parse_expr", "S"}  # these evaluate a string they are given


def evaluators_called(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every call by which text could be evaluated, as (line, name of the function)."""
    original = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=written):
                name = original.get(written, written)
            case ast.Attribute(value=ast.Name(id="builtins"), attr=name):
                pass
            case ast.Attribute(attr=name) if name in SYMPIFIERS:
                pass
            case _:
                continue
        if name in BUILTINS or (name in SYMPIFIERS and not is_safe_sympify(node, name)):
            yield node.lineno, name


def is_safe_sympify(call: ast.Call, name: str) -> bool:
    """Whether text is refused (strict=True) or the argument is a number written in place."""
    if name == "parse_expr":
        return False
    strict = any(
        k.arg == "strict" and isinstance(k.value, ast.Constant) and k.value.value is True
        for k in call.keywords
    )
    return strict or all(
        isinstance(a, ast.Constant) and not isinstance(a.value, str) for a in call.args
    )


def git_files() -> list[Path]:
    """Paths that are tracked, or would be if everything not ignored were added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.fail("the layout cannot be checked: git is not installed")
    except subprocess.CalledProcessError as error:
        pytest.fail(f"the layout cannot be checked: {error.stderr.strip()}")
    return [Path(name) for name in done.stdout.split("\0") if name]


def test_text_is_never_evaluated():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}("
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, name in evaluators_called(ast.parse(path.read_text(encoding="utf-8")))
        if not (name == "exec" and path.relative_to(ROOT).as_posix() in MAY_EXEC)
    ]
    assert not found, "use sympify(..., strict=True), or the reader in notation:\n" + "\n".join(
        found
    )


def test_only_backends_may_exec_and_each_that_may_does():
    for name in MAY_EXEC:
        assert name.startswith("symdl/backends/")
        calls = evaluators_called(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        assert "exec" in {called for _, called in calls}, f"{name} no longer needs its permission"


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "import builtins\nbuiltins.eval(text)",
        "sympify(text)",
        "import sympy as sp\nsp.sympify(text)",
        "sympify(text, strict=False)",
        "from sympy import sympify as s\ns(text)",
        "from sympy.parsing.sympy_parser import parse_expr\nparse_expr(text)",
        "sp.S(text)",
        "sp.S('x + 1')",
    ],
)
def test_an_evaluator_is_seen(source):
    assert len(list(evaluators_called(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    ["sympify(x, strict=True)", "sp.S(0)", "Relu.eval(x)", "sp.S.Half", "model.evaluate(x)"],
)
def test_what_is_harmless_passes(source):
    assert not list(evaluators_called(ast.parse(source)))


def test_top_level_holds_only_what_the_design_allows():
    entries = {path.parts[0] for path in git_files()}
    unexpected = {name for name in entries - TOP_LEVEL if not name.startswith(".")}
    assert not unexpected


def test_no_path_of_one_machine_is_written_down():
    machine_path = re.compile(rb"(?<!\w)/(?:work|tmp|root)/")
    found = []
    for path in git_files():
        file = ROOT / path
        content = file.read_bytes() if file.is_file() else b""
        if b"\0" in content:  # not text
            continue
        found += [
            f"{path}:{number}"
            for number, line in enumerate(content.splitlines(), 1)
            if machine_path.search(line)
        ]
    assert not found
