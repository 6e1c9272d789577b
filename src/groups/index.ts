export { findGroupNameProblem } from './group-name.ts';
export {
  createGroupStore,
  DEFAULT_GROUP,
  ensureDefaultGroup,
  groupExists,
} from './store.ts';
