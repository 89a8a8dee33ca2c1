"""Read a data set by Croissant's own library, and print what it finds; run as a program.

The library brings a handler for all logs of its process, which other tests must not have.
"""

import json
import sys

import mlcroissant

if __name__ == "__main__":
    described = mlcroissant.Dataset(sys.argv[1])
    metadata = described.metadata
    records = [
        {
            name.removeprefix("clips/"): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in record.items()
        }
        for record in described.records("clips")
    ]
    document = {
        "name": metadata.name,
        "license": metadata.license,
        "errors": sorted(metadata.issues.errors),
        "records": records,
    }
    sys.stdout.write(json.dumps(document))
