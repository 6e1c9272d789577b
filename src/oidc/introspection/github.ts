import * as v from 'valibot';
import { parseJson } from '../discovery.ts';
import { rejected } from '../rejection.ts';
import { failureOf, INTROSPECTION_LIMITS, type IntrospectionProvider } from './provider.ts';

/** GitHub's "check a token": its answer has no expiry, so none is required (spec 05 §20-5). */
const ResponseSchema = v.looseObject({
  created_at: v.optional(v.string()),
  scopes: v.nullish(v.array(v.string()), () => []),
  app: v.optional(v.looseObject({ name: v.optional(v.string()) })),
  user: v.looseObject({
    id: v.number(),
    login: v.string(),
    name: v.nullish(v.string()),
    email: v.nullish(v.string()),
    type: v.optional(v.string()),
    site_admin: v.optional(v.boolean()),
  }),
});

export function isGithubUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    url.protocol === 'https:' &&
    url.host === 'api.github.com' &&
    url.pathname.includes('/applications/') &&
    url.pathname.endsWith('/token')
  );
}

export const github: IntrospectionProvider = {
  name: 'github',
  requiresExpiry: false,
  rate: { perSecond: 100, burst: 200 },
  async introspect(token, { url, clientId, clientSecret, client, timeoutMs }) {
    const { status, body } = await client.send(url, {
      ...INTROSPECTION_LIMITS,
      timeoutMs,
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      },
      body: JSON.stringify({ access_token: token }),
    });
    if (status === 404) throw rejected('invalid token');
    if (status !== 200) throw failureOf(status);
    const response = v.safeParse(ResponseSchema, parseJson(body));
    if (!response.success) throw rejected('the endpoint gave no token information');
    const { user, app, scopes, created_at = '' } = response.output;
    const createdAt = Date.parse(created_at);
    return {
      iss: 'https://github.com',
      aud: 'https://github.com',
      sub: String(user.id),
      preferred_username: user.login,
      login: user.login,
      ...(user.email ? { email: user.email } : {}),
      ...(user.name ? { name: user.name } : {}),
      ...(Number.isNaN(createdAt) ? {} : { iat: Math.floor(createdAt / 1000) }),
      scopes,
      scope: scopes.join(' '),
      ...(user.type ? { user_type: user.type } : {}),
      ...(user.site_admin ? { site_admin: true } : {}),
      ...(app?.name ? { app_name: app.name } : {}),
      active: true,
    };
  },
};
