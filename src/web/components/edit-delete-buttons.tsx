import { Button } from '@mantine/core';
import { IconEdit, IconTrash } from './icons.ts';

interface EditDeleteButtonsProps {
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

/** The buttons of a resource page for owners and admins. */
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
