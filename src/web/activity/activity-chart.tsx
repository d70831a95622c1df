import { BarChart, LineChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import type { Interval } from '../../contract/platform-vocabulary.ts';
import { formatCompactNumber } from '../components/format.ts';
import { axisLabel, axisTicks } from './chart-axis.ts';
import type { ChartData, Metric } from './chart-data.ts';
import { intervalLabel, seriesName } from './labels.ts';

interface ActivityChartProps {
  readonly chart: ChartData;
  readonly interval: Interval;
  readonly metric: Metric;
}

/**
 * Stacked bars of events, or lines of unique subjects. Hidden from screen readers, which get the same data as a table.
 */
export function ActivityChart({ chart, interval, metric }: ActivityChartProps) {
  const chartProps = {
    h: 260,
    data: chart.rows.map((row) => ({ ...row })),
    dataKey: 'time',
    series: chart.series.map((series) => ({ name: series.field, label: seriesName(series), color: series.color })),
    gridAxis: 'x',
    tickLine: 'none',
    withTooltip: true,
    valueFormatter: (value: number) => value.toLocaleString('en'),
    yAxisProps: { allowDecimals: false, width: 48, tickFormatter: formatCompactNumber },
    xAxisProps: {
      ticks: axisTicks(
        chart.rows.map(({ time }) => time),
        interval,
      ),
      tickFormatter: (time: number) => axisLabel(time, interval),
      interval: 'equidistantPreserveStart',
    },
    tooltipProps: {
      // The chart library also calls this while the pointer is not over an interval.
      labelFormatter: (time: unknown) => (typeof time === 'number' ? intervalLabel(time, interval) : ''),
    },
    tooltipAnimationDuration: 0,
  } as const;
  return metric === 'count' ? (
    <BarChart
      {...chartProps}
      type="stacked"
      barProps={{ isAnimationActive: false }}
      barChartProps={{ accessibilityLayer: false }}
    />
  ) : (
    <LineChart
      {...chartProps}
      curveType="linear"
      withDots={false}
      lineProps={{ isAnimationActive: false }}
      lineChartProps={{ accessibilityLayer: false }}
    />
  );
}
