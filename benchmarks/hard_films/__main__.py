"""Make films that are hard for scene detection, with exact labels.

    python -m benchmarks.hard_films OUT --seed 1 [--footage DIR [--labels FILE] [--only FILE ...]]

Writes about 29 films of half a minute and ``OUT/labels.json``, which
``benchmarks/detection_accuracy.py`` reads (``--edits OUT``). What happens in a film, its lengths,
speeds and brightness come from the seed. All is generated; with ``--footage`` every second shot
comes from real videos instead, from between their labelled transitions. ``--only`` names the
videos to take, so that two sets need not have any in common.
"""

import argparse
import json
import time
from pathlib import Path

from benchmarks.hard_films.footage import footage
from benchmarks.hard_films.recipes import RECIPES, build


def main() -> None:
    """Make the films."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the films and labels.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=27, help="about how long each film is")
    names = [recipe.name for recipe in RECIPES]
    parser.add_argument("--films", nargs="+", choices=names, default=names, metavar="NAME",
                        help=f"which to make, of {', '.join(names)}; all by default")  # fmt: skip
    parser.add_argument("--footage", type=Path, help="folder of real videos to take shots from")
    parser.add_argument("--labels", type=Path, help="their labels; FOOTAGE/labels.json by default")
    parser.add_argument("--only", nargs="+", default=[], metavar="FILE", help="of these videos")
    options = parser.parse_args()
    material = None
    if options.footage:
        labels = options.labels or options.footage / "labels.json"
        material = footage(options.footage, labels, options.only)
    options.out.mkdir(parents=True, exist_ok=True)
    written = {}
    for recipe in RECIPES:
        if recipe.name not in options.films:
            continue
        started = time.process_time()
        name, label = build(recipe, options.out, options.seed, options.seconds, material)
        written[name] = label
        # After each film, so that those of a run that ends early can be used.
        (options.out / "labels.json").write_text(json.dumps(written, indent=1))
        print(
            f"{name}: {label['frames']} frames, {len(label['hard_cuts'])} cuts, "
            f"{len(label['gradual'])} gradual, {time.process_time() - started:.0f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    main()
