"""What ffmpeg makes of clips without decoding them: joined ones, and those in another container."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def concatenated(program: str, clips: Sequence[Path], target: Path) -> Path:
    """Join clips with ``ffmpeg -f concat -c copy``.

    Raises:
        subprocess.CalledProcessError: ffmpeg does not.
    """
    listed = target.with_suffix(".txt")
    listed.write_text("".join(f"file '{clip.absolute()}'\n" for clip in clips))
    _run(program, "-f", "concat", "-safe", "0", "-i", str(listed), target=target)
    return target


def in_matroska(program: str, clip: Path, target: Path) -> Path:
    """Copy a clip's packets into MKV.

    Raises:
        subprocess.CalledProcessError: ffmpeg does not.
    """
    _run(program, "-i", str(clip), target=target)
    return target


def _run(program: str, *options: str, target: Path) -> None:
    command = [program, "-v", "error", "-nostdin", "-y", *options]
    command += ["-map", "0:v", "-map", "0:a?", "-c", "copy", str(target)]
    subprocess.run(command, capture_output=True, check=True, text=True)
