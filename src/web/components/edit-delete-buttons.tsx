import { Button } from '@mantine/core';
import { IconEdit, IconTrash } from './icons.ts';
import { strings } from './strings.ts';

/** The button of a resource page that edits the resource. */
export const EditButton = ({ onClick }: { readonly onClick: () => void }) => (
  <Button variant="default" leftSection={<IconEdit size={16} />} onClick={onClick}>
    {strings.editDeleteButtons.edit}
  </Button>
);

/** The button of a resource page that deletes the resource. */
export const DeleteButton = ({ onClick }: { readonly onClick: () => void }) => (
  <Button className="button-danger" leftSection={<IconTrash size={16} />} onClick={onClick}>
    {strings.editDeleteButtons.delete}
  </Button>
);
