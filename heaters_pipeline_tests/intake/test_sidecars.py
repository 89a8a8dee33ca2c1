"""Subtitles beside a video of the same stem."""

from pathlib import Path

import pytest

from heaters_pipeline.intake.sidecars import local_sidecars, shared_with, sidecar_ending
from heaters_pipeline.storage.object_store import ObjectInfo


@pytest.mark.parametrize(
    ("other", "ending"),
    [
        ("clip.srt", ".srt"),
        ("clip.VTT", ".VTT"),
        ("clip.en.srt", ".en.srt"),
        ("clip.pt-BR.forced.ass", ".pt-BR.forced.ass"),
        ("clip.mp4", None),
        ("clip.txt", None),
        ("clip2.srt", None),
        ("clip2.en.srt", None),
        ("other.srt", None),
        ("clip.a.b.c.srt", None),
    ],
)
def test_what_is_a_sidecar(other: str, ending: str | None) -> None:
    assert sidecar_ending("clip.mp4", other) == ending
    assert sidecar_ending("source_videos/a/clip.mp4", f"source_videos/a/{other}") == ending
    assert sidecar_ending("source_videos/a/clip.mp4", f"source_videos/{other}") is None


def test_sidecars_get_the_stem_that_the_video_gets(tmp_path: Path) -> None:
    for name in ("my film.mp4", "my film.srt", "my film.de.srt", "other.srt"):
        (tmp_path / name).write_bytes(b"x")
    found = list(local_sidecars(tmp_path / "my film.mp4", "source_videos/my-film-12345678.mp4"))
    assert {each.key: each.path.name for each in found} == {
        "source_videos/my-film-12345678.srt": "my film.srt",
        "source_videos/my-film-12345678.de.srt": "my film.de.srt",
    }


def test_two_videos_may_share_a_sidecar() -> None:
    def listed(*keys: str) -> dict[str, ObjectInfo]:
        return dict.fromkeys(keys)  # type: ignore[arg-type]

    assert shared_with("v/clip.mp4", listed("v/clip.mp4", "v/clip.mov", "v/clip.srt"))
    assert not shared_with("v/clip.mp4", listed("v/clip.mp4", "v/clip.srt", "v/clip.en.mov"))
