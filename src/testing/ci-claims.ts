/** The claims that GitHub documents, for a push to the main branch. */
export const gitHubClaims = (repository = 'acme/shop') => ({
  // For repositories created since July 2026, the subject contains the IDs.
  sub: `repo:${repository.replace(/^(.+)\/(.+)$/, '$1@65/$2@74')}:environment:production`,
  ...{ repository, repository_id: '74', repository_owner: 'acme', repository_owner_id: '65' },
  ...{ repository_visibility: 'private', ref: 'refs/heads/main', ref_type: 'branch', ref_protected: 'true' },
  ...{ sha: 'f'.repeat(40), head_ref: '', base_ref: '', event_name: 'push', environment: 'production' },
  ...{ run_id: '30000000001', run_number: '12', run_attempt: '1', runner_environment: 'github-hosted' },
  ...{ actor: 'ada', actor_id: '12', workflow: 'deploy', workflow_sha: 'f'.repeat(40), check_run_id: '40000000001' },
  workflow_ref: `${repository}/.github/workflows/deploy.yml@refs/heads/main`,
  job_workflow_ref: `${repository}/.github/workflows/deploy.yml@refs/heads/main`,
  job_workflow_sha: 'f'.repeat(40),
});

/** The claims that GitLab documents, for a pipeline of the main branch. */
export const gitLabClaims = (project = 'acme/shop') => ({
  ...{ sub: `project_path:${project}:ref_type:branch:ref:main`, namespace_id: '72', namespace_path: 'acme' },
  ...{ project_id: '20', project_path: project, project_visibility: 'private', user_id: '1', user_login: 'ada' },
  ...{ user_email: 'ada@example.com', user_access_level: 'owner', user_identities: [], groups_direct: ['acme'] },
  ...{ pipeline_id: '574', pipeline_source: 'push', job_id: '302', job_source: 'push', sha: 'f'.repeat(40) },
  ...{ ref: 'main', ref_type: 'branch', ref_path: 'refs/heads/main', ref_protected: 'true' },
  ...{ environment: 'production', environment_protected: 'true', deployment_tier: 'production' },
  ...{ environment_action: 'start', runner_id: 1, runner_environment: 'self-hosted' },
  ci_config_ref_uri: `gitlab.example.com/${project}//.gitlab-ci.yml@refs/heads/main`,
  ci_config_sha: 'f'.repeat(40),
});

/** The claims that other CI services and Kubernetes document. */
export const OTHER_CLAIMS = {
  buildkite: {
    sub: 'organization:acme:pipeline:shop:ref:refs/heads/main:commit:f0:step:deploy',
    ...{ organization_slug: 'acme', pipeline_slug: 'shop', build_number: 7, build_branch: 'main', build_tag: null },
    ...{ build_commit: 'f'.repeat(40), build_source: 'webhook', step_key: 'deploy', job_id: 'j', agent_id: 'a' },
  },
  circleci: {
    sub: 'org/a0/project/b1/user/c2/vcs-origin/github.com/acme/shop/vcs-ref/refs/heads/main',
    ...{ aud: 'a0', 'oidc.circleci.com/project-id': 'b1', 'oidc.circleci.com/ssh-rerun': false },
    'oidc.circleci.com/vcs-origin': 'github.com/acme/shop',
    'oidc.circleci.com/vcs-ref': 'refs/heads/main',
  },
  kubernetes: {
    sub: 'system:serviceaccount:shop:deployer',
    'kubernetes.io': {
      namespace: 'shop',
      serviceaccount: { name: 'deployer', uid: 'u' },
      pod: { name: 'p', uid: 'v' },
    },
  },
};
