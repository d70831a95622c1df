import { IconCheck, IconX } from './icons.ts';
import { Tag } from './notice.tsx';
import { strings } from './strings.ts';
import type { DeleteResult } from './use-delete-many.ts';

export function DeleteResultTag({ result }: { readonly result: DeleteResult }) {
  return result === null ? (
    <Tag tone="success">
      <IconCheck size={14} aria-hidden /> {strings.deleteResultTag.deleted}
    </Tag>
  ) : (
    <Tag tone="danger">
      <IconX size={14} aria-hidden /> {result}
    </Tag>
  );
}
