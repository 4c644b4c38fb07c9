// The install script of @tensorflow/tfjs-node calls rimraf as its version 2 was called, with a callback. package.json
// overrides that version, which npm warns of, with one that returns a promise; this puts the old call back.
const { rimraf } = require('rimraf');

require.cache[require.resolve('rimraf')].exports = require('node:util').callbackify(rimraf);
