"""How videos come into the store: local files, links, submissions."""
