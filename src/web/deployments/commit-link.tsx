import { Anchor } from '@mantine/core';
import { commitPageOf } from '../../contract/git-hosts.ts';

interface CommitLinkProps {
  /** The repository of the app; undefined while it is loading. */
  readonly repository: string | null | undefined;
  readonly commit: string;
  /** Number of characters of the commit hash that are shown; all by default. */
  readonly length?: number;
}

/** A commit, linked to its page if the repository is on a Git host. */
export function CommitLink({ repository = null, commit, length }: CommitLinkProps) {
  const page = commitPageOf(repository, commit);
  const text = <span className="mono">{commit.slice(0, length)}</span>;
  if (page === null) return text;
  return (
    <Anchor href={page} target="_blank" rel="noreferrer" inherit underline={length === undefined ? 'always' : 'hover'}>
      {text}
    </Anchor>
  );
}
