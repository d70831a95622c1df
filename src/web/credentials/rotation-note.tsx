import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TextLink } from '../components/link.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import { type Credential, credentialsKey, getCredential, getKindConfig } from './kinds.ts';
import { rotationOf } from './rotation.ts';
import { strings } from './strings.ts';

const texts = strings.rotationNote;

function LastUse({ credential }: { readonly credential: Credential | undefined }) {
  if (credential === undefined) return '…';
  if (credential.lastUsedAt === null) return texts.unused;
  return <RelativeTime time={credential.lastUsedAt} phrase={texts.used} />;
}

interface RotationNoteProps {
  readonly credential: Credential;
  /** Loaded credentials. If the other credential of the rotation is not among them, it is fetched. */
  readonly loaded?: readonly Credential[];
  /** Whether the other credential is linked. */
  readonly withLink?: true;
  /** Resumes the rotation. Omitted for members. */
  readonly onContinue?: (() => void) | undefined;
}

/**
 * The rotation of a credential: whether it is being replaced or replaces another, and when each was last used. Renders
 * nothing for a credential without a rotation.
 */
export function RotationNote({ credential, loaded = [], withLink, onContinue }: RotationNoteProps) {
  const { api, workspace } = useWorkspace();
  const kind = getKindConfig(credential);
  const rotation = rotationOf(credential);
  const isOld = rotation?.oldId === credential.id;
  const counterpartId = (isOld ? rotation?.newId : rotation?.oldId) ?? '';
  const loadedCounterpart = loaded.find(({ id }) => id === counterpartId);
  const query = useQuery<Credential>({
    queryKey: [...credentialsKey(workspace.id, kind), counterpartId],
    queryFn: ({ signal }) => getCredential(api, { kind: kind.kind, id: counterpartId }, { signal }),
    enabled: rotation !== null && loadedCounterpart === undefined,
  });
  if (rotation === null) return null;
  const counterpart = loadedCounterpart ?? query.data;
  const describe = isOld ? texts.beingReplaced : texts.replacement;
  const [old, replacement] = isOld ? [credential, counterpart] : [counterpart, credential];
  return (
    <div className={styles['rotation']}>
      <Text component="div" fz="xs">
        {describe(<LastUse credential={old} />, <LastUse credential={replacement} />)}
        {withLink === true && (
          <>
            {' '}
            <TextLink to={`${kind.path}/$id`} params={{ id: counterpartId }}>
              {isOld ? texts.openNew : texts.openOld}
            </TextLink>
          </>
        )}
      </Text>
      {onContinue !== undefined && (
        <Button size="compact-xs" variant="default" onClick={onContinue}>
          {texts.continueReplacing}
          <span className="visually-hidden">{texts.ofCredential(credential.name)}</span>
        </Button>
      )}
    </div>
  );
}
