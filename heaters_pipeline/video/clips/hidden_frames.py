"""How many frames a clip may hold that it does not show."""

from heaters_pipeline.errors import ClipError

MOST_HIDDEN_FRAMES = 256
"""As many as encoders put between two I-frames by default (libx264: 250), and what is reordered.

Hidden frames cost space, time in each player, and readers that count packets take them for frames.
"""


def require_few_hidden(shown: int, hidden: int) -> None:
    """Refuse a copy that would mostly hold what nobody asked for.

    Args:
        shown: Frames that the clip shows.
        hidden: Frames that it holds besides.
    Raises:
        ClipError: They are too many.
    """
    if hidden > MOST_HIDDEN_FRAMES:
        raise ClipError(
            f"{hidden} frames would have to be hidden to show {shown}, since the source has few "
            f"I-frames; at most {MOST_HIDDEN_FRAMES} are"
        )
