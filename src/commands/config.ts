import { createGroup } from '../cli/index.ts';

export const config = createGroup('Manage the application configuration.', {});
