/** What programs import from 'pool5'. */
export { openHead, type Head } from './head/open.js';
export { predict, type Prediction, type PredictOptions } from './predict.js';
