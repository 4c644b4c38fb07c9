#!/bin/sh
# Gets the native part of @tensorflow/tfjs-node (or -gpu), for --engine tensorflow: through the package's own install
# script where its download works, else built from source against the libtensorflow inside a PyPI wheel.
#
#   sh scripts/native.sh [cpu|gpu]
#   TF_VERSION=2.21.0   version of the wheel (>= 2.12)
#   PYTHON=python3      an interpreter for which PyPI has a wheel of that version
set -eu
cd "$(dirname "$0")/.."
TF_VERSION=${TF_VERSION:-2.21.0}
PYTHON=${PYTHON:-python3}
KIND=${1:-cpu}
case $KIND in
  cpu) PKG=tfjs-node WHEEL=tensorflow-cpu ;;
  gpu) PKG=tfjs-node-gpu WHEEL='tensorflow[and-cuda]' ;;
  *) echo "native.sh: expected cpu or gpu, got $KIND" >&2; exit 2 ;;
esac
DIR=$PWD/node_modules/@tensorflow/$PKG
test -d "$DIR" || { echo "native.sh: expected $DIR; run make build first" >&2; exit 2; }

check() {
  TF_CPP_MIN_LOG_LEVEL=2 node -e '
    const util = require("util");
    util.isNullOrUndefined ??= (v) => v === null || v === undefined;
    util.isArray ??= Array.isArray;
    const tf = require(process.argv[1]);
    const product = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync().join();
    if (tf.getBackend() !== "tensorflow" || product !== "3,3,3,3") throw new Error(tf.getBackend() + " " + product);
    console.log(process.argv[1], "runs; libtensorflow", tf.backend().binding.TF_Version, "GPU:", tf.backend().isUsingGpuDevice);
  ' "@tensorflow/$PKG"
}

if check 2>/dev/null; then exit 0; fi

mkdir -p .native
echo "native.sh: trying the package's own download (log: .native/download.log)"
DOWNLOAD=$PWD/scripts/native-download.cjs
# Through npm exec: its PATH has node-pre-gyp, and node-pre-gyp finds the node-gyp inside npm.
if (cd "$DIR" && npm exec --no --call "node '$DOWNLOAD' $KIND") >.native/download.log 2>&1 &&
  check 2>>.native/download.log; then exit 0; fi

echo "native.sh: it does not work here; building against $WHEEL $TF_VERSION"
NODEDIR=${NODEDIR:-$(node -p 'require("path").dirname(require("path").dirname(require("fs").realpathSync(process.execPath)))')}
test -f "$NODEDIR/include/node/node_api.h" || {
  echo "native.sh: expected Node's headers below $NODEDIR/include/node; name their place with NODEDIR=" >&2
  exit 2
}
rm -rf "$DIR/deps" "$DIR/build"
mkdir -p "$DIR/deps"
if [ "$PKG" = tfjs-node-gpu ]; then
  # The GPU library looks for CUDA in ../nvidia beside itself, so it stays in its site-packages folder.
  "$PYTHON" -m pip install -q --only-binary=:all: --upgrade --target .native/gpu "tensorflow[and-cuda]==$TF_VERSION"
  ln -s "$PWD/.native/gpu/tensorflow" "$DIR/deps/lib"
  ln -s "$PWD/.native/gpu/tensorflow/include" "$DIR/deps/include"
else
  "$PYTHON" -m pip download -q --no-deps --only-binary=:all: -d .native "$WHEEL==$TF_VERSION"
  "$PYTHON" - "$DIR/deps" .native/tensorflow_cpu-"$TF_VERSION"*.whl <<'PY'
import os, re, shutil, sys, zipfile

deps, wheel = sys.argv[1:]
library = re.compile(r'tensorflow/(libtensorflow_(?:cc|framework)\.so\.2)$')
header = re.compile(r'tensorflow/include/((?:tensorflow/c/(?:eager/)?[^/]+\.h)|(?:.*/)?platform/ctstring(?:_internal)?\.h|(?:.*/)?tsl/c/[^/]+\.h)$')
with zipfile.ZipFile(wheel) as files:
    for name in files.namelist():
        match = library.match(name) or header.match(name)
        if match is None:
            continue
        path = os.path.join(deps, 'lib' if library.match(name) else 'include', match[1])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with files.open(name) as source, open(path, 'wb') as target:
            shutil.copyfileobj(source, target, 1 << 20)
PY
  rm -f .native/tensorflow_cpu-*.whl
fi
ln -sf libtensorflow_cc.so.2 "$DIR/deps/lib/libtensorflow.so"
ln -sf libtensorflow_framework.so.2 "$DIR/deps/lib/libtensorflow_framework.so"
(cd "$DIR" && npx --no-install node-pre-gyp install --build-from-source --nodedir="$NODEDIR")
check
