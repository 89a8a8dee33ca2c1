"""Libraries of Python that give the pictures of a video as arrays.

Each is imported when it is asked for, in a process of its own: two builds of FFmpeg in one
process disturb each other, and two of these packages have the same name.
"""

import importlib.metadata
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.readers.numbering import number_in
from benchmarks.readers.reading import SAMPLE_RATE_HZ, Question, Reading


class PyAv:
    """PyAV: decoding in order, and seeking to the time of a frame."""

    def __init__(self) -> None:
        import av

        self._av = av
        self.version = av.__version__

    def read(self, question: Question) -> Reading:
        """Read a video."""
        reading = Reading()
        with self._av.open(str(question.path)) as container:
            stream = container.streams.video[0]
            reading.counts["frames"] = stream.frames
            if stream.average_rate:
                reading.rates["average_rate"] = float(stream.average_rate)
            if stream.duration:
                reading.durations["stream"] = float(stream.duration * stream.time_base)
            if container.duration:
                reading.durations["container"] = container.duration / self._av.time_base
            frames = list(container.decode(stream))
            reading.in_order = [number_in(frame.to_ndarray(format="bgr24")) for frame in frames]
        if not reading.counts["frames"]:
            # Matroska does not say.
            del reading.counts["frames"]
        for track in range(len(question.beeps)):
            self._hear(question, track, reading)
        with self._av.open(str(question.path)) as container:
            stream = container.streams.video[0]
            for index in question.indices:
                at = int(question.middle_seconds(index) / stream.time_base)
                container.seek(at, stream=stream)
                before = None
                for frame in container.decode(stream):
                    if frame.pts > at:
                        break
                    before = frame
                picture = None if before is None else before.to_ndarray(format="bgr24")
                reading.at.append((index, None if picture is None else number_in(picture)))
        return reading

    def _hear(self, question: Question, track: int, reading: Reading) -> None:
        """Hear each block of samples at its own time, as players do: joins may overlap or gape."""
        resampler = self._av.AudioResampler("flt", "mono", SAMPLE_RATE_HZ)
        with self._av.open(str(question.path)) as container:
            has_track = track < len(container.streams.audio)
            frames = list(container.decode(audio=track)) if has_track else []
        parts = [part for frame in frames for part in resampler.resample(frame)]
        starts = [round(part.pts * part.time_base * SAMPLE_RATE_HZ) for part in parts]
        ends = (start + part.samples for start, part in zip(starts, parts, strict=True))
        first = min(starts, default=0)
        heard = np.zeros(max(ends, default=0) - first, np.float32)
        for start, part in zip(starts, parts, strict=True):
            heard[start - first : start - first + part.samples] = part.to_ndarray()[0]
        reading.hear(heard, first / SAMPLE_RATE_HZ)


class OpenCv:
    """OpenCV's VideoCapture: in order, and by CAP_PROP_POS_FRAMES."""

    def __init__(self) -> None:
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        import cv2

        self._cv2 = cv2
        self.version = cv2.__version__

    def read(self, question: Question) -> Reading:
        """Read a video."""
        cv2 = self._cv2
        reading = Reading(in_order=[])
        capture = cv2.VideoCapture(str(question.path), cv2.CAP_FFMPEG)
        reading.counts["FRAME_COUNT"] = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        reading.rates["FPS"] = capture.get(cv2.CAP_PROP_FPS)
        while (picture := capture.read()[1]) is not None:
            reading.in_order.append(number_in(picture))
        capture = cv2.VideoCapture(str(question.path), cv2.CAP_FFMPEG)
        for index in question.indices:
            capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            picture = capture.read()[1]
            reading.at.append((index, None if picture is None else number_in(picture)))
        return reading


class TorchCodec:
    """torchcodec's VideoDecoder, which scans the file first (``exact``) or not."""

    def __init__(self, seek_mode: str) -> None:
        from torchcodec.decoders import AudioDecoder, VideoDecoder

        self._open, self._open_sound = VideoDecoder, AudioDecoder
        self._seek_mode = seek_mode
        self.version = importlib.metadata.version("torchcodec")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        decoder = self._open(str(question.path), seek_mode=self._seek_mode, dimension_order="NHWC")
        reading = Reading()
        reading.counts["len"] = len(decoder)
        reading.rates["average_fps"] = decoder.metadata.average_fps
        reading.durations["metadata"] = decoder.metadata.duration_seconds
        reading.in_order = _numbers(decoder[index].numpy() for index in range(len(decoder)))
        decoder = self._open(str(question.path), seek_mode=self._seek_mode, dimension_order="NHWC")
        for index in question.indices:
            reading.at.append((index, number_in(decoder[index].numpy())))
        for stream in range(1, 1 + len(question.beeps)):
            sound = self._open_sound(
                str(question.path), stream_index=stream, sample_rate=SAMPLE_RATE_HZ, num_channels=1
            ).get_all_samples()
            reading.hear(sound.data[0].numpy(), sound.pts_seconds)
        return reading


class Decord:
    """decord's VideoReader, or that of its successor decord2, which lies in a folder of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None:
            sys.path.insert(0, str(folder))
        import decord

        self._decord = decord
        self.version = importlib.metadata.version("decord2" if folder else "decord")
        if folder is not None and not Path(decord.__file__).is_relative_to(folder):
            raise ImportError(f"decord2 is not in {folder}")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        reading = Reading()
        video = self._decord.VideoReader(str(question.path))
        reading.counts["len"] = len(video)
        reading.rates["get_avg_fps"] = video.get_avg_fps()
        reading.durations["timestamps"] = float(video.get_frame_timestamp(len(video) - 1)[1])
        reading.in_order = _numbers(video[index].asnumpy() for index in range(len(video)))
        video = self._decord.VideoReader(str(question.path))
        for index in question.indices:
            reading.at.append((index, number_in(video[index].asnumpy())))
        batch = self._decord.VideoReader(str(question.path)).get_batch(list(question.indices))
        for index, picture in zip(question.indices, batch.asnumpy(), strict=True):
            reading.at.append((index, number_in(picture)))
        if question.beeps:
            sound = self._decord.AudioReader(
                str(question.path), sample_rate=SAMPLE_RATE_HZ, mono=True
            )
            reading.hear(sound[:].asnumpy()[0])
        return reading


class ImageIo:
    """imageio's ``imread`` of the whole video, ``imiter``, and ``imread`` of one frame."""

    def __init__(self, plugin: str) -> None:
        import imageio.v3

        self._imageio = imageio.v3
        self._plugin = plugin
        self.version = importlib.metadata.version("imageio")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        path, imageio = question.path, self._imageio
        reading = Reading()
        reading.in_order = _numbers(imageio.imread(path, plugin=self._plugin))
        reading.counts["imiter"] = sum(1 for _ in imageio.imiter(path, plugin=self._plugin))
        facts: dict[str, Any] = imageio.immeta(path, plugin=self._plugin)
        reading.rates["immeta"] = float(facts["fps"])
        reading.durations["immeta"] = float(facts["duration"])
        for index in question.indices:
            try:
                picture = imageio.imread(path, index=index, plugin=self._plugin)
            except StopIteration:
                # Of the plugin pyav, where the last I-frame is among the last few frames.
                picture = None
            reading.at.append((index, None if picture is None else number_in(picture)))
        return reading


class MoviePy:
    """moviepy's VideoFileClip."""

    def __init__(self) -> None:
        from moviepy import VideoFileClip

        self._open = VideoFileClip
        self.version = importlib.metadata.version("moviepy")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        reading = Reading()
        with self._open(str(question.path), audio=False) as video:
            reading.counts["n_frames"] = video.n_frames
            reading.rates["fps"] = float(video.fps)
            reading.durations["duration"] = float(video.duration)
            reading.in_order = _numbers(video.iter_frames())
        with self._open(str(question.path), audio=False) as video:
            for index in question.indices:
                picture = video.get_frame(question.middle_seconds(index))
                reading.at.append((index, number_in(picture)))
        return reading


def _numbers(pictures: Iterable[Any]) -> list[int | None]:
    return [number_in(np.asarray(picture)) for picture in pictures]
