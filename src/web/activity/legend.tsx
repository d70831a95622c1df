import { Table } from '@mantine/core';
import type { ActivityGroup, Interval } from '../../contract/words.ts';
import styles from './activity.module.css';
import { lineName, stepLabel } from './labels.ts';
import type { Chart, Line } from './series.ts';

interface LegendProps {
  readonly chart: Chart;
  readonly groupBy: ActivityGroup;
  /** Narrows the events below to this key. */
  readonly onChoose: (key: string) => void;
}

function Name({ line, groupBy, onChoose }: { readonly line: Line } & Omit<LegendProps, 'chart'>) {
  const name = lineName(line);
  const { key } = line;
  if (line.rest || key === null) return name;
  return (
    <button
      type="button"
      className={styles['choose']}
      onClick={() => onChoose(key)}
      title={`Show the events of this ${groupBy}`}
    >
      {name}
    </button>
  );
}

/** Which colour is what, and how many events that makes. */
export function Legend({ chart, groupBy, onChoose }: LegendProps) {
  return (
    <div className={styles['scroll']}>
      <Table fz="sm" aria-label={`Events by ${groupBy}`} horizontalSpacing="xs" verticalSpacing={5} maw={680}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{groupBy.charAt(0).toUpperCase() + groupBy.slice(1)}</Table.Th>
            <Table.Th scope="col" ta="right">
              Events
            </Table.Th>
            <Table.Th scope="col" ta="right">
              Share
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {chart.lines.map((line) => (
            <Table.Tr key={line.field}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                <span className={styles['swatch']} style={{ background: line.colour }} aria-hidden />
                <Name line={line} groupBy={groupBy} onChoose={onChoose} />
              </Table.Td>
              <Table.Td ta="right">{line.total.toLocaleString('en')}</Table.Td>
              <Table.Td ta="right">{`${Math.round((line.total / chart.total) * 100)} %`}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/** The chart's numbers, for who can not see it. */
export function StepsAsTable({ chart, interval }: { readonly chart: Chart; readonly interval: Interval }) {
  const rows = chart.steps.filter((step) => chart.lines.some(({ field }) => (step[field] ?? 0) > 0));
  return (
    <details className={styles['table']}>
      <summary>As a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={styles['scroll']} aria-label="The chart as a table" tabIndex={0}>
        <Table fz="xs" aria-label={`Numbers a ${interval}`} horizontalSpacing="xs" verticalSpacing={3}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">From</Table.Th>
              {chart.lines.map((line) => (
                <Table.Th key={line.field} scope="col" ta="right">
                  {lineName(line)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.toReversed().map((step) => (
              <Table.Tr key={step.at}>
                <Table.Th scope="row">{stepLabel(step.at, interval)}</Table.Th>
                {chart.lines.map(({ field }) => (
                  <Table.Td key={field} ta="right">
                    {(step[field] ?? 0).toLocaleString('en')}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
    </details>
  );
}
