import { Button, Menu } from '@mantine/core';
import { useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import { download } from './download.ts';
import { IconChevronDown, IconDownload } from './icons.ts';
import { notifyError } from './notify-error.ts';
import { strings } from './strings.ts';
import { toPlainText } from './terminal-text.ts';
import type { ReadLog } from './use-live-log.ts';

const FORMATS = [
  {
    label: strings.liveLog.asText,
    extension: 'log',
    type: 'text/plain',
    format: ({ at: time, stream, step, text }: LogLine) =>
      `${time} ${stream}${step === null ? '' : ` ${step}`}: ${toPlainText(text)}\n`,
  },
  {
    label: strings.liveLog.asNdjson,
    extension: 'ndjson',
    type: 'application/x-ndjson',
    format: (line: LogLine) => `${JSON.stringify(line)}\n`,
  },
] as const;

interface LogDownloadProps {
  /** The name of the file without its extension. */
  readonly name: string;
  /** Reads the log again. */
  readonly read: ReadLog;
  readonly disabled: boolean;
}

/** Downloads all lines of a log. */
export function LogDownload({ name, read, disabled }: LogDownloadProps) {
  const [saving, setSaving] = useState(false);
  async function save({ extension, type, format }: (typeof FORMATS)[number]) {
    setSaving(true);
    try {
      const parts: string[] = [];
      for await (const line of read({}, {})) parts.push(format(line));
      download(`${name}.${extension}`, new Blob(parts, { type }));
    } catch (thrown) {
      notifyError(thrown);
    } finally {
      setSaving(false);
    }
  }
  return (
    <Menu>
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={16} />}
          rightSection={<IconChevronDown size={14} />}
          loading={saving}
          disabled={disabled}
        >
          {strings.liveLog.download}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {FORMATS.map((format) => (
          <Menu.Item key={format.extension} onClick={() => void save(format)}>
            {format.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
