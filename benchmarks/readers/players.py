"""Programs and players without Python in them: ffmpeg, mpv, GStreamer and VLC."""

import ctypes
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.readers.numbering import number_in
from benchmarks.readers.reading import SAMPLE_RATE_HZ, Question, Reading

# Each start of a player is a process, so a few places must do.
_MOST_JUMPS = 3
_VLC_SECONDS = 60
_PCM = ("-f", "s16le", "-ac", "1", "-ar", str(SAMPLE_RATE_HZ))
_VLC_LAST_SECONDS = 0.3
_WAV_HEADER_BYTES = 44


class Ffmpeg:
    """The ffmpeg program: every picture that it decodes, and how many it makes of them."""

    def __init__(self, program: str | None = None) -> None:
        if program is None:
            import imageio_ffmpeg

            program = imageio_ffmpeg.get_ffmpeg_exe()
        self._program = program
        self.version = _version_of(program, "-version")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        reading = Reading()
        reading.in_order, _ = self._run(question, [], ["-fps_mode", "passthrough"])
        # Left alone, it repeats and drops pictures for a constant rate of its own.
        of_its_own, log = self._run(question, [], [])
        if question.is_even:
            reading.counts["without fps_mode"] = len(of_its_own)
        if found := re.search(r"Video:.* ([\d.]+) fps", log):
            reading.rates["fps"] = float(found[1])
        if found := re.search(r"Duration: (\d+):(\d+):([\d.]+)", log):
            hours, minutes, seconds = found.groups()
            reading.durations["Duration"] = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        for index in question.indices[:_MOST_JUMPS]:
            # It gives the first picture that starts at that time or later.
            before = question.middle_seconds(index - 1) if index else 0.0
            numbers, _ = self._run(question, ["-ss", f"{before:.6f}"], ["-frames:v", "1"])
            reading.at.append((index, numbers[0] if numbers else None))
        for track in range(len(question.beeps)):
            command = [self._program, "-v", "error", "-nostdin", "-i", str(question.path)]
            command += ["-map", f"0:a:{track}", *_PCM, "-"]
            # A track that is missing is an error here, and no sound.
            sound = subprocess.run(command, capture_output=True, check=False).stdout
            reading.hear(_raw_sound(sound))
        return reading

    def _run(
        self, question: Question, before: list[str], options: list[str]
    ) -> tuple[list[int | None], str]:
        command = [self._program, "-hide_banner", "-nostdin", *before, "-i", str(question.path)]
        command += ["-map", "0:v:0", *options, "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
        result = subprocess.run(command, capture_output=True, check=True)
        return _raw_numbers(result.stdout, question.size_px), result.stderr.decode()


class Mpv:
    """mpv: each picture that it shows, as a file; and the one that ``--start`` shows."""

    def __init__(self) -> None:
        self.version = _version_of("mpv", "--version")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        facts = "facts ${=duration} ${=container-fps}"
        reading = Reading()
        reading.in_order, log = self._shown(question, f"--term-playing-msg={facts}")
        if found := re.search(r"facts ([\d.]+) ([\d.]+)", log):
            reading.durations["duration"] = float(found[1])
            reading.rates["container-fps"] = float(found[2])
        for index in question.indices[:_MOST_JUMPS]:
            # It gives the first picture that starts 5 ms before that time or later.
            start = f"--start={question.boundaries_seconds[index]:.6f}"
            numbers, _ = self._shown(question, start, "--frames=1")
            reading.at.append((index, numbers[0] if numbers else None))
        for track in range(1, 1 + len(question.beeps)):
            with tempfile.NamedTemporaryFile(suffix=".raw") as sound:
                command = ["mpv", "--no-config", "--no-video", f"--aid={track}", "--ao=pcm"]
                command += [f"--ao-pcm-file={sound.name}", "--ao-pcm-waveheader=no"]
                command += ["--audio-channels=mono", "--audio-format=s16", "--really-quiet"]
                command += [f"--audio-samplerate={SAMPLE_RATE_HZ}", str(question.path)]
                subprocess.run(command, capture_output=True)
                reading.hear(_raw_sound(Path(sound.name).read_bytes()))
        return reading

    def _shown(self, question: Question, *options: str) -> tuple[list[int | None], str]:
        with tempfile.TemporaryDirectory() as folder:
            command = ["mpv", "--no-config", "--no-audio", "--untimed", "--hr-seek=yes"]
            command += ["--vo=image", "--vo-image-format=png", "--vo-image-png-compression=1"]
            command += ["--msg-level=all=error,cplayer=info", f"--vo-image-outdir={folder}"]
            result = subprocess.run(
                [*command, *options, str(question.path)], capture_output=True, check=True
            )
            pictures = (cv2.imread(str(path)) for path in sorted(Path(folder).iterdir()))
            numbers = [number_in(np.asarray(picture)) for picture in pictures]
        return numbers, result.stdout.decode()


class GStreamer:
    """GStreamer: what ``decodebin`` gives."""

    def __init__(self) -> None:
        self.version = _version_of("gst-launch-1.0", "--version")
        if subprocess.run(["gst-inspect-1.0", "--exists", "avdec_h264"], check=False).returncode:
            raise ImportError("there is no plugin libav of GStreamer")

    def read(self, question: Question) -> Reading:
        """Read a video."""
        elements = ("decodebin", "videoconvert", "video/x-raw,format=BGR", "fdsink fd=1")
        pictures = _gst_output(question.path, elements)
        reading = Reading(in_order=_raw_numbers(pictures, question.size_px))
        if question.beeps:
            sound = f"audio/x-raw,format=S16LE,channels=1,rate={SAMPLE_RATE_HZ}"
            elements = ("qtdemux name=tracks tracks.audio_0", "queue", "decodebin")
            elements += ("audioconvert", "audioresample", sound, "fdsink fd=1")
            reading.hear(_raw_sound(_gst_output(question.path, elements)))
        return reading


class Vlc:
    """libVLC, which plays at its own pace: each picture that it shows."""

    def __init__(self) -> None:
        import vlc

        self._vlc = vlc
        self.version = vlc.libvlc_get_version().decode().split()[0]
        options = ["--quiet", "--no-spu", "--no-osd", "--avcodec-hw=none"]
        # On a busy machine it would leave out pictures that come late.
        options += ["--no-drop-late-frames", "--no-skip-frames"]
        self._instance = vlc.Instance(*options)

    def read(self, question: Question) -> Reading:
        """Read a video."""
        width, height = question.size_px
        buffer = (ctypes.c_uint8 * (width * height * 4))()
        numbers: list[int | None] = []
        callbacks, player = self._vlc.CallbackDecorators, self._instance.media_player_new()

        @callbacks.VideoLockCb
        def lock(_: object, planes: list[int | None]) -> None:
            planes[0] = ctypes.cast(buffer, ctypes.c_void_p).value

        @callbacks.VideoDisplayCb
        def display(_: object, __: object) -> None:
            picture = np.frombuffer(buffer, np.uint8).reshape(height, width, 4)[:, :, :3]
            number = number_in(picture)
            # A picture that it shows once more, such as the last one, is no further frame.
            if number is None or number not in numbers[-1:]:
                numbers.append(number)

        player.video_set_callbacks(lock, None, display, None)
        player.video_set_format("RV32", width, height, width * 4)
        length_seconds = self._play(player, question.path, ":no-audio")
        reading = Reading(in_order=numbers, durations={"length": length_seconds})
        if question.beeps:
            with tempfile.NamedTemporaryFile(suffix=".wav") as sound:
                pcm = f"acodec=s16l,channels=1,samplerate={SAMPLE_RATE_HZ}"
                chain = (
                    f"#transcode{{vcodec=none,{pcm}}}:std{{access=file,mux=wav,dst={sound.name}}}"
                )
                player = self._instance.media_player_new()
                self._play(player, question.path, f":sout={chain}", ":no-sout-video")
                reading.hear(_raw_sound(Path(sound.name).read_bytes()[_WAV_HEADER_BYTES:]))
        return reading

    def _play(self, player: Any, path: Path, *options: str) -> float:
        ended = threading.Event()
        manager = player.event_manager()
        for event in ("MediaPlayerEndReached", "MediaPlayerEncounteredError"):
            manager.event_attach(getattr(self._vlc.EventType, event), lambda _: ended.set())
        player.set_media(self._instance.media_new(str(path), *options))
        player.play()
        ended.wait(_VLC_SECONDS)
        # The last picture may still be on its way.
        time.sleep(_VLC_LAST_SECONDS)
        length_seconds = player.get_length() / 1000
        player.stop()
        player.release()
        return float(length_seconds)


def _gst_output(path: Path, elements: Iterable[str]) -> bytes:
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={path}"]
    command += [word for element in elements for word in ("!", *element.split())]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _raw_sound(raw: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(raw, np.int16).astype(np.float32) / 32768


def _raw_numbers(raw: bytes, size_px: tuple[int, int]) -> list[int | None]:
    width, height = size_px
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    return [number_in(picture) for picture in pictures]


def _version_of(program: str, option: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise ImportError(f"there is no program {program}")
    result = subprocess.run([found, option], capture_output=True, text=True, check=True)
    numbers = re.search(r"(?<= )n?(\d+\.[\d.]+)", result.stdout)
    return numbers[1] if numbers else result.stdout.splitlines()[0]
