import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import { buildInfo } from './build-info.ts';
import type { Environment } from './command.ts';
import type { Terminal } from './terminal.ts';

interface CheckDeps {
  /** Full name of the command, `thv mcp list`. */
  readonly command: string;
  readonly env: Environment;
  readonly terminal: Terminal;
  findPaths(): Promise<Paths>;
  openLog(): Promise<Logger>;
}

/** Commands whose output other programs read, or that are too short to be worth a notice. */
const NEVER = /^thv (completion|help|version|host|__complete|__completeNoDesc)\b/;
/** Commands that scripts call; a notice beside their output would reach nobody (spec 01 §14-22). */
const NOT_IN_SCRIPTS = /^thv (\w+ )*(list|ls|status|search|info|logs|check|get-\S+)$/;

/** Asks for a newer version beside a command; ending it prints the notice if there is one by then, and waits for nothing. */
export interface UpdateCheck {
  end(): void;
}

/** Nothing is asked unless the user named an endpoint (spec 09 §9.1). Failures are logged. */
export function startUpdateCheck(deps: CheckDeps): UpdateCheck {
  const controller = new AbortController();
  let notice = '';
  const check = async () => {
    notice = await findNotice(deps, controller.signal);
  };
  if (isWorthwhile(deps)) {
    check().catch(async (error: unknown) => {
      if (!controller.signal.aborted)
        (await deps.openLog()).warn('could not check for updates', { error: messageOf(error) });
    });
  }
  return {
    end() {
      controller.abort();
      if (notice !== '') deps.terminal.err(notice);
    },
  };
}

function isWorthwhile({ command, env, terminal }: CheckDeps): boolean {
  if (NEVER.test(command) || env['TOOLHIVE_DETACHED'] === '1') return false;
  return terminal.stderrIsTty || !NOT_IN_SCRIPTS.test(command);
}

async function findNotice(deps: CheckDeps, signal: AbortSignal): Promise<string> {
  const paths = await deps.findPaths();
  // Read as text first: most people name no endpoint, and a command must not load a YAML parser to learn that.
  const text = await readFile(join(paths.config, 'config.yaml'), 'utf8').catch(() => '');
  if (!text.includes('update_check_url')) return '';
  const { findUpdate, isUpdateCheckForbidden } = await import('../updates/index.ts');
  if (isUpdateCheckForbidden(deps.env)) return '';
  const { createConfigStore } = await import('../config/index.ts');
  const { update_check_url: url } = await createConfigStore(paths).read();
  if (!url) return '';
  const { platform, version } = buildInfo();
  const latest = await findUpdate({ url, paths, component: 'CLI', version, platform, signal });
  return latest === undefined
    ? ''
    : `A new version of ToolHive is available: ${latest}\nCurrently running: ${version}\n`;
}
