import { parseImageReference } from '../../engine/index.ts';

/** Images that a Dockerfile is built on, without its own stages and names made of arguments (Dockerfile reference, "FROM"). */
export function baseImagesOf(dockerfile: string): readonly string[] {
  const stages = new Set(['scratch']);
  const images = new Set<string>();
  for (const line of dockerfile.split(/\r?\n/)) {
    const [, image, stage] = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ?? [];
    if (image === undefined) continue;
    if (!stages.has(image.toLowerCase()) && isReference(image)) images.add(image);
    if (stage !== undefined) stages.add(stage.toLowerCase());
  }
  return [...images];
}

/**
 * Whether a Dockerfile uses what only BuildKit knows (Dockerfile reference, "RUN --mount", "COPY --link", "Here-documents"); the Engine
 * API builds with the classic builder.
 */
export function wantsBuildKit(dockerfile: string): boolean {
  const option = '--(?:mount|network|security|link|chmod|parents|exclude)\\b';
  return new RegExp(`^\\s*(?:RUN|COPY|ADD)\\s(?:.*\\s)?(?:${option}|<<-?["']?\\w)`, 'im').test(dockerfile);
}

function isReference(text: string): boolean {
  try {
    parseImageReference(text);
    return true;
  } catch {
    return false; // an argument in it, or nonsense that the engine will complain of
  }
}
