"""Pictures that are numbered one a frame: no video, but one command away from one."""

import os
import re
import shlex
from collections import Counter
from pathlib import Path

from heaters_pipeline.intake.sources import extension_of

_EXTENSIONS = frozenset(["bmp", "dpx", "exr", "jpeg", "jpg", "png", "tga", "tif", "tiff", "webp"])
_NUMBERED = re.compile(r"%0?\d*d")


def sequence_refusal(text: str) -> str | None:
    """Why a folder or a pattern of pictures is none, and what to do; None for what is none.

    Args:
        text: As it was typed: a folder, ``frames/*.png``, or ``frames/%05d.png``.
    """
    if "\0" in text or "://" in text:
        return None
    path = Path(text).expanduser()
    if path.is_dir():
        extension = _most_pictures(path)
        pattern = f"{text.rstrip(os.sep)}{os.sep}*.{extension}" if extension else ""
    else:
        is_pattern = "*" in text or (_NUMBERED.search(text) and not os.path.lexists(path))
        pattern = text if is_pattern and extension_of(text) in _EXTENSIONS else ""
    if not pattern:
        return None
    kind = "-pattern_type glob " if "*" in pattern else ""
    stem = path.name if path.is_dir() else path.parent.name
    target = f"{stem or 'pictures'}.mkv"
    return (
        f"{text} holds pictures, no video; join them without loss, at their rate: "
        f"ffmpeg -framerate 25 {kind}-i {shlex.quote(pattern)} -c:v ffv1 {shlex.quote(target)}"
    )


def _most_pictures(folder: Path) -> str | None:
    """The extension of most files of a folder, if that is one of pictures."""
    counts = Counter(path.suffix[1:] for path in folder.iterdir() if path.is_file())
    for extension, _ in counts.most_common(1):
        return extension if extension.lower() in _EXTENSIONS else None
    return None
