import { access, constants, readFile } from 'node:fs/promises';
import { normalize } from 'node:path';
import { createCommand, formatFlag, printJson } from '../cli/index.ts';
import { parseCaCertificates } from '../config/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { openConfig } from './config-store.ts';

const NONE = 'No CA certificate is currently configured.\n';

export const setCaCert = createCommand({
  usage: 'PATH [flags]',
  long: `Set the CA certificate that is put into every image that is built, for networks whose TLS connections are
looked into. A file in PEM; several certificates in it are fine. 'thv run --ca-cert' wins over it.`,
  flags: {},
  positionals: { exactly: 1 },
  pathWord: 0,
  async run(invocation) {
    const path = normalize(invocation.words[0] ?? '');
    const pem = await readFile(path, 'latin1').catch((error: unknown) => {
      const reason = `CA certificate file not found or not accessible: ${messageOf(error)}`;
      throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
    });
    if (!parseCaCertificates(pem).areAllCa)
      invocation.terminal.err(`Warning: a certificate in ${path} is not one of a CA\n`);
    await (await openConfig(invocation)).update((config) => ({ ...config, ca_certificate_path: path }));
  },
});

export const getCaCert = createCommand({
  usage: '[flags]',
  long: 'Show the CA certificate that images are built with.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: 'none',
  async run(invocation) {
    const { options, terminal } = invocation;
    const path = (await (await openConfig(invocation)).read()).ca_certificate_path || undefined;
    if (options.format === 'json') return printJson(terminal, { ca_certificate_path: path ?? null });
    if (path === undefined) return void terminal.out(NONE);
    terminal.out(`Current CA certificate path: ${path}\n`);
    const isReadable = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (!isReadable) terminal.out('Warning: The configured CA certificate file is not accessible\n');
  },
});

export const unsetCaCert = createCommand({
  usage: '[flags]',
  long: 'Build images without a CA certificate of your own.',
  flags: {},
  positionals: 'none',
  async run(invocation) {
    const store = await openConfig(invocation);
    if (!(await store.read()).ca_certificate_path) return void invocation.terminal.out(NONE);
    await store.update(({ ca_certificate_path: _, ...config }) => config);
  },
});
