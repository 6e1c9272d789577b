export { identifySource, type Source } from './identify.ts';
