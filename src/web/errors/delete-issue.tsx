import type { ErrorIssue } from '../../contract/errors.ts';
import { DeleteResource } from '../components/delete-resource.tsx';
import { useWorkspace } from '../session.ts';

interface DeleteIssueProps {
  readonly issue: ErrorIssue;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

/** Asks before an issue is deleted with its occurrences. */
export function DeleteIssue({ issue, onClose, onDeleted }: DeleteIssueProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResource
      noun="issue"
      list="errors"
      name={issue.title}
      remove={() => api.errors.issues.delete(issue.id)}
      onClose={onClose}
      {...(onDeleted !== undefined && { onDeleted })}
    >
      Its occurrences and counts are deleted with it. If the same error is reported again, it appears as a new issue. To
      keep the counts and hide the issue, mute it instead.
    </DeleteResource>
  );
}
