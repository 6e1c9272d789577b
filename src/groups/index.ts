export { findGroupNameProblem } from './group-name.ts';
export {
  createGroupStore,
  DEFAULT_GROUP,
  ensureDefaultGroup,
  type Group,
  groupExists,
} from './store.ts';
