/**
 * Runs the install script of the @tensorflow/tfjs-node package in whose folder it is started.
 *
 *   node native-download.cjs cpu|gpu
 *
 * That script calls rimraf with a callback, which it took up to version 3; package.json overrides it with a version that
 * has no known faults and is not deprecated. Node's own fs.rm takes its place here.
 */
const { rm } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');

const script = join(process.cwd(), 'scripts/install.js');
const rimraf = createRequire(script).resolve('rimraf');
require.cache[rimraf] = {
  id: rimraf,
  filename: rimraf,
  loaded: true,
  exports: (path, done) => rm(path, { recursive: true, force: true }, done),
};

const kind = process.argv[2];
process.argv.splice(1, Infinity, script, ...(kind === 'gpu' ? ['gpu', 'download'] : [])); // as package.json has it
require(script);
