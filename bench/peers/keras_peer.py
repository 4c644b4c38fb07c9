"""Keras on TensorFlow: VGG16(include_top=False), fed by image_dataset_from_directory and preprocess_input."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import peer
import tensorflow as tf
from tensorflow.keras.applications.vgg16 import VGG16, preprocess_input

BATCH = 32

tf.config.threading.set_intra_op_parallelism_threads(peer.THREADS)
model = VGG16(include_top=False, weights=None, input_shape=(peer.SIZE, peer.SIZE, 3))
model.set_weights([array for layer in peer.read_weights() for array in layer])


@tf.function(jit_compile=False)
def stack(pixels):
    return model(preprocess_input(tf.cast(pixels, tf.float32)), training=False)


def run(pixels):
    return stack(tf.constant(pixels)).numpy()


def files(folder, save):
    photographs = tf.keras.utils.image_dataset_from_directory(
        folder,
        labels=None,
        image_size=(peer.SIZE, peer.SIZE),
        crop_to_aspect_ratio=True,
        batch_size=BATCH,
        shuffle=False,
        verbose=False,
    ).prefetch(tf.data.AUTOTUNE)
    count = 0
    for batch in photographs:
        save(stack(batch).numpy())
        count += len(batch)
    return count


peer.serve("keras", f"Keras {tf.keras.__version__}, TensorFlow {tf.__version__}", BATCH, run, files)
