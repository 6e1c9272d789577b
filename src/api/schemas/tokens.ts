import * as v from 'valibot';
import { named } from './names.ts';

/** Access tokens, an addition to the reference. */

const entry = {
  name: v.string(),
  workloads: v.array(v.string()),
  tools: v.pipe(v.nullable(v.array(v.string())), v.description('Tools that it may call; null for all')),
  created_at: v.string(),
  expires_at: v.pipe(v.nullable(v.string()), v.description('null: never')),
  expired: v.boolean(),
};

const AccessToken = named('thv.AccessToken', v.object(entry));

export const AccessTokenList = named('thv.AccessTokenList', v.object({ tokens: v.array(AccessToken) }));

export const CreateAccessToken = named(
  'thv.CreateAccessToken',
  v.object({
    name: v.optional(v.string(), ''),
    workloads: v.optional(v.array(v.string()), []),
    tools: v.optional(v.array(v.string()), []),
    expires: v.pipe(
      v.optional(v.string(), ''),
      v.description('Lifetime such as 30d or 12h; empty for no end'),
    ),
  }),
);

export const CreatedAccessToken = named(
  'thv.CreatedAccessToken',
  v.object({ ...entry, token: v.pipe(v.string(), v.description('Told this once')) }),
);
