export { classifyAddress, isPublicAddress, literalAddress } from './address.ts';
export { isLoopbackHost } from './loopback.ts';
