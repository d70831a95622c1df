import { Button, Checkbox, FileButton, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { parseDotenv } from '../../contract/dotenv.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { Dialog } from '../components/dialog.tsx';
import { CodeInput } from '../components/fields.tsx';
import { Form } from '../components/form.tsx';
import { IconUpload } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { DimmedText } from '../components/text.tsx';
import { validateVariableValue } from './environment-draft.ts';
import { strings } from './strings.ts';

type ParseResult =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly message: string };

function parseFile(text: string): ParseResult {
  if (text.length > RESOURCE_LIMITS.envBodyBytes) return { ok: false, message: strings.importDialog.fileTooLarge };
  const parsed = parseDotenv(text);
  if (!parsed.ok) return { ok: false, message: strings.importDialog.errorInLine(parsed.line, parsed.message) };
  for (const [name, value] of parsed.values) {
    const message = validateVariableValue(value);
    if (message !== null) return { ok: false, message: `${name}: ${message}.` };
  }
  return { ok: true, values: parsed.values };
}

interface ImportDialogProps {
  /** The names of the existing variables, without inherited ones. */
  readonly ownNames: ReadonlySet<string>;
  readonly onClose: () => void;
  readonly onDone: (values: ReadonlyMap<string, string>, options: { readonly removeOthers: boolean }) => void;
}

/** Reads a dotenv file into the draft without saving it. */
export function ImportDialog({ ownNames, onClose, onDone }: ImportDialogProps) {
  const [text, setText] = useState('');
  const [removeOthers, setRemoveOthers] = useState(false);
  const parsedFile = parseFile(text);
  const count = parsedFile.ok ? parsedFile.values.size : 0;
  const existingCount = parsedFile.ok ? [...parsedFile.values.keys()].filter((name) => ownNames.has(name)).length : 0;
  const removedCount = ownNames.size - existingCount;
  return (
    <Dialog onClose={onClose} title={strings.importDialog.title} size="lg">
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          if (!parsedFile.ok || count === 0) return;
          onDone(parsedFile.values, { removeOthers });
          onClose();
        }}
      >
        <Group>
          <FileButton onChange={(file) => void file?.text().then(setText)}>
            {(props) => (
              <Button variant="default" leftSection={<IconUpload size={16} />} {...props}>
                {strings.importDialog.chooseFile}
              </Button>
            )}
          </FileButton>
          <DimmedText>{strings.importDialog.orPasteBelow}</DimmedText>
        </Group>
        <CodeInput
          label={strings.importDialog.content}
          placeholder={strings.importDialog.contentPlaceholder}
          minRows={6}
          maxRows={14}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-autofocus
        />
        <Checkbox
          label={strings.importDialog.removeOthers}
          checked={removeOthers}
          onChange={(event) => setRemoveOthers(event.currentTarget.checked)}
        />
        <Text fz="sm" role="status">
          {parsedFile.ok &&
            count > 0 &&
            strings.importDialog.summary({ count, existingCount, removedCount: removeOthers ? removedCount : null })}
        </Text>
        {!parsedFile.ok && <Notice tone="danger">{parsedFile.message}</Notice>}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {strings.importDialog.cancel}
          </Button>
          <Button type="submit" disabled={!parsedFile.ok || count === 0}>
            {strings.importDialog.import}
          </Button>
        </Group>
      </Form>
    </Dialog>
  );
}
