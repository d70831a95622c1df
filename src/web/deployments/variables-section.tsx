import { useQuery } from '@tanstack/react-query';
import type { Deployment } from '../../contract/deployments.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { TextLink } from '../components/link.tsx';
import { Section } from '../components/section.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.variablesSection;
const CHANGES = ['added', 'changed', 'removed'] as const;

/**
 * The names of the variables that differ from the previous release. Renders nothing if none differ, or if the releases
 * cannot be compared.
 */
export function VariablesSection({ deployment: { id, startedAt } }: { readonly deployment: Deployment }) {
  const { api, workspace } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'deployments', id, 'variables', startedAt],
    queryFn: ({ signal }) => api.deployments.variables(id, { signal }),
    enabled: startedAt !== null,
  });
  if (data === undefined || data.comparedWith === null) return null;
  const changes = CHANGES.filter((change) => data[change].length > 0);
  if (changes.length === 0) return null;
  return (
    <Section
      title={texts.title}
      description={texts.description(
        <TextLink to="/deployments/$id" params={{ id: data.comparedWith }}>
          {texts.previousRelease}
        </TextLink>,
      )}
    >
      <DescriptionList
        items={changes.map((change) => [
          texts[change],
          <span key={change} className="mono" style={{ overflowWrap: 'anywhere' }}>
            {data[change].join(', ')}
          </span>,
        ])}
      />
    </Section>
  );
}
