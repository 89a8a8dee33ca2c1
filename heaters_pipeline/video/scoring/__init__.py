"""The one expensive pass: frames of a file become the score track that detection decides on."""
