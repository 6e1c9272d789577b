export { classifyAddress, literalAddress } from './address.ts';
export { createHttpClient, type HttpAnswer, type HttpClient } from './http-client.ts';
export { parseResponseHead, type ResponseHead } from './http1/response-head.ts';
export { createResponseReader, type ResponseReader } from './http1/response-reader.ts';
export { isLoopbackHost } from './loopback.ts';
export { addressesOfMachine } from './machine-addresses.ts';
export { proxyFor } from './proxy-settings.ts';
