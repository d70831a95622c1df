import { Text } from '@mantine/core';
import type { Policy } from '../../contract/policy.ts';
import { describeRight } from '../../contract/vocabulary.ts';
import { KeyStatus } from '../api-keys/key-status.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { Tag } from '../components/notice.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { mono } from '../components/text.tsx';
import { type Credential, getKindConfig, getRights } from '../credentials/kinds.ts';
import { CredentialStatusTag } from '../credentials/status-tag.tsx';
import { RuleTags } from '../policy/rule-tags.tsx';
import { findViolatedRules } from '../policy/violated-rules.ts';
import styles from './credential.module.css';
import { restrictionItems } from './restriction-items.tsx';
import { strings } from './strings.ts';

function RightList({ credential }: { readonly credential: Credential }) {
  return (
    <ul className={styles['rights']}>
      {getRights(credential).map((right) => (
        <li key={right}>
          <Tag tone={right === 'all' ? 'warning' : 'neutral'}>{right}</Tag>
          <Text span fz="xs" c="dimmed">
            {describeRight(right)}
          </Text>
        </li>
      ))}
    </ul>
  );
}

/** When a credential was created, and by whom or how it was issued. */
function Creation({ credential }: { readonly credential: Credential }) {
  const time = <ExactTime time={credential.createdAt} />;
  if (credential.kind === 'access_token' && credential.origin !== 'person') {
    return <span>{strings.credentialPage.issued[credential.origin](time)}</span>;
  }
  return <span>{strings.credentialPage.createdBy(time, credential.createdBy?.name ?? null)}</span>;
}

const timeOrNever = (time: string | null) =>
  time === null ? strings.credentialPage.never : <ExactTime key={time} time={time} />;

interface CredentialDetailsProps {
  readonly credential: Credential;
  /** Undefined for members, and until the policy is loaded. */
  readonly policy: Policy | undefined;
}

/** The properties of a credential. */
export function CredentialDetails({ credential, policy }: CredentialDetailsProps) {
  const kind = getKindConfig(credential);
  const isKey = credential.kind === 'api_key';
  const violatedRules = policy === undefined ? [] : findViolatedRules(policy, credential);
  const { expiresAt, lastUsedAt, useCount, hint, id } = credential;
  return (
    <Section title={strings.credentialPage.detailsTitle}>
      <DescriptionList
        items={[
          [
            strings.credentialPage.status,
            isKey ? (
              <KeyStatus key="status" apiKey={credential} />
            ) : (
              <CredentialStatusTag key="status" credential={credential} />
            ),
          ],
          violatedRules.length > 0 && [
            strings.credentialPage.violatesPolicy,
            <RuleTags key="violated" rules={violatedRules} />,
          ],
          isKey &&
            credential.description !== null && [
              strings.credentialPage.description,
              <span key="description" style={{ whiteSpace: 'pre-line' }}>
                {credential.description}
              </span>,
            ],
          [kind.rightsLabel, <RightList key="rights" credential={credential} />],
          !isKey && [
            strings.credentialPage.passphrase,
            credential.hasPassphrase ? strings.credentialPage.required : strings.credentialPage.none,
          ],
          ...restrictionItems(credential.restrictions),
          isKey && credential.guard && [strings.credentialPage.guards, strings.credentialPage.allowed],
          [strings.credentialPage.expires, timeOrNever(expiresAt)],
          [strings.credentialPage.lastUsed, timeOrNever(lastUsedAt)],
          [strings.credentialPage.uses, useCount.toLocaleString('en')],
          [strings.credentialPage.created, <Creation key="created" credential={credential} />],
          isKey &&
            credential.updatedAt !== credential.createdAt && [
              strings.credentialPage.updated,
              <ExactTime key="updated" time={credential.updatedAt} />,
            ],
          [
            strings.credentialPage.secret,
            hint === '' ? strings.credentialPage.imported : mono(`${kind.prefix}…${hint}`),
          ],
          [strings.credentialPage.id, <CopyableId key="id" id={id} />],
        ]}
      />
    </Section>
  );
}
