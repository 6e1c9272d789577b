import * as v from 'valibot';
import { parseJson } from '../discovery.ts';
import { rejected } from '../rejection.ts';
import { failureOf, INTROSPECTION_LIMITS, type IntrospectionProvider } from './provider.ts';

/** Google's tokeninfo: all values are texts. */
const ResponseSchema = v.looseObject({ exp: v.optional(v.pipe(v.string(), v.digits())) });

const COPIED = ['sub', 'aud', 'scope', 'azp', 'expires_in', 'email', 'email_verified'] as const;

export const google: IntrospectionProvider = {
  name: 'google',
  requiresExpiry: true,
  async introspect(token, { url, client, nowMs, timeoutMs }) {
    const { status, body } = await client.send(`${url}?${new URLSearchParams({ access_token: token })}`, {
      ...INTROSPECTION_LIMITS,
      timeoutMs,
      method: 'GET',
    });
    if (status === 400) throw rejected('invalid token');
    if (status !== 200) throw failureOf(status);
    const response = v.safeParse(ResponseSchema, parseJson(body));
    if (!response.success || response.output.exp === undefined)
      throw rejected('missing exp field in Google response');
    const exp = Number(response.output.exp);
    if (exp * 1000 <= nowMs) throw rejected('invalid token');
    const members = response.output as Record<string, unknown>;
    const copied = COPIED.flatMap((name) =>
      members[name] === undefined ? [] : [[name, members[name]] as const],
    );
    return { ...Object.fromEntries(copied), exp, iss: 'https://accounts.google.com', active: true };
  },
};
