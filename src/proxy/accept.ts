/** Whether a client takes an answer as `application/json`: it names it in `Accept`, or says nothing. Weights are ignored (spec 04 §12.3). */
export function acceptsJson(accept: string | null): boolean {
  if (accept === null) return true;
  return accept.split(',').some((range) => {
    const type = range.split(';')[0]?.trim().toLowerCase() ?? '';
    return type === 'application/json' || type === 'application/*' || type === '*/*';
  });
}
