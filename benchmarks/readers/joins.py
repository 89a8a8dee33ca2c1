"""What ffmpeg makes of clips without decoding them: joined ones, and those in another container."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

COPIED = ("-c", "copy")
ONE_SOUND = ("-c:v", "copy", "-c:a", "aac", "-af", "aresample=async=1:min_hard_comp=0.001")
"""Sound is heard as each clip's edit list says, and encoded anew without a join."""


def concatenated(program: str, how: Sequence[str], clips: Sequence[Path], target: Path) -> Path:
    """Join clips with ``ffmpeg -f concat``.

    Args:
        program: Of ffmpeg.
        how: ``COPIED`` or ``ONE_SOUND``.
        clips: In order.
        target: File to write.
    Raises:
        subprocess.CalledProcessError: ffmpeg does not.
    """
    listed = target.with_suffix(".txt")
    listed.write_text("".join(f"file '{clip.absolute()}'\n" for clip in clips))
    _run(program, "-f", "concat", "-safe", "0", "-i", str(listed), how=how, target=target)
    return target


def in_matroska(program: str, clip: Path, target: Path) -> Path:
    """Copy a clip's packets into MKV.

    Raises:
        subprocess.CalledProcessError: ffmpeg does not.
    """
    _run(program, "-i", str(clip), how=COPIED, target=target)
    return target


def _run(program: str, *options: str, how: Sequence[str], target: Path) -> None:
    command = [program, "-v", "error", "-nostdin", "-y", *options]
    command += ["-map", "0:v", "-map", "0:a?", *how, str(target)]
    subprocess.run(command, capture_output=True, check=True, text=True)
