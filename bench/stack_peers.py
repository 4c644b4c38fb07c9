"""VGG16's convolution stack in Keras, PyTorch and OpenVINO, for stack.mjs, which starts this with names of peers.

Reads a line a command from stdin and answers each with a line of JSON:
  pixels PEER COUNT   COUNT pictures that are decoded already, in batches; {"seconds": s}
  files PEER FOLDER   every JPEG below FOLDER: decode, centre square, 224x224, stack, write .npy; {"seconds": s, "images": n}
The first line says which of the peers are here: {"NAME": "version"}. Weights are random: time does not depend on them.
"""

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
THREADS = len(os.sched_getaffinity(0))

import numpy as np

MEAN = np.array([103.939, 116.779, 123.68], "float32")


def open_keras():
    import tensorflow as tf

    model = tf.keras.applications.VGG16(include_top=False, weights=None, input_shape=(224, 224, 3))

    @tf.function
    def run(pixels):
        return model(tf.reverse(tf.cast(pixels, tf.float32), [3]) - MEAN, training=False)

    return tf.__version__, 32, lambda pixels: run(tf.constant(pixels)).numpy()


def open_torch():
    import torch
    import torchvision

    torch.set_num_threads(THREADS)
    model = torchvision.models.vgg16(weights=None).features.eval().to(memory_format=torch.channels_last)
    mean = torch.tensor([123.68, 116.779, 103.939]).reshape(1, 3, 1, 1)

    def run(pixels):
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - mean
            return model(batch.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1).numpy()

    return torch.__version__, 8, run


def open_openvino():
    import openvino

    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS}
    compiled = core.compile_model(core.read_model(os.environ["POOL5_ONNX"]), "CPU", options)
    request = compiled.create_infer_request()
    return openvino.__version__, 4, lambda pixels: request.infer([pixels])[0].copy()


def decode(path):
    from PIL import Image

    with Image.open(path) as image:
        image.draft("RGB", (224, 224))
        image = image.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = (left, top, left + side, top + side)
        return np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC, box=square))


def files(run, batch, folder):
    paths = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".jpg")]
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool, tempfile.TemporaryDirectory() as out:
        ahead = [pool.submit(decode, path) for path in paths[: 2 * batch]]
        for begin in range(0, len(paths), batch):
            ahead += [pool.submit(decode, path) for path in paths[begin + 2 * batch : begin + 3 * batch]]
            now, ahead = ahead[:batch], ahead[batch:]
            np.save(os.path.join(out, f"{begin}.npy"), run(np.stack([each.result() for each in now])))
    return {"seconds": time.perf_counter() - started, "images": len(paths)}


def pixels(run, batch, count):
    data = np.random.default_rng(1).integers(0, 256, (batch, 224, 224, 3), "uint8")
    started = time.perf_counter()
    for begin in range(0, count, batch):
        run(data[: min(batch, count - begin)])
    return {"seconds": time.perf_counter() - started}


def main():
    peers, versions = {}, {}
    for name, load in {"keras": open_keras, "torch": open_torch, "openvino": open_openvino}.items():
        if name not in sys.argv[1:]:
            continue
        try:
            versions[name], batch, run = load()
            run(np.zeros((batch, 224, 224, 3), "uint8"))
            peers[name] = run, batch
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        command, name, rest = line.rstrip("\n").split(" ", 2)
        run, batch = peers[name]
        print(json.dumps(files(run, batch, rest) if command == "files" else pixels(run, batch, int(rest))), flush=True)


main()
