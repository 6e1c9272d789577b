export { isFolderPath } from './folder-path.ts';
export { identifySource, type Source } from './identify.ts';
