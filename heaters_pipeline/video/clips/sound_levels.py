"""How loud the sound of a clip is, by EBU R 128, and how much of it is silence.

What is measured is the finished clip, its first track, as a player decodes it.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import av.audio.frame
import av.error
import numpy as np
from av.filter import Graph

from heaters_pipeline.video.clips.record import ClipSound
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.probe import open_input, shown_name

_SILENCE = 10 ** (-50 / 20)
"""Amplitude that no sample of a silent tenth of a second exceeds: -50 dB of full scale."""
_BLOCK_TENTHS = 4
"""Of a second: the length of the blocks that loudness is measured in; nothing shorter has any."""
_DIGITS = 3

_logger = logging.getLogger(__name__)


def with_levels(sound: ClipSound | None, path: Path) -> ClipSound | None:
    """The sound of a clip with its loudness and silence, unknown where it cannot be decoded."""
    if sound is None:
        return None
    try:
        loudness, silence = _levels(path)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, av.error.FFmpegError):
            raise_if_shortage(error)
        # The packets are those of the source, which may be damaged.
        _logger.info("how loud %s is cannot be told: %s", shown_name(path), error)
        return sound
    return replace(sound, loudness_lufs=loudness, silence_share=silence)


def _levels(path: Path) -> tuple[float | None, float | None]:
    """Integrated loudness in LUFS, and the share of whole tenths of a second that are silent."""
    whole, silent, loudness = 0, 0, 0.0
    for tenth in _tenths(path):
        # What is left at the end is no tenth, and mostly what encoders fill up their frames with.
        if "lavfi.r128.I" in tenth.metadata:
            whole += 1
            silent += np.abs(tenth.to_ndarray()).max() <= _SILENCE
            loudness = float(tenth.metadata["lavfi.r128.I"])
    return (
        loudness if whole >= _BLOCK_TENTHS else None,
        round(float(silent / whole), _DIGITS) if whole else None,
    )


def _tenths(path: Path) -> Iterator[av.audio.frame.AudioFrame]:
    """The sound in tenths of a second, each with the loudness of all up to its end in metadata."""
    meter: _Meter | None = None
    with open_input(path, {"probesize": "32"}) as container:
        for frame in container.decode(audio=0):
            meter = meter or _Meter(frame)
            yield from meter.add(frame)
    if meter is not None:
        yield from meter.add(None)


class _Meter:
    """FFmpeg's ``ebur128``, for sound like that of a frame."""

    def __init__(self, first: av.audio.frame.AudioFrame) -> None:
        # Kept, because its filters do not keep it alive.
        self._graph = Graph()
        self._input = self._graph.add_abuffer(
            sample_rate=first.sample_rate, format=first.format.name, layout=first.layout.name
        )
        meter = self._graph.add("ebur128", "metadata=1:framelog=quiet")
        self._output = self._graph.add("abuffersink")
        self._graph.link_nodes(self._input, meter, self._output).configure()
        self._rate_hz, self._waiting = first.sample_rate, 0

    def add(self, frame: av.audio.frame.AudioFrame | None) -> Iterator[av.audio.frame.AudioFrame]:
        """Take a frame, or None after the last one; gives tenths, a second of them at a time."""
        self._input.push(frame)
        self._waiting += frame.samples if frame is not None else self._rate_hz
        # Frames are short, and asking for a tenth that is not whole yet costs as much as measuring.
        if self._waiting < self._rate_hz:
            return
        self._waiting = 0
        while True:
            try:
                yield cast("av.audio.frame.AudioFrame", self._output.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return
