"""Whether a file is whole, judged from what was seen while it was read to its end.

Libraries report neither a truncated file nor one without a single picture. Nothing is read here:
who reads (``frames``, ``packet_index``) counts with a ``FileVerdict``. Headers are ``probe``'s.
"""

from fractions import Fraction
from pathlib import Path

import av.video.frame
from av.video.frame import PictureType

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.media.limits import most_seconds
from heaters_pipeline.video.media.nal_units import CODECS_WITH_UNITS
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.pyav import Packet

_LOST_SHARE_ALLOWED = Fraction(1, 2)
_DAMAGED_SHARE_ALLOWED = Fraction(1, 10)
"""Of frames that are damaged themselves, where most are spoiled by those before them, too."""

_MISSING_SHARE_ALLOWED = Fraction(1, 50)


class FileVerdict:
    """Count what a pass over a file sees, and judge it at the end.

    Attributes:
        packets: Packets of the video stream read so far.
        discarded_packets: Packets among them that the container hides.
        incomplete_packets: Packets among them of which the container lost parts.
        decode_errors: Packets among them that the decoder refused.
        corrupt_frames: Frames that the decoder gave but knows to be damaged.
        spoiled_frames: Those, and the ones between a damaged frame and the next key frame: they are
            made of it, as far as they show what it shows.
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self.packets = 0
        self.discarded_packets = 0
        self.incomplete_packets = 0
        self.decode_errors = 0
        self.corrupt_frames = 0
        self.spoiled_frames = 0
        self._is_spoiled = False
        self._has_fields = False
        self._name = shown_name(path)
        self._info = info
        self._furthest_seconds = Fraction(0)

    def note_packet(self, packet: Packet) -> None:
        """Count a packet of the video stream.

        Raises:
            InvalidVideoError: It is encrypted.
        """
        if packet.has_sidedata("encryption_info"):
            raise InvalidVideoError(
                "encrypted",
                f"{self._name} is encrypted (DRM); submit a copy without protection",
            )
        self.packets += 1
        self.discarded_packets += packet.is_discard
        self.incomplete_packets += packet.is_corrupt

    def note_refused(self) -> None:
        """Count a packet that the decoder refused."""
        self.decode_errors += 1
        self._is_spoiled = True

    def note_frame(self, frame: av.video.frame.VideoFrame) -> None:
        """Count a frame that was decoded, in order of presentation."""
        self.corrupt_frames += frame.is_corrupt
        self._has_fields |= frame.interlaced_frame
        if frame.key_frame:
            self._is_spoiled = frame.is_corrupt
        elif frame.pict_type != PictureType.B:
            self._is_spoiled |= frame.is_corrupt
        self.spoiled_frames += self._is_spoiled or frame.is_corrupt

    def damaged(self, frames: int) -> tuple[int, int]:
        """How many frames are missing or damaged, and how many there should be.

        Args:
            frames: How many were decoded.
        """
        lost = self.decode_errors
        if lost and self._info.codec in CODECS_WITH_UNITS and not self._has_fields:
            # After a damaged key frame decoders leave out others without a word. Elsewhere packets
            # may hold no frame, or a half.
            lost = max(lost, self.packets - self.discarded_packets - frames)
        return lost + self.corrupt_frames, lost + frames

    def note_other_stream(self, packet: Packet) -> None:
        """Take into account how far the other streams reach."""
        if packet.pts is not None and packet.time_base:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self._furthest_seconds = max(self._furthest_seconds, end)

    def too_long(self) -> InvalidVideoError:
        """What is said of a video that is longer than ``limits`` allow."""
        return InvalidVideoError(
            "too_long",
            f"{self._name} lasts over {most_seconds() / 3600:g} hours or its timestamps jump; "
            "split it or remux it, or raise HEATERS_MAX_HOURS",
        )

    def judge(
        self, *, frames: int, end_seconds: Fraction, stalled_frames: int = 0
    ) -> InvalidVideoError | None:
        """What speaks against the whole file, now that it has been read to its end.

        Args:
            frames: How many were decoded, or known to be there.
            end_seconds: When the last of them ends.
            stalled_frames: How many have the same timestamp as the one before.
        """
        if not frames and 0 < self.packets == self.discarded_packets:
            return InvalidVideoError(
                "bad_timestamps",
                f"the timestamps of {self._name} hide all of its frames; remux it",
            )
        if not frames and not self.packets:
            return InvalidVideoError(
                "no_frames",
                f"{self._name} holds none of its pictures: they were cut off, or lie in another "
                "file that it refers to; copy it again, or save it with all that it shows",
            )
        if not frames:
            return InvalidVideoError(
                "no_frames",
                f"no picture of {self._name} could be decoded; copy or download it again",
            )
        if missing := self._missing(end_seconds):
            return InvalidVideoError(
                "truncated", f"{self._name} is cut short: {missing}; copy it again"
            )
        shown = self.packets - self.discarded_packets
        bad = max(shown - frames, 0) + self.corrupt_frames
        # Two packets may make one picture (interlaced fields), so a half alone proves nothing.
        if bad > _LOST_SHARE_ALLOWED * shown:
            return InvalidVideoError(
                "too_corrupt",
                f"{self._name} is damaged: {bad} of {shown} frames cannot be decoded; "
                "copy it again",
            )
        damaged, spoiled = (
            self.decode_errors + n for n in (self.corrupt_frames, self.spoiled_frames)
        )
        if damaged > _DAMAGED_SHARE_ALLOWED * shown and spoiled > _LOST_SHARE_ALLOWED * shown:
            return InvalidVideoError(
                "too_corrupt",
                f"{self._name} is damaged: {damaged} of {shown} frames are, and they spoil "
                f"{spoiled - damaged} that are made of them; copy it again",
            )
        if frames > 2 and stalled_frames > frames // 2:
            return InvalidVideoError(
                "bad_timestamps",
                f"{self._name} has no usable timestamps: {stalled_frames} of {frames} frames "
                "have the same one; remux it with a frame rate",
            )
        return None

    def _missing(self, end_seconds: Fraction) -> str:
        promised = self._info.frames_promised
        if promised is not None:
            lost = promised - self.packets
            if lost > _MISSING_SHARE_ALLOWED * promised:
                return f"its header promises {promised} frames, {self.packets} are there"
        seconds = self._info.duration_promised_seconds
        if seconds is not None:
            end = max(end_seconds, self._furthest_seconds)
            if seconds - end > max(_MISSING_SHARE_ALLOWED * seconds, Fraction(1, 2)):
                return f"its header promises {float(seconds):.3f} s, {float(end):.3f} s are there"
        return ""
