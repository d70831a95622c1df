import type { AuditEvent } from '../../contract/schemas.ts';
import { DAY } from '../../contract/words.ts';
import { dayOf } from '../components/time.tsx';
import styles from './activity-log.module.css';
import { EventRow } from './event-row.tsx';

function dayName(at: string, now: number): string {
  const day = dayOf(at);
  if (day === dayOf(now)) return 'Today';
  return day === dayOf(now - DAY) ? 'Yesterday' : day;
}

function byDay(events: readonly AuditEvent[], now: number): [string, AuditEvent[]][] {
  const days: [string, AuditEvent[]][] = [];
  for (const event of events) {
    const day = dayName(event.at, now);
    const last = days.at(-1);
    if (last?.[0] === day) last[1].push(event);
    else days.push([day, [event]]);
  }
  return days;
}

interface EventListProps {
  readonly events: readonly AuditEvent[];
  /** The level of the days' headings on the page around it. */
  readonly headings?: 2 | 3;
}

/** Events, newest first, under the days they happened on in the reader's zone. */
export function EventList({ events, headings = 2 }: EventListProps) {
  const Heading = headings === 2 ? 'h2' : 'h3';
  return (
    <div>
      {byDay(events, Date.now()).map(([day, ofDay]) => (
        <section key={day} aria-label={day}>
          <Heading className={styles['day']}>{day}</Heading>
          <ul className={styles['events']}>
            {ofDay.map((event) => (
              <EventRow key={event.id} event={event} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
