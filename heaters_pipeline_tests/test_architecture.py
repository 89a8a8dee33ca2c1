"""The map of the code in docs/architecture.md shows the code that there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "heaters_pipeline"


def described(name: str, path: Path, depth: int) -> str:
    """The line of a module or package: its name, and the first line of its docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return f"{'  ' * depth}{name:<23}{docstring.splitlines()[0]}"


def code_map(folder: Path, depth: int = 1) -> Iterator[str]:
    """A line for each module, then for each package with what it holds."""
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield described(path.name, path, depth)
    for path in sorted(folder.iterdir()):
        if (path / "__init__.py").exists():
            yield described(f"{path.name}/", path / "__init__.py", depth)
            yield from code_map(path, depth + 1)


def test_every_module_has_its_line() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text()
    drawn = text.partition("heaters_pipeline/\n")[2].partition("\n```")[0].splitlines()
    assert sorted(" ".join(line.split()) for line in drawn) == sorted(
        " ".join(line.split()) for line in code_map(PACKAGE)
    )
