export { type Admission, CONTROL_PORT, PROXY_PORT } from './admission.ts';
export { ADDRESS_HEADER } from './control.ts';
export { tokenDigest } from './control-request.ts';
export { programText } from './program-text.ts';
export { DIGEST_VARIABLE } from './settings.ts';
