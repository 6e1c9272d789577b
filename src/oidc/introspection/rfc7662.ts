import * as v from 'valibot';
import { parseJson } from '../discovery.ts';
import { rejected } from '../rejection.ts';
import { failureOf, INTROSPECTION_LIMITS, type IntrospectionProvider } from './provider.ts';

/** RFC 7662 §2.2; every other member becomes a claim too (spec 05 §20-7). */
const ResponseSchema = v.looseObject({ active: v.boolean() });

const trim = (value: unknown) => (typeof value === 'string' ? value.trim() : value);

export const rfc7662: IntrospectionProvider = {
  name: 'rfc7662',
  requiresExpiry: false,
  async introspect(token, { url, clientId, clientSecret, client, timeoutMs }) {
    const { status, body } = await client.send(url, {
      ...INTROSPECTION_LIMITS,
      timeoutMs,
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        ...(clientId === '' || clientSecret === ''
          ? {}
          : { Authorization: basicAuth(clientId, clientSecret) }),
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    });
    if (status !== 200) throw failureOf(status);
    const response = v.safeParse(ResponseSchema, parseJson(body));
    if (!response.success) throw rejected('the endpoint gave no introspection response');
    if (!response.output.active) throw rejected('invalid token');
    const { iss, sub, scope, ...rest } = response.output as Record<string, unknown>;
    return { ...rest, iss: trim(iss), sub: trim(sub), scope: trim(scope) };
  },
};

/** Both parts form-url-encoded first (RFC 6749 §2.3.1). */
function basicAuth(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ x: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}
