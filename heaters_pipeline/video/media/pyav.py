"""Where PyAV does otherwise than its types and names say: each workaround once.

What is here was seen with PyAV 18. An option that a single call needs (such as the kind of threads
of the encoder) stands where it is called, errors of memory and threads in ``ffmpeg_resources``.
"""

from collections.abc import Iterator
from typing import TypeAlias, cast

import av.audio.stream
import av.container
import av.packet
import av.stream
import av.video.frame
import av.video.plane
import av.video.stream
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType

from heaters_pipeline.video.arrays import UInt8Array

# A string, since the class can be subscripted in PyAV's type stubs alone.
Packet: TypeAlias = "av.packet.Packet[av.stream.Stream]"


def packets_of(
    container: av.container.InputContainer,
    *streams: av.video.stream.VideoStream | av.audio.stream.AudioStream,
) -> Iterator[Packet]:
    """The packets with content in the order of the file, of all streams where none is named."""
    try:
        for packet in container.demux(*streams):
            # At the end of each stream comes an empty packet, for flushing its decoder.
            if packet.size:
                yield packet
    except IndexError:
        # After the last packet demux() flushes every stream that FFmpeg found by then, also those
        # that showed up late, which PyAV's own list of streams lacks.
        return


def has_decoder(stream: av.stream.Stream) -> bool:
    """Whether FFmpeg knows the codec of a stream."""
    # The types promise a context always; rate and channels of sound are missing without it.
    return stream.codec_context is not None


def side_data_of(frame: av.video.frame.VideoFrame, name: str) -> bytes | None:
    """What is stored beside a picture, None where there is nothing of the kind.

    Args:
        frame: The picture.
        name: Of the kind, as FFmpeg spells it after ``AV_FRAME_DATA_``.
    """
    # The frame keeps the container that it makes itself, which keeps the frame: pictures of
    # megabytes that stay until Python next looks for such circles.
    data = SideDataContainer(frame).get(name)  # type: ignore[call-arg] # missing in the types
    return None if data is None else bytes(cast("memoryview", data))


def _unnamed_kind(cls: type[SideDataType], value: object) -> SideDataType | None:
    """A member for a kind of side data that PyAV's enum lacks; nobody asks for it by name.

    Without one, a picture that has such data gives none of its side data, only a ValueError: the
    view of MV-HEVC (29), LCEVC (28), EXIF (31), and whatever FFmpeg adds.
    """
    if not isinstance(value, int):
        return None
    kind = object.__new__(cls)
    kind._name_ = f"UNNAMED_{value}"
    kind._value_ = value  # type: ignore[assignment] # typed as if it were a member
    # As Python's own flags do it, so that there is one of each.
    cls._value2member_map_[value] = kind
    return kind


# The hook that Python's enums have for values without a member.
SideDataType._missing_ = classmethod(_unnamed_kind)  # type: ignore[assignment, method-assign]


def rows_of(plane: av.video.plane.VideoPlane) -> UInt8Array:
    """The memory of a plane, without copying: (rows, bytes of a row with its padding).

    FFmpeg gives a negative length of rows for pictures that are stored upside down.
    """
    rows: UInt8Array = np.asarray(plane).reshape(-1, abs(plane.line_size))
    return rows


def skipped_samples(packet: Packet) -> tuple[int, int]:
    """How many samples of an audio packet are not to be heard at its start and its end.

    ``AV_PKT_DATA_SKIP_SAMPLES``: two little-endian uint32, then what is of no interest here.
    """
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    content = bytes(packet.get_sidedata("skip_samples"))
    return int.from_bytes(content[:4], "little"), int.from_bytes(content[4:8], "little")


def plane_samples(plane: av.video.plane.VideoPlane, is_deep: bool) -> npt.NDArray[np.generic]:
    """The samples of a plane, without copying: (height, width), uint16 where they are deep."""
    samples = rows_of(plane).view(np.uint16 if is_deep else np.uint8)
    return samples[: plane.height, : plane.width]
