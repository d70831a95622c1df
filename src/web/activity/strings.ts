import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  activityPage: {
    exportAsCsv: 'Export as CSV',
    exportEvents: (max: string) => `Events, up to ${max}`,
    exportChartData: 'Chart data',
    time: 'Time',
    customRange: 'Custom range',
    interval: 'Interval',
    groupBy: 'Group by',
    loading: 'Loading',
    eventCount: (count: number) => `${count.toLocaleString('en')} ${plural(count, { one: 'event', other: 'events' })}`,
    eventsPerInterval: (interval: string, groupBy: string) => `Events per ${interval}, by ${groupBy}.`,
    subjectsPerInterval: (interval: string, groupBy: string) => `Unique subjects per ${interval}, by ${groupBy}.`,
    metric: 'Metric',
    events: 'Events',
    subjects: 'Subjects',
    title: 'Activity',
    description: 'Events that your applications send as CloudEvents: counts over time, and the latest events.',
    latestEventsTitle: 'Latest events',
    exactPlaceholder: (name: string) => phrase`Exact ${name}`,
    accuracy:
      'Event counts are exact. Counts of more than 256 unique subjects are estimates (standard error 1.6%). Days are in UTC.',
  },
  chartLegend: {
    filterByThis: (groupBy: string) => `Filter events by this ${groupBy}`,
    eventsBy: (groupBy: string) => `Events by ${groupBy}`,
    events: 'Events',
    share: 'Share',
    showAsTable: 'Show as table',
    tableLabel: 'Chart data as a table',
    countsPer: (interval: string) => `Counts per ${interval}`,
    from: 'From',
  },
  chartRange: {
    ranges: {
      lastHour: 'Last hour',
      last24Hours: 'Last 24 hours',
      last7Days: 'Last 7 days',
      last30Days: 'Last 30 days',
      last90Days: 'Last 90 days',
    },
  },
  eventsTable: {
    filterByThis: (name: string) => phrase`Filter by this ${name}`,
    columns: {
      time: 'Time',
      type: 'Type',
      source: 'Source',
      subject: 'Subject',
      data: 'Data',
    },
    attributes: 'Attributes',
    base64: 'Binary data, in base64',
    latestEvents: 'Latest events',
    noMatchingEvents: 'No events in this time range match these filters.',
    noEvents: 'No events in this time range.',
  },
  howToSend: {
    title: 'No events in this time range',
    tokenName: 'Activity events',
    createToken: 'Create an access token',
    sendAnEvent: 'Send an event',
    introduction: (scope: ReactNode) => sentence`To send CloudEvents, use an access token with the ${scope} scope:`,
  },
  labels: {
    other: 'Other',
    noKey: 'No subject',
  },
};
