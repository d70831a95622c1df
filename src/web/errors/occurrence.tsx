import { Switch, Text } from '@mantine/core';
import { useState } from 'react';
import type { ErrorBreadcrumb, ErrorEvent, ErrorFrame } from '../../contract/errors.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { formatDateTime } from '../components/format.ts';
import { Section } from '../components/section.tsx';
import { DimmedText, mono } from '../components/text.tsx';
import styles from './errors.module.css';
import { strings } from './strings.ts';

function SourceContext({ frame: { context, line } }: { readonly frame: ErrorFrame }) {
  if (context === null) return null;
  const lastLine = context.firstLine + context.lines.length - 1;
  return (
    <details className={styles['context']}>
      <summary>{strings.occurrence.showSource}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
      <pre tabIndex={0}>
        {context.lines.map((text, index) => {
          const number = context.firstLine + index;
          return (
            <span key={number} {...(number === line && { 'data-current': true })}>
              {`${String(number).padStart(String(lastLine).length)}  ${text}\n`}
            </span>
          );
        })}
      </pre>
    </details>
  );
}

/**
 * Whether a line with this column is so long that it is probably minified. Only the column then identifies the
 * position.
 */
const isMinifiedColumn = (column: number | null) => (column ?? 0) >= 200;

function StackFrame({ frame }: { readonly frame: ErrorFrame }) {
  const { file, line, column, module, inApp } = frame;
  const position = [line, line !== null && isMinifiedColumn(column) ? column : null].filter((part) => part !== null);
  const isJvm = file !== null && /\.(?:java|kt|scala)$/.test(file);
  return (
    <li {...(inApp && { 'data-in-app': true })}>
      {/* On the JVM, the module is the class that contains the function. */}
      {isJvm && module !== null && `${module}.`}
      {frame.function ?? strings.occurrence.anonymous}{' '}
      <span className={styles['location']}>{[file ?? strings.occurrence.unknownFile, ...position].join(':')}</span>
      {inApp && <span className="visually-hidden">{strings.occurrence.inTheApp}</span>}
      <SourceContext frame={frame} />
    </li>
  );
}

/** Returns a frame as it was reported, before a source map was applied. */
const toGeneratedFrame = (frame: ErrorFrame): ErrorFrame =>
  frame.generated === null ? frame : { ...frame, ...frame.generated, context: null };

function StackTrace({ event }: { readonly event: ErrorEvent }) {
  const { stack } = event;
  const [showsMinified, setShowsMinified] = useState(false);
  const hasSourceMaps = event.frames.some(({ generated }) => generated !== null);
  const frames = showsMinified ? event.frames.map(toGeneratedFrame) : event.frames;
  return (
    <Section
      title={strings.occurrence.stackTraceTitle}
      description={frames.length > 0 && strings.occurrence.stackTraceDescription}
    >
      {hasSourceMaps && (
        <Switch
          size="sm"
          mb="xs"
          label={strings.occurrence.showMinified}
          checked={showsMinified}
          onChange={({ currentTarget }) => setShowsMinified(currentTarget.checked)}
        />
      )}
      {frames.length > 0 && (
        <ol className={styles['frames']} aria-label={strings.occurrence.stackTrace}>
          {frames.map((frame, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the frames of an event are never reordered
            <StackFrame key={index} frame={frame} />
          ))}
        </ol>
      )}
      {stack !== null && (
        <details className={styles['details']} open={frames.length === 0}>
          <summary>{strings.occurrence.rawStackTrace}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
          <pre className={styles['raw']} tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
      {frames.length === 0 && stack === null && <DimmedText>{strings.occurrence.noStackTrace}</DimmedText>}
    </Section>
  );
}

const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

function BreadcrumbList({ breadcrumbs }: { readonly breadcrumbs: readonly ErrorBreadcrumb[] }) {
  return (
    <Section title={strings.occurrence.breadcrumbsTitle} description={strings.occurrence.breadcrumbsDescription}>
      <ol className={styles['breadcrumbs']} aria-label={strings.occurrence.breadcrumbs}>
        {breadcrumbs.map(({ at: time, category, level, message }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the breadcrumbs of an event are never reordered
          <li key={index}>
            {time === null ? (
              <span>–</span>
            ) : (
              <time dateTime={time} title={formatDateTime(time)}>
                {timeFormat.format(new Date(time))}
              </time>
            )}
            <span className={styles['category']}>{category ?? level ?? '–'}</span>
            <span>{message ?? '–'}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

/** An occurrence of an issue: message, stack trace, breadcrumbs, tags. */
export function Occurrence({ event }: { readonly event: ErrorEvent }) {
  const tags = Object.entries(event.tags);
  return (
    <>
      <Section title={strings.occurrence.messageTitle}>
        <Text fz="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {event.message === '' ? strings.occurrence.noMessage : event.message}
        </Text>
      </Section>
      <StackTrace event={event} />
      {event.breadcrumbs.length > 0 && <BreadcrumbList breadcrumbs={event.breadcrumbs} />}
      {tags.length > 0 && (
        <Section title={strings.occurrence.tagsTitle}>
          <DescriptionList items={tags.map(([name, value]) => [name, mono(value)] as const)} />
        </Section>
      )}
    </>
  );
}
