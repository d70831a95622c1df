import { Table } from '@mantine/core';
import type { ActivityGroup, Interval } from '../../contract/platform-vocabulary.ts';
import { capitalize } from '../components/format.ts';
import styles from './activity.module.css';
import type { ChartData, ChartSeries } from './chart-data.ts';
import { intervalLabel, seriesName } from './labels.ts';
import { strings } from './strings.ts';

interface ChartLegendProps {
  readonly chart: ChartData;
  readonly groupBy: ActivityGroup;
  /** Filters the list of events by this key. */
  readonly onSelect: (key: string) => void;
}

function SeriesName({ series, groupBy, onSelect }: { readonly series: ChartSeries } & Omit<ChartLegendProps, 'chart'>) {
  const name = seriesName(series);
  const { key } = series;
  if (series.isOther || key === null) return name;
  return (
    <button
      type="button"
      className={styles['filterButton']}
      onClick={() => onSelect(key)}
      title={strings.chartLegend.filterByThis(groupBy)}
    >
      {name}
    </button>
  );
}

/** The colors and totals of the chart's series. */
export function ChartLegend({ chart, groupBy, onSelect }: ChartLegendProps) {
  return (
    <div className={styles['scroll']}>
      <Table
        fz="sm"
        aria-label={strings.chartLegend.eventsBy(groupBy)}
        horizontalSpacing="xs"
        verticalSpacing={5}
        maw={680}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{capitalize(groupBy)}</Table.Th>
            <Table.Th scope="col" ta="right">
              {strings.chartLegend.events}
            </Table.Th>
            <Table.Th scope="col" ta="right">
              {strings.chartLegend.share}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {chart.series.map((series) => (
            <Table.Tr key={series.field}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                <span className={styles['swatch']} style={{ background: series.color }} aria-hidden />
                <SeriesName series={series} groupBy={groupBy} onSelect={onSelect} />
              </Table.Td>
              <Table.Td ta="right">{series.total.toLocaleString('en')}</Table.Td>
              <Table.Td ta="right">{`${Math.round((series.total / chart.total) * 100)}%`}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/**
 * The chart's data as a table, collapsed at first, without the intervals that have no events. The chart itself is
 * hidden from screen readers.
 */
export function ChartDataTable({ chart, interval }: { readonly chart: ChartData; readonly interval: Interval }) {
  const rows = chart.rows.filter((row) => chart.series.some(({ field }) => (row[field] ?? 0) > 0));
  return (
    <details className={styles['table']}>
      <summary>{strings.chartLegend.showAsTable}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
      <section className={styles['scroll']} aria-label={strings.chartLegend.tableLabel} tabIndex={0}>
        <Table fz="xs" aria-label={strings.chartLegend.countsPer(interval)} horizontalSpacing="xs" verticalSpacing={3}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{strings.chartLegend.from}</Table.Th>
              {chart.series.map((series) => (
                <Table.Th key={series.field} scope="col" ta="right">
                  {seriesName(series)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.toReversed().map((row) => (
              <Table.Tr key={row.time}>
                <Table.Th scope="row">{intervalLabel(row.time, interval)}</Table.Th>
                {chart.series.map(({ field }) => (
                  <Table.Td key={field} ta="right">
                    {(row[field] ?? 0).toLocaleString('en')}
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
