import { Group, Text } from '@mantine/core';
import type { ReviewItem } from '../../contract/review.ts';
import { REVIEW_WEIGHTS } from '../../contract/review-weights.ts';
import type { ReviewReason } from '../../contract/vocabulary.ts';
import type { Column } from '../components/data-table.tsx';
import { NameLink } from '../components/link.tsx';
import { Tag, type Tone } from '../components/notice.tsx';
import { ExactTime, TimeCell } from '../components/relative-time.tsx';
import { dimmed } from '../components/text.tsx';
import { getKindConfig } from '../credentials/kinds.ts';
import { strings } from './strings.ts';

const texts = strings.columns;

/** A review item with its credential's ID, because each row of a list needs an `id`. */
export interface ReviewRow extends ReviewItem {
  readonly id: string;
}

const REASON_TONES: Readonly<Partial<Record<ReviewReason, Tone>>> = {
  creator_left: 'danger',
  violates_policy: 'danger',
  holds_all: 'warning',
  unused: 'warning',
  broader_than_used: 'warning',
  never_expires: 'warning',
};

/** Sorts reasons by risk, highest first. */
export const sortByRisk = (reasons: readonly ReviewReason[]): ReviewReason[] =>
  reasons.toSorted((first, second) => REVIEW_WEIGHTS[second] - REVIEW_WEIGHTS[first]);

function CredentialCell({ credential, kept }: ReviewRow) {
  const { path, noun } = getKindConfig(credential);
  return (
    <div>
      <NameLink to={`${path}/$id`} params={{ id: credential.id }}>
        {credential.name}
      </NameLink>
      <Text fz="xs" c="dimmed" component="div">
        {noun}
        {credential.hint !== '' && <span className="mono"> …{credential.hint}</span>}
      </Text>
      {kept !== null && (
        <Text fz="xs" c="dimmed" component="div" style={{ overflowWrap: 'anywhere' }}>
          {texts.kept(kept.reviewedBy.name, <ExactTime time={kept.until} />, kept.note)}
        </Text>
      )}
    </div>
  );
}

function ReasonsCell({ reasons, usedRights }: ReviewRow) {
  return (
    <div>
      <Group gap={4}>
        {sortByRisk(reasons).map((reason) => (
          <Tag key={reason} tone={REASON_TONES[reason] ?? 'neutral'}>
            {strings.reasons[reason]}
          </Tag>
        ))}
      </Group>
      {usedRights !== null && (
        <Text fz="xs" c="dimmed" component="div" mt={4}>
          {texts.used(usedRights.join(', '))}
        </Text>
      )}
    </div>
  );
}

export const REVIEW_COLUMNS: readonly Column<ReviewRow>[] = [
  { key: 'credential', label: texts.credential, width: '28%', cell: (row) => <CredentialCell {...row} /> },
  { key: 'reasons', label: texts.reasons, wide: true, cell: (row) => <ReasonsCell {...row} /> },
  {
    key: 'created',
    label: texts.created,
    cell: ({ credential: { createdAt, createdBy } }) => (
      <TimeCell
        time={createdAt}
        note={
          <Text span inherit display="block" truncate maw={120} title={createdBy?.email}>
            {createdBy === null ? texts.createdByFormerMember : texts.createdBy(createdBy.name)}
          </Text>
        }
      />
    ),
  },
  {
    key: 'expires',
    label: texts.expires,
    cell: ({ credential: { expiresAt } }) => (expiresAt === null ? dimmed(texts.never) : <TimeCell time={expiresAt} />),
  },
  {
    key: 'used',
    label: texts.lastUsed,
    cell: ({ credential: { lastUsedAt } }) =>
      lastUsedAt === null ? dimmed(texts.never) : <TimeCell time={lastUsedAt} relative />,
  },
];
