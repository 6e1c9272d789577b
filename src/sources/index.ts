export { isFolderPath } from './folder-path.ts';
export { identifySource, type Source } from './identify.ts';
export { PACKAGE_TOOLS } from './mistyped-source.ts';
export { nameFromHost } from './remote-name.ts';
