import * as v from 'valibot';
import { named } from './names.ts';

export const GroupEntry = named(
  'github_com_stacklok_toolhive_pkg_groups.Group',
  v.object({ name: v.string(), registered_clients: v.array(v.string()) }),
);

export const GroupList = named('pkg_api_v1.groupListResponse', v.object({ groups: v.array(GroupEntry) }));

export const CreateGroup = named(
  'pkg_api_v1.createGroupRequest',
  v.object({ name: v.optional(v.string(), '') }),
);

export const CreatedGroup = named('pkg_api_v1.createGroupResponse', v.object({ name: v.string() }));
