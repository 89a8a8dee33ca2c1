"""The reader matrix: does every player and loader show exactly the frames of a clip?

See ``__main__`` for the command, and docs/benchmarks.md for what it found.
"""
