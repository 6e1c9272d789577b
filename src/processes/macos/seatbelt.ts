import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Mount, Overlay } from '../../sandbox/index.ts';
import type { NetworkAccess } from '../network-access.ts';

interface SeatbeltFacts {
  /** Written to: work folder and temporary folder. */
  readonly ownFolders: readonly string[];
  readonly readOnlyPaths: readonly string[];
  readonly mounts: readonly Mount[];
  readonly overlays: readonly Overlay[];
  readonly network: Exclude<NetworkAccess['type'], 'open'>;
  /** Port of the egress proxy, when the network is filtered. */
  readonly proxyPort: number | undefined;
  /** The port that the server itself listens on. */
  readonly serverPort: number | undefined;
}

/** The system's programs, libraries and settings, and what every program on macOS opens. */
const SYSTEM = [
  '/System',
  '/usr',
  '/bin',
  '/sbin',
  '/Library/Apple',
  '/Library/Frameworks',
  '/Library/Preferences/Logging',
  '/private/etc/ssl',
  '/private/etc/localtime',
  '/private/var/db/timezone',
  '/private/var/db/dyld',
  '/opt/homebrew',
  '/dev',
];
const SERVICES = [
  'com.apple.system.logger',
  'com.apple.system.notification_center',
  'com.apple.system.opendirectoryd.libinfo',
  'com.apple.SystemConfiguration.configd',
  'com.apple.SecurityServer',
  'com.apple.trustd.agent',
  'com.apple.trustd',
];

/**
 * Profile for `sandbox-exec`: what is not allowed is denied. Paths are not mapped: on macOS a mount's target is not seen, its
 * source is seen where it is.
 */
export function seatbeltProfile(facts: SeatbeltFacts): string {
  const readable = [
    ...SYSTEM,
    ...facts.readOnlyPaths,
    ...facts.ownFolders,
    ...facts.mounts.map(({ source }) => source),
  ];
  const writable = [
    ...facts.ownFolders,
    ...facts.mounts.filter(({ readOnly }) => !readOnly).map(({ source }) => source),
  ];
  return [
    '(version 1)',
    '(deny default)',
    '(allow process-exec process-fork)',
    '(allow signal (target same-sandbox))',
    '(allow process-info* (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow ipc-posix-sem)',
    '(allow pseudo-tty)',
    // Names and kinds along the way to what may be read; contents and listings are not part of it.
    '(allow file-read-metadata)',
    '(allow file-read* (literal "/"))',
    ...rules('file-read*', readable),
    ...rules('file-map-executable', [...SYSTEM, ...facts.readOnlyPaths]),
    ...rules('file-write*', writable),
    ...hidingRules(facts),
    ...['/dev/null', '/dev/zero', '/dev/tty', '/dev/dtracehelper'].map(
      (path) => `(allow file-write-data file-ioctl (literal ${quote(path)}))`,
    ),
    `(allow mach-lookup ${SERVICES.map((name) => `(global-name ${quote(name)})`).join(' ')})`,
    ...networkRules(facts),
    '',
  ].join('\n');
}

/**
 * The last rule that fits decides. Paths are what is compared: a folder around what is hidden must keep its name, or it would be
 * found under another.
 */
function hidingRules({ mounts, overlays }: SeatbeltFacts): readonly string[] {
  const hidden = overlays.map((overlay) => real(overlay.hidden));
  const granted = mounts.map((mount) => ({ ...mount, source: real(mount.source) }));
  const around = hidden.flatMap((path) => foldersAround(path, granted));
  // A mount of its own inside a hidden folder was granted by name.
  const inner = granted.filter(({ source }) => hidden.some((path) => isBelow(source, path)));
  return [
    ...hidden.map((path) => `(deny file-read* file-write* (subpath ${quote(path)}))`),
    ...[...new Set(around)].map((path) => `(deny file-write-unlink (literal ${quote(path)}))`),
    ...inner.map(
      ({ source, readOnly }) =>
        `(allow file-read*${readOnly ? '' : ' file-write*'} (subpath ${quote(source)}))`,
    ),
  ];
}

function foldersAround(path: string, mounts: readonly Mount[]): readonly string[] {
  const parent = dirname(path);
  return mounts.some(({ source }) => isBelow(parent, source))
    ? [parent, ...foldersAround(parent, mounts)]
    : [];
}

function isBelow(path: string, folder: string): boolean {
  return path !== folder && path.startsWith(`${folder}/`);
}

function networkRules({ network, proxyPort, serverPort }: SeatbeltFacts): readonly string[] {
  if (network === 'host') {
    return [
      '(allow network-outbound (remote ip))',
      '(allow network-inbound network-bind (local ip))',
      '(allow system-socket)',
    ];
  }
  // Between the server and itself: on macOS loopback is shared, so ports have to be named.
  const own =
    serverPort === undefined
      ? []
      : [`(allow network-bind network-inbound (local ip "localhost:${serverPort}"))`];
  const proxy =
    proxyPort === undefined ? [] : [`(allow network-outbound (remote ip "localhost:${proxyPort}"))`];
  return [...own, ...proxy];
}

function rules(operation: string, paths: readonly string[]): readonly string[] {
  return [...new Set(paths.map(real))].map((path) => `(allow ${operation} (subpath ${quote(path)}))`);
}

/** Rules are compared with paths that have no links in them, and on macOS `/tmp` and `/var` are links. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there: nothing to be seen, nothing to be granted
  }
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
