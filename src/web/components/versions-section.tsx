import { Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { LoadMoreButton, useInfiniteList } from './infinite-list.tsx';
import { Section } from './section.tsx';
import { BlockSkeleton, QueryContent } from './states.tsx';
import { strings } from './strings.ts';
import { DimmedText } from './text.tsx';

interface VersionsSectionProps<Version> {
  readonly description: string;
  readonly queryKey: readonly unknown[];
  readonly list: Parameters<typeof useInfiniteList<Version>>[1];
  readonly pageSize: number;
  readonly renderList: (versions: readonly Version[], onRestore: (version: Version) => void) => ReactNode;
  /** Describes the consequences of restoring a version. */
  readonly describeRestore: (version: Version) => string;
  readonly restore: (version: Version) => Promise<unknown>;
}

/** The versions of an item, newest first. Each can be restored as a new version. */
export function VersionsSection<Version extends { readonly version: number }>(props: VersionsSectionProps<Version>) {
  const { description, queryKey, list, pageSize, renderList, describeRestore, restore } = props;
  const [restoring, setRestoring] = useState<Version | null>(null);
  const versions = useInfiniteList(queryKey, list, pageSize);
  return (
    <Section title={strings.versionsSection.title} description={description}>
      <QueryContent query={versions} placeholder={<BlockSkeleton height={120} />}>
        {(data) =>
          data.length === 0 ? <DimmedText>{strings.versionsSection.none}</DimmedText> : renderList(data, setRestoring)
        }
      </QueryContent>
      <LoadMoreButton list={versions} label={strings.versionsSection.older} />
      {restoring !== null && (
        <ConfirmDialog
          onClose={() => setRestoring(null)}
          title={strings.versionsSection.restoreTitle(restoring.version)}
          confirmLabel={strings.versionsSection.restore}
          onConfirm={() => restore(restoring)}
        >
          <Text fz="sm">{describeRestore(restoring)}</Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
