import { isIP } from 'node:net';
import { normalizeHost } from '../../egress/index.ts';
import type { Admission } from '../admission.ts';
import type { DecisionLog } from '../decision.ts';
import type { WorkloadPolicy } from '../policy.ts';
import { answerTo, parseQuery, refusalOf, STATUS, TYPE } from './message.ts';

export interface NameService {
  /** Both change when the machine's addresses do. */
  admission: Admission;
  policy: WorkloadPolicy;
  readonly log: DecisionLog;
}

/**
 * The answer to one DNS message of a workload; `undefined` for none. Only names that the policy grants are looked up, and the look-up
 * is one of our own: nothing that a workload sends leaves the sidecar, so that a query carries no data out.
 */
export async function answerQuery(bytes: Uint8Array, service: NameService): Promise<Uint8Array | undefined> {
  const query = parseQuery(bytes);
  if (query === undefined) return undefined;
  if (typeof query === 'number') return refusalOf(bytes, query);
  const { name, type } = query;
  const { admission, policy, log } = service;
  if (name === undefined) return answerTo(query, STATUS.noSuchName);
  const isAddress = type === TYPE.a || type === TYPE.aaaa;
  const isSidecar = name === `${admission.name}-egress`.toLowerCase();
  if (isSidecar) return answerTo(query, STATUS.ok, type === TYPE.a ? [admission.address] : []);
  const verdict = policy.judgeName(name);
  if (isAddress || !verdict.granted) log.add({ host: name, port: 0, protocol: 'dns' }, verdict);
  if (!verdict.granted) return answerTo(query, STATUS.noSuchName);
  // The sidecar relays the ports of a route, so its own address is where the name leads to.
  const isRoute = admission.rules.routes.some(({ host }) => normalizeHost(host) === name);
  if (isRoute) return answerTo(query, STATUS.ok, type === TYPE.a ? [admission.address] : []);
  if (!isAddress) return answerTo(query, STATUS.ok);
  try {
    const family = type === TYPE.a ? 4 : 6;
    const found = await policy.resolve(name);
    const told = found.filter(
      (address) => isIP(address) === family && policy.judgeAddress(name, address).granted,
    );
    return answerTo(query, STATUS.ok, told);
  } catch (error) {
    return answerTo(query, isUnknownName(error) ? STATUS.noSuchName : STATUS.serverFailure);
  }
}

function isUnknownName(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /ENOTFOUND|ENODATA|NONAME/.test(code);
}
