"""The sample video is what its truth says: frames, cuts, gradual changes, flashes and clicks."""

import functools
import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.sample import (
    GradualTruth,
    SampleTruth,
    __main__,
    is_rendered,
    render_sample,
    write_truth,
)
from heaters_pipeline.video.sample.film import FULL_SECONDS, lay_out

SHORT = Fraction(12)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A small sample and what a decoder finds in it."""

    path: Path
    truth: SampleTruth
    pictures: list[npt.NDArray[np.uint8]]
    seconds: list[Fraction]

    def change(self, frame: int) -> float:
        """Mean absolute difference between a frame and the one before."""
        return difference(self.pictures[frame - 1], self.pictures[frame])

    def scenes(self) -> list[range]:
        """The frames that show one scene alone."""
        starts = [0, *self.truth.cuts, *(change.end for change in self.truth.gradual)]
        ends = [*self.truth.cuts, *(change.start for change in self.truth.gradual)]
        ends.append(self.truth.frames)
        return [range(*edges) for edges in zip(sorted(starts), sorted(ends), strict=True)]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    path = tmp_path_factory.mktemp("sample") / "small.mp4"
    truth = render_sample(path, seconds=SHORT, size_px=(320, 180))
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    pictures = [frame.to_ndarray(format="bgr24") for frame in frames]
    seconds = [frame.pts * frame.time_base for frame in frames]
    return Rendered(path, truth, pictures, seconds)


def difference(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    return float(np.abs(first.astype(np.int16) - second).mean())


def sound_of(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """Samples (channels, samples) from instant 0 on, and their rate."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].pts == 0
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1), frames[0].sample_rate


def test_full_film_is_what_the_demo_promises() -> None:
    truth = lay_out(FULL_SECONDS).truth
    assert truth.frames / truth.frame_rate >= 60
    assert len(set(truth.scenes)) == len(truth.scenes) >= 12
    assert len(truth.cuts) >= 10
    assert {change.kind for change in truth.gradual} == {"dissolve", "fade_through_black"}
    assert truth.flashes
    assert len(truth.scenes) == 1 + len(truth.cuts) + len(truth.gradual)


@given(seconds=st.fractions(min_value=10, max_value=90, max_denominator=100))
def test_layout_holds_at_every_length(seconds: Fraction) -> None:
    film = lay_out(seconds)
    truth = film.truth
    assert truth.frames == round(seconds * truth.frame_rate)
    joins = sorted(
        [*((cut, cut) for cut in truth.cuts), *((g.start, g.end) for g in truth.gradual)]
    )
    edges = [0, *itertools.chain.from_iterable(joins), truth.frames]
    for scene_start, scene_end in zip(edges[::2], edges[1::2], strict=True):
        assert scene_start + 2 <= scene_end
    shown = np.zeros(truth.frames, int)
    for shot in film.shots:
        shown[shot.start : shot.end] += 1
    mixed = {frame for g in truth.gradual for frame in range(g.start, g.end)}
    assert set(np.flatnonzero(shown == 2).tolist()) == mixed
    assert set(shown.tolist()) == {1, 2}
    assert not mixed & set(truth.flashes)


def test_what_cannot_be_rendered_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ask for at least"):
        render_sample(tmp_path / "a.mp4", seconds=Fraction(5))
    for size_px in ((320, 182), (352, 200), (64, 36), (0, 0)):
        with pytest.raises(SettingsError, match=f"{size_px[0]}x{size_px[1]}"):
            render_sample(tmp_path / "a.mp4", size_px=size_px)
    assert not list(tmp_path.iterdir())


def test_file_holds_the_frames_of_the_truth(rendered: Rendered) -> None:
    truth = rendered.truth
    with av.open(str(rendered.path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert (video.width, video.height) == (320, 180)
        assert video.average_rate == truth.frame_rate
        assert video.codec_context.has_b_frames
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 48_000, 2)
    assert len(rendered.pictures) == truth.frames == SHORT * truth.frame_rate
    assert rendered.seconds == [frame / truth.frame_rate for frame in range(truth.frames)]


def test_most_cuts_are_not_on_i_frames(rendered: Rendered) -> None:
    with av.open(str(rendered.path)) as container:
        key_frames = {
            int(frame.pts * frame.time_base * rendered.truth.frame_rate)
            for frame in container.decode(video=0)
            if frame.key_frame
        }
    assert len(key_frames) >= 3
    assert len(set(rendered.truth.cuts) - key_frames) >= len(rendered.truth.cuts) - 1


def test_hard_cuts_stand_out_from_the_scenes_around_them(rendered: Rendered) -> None:
    scenes = rendered.scenes()
    flashed = {frame + step for frame in rendered.truth.flashes for step in (0, 1)}
    for cut in rendered.truth.cuts:
        around = [scene for scene in scenes if cut in (scene.start, scene.stop)]
        within = [
            rendered.change(frame)
            for scene in around
            for frame in scene[1:]
            if frame not in flashed
        ]
        assert rendered.change(cut) > 20, cut
        assert rendered.change(cut) > 3 * max(within), cut


def test_every_scene_moves_and_has_texture(rendered: Rendered) -> None:
    scenes = rendered.scenes()
    assert len(scenes) == len(rendered.truth.scenes)
    for name, scene in zip(rendered.truth.scenes, scenes, strict=True):
        changes = [rendered.change(frame) for frame in scene[1:]]
        assert np.median(changes) > 0.3, name
        picture = rendered.pictures[scene[len(scene) // 2]]
        fine = cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.CV_32F)
        assert picture.std() > 15, name
        assert fine.std() > 4, name


def test_dissolves_blend_steadily(rendered: Rendered) -> None:
    changes = [change for change in rendered.truth.gradual if change.kind == "dissolve"]
    assert changes
    for change in changes:
        old = rendered.pictures[change.start - 1].astype(np.float64)
        way = rendered.pictures[change.end] - old
        parts = [
            float(((rendered.pictures[frame] - old) * way).sum() / (way**2).sum())
            for frame in range(change.start - 1, change.end + 1)
        ]
        assert np.diff(parts).min() > 0
        even = np.linspace(0, 1, len(parts))
        assert np.abs(np.array(parts) - even).max() < 0.12


def test_fade_goes_down_to_black_and_up_again(rendered: Rendered) -> None:
    (change,) = [c for c in rendered.truth.gradual if c.kind == "fade_through_black"]
    levels = [float(rendered.pictures[f].mean()) for f in range(change.start - 1, change.end + 1)]
    middle = len(levels) // 2
    assert levels[middle] < 2
    assert np.diff(levels[: middle + 1]).max() < 1
    assert np.diff(levels[middle:]).min() > -1
    assert min(levels[0], levels[-1]) > 20


def test_flashes_light_up_frames_and_leave_the_scene(rendered: Rendered) -> None:
    flashes = rendered.truth.flashes
    for frame in flashes:
        dark = rendered.pictures[min(flashes) - 1].mean()
        assert rendered.pictures[frame].mean() > dark + 60
    before, lit, after = (
        rendered.pictures[f] for f in (flashes[0] - 1, flashes[0], flashes[1] + 1)
    )
    assert difference(before, lit) > 4 * difference(before, after)


def test_clicks_are_heard_exactly_at_the_cuts(rendered: Rendered) -> None:
    samples, rate = sound_of(rendered.path)
    # The second difference drowns the music and leaves the clicks, which are high.
    sharp = np.abs(np.diff(samples.mean(axis=0), 2))
    assert rendered.truth.clicks_seconds == tuple(
        cut / rendered.truth.frame_rate for cut in rendered.truth.cuts
    )
    loud = np.flatnonzero(sharp > 0.4 * sharp.max()) / rate
    for seconds in rendered.truth.clicks_seconds:
        assert np.abs(loud - float(seconds)).min() < 0.010, seconds
    for heard in loud:
        assert min(abs(heard - float(s)) for s in rendered.truth.clicks_seconds) < 0.010, heard


def test_every_scene_has_its_own_stereo_sound(rendered: Rendered) -> None:
    samples, rate = sound_of(rendered.path)
    assert samples.shape[1] / rate == pytest.approx(float(SHORT), abs=0.05)
    pitches = []
    for scene in rendered.scenes():
        start, end = (int(f * rate / rendered.truth.frame_rate) for f in (scene.start, scene.stop))
        part = samples[:, start + rate // 50 : end - rate // 50]
        assert np.sqrt((part**2).mean()) > 0.02
        assert not np.allclose(part[0], part[1], atol=0.01)
        spectrum = np.abs(np.fft.rfft(part.mean(axis=0), rate))
        pitches.append(frozenset(np.argsort(spectrum[:1200])[-8:].tolist()))
    assert all(first != second for first, second in itertools.pairwise(pitches))


def test_rendering_again_gives_the_same_pictures(rendered: Rendered, tmp_path: Path) -> None:
    truth = render_sample(tmp_path / "again.mp4", seconds=SHORT, size_px=(320, 180))
    assert truth == rendered.truth
    with av.open(str(tmp_path / "again.mp4")) as container:
        for number, frame in enumerate(container.decode(video=0)):
            assert np.array_equal(frame.to_ndarray(format="bgr24"), rendered.pictures[number])


def test_interrupted_rendering_leaves_nothing_and_harms_nothing(tmp_path: Path) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(done: int, frames: int) -> None:
        assert frames == 250
        if done == 30:
            raise Interrupted

    path = tmp_path / "sample.mp4"
    for content in (None, b"another"):
        if content:
            path.write_bytes(content)
        with pytest.raises(Interrupted):
            render_sample(path, seconds=Fraction(10), size_px=(96, 54), on_progress=interrupt)
        assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == (
            [(path.name, content)] if content else []
        )


def test_truth_is_written_as_labels(rendered: Rendered) -> None:
    written = write_truth(rendered.path, rendered.truth)
    assert written == rendered.path.with_name("small.truth.json")
    labels = json.loads(written.read_text(encoding="utf-8"))["small.mp4"]
    assert labels["frames"] == rendered.truth.frames
    assert labels["fps"] == 25.0
    assert labels["hard_cuts"] == list(rendered.truth.cuts)
    assert [GradualTruth(g["kind"], g["start"], g["end"]) for g in labels["gradual"]] == list(
        rendered.truth.gradual
    )
    assert labels["ambiguous"] == labels["slides"] == []


@pytest.mark.skipif("HEATERS_SHARED" not in os.environ, reason="HEATERS_SHARED is not set")
def test_labels_are_read_by_the_scorer(rendered: Rendered, tmp_path: Path) -> None:
    labels = write_truth(rendered.path, rendered.truth)
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps({"small.mp4": list(rendered.truth.cuts)}), encoding="utf-8")
    scorer = Path(os.environ["HEATERS_SHARED"]) / "tools" / "score.py"
    command = [sys.executable, str(scorer), str(labels), str(predictions), "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["total"]
    assert (found["f1"], found["gradual_total"]) == (1.0, len(rendered.truth.gradual))


def test_only_the_full_sample_of_this_version_counts_as_rendered(tmp_path: Path) -> None:
    path = tmp_path / "sample.mp4"
    assert not is_rendered(path)
    path.write_bytes(b"stands for the video")
    write_truth(path, lay_out(Fraction(20)).truth)
    assert not is_rendered(path)
    truth = write_truth(path, lay_out(FULL_SECONDS).truth)
    assert is_rendered(path)
    path.write_bytes(b"another video")
    assert not is_rendered(path)
    path.write_bytes(b"stands for the video")
    truth.write_text(truth.read_text().replace('"sample_version": ', '"sample_version": 9'))
    assert not is_rendered(path)
    truth.write_text("{")
    assert not is_rendered(path)


def test_command_renders_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = functools.partial(render_sample, size_px=(96, 54), seconds=Fraction(10))
    monkeypatch.setattr(__main__, "render_sample", small)
    path = tmp_path / "new" / "sample.mp4"
    assert __main__.main([str(path)]) == 0
    assert sorted(p.name for p in path.parent.iterdir()) == ["sample.mp4", "sample.truth.json"]
    assert "mountains at dawn" in capsys.readouterr().out
    write_truth(path, lay_out(FULL_SECONDS).truth)
    stamp = path.stat()
    assert __main__.main([str(path)]) == 0
    assert path.stat() == stamp
    assert "nothing to do" in capsys.readouterr().out


def test_command_says_when_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    assert __main__.main([str(tmp_path / "file" / "sample.mp4")]) == 1
    assert "cannot be written" in capsys.readouterr().err
