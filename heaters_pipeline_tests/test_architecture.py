"""The map of the code in docs/architecture.md shows the code that there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "heaters_pipeline"


def rooms(folder: Path, depth: int = 1) -> Iterator[str]:
    """A line for each module, with the first line of its docstring, and for each package."""
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            yield f"{'  ' * depth}{path.name:<23}{docstring.splitlines()[0]}"
    for path in sorted(folder.iterdir()):
        if (path / "__init__.py").exists():
            yield f"{'  ' * depth}{path.name}/"
            yield from rooms(path, depth + 1)


def test_every_module_has_its_line() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text()
    drawn = text.partition("heaters_pipeline/\n")[2].partition("\n```")[0].splitlines()
    assert sorted(" ".join(line.split()) for line in drawn) == sorted(
        " ".join(line.split()) for line in rooms(PACKAGE)
    )
