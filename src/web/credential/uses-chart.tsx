import { BarChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { formatCompactNumber } from '../components/format.ts';
import type { DailyUses } from './daily-uses.ts';
import { strings } from './strings.ts';

/** One bar per day. It must be hidden from screen readers, which get the same data as a table. */
export function UsesChart({ days }: { readonly days: readonly DailyUses[] }) {
  return (
    <BarChart
      h={200}
      data={days.map((day) => ({ ...day }))}
      dataKey="label"
      series={[{ name: 'uses', label: strings.usesChart.uses, color: 'pilot.5' }]}
      gridAxis="x"
      tickLine="none"
      withTooltip
      valueFormatter={(value) => value.toLocaleString('en')}
      yAxisProps={{ allowDecimals: false, width: 44, tickFormatter: formatCompactNumber }}
      xAxisProps={{ interval: 'equidistantPreserveStart' }}
      barProps={{ radius: [3, 3, 0, 0], isAnimationActive: false }}
      tooltipAnimationDuration={0}
      barChartProps={{ accessibilityLayer: false }}
    />
  );
}
