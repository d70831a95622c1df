import { BarChart, LineChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import type { Interval } from '../../contract/words.ts';
import { lineName, stepLabel } from './labels.ts';
import type { Chart, Metric } from './series.ts';

interface ActivityChartProps {
  readonly chart: Chart;
  readonly interval: Interval;
  readonly metric: Metric;
}

/** Stacked bars of events, or lines of distinct subjects. Hidden from screen readers, for whom tables say the same. */
export function ActivityChart({ chart, interval, metric }: ActivityChartProps) {
  const common = {
    h: 260,
    data: chart.steps.map((step) => ({ ...step, label: stepLabel(step.at, interval) })),
    dataKey: 'label',
    series: chart.lines.map((line) => ({ name: line.field, label: lineName(line), color: line.colour })),
    gridAxis: 'x',
    tickLine: 'none',
    withTooltip: true,
    yAxisProps: { allowDecimals: false, width: 48 },
    xAxisProps: { interval: 'equidistantPreserveStart' },
    tooltipAnimationDuration: 0,
  } as const;
  return metric === 'count' ? (
    <BarChart
      {...common}
      type="stacked"
      barProps={{ isAnimationActive: false }}
      barChartProps={{ accessibilityLayer: false }}
    />
  ) : (
    <LineChart
      {...common}
      curveType="linear"
      withDots={false}
      lineProps={{ isAnimationActive: false }}
      lineChartProps={{ accessibilityLayer: false }}
    />
  );
}
