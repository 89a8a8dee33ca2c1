"""A store that is a folder."""
