import type { AuditEvent } from '../../contract/audit-events.ts';
import { DAY } from '../../contract/limits.ts';
import { formatDate } from '../components/format.ts';
import styles from './activity-log.module.css';
import { EventRow } from './event-row.tsx';
import { strings } from './strings.ts';

function dayLabel(time: string, now: number): string {
  const day = formatDate(time);
  if (day === formatDate(now)) return strings.eventList.today;
  return day === formatDate(now - DAY) ? strings.eventList.yesterday : day;
}

function groupByDay(events: readonly AuditEvent[], now: number): [string, AuditEvent[]][] {
  const days: [string, AuditEvent[]][] = [];
  for (const event of events) {
    const day = dayLabel(event.at, now);
    const lastDay = days.at(-1);
    if (lastDay?.[0] === day) lastDay[1].push(event);
    else days.push([day, [event]]);
  }
  return days;
}

interface EventListProps {
  readonly events: readonly AuditEvent[];
  /** The heading level of the days, which depends on the page around the list. */
  readonly headingLevel?: 2 | 3;
}

/** Events, newest first, grouped by day in the browser's time zone. */
export function EventList({ events, headingLevel = 2 }: EventListProps) {
  const Heading = headingLevel === 2 ? 'h2' : 'h3';
  return (
    <div>
      {groupByDay(events, Date.now()).map(([day, dayEvents]) => (
        <section key={day} aria-label={day}>
          <Heading className={styles['day']}>{day}</Heading>
          <ul className={styles['events']}>
            {dayEvents.map((event) => (
              <EventRow key={event.id} event={event} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
