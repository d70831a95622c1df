import type { ReactNode } from 'react';
import type { WorkloadProvider } from '../../contract/workload-issuers.ts';
import { pluralOf } from '../components/format.ts';
import { plural } from '../components/plural.ts';
import { sentence } from '../components/sentence.ts';

const providers: Readonly<Record<WorkloadProvider, string>> = {
  github: 'GitHub Actions',
  gitlab: 'GitLab CI',
  kubernetes: 'Kubernetes',
  buildkite: 'Buildkite',
  circleci: 'CircleCI',
  other: 'Another issuer',
};

const subjects: Readonly<Record<Exclude<WorkloadProvider, 'other'>, { label: string; placeholder: string }>> = {
  github: { label: 'Repository', placeholder: 'acme/shop' },
  gitlab: { label: 'Project', placeholder: 'acme/shop' },
  kubernetes: { label: 'Namespace and service account', placeholder: 'shop/deployer' },
  buildkite: { label: 'Organization and pipeline', placeholder: 'acme/shop' },
  circleci: { label: 'Organization ID and project ID', placeholder: 'organization-id/project-id' },
};

export const strings = {
  providers,
  subjects,
  listPage: {
    title: 'Workload identities',
    description: 'Allow pipelines and pods to get short-lived access tokens without a stored secret.',
    create: 'New workload identity',
    emptyTitle: 'No workload identities yet',
    emptyHint:
      'A CI job or pod exchanges a token that its platform signs for an access token. A workload identity defines which of these tokens are accepted, and which scopes the access tokens have.',
    columns: { name: 'Name', conditions: 'Conditions', scopes: 'Scopes', lastExchange: 'Last exchange' },
    never: 'Never',
  },
  fields: {
    namePlaceholder: 'Shop on GitHub',
    provider: 'Where the workload runs',
    subjectInvalid: 'Enter two names separated by a slash, such as acme/shop.',
    branch: 'Branch',
    branchPlaceholder: 'main',
    environment: 'Environment',
    environmentPlaceholder: 'production',
    workflow: 'Workflow file',
    workflowPlaceholder: 'deploy.yml',
    repositoryId: 'Repository ID',
    repositoryIdHint: 'A number. If set, a repository that is later created with the same name is not accepted.',
    optional: '(optional)',
    issuer: 'Issuer',
    issuerHint: 'Must exactly match the iss claim.',
    issuerMissing: 'Enter a URL that starts with https://.',
    selfHostedIssuerHint: 'Only for a self-hosted GitHub or GitLab.',
    jwksUrl: 'JWKS URL',
    jwksUrlHint: 'Leave empty to find the keys through OpenID Connect discovery.',
    conditions: 'Conditions',
    conditionsHint:
      'One claim=value per line. * matches any characters. At least one condition must identify a single repository, project or service account.',
    conditionsInvalid: 'Enter one claim=value per line.',
    acceptedTokens: 'Accepted tokens must have all of these claims:',
    scopes: 'Scopes',
    scopesMissing: 'Choose at least one scope.',
    lifetime: 'Access token lifetime in minutes',
    lifetimeInvalid: 'Enter a number of minutes from 1 to 720.',
    labels: {
      name: 'Name',
      issuer: 'Issuer',
      jwksUrl: 'JWKS URL',
      conditions: 'Conditions',
      scopes: 'Scopes',
      lifetimeSeconds: 'Lifetime',
      restrictions: 'Restrictions',
    },
    editNotice: 'Changing anything other than the name or the lifetime revokes the access tokens already issued.',
  },
  deleteDialog: { consequences: 'The access tokens issued for this workload identity are revoked.' },
  identityPage: {
    noun: 'workload identity',
    title: 'Workload identity',
    back: 'Workload identities',
    detailsTitle: 'Details',
    items: {
      issuer: 'Issuer',
      jwksUrl: 'JWKS URL',
      audience: 'Audience',
      conditions: 'Conditions',
      scopes: 'Scopes',
      lifetime: 'Lifetime',
      lastExchange: 'Last exchange',
      created: 'Created',
      id: 'ID',
    },
    minutes: (count: number) => `${count} ${plural(count, { one: 'minute', other: 'minutes' })}`,
    snippetTitle: 'In the pipeline',
    snippetDescription:
      "Exchanges the workload's token for an access token, runs the command and revokes the access token.",
    snippetLabel: 'Pipeline configuration',
    testTitle: 'Test',
    testDescription: 'Check whether a token would be accepted. Its signature and validity period are not verified.',
    claims: 'Token, or its claims as JSON',
    claimsInvalid: 'Enter a JSON object or a token.',
    test: 'Test claims',
    wouldPass: 'A token with these claims would be accepted.',
    wouldFail: 'A token with these claims would be refused:',
    failure: (claim: ReactNode, message: string) => sentence`${claim} ${message}`,
  },
  exchanges: {
    title: 'Last exchanges',
    description:
      'Up to 50 accepted and 50 refused exchanges. Refusals for the same reason are recorded at most once per minute.',
    none: 'No exchanges yet.',
    accepted: 'Accepted',
    refused: (reason: string) => `Refused: ${reason}`,
    from: (address: string) => `from ${address}`,
    token: 'Access token',
  },
};

/** The second element of the query keys, after the workspace ID. The resource dialogs derive it from the noun. */
export const IDENTITIES_KEY = pluralOf(strings.identityPage.noun);
