"""Runs an exported model with onnxruntime: python test/peers/onnx.py MODEL PIXELS COUNT, the pixels being uint8
[COUNT, 224, 224, 3]. Prints the predictions as JSON."""

import json
import sys

import numpy as np
import onnxruntime

model, pixels, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
batch = np.fromfile(pixels, dtype=np.uint8).reshape(count, 224, 224, 3)
print(json.dumps(session.run(None, {session.get_inputs()[0].name: batch})[0].tolist()))
