export { classifyAddress, isPublicAddress, literalAddress } from './address.ts';
export { parseResponseHead, type ResponseHead } from './http1/response-head.ts';
export { createResponseReader, type ResponseReader } from './http1/response-reader.ts';
export { isLoopbackHost } from './loopback.ts';
