/** Whether a client takes an answer as `application/json`: it says so in `Accept`, or says nothing (RFC 9110 §12.5.1). */
export function acceptsJson(accept: string | null): boolean {
  if (accept === null) return true;
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const isRefused = parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter));
    return !isRefused && ['application/json', 'application/*', '*/*'].includes(type);
  });
}
