"""The page on which a person reviews the clips of a video: HTML from its manifest and its track."""
