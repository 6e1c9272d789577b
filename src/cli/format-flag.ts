import * as v from 'valibot';

/** `--format` with the words a command knows; `offered` is the order in which the reference lists them. */
export function formatFlag<const Format extends string>(
  offered: readonly [Format, ...Format[]],
  standard: Format,
) {
  return {
    kind: 'string',
    help: `Output format (${offered.join(', ')})`,
    checkedFirst: true,
    schema: v.optional(
      v.picklist(
        offered,
        ({ input }) => `invalid format ${JSON.stringify(input)}, must be one of: ${offered.join(', ')}`,
      ),
      standard,
    ),
  } as const;
}
