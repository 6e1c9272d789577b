import { asObject } from '../lock-files/package-json.ts';
import type { SourceFile } from '../lock-files/refuse.ts';
import { lineOf } from '../lock-files/refuse.ts';
import type { LeftOut } from './setting.ts';

/** What says which packages there are, and in which versions; the rest is about how pnpm itself works. */
const TAKEN = ['packages', 'catalog', 'catalogs', 'overrides'];
/** About where packages come from, and so worth a word. */
const TELLING = /regist|auth|proxy|scope|^ca(?:file)?$|patched|script|hook|pnpmfile|configDependencies/i;

/** A `pnpm-workspace.yaml` with what is harmless of it, as JSON, which YAML includes; and the same as a `package.json` would have it. */
export function pnpmWorkspace(file: SourceFile): {
  readonly text: string;
  readonly asManifest: string;
  readonly leftOut: readonly LeftOut[];
} {
  const settings = asObject(Bun.YAML.parse(file.text));
  const taken = Object.fromEntries(TAKEN.flatMap((key) => (key in settings ? [[key, settings[key]]] : [])));
  const { packages, ...others } = taken;
  return {
    text: `${JSON.stringify(taken, undefined, 2)}\n`,
    asManifest: JSON.stringify({ workspaces: packages, ...others }),
    leftOut: Object.keys(settings)
      .filter((key) => !TAKEN.includes(key) && TELLING.test(key))
      .map((setting) => ({
        file: file.path,
        line: lineOf(file.text, setting),
        setting,
        instead: /regist|auth|proxy|scope|^ca/i.test(setting) ? '.npmrc in your home folder' : undefined,
      })),
  };
}
