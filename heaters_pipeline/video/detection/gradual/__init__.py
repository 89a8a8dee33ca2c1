"""Dissolves, fades and wipes on the curves of a score track. Pure."""
