"""Decoding in child processes, so that a decoder that dies takes one video down and no worker."""
