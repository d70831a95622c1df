import type { ErrorIssue } from '../../contract/errors.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

interface DeleteIssueDialogProps {
  readonly issue: ErrorIssue;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

/** Asks for confirmation before an issue and its occurrences are deleted. */
export function DeleteIssueDialog({ issue, onClose, onDeleted }: DeleteIssueDialogProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="issue"
      queryKeyPart="errors"
      name={issue.title}
      remove={() => api.errors.issues.delete(issue.id)}
      onClose={onClose}
      {...(onDeleted !== undefined && { onDeleted })}
    >
      {strings.deleteIssueDialog.consequences}
    </DeleteResourceDialog>
  );
}
