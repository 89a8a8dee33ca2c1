"""One thin module an asset: is it done? fetch, call, store, report."""
