"""Records of a store: what a video consists of, who works on it, what no record names."""
