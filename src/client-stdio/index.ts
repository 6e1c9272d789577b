export { pumpClientStdio } from './pump.ts';
