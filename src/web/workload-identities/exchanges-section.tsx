import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { WorkloadExchange, WorkloadIdentity } from '../../contract/workload-identities.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { TextLink } from '../components/link.tsx';
import { Tag } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { QueryContent } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { IDENTITIES_KEY, strings } from './strings.ts';

const texts = strings.exchanges;

function ExchangeRow({ exchange }: { readonly exchange: WorkloadExchange }) {
  const { accepted, reason, detail, claims, credential: tokenId, address, at: time } = exchange;
  return (
    <ItemListRow
      title={
        <Group gap="xs">
          <Tag tone={accepted ? 'success' : 'danger'}>{accepted ? texts.accepted : texts.refused(reason ?? '')}</Tag>
          <RelativeTime time={time} withDate />
          {address !== null && <DimmedText>{texts.from(address)}</DimmedText>}
        </Group>
      }
      note={
        <>
          {detail !== null && (
            <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
              {detail}
            </Text>
          )}
          {claims?.['sub'] !== undefined && (
            <Text fz="xs" className="mono" style={{ overflowWrap: 'anywhere' }}>
              {claims['sub']}
            </Text>
          )}
        </>
      }
      actions={
        tokenId !== null && (
          <TextLink to="/settings/access-tokens/$id" params={{ id: tokenId }}>
            {texts.token}
          </TextLink>
        )
      }
    />
  );
}

/** The latest exchanges of an identity. */
export function ExchangesSection({ identity }: { readonly identity: WorkloadIdentity }) {
  const { api, workspace } = useWorkspace();
  const query = useQuery({
    queryKey: [workspace.id, IDENTITIES_KEY, identity.id, 'exchanges'],
    queryFn: ({ signal }) => api.workloadIdentities.exchanges(identity.id, { signal }),
    refetchInterval: 10_000,
  });
  return (
    <Section title={texts.title} description={texts.description}>
      <QueryContent query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <DimmedText>{texts.none}</DimmedText>
          ) : (
            <ItemList label={texts.title}>
              {data.map((exchange) => (
                <ExchangeRow key={exchange.id} exchange={exchange} />
              ))}
            </ItemList>
          )
        }
      </QueryContent>
    </Section>
  );
}
