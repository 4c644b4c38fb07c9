"""Milliseconds of an epoch of the tutorial's head in Keras: python bench/epoch_keras.py WIDTH. Prints JSON."""

import json
import statistics
import sys
import time

import numpy as np
import tensorflow as tf

width = int(sys.argv[1])
rng = np.random.default_rng(1)
x = np.maximum(0, rng.standard_normal((800, width), dtype=np.float32))
y = rng.standard_normal(800, dtype=np.float32)
model = tf.keras.Sequential(
    [tf.keras.Input((width,)), tf.keras.layers.Dense(256, activation="relu"), tf.keras.layers.Dense(1)]
)
model.compile(optimizer=tf.keras.optimizers.RMSprop(1e-3), loss="mse")
model.fit(x, y, batch_size=32, epochs=1, verbose=0)


class Times(tf.keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(1000 * (time.perf_counter() - self.started))


times = Times()
model.fit(x, y, batch_size=32, epochs=6, verbose=0, callbacks=[times])
print(json.dumps({"version": tf.keras.__version__, "milliseconds": statistics.median(times.epochs[1:])}))
