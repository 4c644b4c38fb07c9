"""Prints what pyarrow, polars and DuckDB read from shards: {reader: {id: sha256 of its feature's bytes}} as JSON.
Run: python test/peers/read_features.py SHARD... (needs numpy, pyarrow, polars 2 and duckdb)."""

import hashlib
import json
import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

paths = sys.argv[1:]


def digests(ids, features):
    return {i: hashlib.sha256(np.ascontiguousarray(f).tobytes()).hexdigest() for i, f in zip(ids, features)}


shards = pa.concat_tables(pa.ipc.open_file(path).read_all() for path in paths)
array = shards['feature'].combine_chunks().to_numpy_ndarray()
frame = pl.read_ipc(paths)
columns = duckdb.sql('SELECT id, feature FROM shards').fetchnumpy()
print(
    json.dumps(
        {
            'shape': [str(array.dtype), *array.shape[1:]],
            'pyarrow': digests(shards['id'].to_pylist(), array),
            'polars': digests(frame['id'], frame['feature'].ext.storage().to_numpy()),
            'duckdb': digests(columns['id'], [np.asarray(f, dtype=array.dtype) for f in columns['feature']]),
        }
    )
)
