import { expect, test } from 'bun:test';
import { parseTraceParent } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const found = (isSampled: boolean) => ({ traceId: TRACE, parentId: PARENT, isSampled });

test.each([
  ['sampled', `00-${TRACE}-${PARENT}-01`, found(true)],
  ['not sampled', `00-${TRACE}-${PARENT}-00`, found(false)],
  ['another flag alone', `00-${TRACE}-${PARENT}-02`, found(false)],
  ['a later version', `01-${TRACE}-${PARENT}-01`, found(true)],
  ['a later version that says more', `01-${TRACE}-${PARENT}-01-more`, found(true)],
  ['version 00 that says more', `00-${TRACE}-${PARENT}-01-more`, undefined],
  ['flags that go on', `01-${TRACE}-${PARENT}-01more`, undefined],
  ['the version that there is none of', `ff-${TRACE}-${PARENT}-01`, undefined],
  ['no trace', `00-${'0'.repeat(32)}-${PARENT}-01`, undefined],
  ['no parent', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ['capital letters', `00-${TRACE.toUpperCase()}-${PARENT}-01`, undefined],
  ['two headers, joined', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`, undefined],
  ['nothing', '', undefined],
  ['no header', null, undefined],
])('traceparent with %s', (_, header, expected) => {
  expect(parseTraceParent(header)).toEqual(expected);
});
