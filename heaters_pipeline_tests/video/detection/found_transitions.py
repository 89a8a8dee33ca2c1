"""How what detection finds is held against what is true."""

from collections.abc import Sequence
from pathlib import Path

from heaters_pipeline_tests.video.detection.encoding import Encoding, encode
from heaters_pipeline_tests.video.detection.hard_shots import Film
from heaters_pipeline_tests.video.detection.moving_shots import found_in

Found = list[tuple[str, int, int]]

CUT_TOLERANCE_FRAMES = 1


def found_in_film(path: Path, film: Film, encoding: Encoding | None = None) -> Found:
    """(kind, start, end) of each transition found in a film with the default settings."""
    return found_in(encode(path, film.pictures, encoding))


def mistakes(film: Film, found: Found) -> Found:
    """``missed`` cuts, and what was found where no cut is, for films that have cuts only."""
    wrong = [("missed", cut, cut) for cut in film.cuts if not _near(cut, _cuts(found))]
    wrong += [each for each in found if each[0] != "cut" or not _near(each[1], film.cuts)]
    return sorted(wrong, key=lambda each: each[1])


def agree(
    found: Found,
    wanted: Sequence[tuple[str, int, int]],
    *,
    gradual_frames: float,
    cut_frames: float = CUT_TOLERANCE_FRAMES,
) -> bool:
    """Whether the same transitions stand in both, as close as these frames at either end."""
    return len(found) == len(wanted) and all(
        kind == wanted_kind
        and abs(start - wanted_start) <= (cut_frames if kind == "cut" else gradual_frames)
        and abs(end - wanted_end) <= (cut_frames if kind == "cut" else gradual_frames)
        for (kind, start, end), (wanted_kind, wanted_start, wanted_end) in zip(
            found, wanted, strict=True
        )
    )


def _cuts(found: Found) -> list[int]:
    return [start for kind, start, _ in found if kind == "cut"]


def _near(frame: int, frames: Sequence[int]) -> bool:
    return any(abs(frame - other) <= CUT_TOLERANCE_FRAMES for other in frames)
