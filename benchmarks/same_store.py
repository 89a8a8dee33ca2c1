"""Compare all objects of two stores that are folders, byte for byte, and name those that differ.

    python -m benchmarks.same_store BEFORE AFTER

For changes that are to make the same results faster. Of manifests, what says when and by which
software something was made does not count; tables of the catalog tell of such things, too, and are
left out.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What says when, where and by what something was made.
_PROVENANCE = {"producer", "reused", "skipped", "reason", "registered_at", "origin", "version"}


def main() -> None:
    """Compare, and end with 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    arguments = parser.parse_args()
    before, after = (dict(_objects(folder)) for folder in (arguments.before, arguments.after))
    differing = sorted(
        key
        for key in before.keys() | after.keys()
        if not _same(key, before.get(key), after.get(key))
    )
    for key in differing:
        print("differs" if key in before and key in after else "is in one alone", key)
    print(f"{len(before.keys() | after.keys()) - len(differing)} objects are the same")
    sys.exit(bool(differing))


def _objects(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        key = path.relative_to(folder).as_posix()
        left_out = key.startswith((".", "catalog/", "claims/"))
        if path.is_file() and not left_out:
            yield key, path


def _same(key: str, one: Path | None, other: Path | None) -> bool:
    if one is None or other is None:
        return False
    contents = one.read_bytes(), other.read_bytes()
    if contents[0] == contents[1] or not key.startswith("manifests/"):
        return contents[0] == contents[1]
    documents = [_without_provenance(json.loads(content)) for content in contents]
    return bool(documents[0] == documents[1])


def _without_provenance(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_provenance(kept)
            for name, kept in value.items()
            if name not in _PROVENANCE
        }
    return [_without_provenance(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
