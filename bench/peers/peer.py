"""What the peers share: weights, decoding, and the line protocol that bench/extract/peers.mjs speaks.

A peer is started once, with the file of decoded pictures (uint8 [n, 224, 224, 3] RGB), a folder of photographs and a
folder to write to. It says that it is ready with a line of JSON, then answers a line with a line:
  pixels   the decoded pictures through the stack: {"seconds", "images", "megabytes"}
  files    the photographs from their files into .npy files of features: the same
Its features of the decoded pictures go to features-NAME.f32, for whoever wants to know that the work is the same.
"""

import json
import os
import resource
import sys
import time

import numpy as np

THREADS = len(os.sched_getaffinity(0))
SIZE = 224
MEAN_RGB = [123.68, 116.779, 103.939]
WEIGHTS = os.path.join(os.path.dirname(__file__), "../../pipeline/backbone/weights/vgg16-conv-f16.safetensors")
BLOCKS = [2, 2, 3, 3, 3]
LAYERS = [f"conv{block + 1}_{i + 1}" for block, count in enumerate(BLOCKS) for i in range(count)]


def read_weights():
    """(kernel HWIO, bias) of each layer of LAYERS as float32; conv1_1 takes BGR."""
    with open(WEIGHTS, "rb") as file:
        data = file.read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])

    def tensor(name):
        begin, end = header[name]["data_offsets"]
        return np.frombuffer(data[start + begin : start + end], "<f2").reshape(header[name]["shape"]).astype("f4")

    return [(tensor(f"{layer}.kernel"), tensor(f"{layer}.bias")) for layer in LAYERS]


def decode(path):
    """Centre square of the short edge at 224x224, as pool5 does; JPEGs are shrunk as they are decoded, as there."""
    from PIL import Image

    with Image.open(path) as image:
        image.draft("RGB", (SIZE, SIZE))
        image = image.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = (left, top, left + side, top + side)
        return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=square))


def paths_in(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".jpg"))


def serve(name, version, batch, run, files):
    """
    run(pixels uint8 [n, 224, 224, 3]) gives float32 [n, 7, 7, 512]; files(folder, save) calls save(features) as they
    come and returns how many photographs there were.
    """
    pixels_file, folder, out = sys.argv[1:]
    pixels = np.fromfile(pixels_file, "uint8").reshape(-1, SIZE, SIZE, 3)
    run(pixels[:1])
    print(json.dumps({"name": name, "version": version, "batch": batch, "threads": THREADS}), flush=True)

    def run_pixels():
        for begin in range(0, len(pixels), batch):
            yield run(pixels[begin : begin + batch])

    np.concatenate(list(run_pixels())).astype("<f4").tofile(os.path.join(out, f"features-{name}.f32"))
    saved = 0

    def save(features):
        nonlocal saved
        np.save(os.path.join(out, f"{name}-{saved}.npy"), features)
        saved += 1

    for line in sys.stdin:
        saved = 0
        started = time.perf_counter()
        images = files(folder, save) if line.strip() == "files" else sum(len(each) for each in run_pixels())
        seconds = time.perf_counter() - started
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(json.dumps({"seconds": seconds, "images": images, "megabytes": megabytes}), flush=True)
