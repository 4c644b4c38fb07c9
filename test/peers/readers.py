"""Reads shards (argv[2]: a pattern) with a second reader (argv[1]) as README says, and prints as JSON what it saw."""

import glob
import hashlib
import json
import sys

import numpy as np

reader, pattern = sys.argv[1:]

if reader == "pyarrow":
    import pyarrow as pa

    table = pa.concat_tables(pa.ipc.open_file(f).read_all() for f in sorted(glob.glob(pattern)))
    features = table["feature"].combine_chunks().to_numpy_ndarray()
    ids, digests = table["id"].to_pylist(), table["digest"].to_pylist()
elif reader == "polars":
    import polars as pl

    table = pl.read_ipc(pattern)
    features = table["feature"].to_numpy().reshape(-1, 7, 7, 512)
    ids, digests = table["id"].to_list(), table["digest"].to_list()
elif reader == "duckdb":
    import duckdb
    import pyarrow.dataset

    shards = pyarrow.dataset.dataset(sorted(glob.glob(pattern)), format="ipc")
    table = duckdb.sql("select id, digest, feature from shards").fetchnumpy()
    features = np.stack(table["feature"]).reshape(-1, 7, 7, 512)
    ids, digests = table["id"].tolist(), table["digest"].tolist()
else:
    raise SystemExit(f"no reader {reader}")

print(
    json.dumps(
        {
            "shape": features.shape,
            "dtype": str(features.dtype),
            "rows": sorted(
                [digest, name, hashlib.sha256(np.ascontiguousarray(feature)).hexdigest()]
                for digest, name, feature in zip(digests, ids, features, strict=True)
            ),
        }
    )
)
