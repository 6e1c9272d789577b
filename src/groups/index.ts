export { findGroupNameProblem } from './group-name.ts';
export {
  createGroupStore,
  DEFAULT_GROUP,
  ensureDefaultGroup,
  type Group,
  type GroupStore,
  groupExists,
} from './store.ts';
