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
  circleci: { label: 'IDs of organization and project', placeholder: 'organization-id/project-id' },
};

export const strings = {
  providers,
  subjects,
  listPage: {
    title: 'Workload identities',
    description: 'Pipelines and pods that get access tokens for minutes, without a stored secret.',
    create: 'New workload identity',
    emptyTitle: 'No workload identities yet',
    emptyHint:
      'A CI job or a pod proves who it is with a token that its platform signs. A workload identity says which tokens are accepted, and what the access tokens may do.',
    columns: { name: 'Name', conditions: 'Conditions', scopes: 'Scopes', lastExchange: 'Last exchange' },
    never: 'Never',
  },
  fields: {
    namePlaceholder: 'Shop on GitHub',
    provider: 'Where the workload runs',
    subjectInvalid: 'Enter two names with a slash between them.',
    branch: 'Branch',
    branchPlaceholder: 'main',
    environment: 'Environment',
    environmentPlaceholder: 'production',
    workflow: 'Workflow file',
    workflowPlaceholder: 'deploy.yml',
    repositoryId: 'ID of the repository',
    repositoryIdHint: 'A number. A repository that someone else creates under the same name has another one.',
    optional: '(optional)',
    issuer: 'Issuer',
    issuerHint: 'Compared exactly with the claim iss.',
    issuerInvalid: 'Enter a URL that starts with https://.',
    ownIssuerHint: 'Only for an installation of your own.',
    jwksUrl: 'URL of the keys',
    jwksUrlHint: 'Leave empty to find the keys by OpenID Connect discovery.',
    conditions: 'Conditions',
    conditionsHint:
      'One claim=value per line. * matches any characters. One must name one repository, project or service account.',
    conditionsInvalid: 'Enter one claim=value per line.',
    acceptedTokens: 'Tokens with all of these claims are accepted:',
    scopes: 'Scopes',
    scopesMissing: 'Choose at least one scope.',
    lifetime: 'Lifetime of the access tokens in minutes',
    lifetimeInvalid: 'Enter a number of minutes from 1 to 720.',
    labels: {
      name: 'Name',
      issuer: 'Issuer',
      jwksUrl: 'URL of the keys',
      conditions: 'Conditions',
      scopes: 'Scopes',
      lifetimeSeconds: 'Lifetime',
      restrictions: 'Restrictions',
    },
    editNotice: 'Changing anything but the name or the lifetime ends the access tokens issued before.',
  },
  deleteDialog: { consequences: 'The access tokens issued for it stop working before it is deleted.' },
  identityPage: {
    noun: 'workload identity',
    title: 'Workload identity',
    back: 'Workload identities',
    detailsTitle: 'Details',
    items: {
      issuer: 'Issuer',
      keys: 'Keys',
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
    snippetDescription: 'The token of the job is exchanged, and the access token is revoked at the end.',
    snippetLabel: 'Configuration of the pipeline',
    testTitle: 'Test',
    testDescription: 'Would a token be accepted? Its signature and its times are not checked.',
    claims: 'Claims of a token as JSON, or the token',
    claimsInvalid: 'Enter a JSON object or a token.',
    test: 'Test claims',
    wouldPass: 'A token with these claims is accepted.',
    wouldFail: 'A token with these claims is refused:',
    failure: (claim: ReactNode, message: string) => sentence`${claim} ${message}`,
  },
  exchanges: {
    title: 'Last exchanges',
    description: 'Up to 50 accepted and 50 refused ones; a refusal once per reason and minute.',
    none: 'No token has been presented yet.',
    accepted: 'Accepted',
    refused: (reason: string) => `Refused: ${reason}`,
    from: (address: string) => `from ${address}`,
    claims: 'Claims',
    token: 'Access token',
  },
};

/** The part of query keys that names the identities, as the dialogs of resources form it. */
export const IDENTITIES_KEY = pluralOf(strings.identityPage.noun);
