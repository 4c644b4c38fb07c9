"""Prints what pyarrow, polars and DuckDB read from shards, as JSON. Run: python read_features.py SHARD..."""

import glob
import hashlib
import json
import sys

import pyarrow as pa

result = {}
tables = [pa.ipc.open_file(path).read_all() for path in sys.argv[1:]]
table = pa.concat_tables(tables)
array = table['feature'].combine_chunks().to_numpy_ndarray()
rows = {d: hashlib.sha256(array[i].tobytes()).hexdigest() for i, d in enumerate(table['digest'].to_pylist())}
result['pyarrow'] = {'shape': list(array.shape), 'dtype': str(array.dtype), 'rows': rows, 'ids': sorted(table['id'].to_pylist())}
try:
    import polars as pl

    frame = pl.concat([pl.read_ipc(path, memory_map=False) for path in sys.argv[1:]])
    features = frame['feature']
    if hasattr(features, 'ext'):
        features = features.ext.storage() if hasattr(features.ext, 'storage') else features
    result['polars'] = {
        'ids': sorted(frame['id'].to_list()),
        'rows': {d: hashlib.sha256(f.to_numpy().astype(array.dtype).tobytes()).hexdigest() for d, f in zip(frame['digest'], features)},
    }
except ImportError:
    pass
try:
    import duckdb

    sums = duckdb.sql('SELECT digest, id, list_sum(feature::FLOAT[]) FROM table').fetchall()
    result['duckdb'] = {'ids': sorted(row[1] for row in sums)}
except ImportError:
    pass
print(json.dumps(result))
