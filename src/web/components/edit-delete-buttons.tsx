import { Button } from '@mantine/core';
import { IconEdit, IconTrash } from './icons.ts';

interface EditDeleteButtonsProps {
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

/** What owners and admins do with the one thing that a page is about. */
export function EditDeleteButtons({ onEdit, onDelete }: EditDeleteButtonsProps) {
  return (
    <>
      <Button variant="default" leftSection={<IconEdit size={16} />} onClick={onEdit}>
        Edit
      </Button>
      <Button className="button-bad" leftSection={<IconTrash size={16} />} onClick={onDelete}>
        Delete
      </Button>
    </>
  );
}
