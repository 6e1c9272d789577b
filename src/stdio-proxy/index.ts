export { pumpStdio } from './pump.ts';
