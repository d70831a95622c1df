import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { Script, ScriptVersion } from '../../contract/scripts.ts';
import { queryClient } from '../api.ts';
import { actorName } from '../components/actor-name.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { VersionsSection } from '../components/versions-section.tsx';
import { useWorkspace } from '../session.ts';
import styles from './script-versions.module.css';
import { strings } from './strings.ts';

interface VersionItemProps {
  readonly version: ScriptVersion;
  readonly isCurrent: boolean;
  readonly onRestore: () => void;
}

function VersionItem({ version, isCurrent, onRestore }: VersionItemProps) {
  const { isAdmin } = useWorkspace();
  const { by, at: time, body, interpreter, timeoutSeconds, parameters } = version;
  return (
    <li>
      <details>
        <summary>
          <b>{strings.scriptVersions.version(version.version)}</b>{' '}
          <Text span fz="xs" c="dimmed">
            {isCurrent
              ? strings.scriptVersions.currentChangedBy(actorName(by), <RelativeTime time={time} withTime />)
              : strings.scriptVersions.changedBy(actorName(by), <RelativeTime time={time} withTime />)}
          </Text>
        </summary>
        <div className={styles['version']}>
          <CodeBlock label={strings.scriptVersions.bodyOfVersion(version.version)}>{body}</CodeBlock>
          <Text fz="xs" c="dimmed">
            {strings.scriptVersions.settings({
              interpreter,
              timeoutSeconds,
              parameters: parameters.map(({ name }) => name).join(', '),
            })}
          </Text>
          {isAdmin && !isCurrent && (
            <Group>
              <Button size="compact-sm" variant="default" onClick={onRestore}>
                {strings.scriptVersions.restoreThisVersion}
              </Button>
            </Group>
          )}
        </div>
      </details>
    </li>
  );
}

/** The versions of a script. Owners and admins can restore the earlier ones. */
export function ScriptVersions({ script }: { readonly script: Script }) {
  const { api, workspace } = useWorkspace();
  return (
    <VersionsSection
      description={strings.scriptVersions.description}
      queryKey={[workspace.id, 'scripts', script.id, 'versions', script.version]}
      list={api.scripts.versions(script.id).list}
      pageSize={5}
      renderList={(versions, onRestore) => (
        <ul className={styles['versions']} aria-label={strings.scriptVersions.versions}>
          {versions.map((version) => (
            <VersionItem
              key={version.version}
              version={version}
              isCurrent={version.version === script.version}
              onRestore={() => onRestore(version)}
            />
          ))}
        </ul>
      )}
      describeRestore={({ version }) => strings.scriptVersions.restoreConsequences(version)}
      restore={async ({ version, body, interpreter, serverId, runAs, timeoutSeconds, parameters }) => {
        await api.scripts.update(script.id, { body, interpreter, serverId, runAs, timeoutSeconds, parameters });
        notifications.show({ message: strings.scriptVersions.restored(version, script.name) });
        await queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts'] });
      }}
    />
  );
}
