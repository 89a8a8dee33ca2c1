"""Cuts that other programs found, as frames of a video. Files of others are untrusted."""
