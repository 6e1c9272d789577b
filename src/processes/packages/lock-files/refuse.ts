import { messageOf, ThvError } from '../../../errors/index.ts';

/** A file of a folder that says where packages come from. */
export interface SourceFile {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** One package that a file takes from somewhere. */
export interface Source {
  readonly name: string;
  /** As the file has it: a version, a range, a path, a URL. */
  readonly location: string;
  /** What its relative paths count from, relative to the folder. */
  readonly base: string;
  /** What the file has for it, where that is not the location itself. */
  readonly written?: string;
}

/** Throws `ERR_FOLDER_UNUSABLE` with file and line of the first source for which `judge` gives a reason. */
export function refuseSources(
  folder: string,
  file: SourceFile,
  sources: Iterable<Source>,
  judge: (source: Source) => string | undefined,
): void {
  for (const source of sources) {
    const reason = judge(source);
    if (reason === undefined) continue;
    const written = source.written ?? source.location;
    throw refusal(folder, file, `${source.name} is to be taken from ${written}, ${reason}`, written);
  }
}

/** An error that names the line of `file` that holds `needle`, the first unless it is found. */
export function refusal(
  folder: string,
  { path, text }: SourceFile,
  reason: string,
  needle: string,
): ThvError {
  return new ThvError('ERR_FOLDER_UNUSABLE', {
    folder,
    reason: `${path}:${lineOf(text, needle)}: ${reason.replace(/[\x00-\x1f\x7f-\x9f]/g, '?').slice(0, 500)}`,
  });
}

/** Number of the first line that holds a text, however it is quoted there; 1 when none does. */
export function lineOf(text: string, needle: string): number {
  const lines = text.split('\n');
  const forms = [needle, JSON.stringify(needle).slice(1, -1)];
  return (
    Math.max(
      0,
      lines.findIndex((line) => forms.some((form) => line.includes(form))),
    ) + 1
  );
}

/** What `read` makes of a file. Throws `ERR_FOLDER_UNUSABLE` when that fails: what cannot be judged must not be read by a tool in another way. */
export function understood<T>(folder: string, file: SourceFile, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refusal(folder, file, `it cannot be understood: ${messageOf(error)}`, '');
  }
}
