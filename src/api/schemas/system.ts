import * as v from 'valibot';
import { named } from './names.ts';

export const Version = named('pkg_api_v1.versionResponse', v.object({ version: v.string() }));

export const Unauthorized = named(
  'oauth.error',
  v.object({ error: v.string(), error_description: v.string() }),
);
