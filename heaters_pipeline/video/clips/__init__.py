"""A span of frames becomes a clip file that was checked. Knows nothing of detection or scoring."""
