"""The number in a picture, or None."""

from heaters_pipeline_tests.videos import Picture, frame_number_of


def number_in(picture: Picture) -> int | None:
    """The number in a picture that ``make_picture`` drew, or None where there is none."""
    try:
        return frame_number_of(picture)
    except ValueError:
        return None
