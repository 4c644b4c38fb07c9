"""OpenVINO, from pool5's own ONNX graph (POOL5_ONNX), fed by Pillow in as many threads as there are cores."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openvino
import peer

BATCH = 4

core = openvino.Core()
compiled = core.compile_model(
    core.read_model(os.environ["POOL5_ONNX"]),
    "CPU",
    {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": peer.THREADS},
)
request = compiled.create_infer_request()


def run(pixels):
    return request.infer([pixels])[0].copy()


def files(folder, save):
    paths = peer.paths_in(folder)
    with ThreadPoolExecutor(peer.THREADS) as pool:
        ahead = [pool.submit(peer.decode, path) for path in paths[: 2 * BATCH]]
        for begin in range(0, len(paths), BATCH):
            ahead += [pool.submit(peer.decode, path) for path in paths[begin + 2 * BATCH : begin + 3 * BATCH]]
            now, ahead = ahead[:BATCH], ahead[BATCH:]
            save(run(np.stack([each.result() for each in now])))
    return len(paths)


peer.serve("openvino", f"OpenVINO {openvino.__version__}", BATCH, run, files)
