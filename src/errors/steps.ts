/**
 * The steps of an operation that a caller tells apart, by code: for each, the words that it puts before an error. Where nobody asks
 * for the step, plain words for `within` do.
 */
export const STEPS = {
  /** The settings of a workload are checked against each other and against what its source needs. */
  STEP_RUN_CONFIG: 'failed to validate run config',
  /** Variables that the source asks for are filled in. */
  STEP_ENVIRONMENT: 'failed to validate environment variables',
  /** Headers that a remote server asks for are filled in. */
  STEP_HEADERS: 'failed to validate headers',
  /** An image is built for a package (`npx://…`). The words end their line: what the build printed follows. */
  STEP_PACKAGE_IMAGE: 'invalid protocol scheme provided for MCP server\n',
} as const satisfies Record<string, string>;

export type Step = keyof typeof STEPS;
