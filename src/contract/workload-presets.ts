import type { ClaimConditions } from './claim-patterns.ts';
import type { WorkloadProvider } from './workload-issuers.ts';

/**
 * Derives the issuer, audience and conditions of a workload identity from properties of a workload, such as its
 * repository. Also runs in browsers.
 */

export interface WorkloadFields {
  /**
   * `owner/repository` on GitHub, `group/project` on GitLab, `namespace/service account` on Kubernetes,
   * `organization/pipeline` on Buildkite, `organization ID/project ID` on CircleCI.
   */
  readonly subject: string;
  /** The issuer. Required if every installation of the provider has its own issuer. */
  readonly issuer?: string | undefined;
  readonly branch?: string | undefined;
  readonly tag?: string | undefined;
  readonly environment?: string | undefined;
  /** File name of the workflow on GitHub, such as `deploy.yml`. */
  readonly workflow?: string | undefined;
  /** Numeric ID of the repository or project. If a repository is deleted and created again, it has another ID. */
  readonly repositoryId?: string | undefined;
  /** Name of the event on GitHub, such as `push`. */
  readonly event?: string | undefined;
}

export interface WorkloadPreset {
  readonly issuer: string;
  /** Null for the default, the URL of the Devpilot server. */
  readonly audience: string | null;
  readonly conditions: ClaimConditions;
}

const withoutEmpty = (conditions: Readonly<Record<string, string | undefined>>): ClaimConditions =>
  Object.fromEntries(
    Object.entries(conditions).flatMap(([claim, value]) =>
      value === undefined || value === '' ? [] : [[claim, value]],
    ),
  );

/** Returns the full name of the branch or tag, such as `refs/heads/main`. */
function refOf({ branch, tag }: WorkloadFields): string | undefined {
  if (branch !== undefined && branch !== '') return `refs/heads/${branch}`;
  return tag === undefined || tag === '' ? undefined : `refs/tags/${tag}`;
}

const PRESETS: Readonly<Record<Exclude<WorkloadProvider, 'other'>, (fields: WorkloadFields) => WorkloadPreset>> = {
  github: (fields) => ({
    issuer: fields.issuer || 'https://token.actions.githubusercontent.com',
    audience: null,
    conditions: withoutEmpty({
      repository: fields.subject,
      repository_id: fields.repositoryId,
      ref: refOf(fields),
      environment: fields.environment,
      workflow_ref: fields.workflow && `${fields.subject}/.github/workflows/${fields.workflow}@*`,
      event_name: fields.event,
    }),
  }),
  gitlab: ({ subject, issuer, branch, tag, environment, repositoryId }) => {
    const tagType = tag ? 'tag' : undefined;
    return {
      issuer: issuer || 'https://gitlab.com',
      audience: null,
      conditions: withoutEmpty({
        project_path: subject,
        project_id: repositoryId,
        ref: branch || tag,
        ref_type: branch ? 'branch' : tagType,
        environment,
      }),
    };
  },
  kubernetes: ({ subject, issuer }) => ({
    issuer: issuer ?? '',
    audience: null,
    conditions: { sub: `system:serviceaccount:${subject.replace('/', ':')}` },
  }),
  buildkite: ({ subject, issuer, branch, tag }) => ({
    issuer: issuer || 'https://agent.buildkite.com',
    audience: null,
    conditions: withoutEmpty({
      sub: `organization:${subject.replace('/', ':pipeline:')}:*`,
      build_branch: branch,
      build_tag: tag,
    }),
  }),
  circleci: (fields) => {
    const [organization = '', project = ''] = fields.subject.split('/');
    return {
      issuer: fields.issuer || `https://oidc.circleci.com/org/${organization}`,
      // By default, the audience of CircleCI's tokens is the ID of the organization.
      audience: organization,
      conditions: withoutEmpty({ 'oidc.circleci.com/project-id': project, 'oidc.circleci.com/vcs-ref': refOf(fields) }),
    };
  },
};

/** Returns the issuer, audience and conditions for a workload of a provider. Pure. */
export const workloadPreset = (provider: Exclude<WorkloadProvider, 'other'>, fields: WorkloadFields): WorkloadPreset =>
  PRESETS[provider](fields);
