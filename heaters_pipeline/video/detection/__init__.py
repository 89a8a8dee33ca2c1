"""Decisions on a score track: transitions and scenes. Decodes nothing."""
