import * as v from 'valibot';
import { named } from './names.ts';

const Drift = v.object({ from: v.string(), to: v.string() });

const EnvVarDrift = v.object({
  name: v.string(),
  description: v.optional(v.string()),
  required: v.boolean(),
  secret: v.optional(v.boolean()),
  default: v.optional(v.string()),
});

const CheckResult = named(
  'github_com_stacklok_toolhive_pkg_workloads_upgrade.CheckResult',
  v.object({
    workload_name: v.string(),
    registry_server: v.optional(v.string()),
    status: v.picklist([
      'up-to-date',
      'upgrade-available',
      'not-registry-sourced',
      'server-not-found',
      'unknown',
    ]),
    current_image: v.optional(v.string()),
    candidate_image: v.optional(v.string()),
    reason: v.optional(v.string()),
    env_var_drift: v.optional(
      v.object({ added: v.optional(v.array(EnvVarDrift)), removed: v.optional(v.array(EnvVarDrift)) }),
    ),
    config_drift: v.optional(
      v.object({ transport: v.optional(Drift), permission_profile: v.optional(Drift) }),
    ),
  }),
);

export const UpgradeCheckAnswer = named('pkg_api_v1.upgradeCheckResponse', v.object({ result: CheckResult }));

export const UpgradeChecksAnswer = named(
  'pkg_api_v1.upgradeCheckBulkResponse',
  v.object({ results: v.array(CheckResult) }),
);

export const UpgradeBody = named(
  'pkg_api_v1.upgradeRequest',
  v.object({
    env: v.optional(v.record(v.string(), v.string()), {}),
    secrets: v.optional(v.pipe(v.array(v.string()), v.description('`NAME,target=VARIABLE`')), []),
  }),
);
