import type { BuildAuthFileType } from '../../config/index.ts';
import type { Scheme } from '../package-reference.ts';
import { afterPackages, beforePackages, trustVariables } from './certificates.ts';
import { golang } from './golang.ts';
import { environmentLine, runLines } from './instructions.ts';
import { npm } from './npm.ts';
import { python } from './python.ts';
import type { BuildPlan, Recipe } from './types.ts';

/** Build argument whose value changes when a floating version is to be looked up again: what the engine keeps must not hide it. */
export const FRESHNESS_ARGUMENT = 'THV_BUILT_AT';

/** Build argument that hands in the value of a secret variable; not the variable itself, which a base image may have set. */
export function secretArgument(name: string): string {
  return `THV_SECRET_${name}`;
}

const RECIPES: Readonly<Record<Scheme, Recipe>> = { uvx: python, npx: npm, go: golang };

/** The Dockerfile of spec 03 §13.4, stage by stage. */
export function renderDockerfile(plan: BuildPlan): string {
  const recipe = plan.recipe ?? RECIPES[plan.reference.scheme];
  const blocks = [...builderStage(plan, recipe), ...finalStage(plan, recipe)];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

type Block = readonly string[];

function builderStage(plan: BuildPlan, recipe: Recipe): readonly Block[] {
  const { runtime, buildEnvironment, secretEnvironment, buildArguments, authFiles } = plan;
  return [
    [`FROM ${runtime.builderImage} AS builder`],
    environmentBlock('# Custom build environment variables', buildEnvironment, secretEnvironment),
    buildArguments.length === 0
      ? []
      : ['# Settings of package tools, handed in by value', ...buildArguments.map((name) => `ARG ${name}`)],
    beforePackages(plan),
    installPackages(runtime.packages),
    afterPackages(plan),
    [...recipe.builderEnvironment, ...trustVariables(plan)],
    ['WORKDIR /build'],
    authFiles.has(recipe.authFile) ? authFile(recipe.authFile, plan.filesPrefix) : [],
    [`ARG ${FRESHNESS_ARGUMENT}`, ...recipe.install(plan)],
  ];
}

function finalStage(plan: BuildPlan, recipe: Recipe): readonly Block[] {
  const { runtime } = plan;
  return [
    [`FROM ${runtime.finalImage}`],
    environmentBlock('# Custom runtime environment variables', runtime.environment),
    beforePackages(plan),
    installPackages(runtime.packages),
    createUser(),
    afterPackages(plan),
    ['WORKDIR /app', ...recipe.finish(plan), ...trustVariables(plan)],
    ['USER appuser'],
    [
      `ENTRYPOINT [${recipe
        .entrypoint(plan)
        .map((word) => JSON.stringify(word))
        .join(', ')}]`,
    ],
  ];
}

function environmentBlock(
  comment: string,
  variables: Readonly<Record<string, string>>,
  secrets: readonly string[] = [],
): Block {
  const lines = [
    ...Object.keys(variables)
      .sort()
      .map((name) => environmentLine(name, variables[name] ?? '')),
    ...secrets
      .toSorted()
      .flatMap((name) => [`ARG ${secretArgument(name)}`, `ENV ${name}="$${secretArgument(name)}"`]),
  ];
  return lines.length === 0 ? [] : [comment, ...lines];
}

function authFile(type: BuildAuthFileType, prefix: string): Block {
  return [`COPY ${prefix}.${type} /root/.${type}`, `RUN chmod 600 /root/.${type}`];
}

/** By what the image has, not by its name (B17); what it brings already is not fetched again. */
function installPackages(packages: readonly string[]): Block {
  const names = packages.join(' ');
  return runLines(
    'set -eu',
    'if command -v apk >/dev/null; then',
    `  apk info -e ${names} >/dev/null || apk add --no-cache ${names};`,
    'elif command -v apt-get >/dev/null; then',
    `  dpkg --status ${names} >/dev/null 2>&1 || {`,
    '    apt-get update;',
    `    apt-get install -y --no-install-recommends ${names};`,
    '    apt-get clean;',
    '    rm -rf /var/lib/apt/lists/*; };',
    'else',
    `  echo 'neither apk nor apt-get here; the image must bring: ${names}' >&2;`,
    'fi',
  );
}

function createUser(): Block {
  return runLines(
    'set -eu',
    'if command -v useradd >/dev/null; then',
    '  groupadd -r appgroup; useradd -r -m -g appgroup appuser;',
    'elif command -v adduser >/dev/null; then',
    '  addgroup -S appgroup; adduser -S -G appgroup appuser;',
    'else',
    "  echo 'appgroup:x:10001:' >> /etc/group;",
    "  echo 'appuser:x:10001:10001::/home/appuser:/bin/sh' >> /etc/passwd;",
    'fi;',
    'mkdir -p /home/appuser/.cache /app',
    'chown -R appuser:appgroup /home/appuser /app',
  );
}
