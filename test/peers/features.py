"""Reads every shard of a cache with pyarrow, polars and DuckDB; prints what each saw, as JSON, for a test to compare."""

import json
import sys

import numpy

folder = sys.argv[1]
out = {}


def summary(ids, digests, features):
    """features: [n, 25088], any float dtype."""
    order = sorted(range(len(ids)), key=lambda i: digests[i])
    return [
        [digests[i], ids[i], float(features[i].astype("float64").sum()), float(features[i].max())] for i in order
    ]


if "pyarrow" in sys.argv[2:]:
    import pyarrow.dataset

    table = pyarrow.dataset.dataset(folder + "/shards", format="arrow").to_table().combine_chunks()
    features = table["feature"].chunk(0).to_numpy_ndarray()
    assert features.shape == (table.num_rows, 7, 7, 512), features.shape
    flat = features.reshape(table.num_rows, -1)
    out["pyarrow"] = summary(table["id"].to_pylist(), table["digest"].to_pylist(), flat)

if "polars" in sys.argv[2:]:
    import polars

    frame = polars.read_ipc(folder + "/shards/*.arrow")
    features = frame["feature"].to_numpy()
    out["polars"] = summary(frame["id"].to_list(), frame["digest"].to_list(), features)

if "duckdb" in sys.argv[2:]:
    import duckdb
    import pyarrow
    import pyarrow.dataset

    shards = pyarrow.dataset.dataset(folder + "/shards", format="arrow")
    if "float16" in folder:  # DuckDB knows no half precision
        table = shards.to_table().combine_chunks()
        widened = table["feature"].chunk(0).storage.cast(pyarrow.list_(pyarrow.float32(), 25088))
        shards = table.set_column(table.schema.get_field_index("feature"), "feature", widened)
    rows = duckdb.sql("select digest, id, feature from shards").fetchall()
    features = numpy.array([row[2] for row in rows])
    out["duckdb"] = summary([row[1] for row in rows], [row[0] for row in rows], features)

print(json.dumps(out))
