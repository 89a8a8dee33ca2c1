"""Generated films with exact labels, of what real footage has and joined real shots lack."""
